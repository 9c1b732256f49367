#!/usr/bin/env python3
"""CPU time and memory of ``polc diff`` from files to answer, each in a process of its own, against the limits.

Usage: .venv/bin/python benchmarks/diff.py [--corpus DIRECTORY] [PAIR ...]
A pair is ``A,B``. Without any: each large file of ../shared/corpus with one of its rules turned from accept to drop,
different ones with each other, and ClassBench's acl1 of 10,000 rules with one changed rule.
"""

from __future__ import annotations

import argparse
import gzip
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LARGE = 200_000
"""Bytes of the files that are compared."""
SECONDS, CLASSBENCH_SECONDS, MEGABYTES = 10.0, 5.0, 1024


def pairs(corpus: Path, directory: Path) -> Iterator[tuple[str, Path, Path, float]]:
    """What is compared, both files, and the limit in seconds."""
    large = sorted((corpus / "iptables-save").glob("*.save"), key=lambda path: -path.stat().st_size)
    large = [path for path in large if path.stat().st_size > LARGE]
    for path in large:
        yield f"one rule of {path.stem[:36]}", path, changed(path, path.read_text(), directory), SECONDS
    of_v4 = [path for path in large if ".v4" in path.name]
    for one, other in pairwise(of_v4):
        yield f"{one.stem[:20]} / {other.stem[:20]}", one, other, SECONDS
    for packed in sorted((corpus / "classbench").glob("acl1*.gz")):
        text = gzip.decompress(packed.read_bytes()).decode()
        whole = directory / packed.stem
        whole.write_text(text)
        yield f"one rule of {packed.stem}", whole, changed(whole, text, directory), CLASSBENCH_SECONDS


def changed(path: Path, text: str, directory: Path) -> Path:
    """The file with the accepting rule in its middle turned to drop."""
    lines = text.splitlines(keepends=True)
    accepting = [at for at, line in enumerate(lines) if line.startswith("-A") and line.rstrip().endswith("-j ACCEPT")]
    at = accepting[len(accepting) // 2]
    lines[at] = lines[at].replace("-j ACCEPT", "-j DROP")
    made = directory / f"changed-{path.name}"
    made.write_text("".join(lines))
    return made


def measure(before: Path, after: Path) -> tuple[float, int, str]:
    """Seconds of CPU, the most memory in MiB, and the headline."""
    command = [sys.executable, "-m", "polc", "diff", str(before), str(after)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        answer = process.stdout.read()
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
    return used.ru_utime + used.ru_stime, used.ru_maxrss // 1024, answer.partition("\n")[0].rpartition("save: ")[2]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", nargs="*", metavar="PAIR")
    parser.add_argument("--corpus", type=Path, default=ROOT.parent / "shared" / "corpus")
    arguments = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as directory:
        given = [one.split(",") for one in arguments.pairs]
        wanted = [(f"{Path(a).name} / {Path(b).name}", Path(a), Path(b), SECONDS) for a, b in given]
        for name, before, after, limit in wanted or pairs(arguments.corpus, Path(directory)):
            seconds, memory, headline = measure(before, after)
            slow = seconds > limit or memory > MEGABYTES
            failed |= slow
            print(
                f"{name:50} {seconds:5.2f} s (limit {limit:g})  {memory:5} MiB  {headline}"
                + ("  OVER THE LIMIT" if slow else ""),
                flush=True,
            )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
