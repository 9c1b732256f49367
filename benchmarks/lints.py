#!/usr/bin/env python3
"""CPU time and memory of the lints that look at all packets, from file to answer, against their limits.

Usage: .venv/bin/python benchmarks/lints.py [--corpus DIRECTORY] [FILE ...]
Without files those of ../shared/corpus that have more than 1,000 rules, and ClassBench's; where there is no corpus,
rulesets of the same shapes are made up. Each file has a process of its own for shadowing (POL320, POL321, POL323), and
one for redundancy (POL322). Exit status 1 when one is over a limit.
"""

from __future__ import annotations

import argparse
import gzip
import os
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
QUESTIONS = {"shadowing": "POL320,POL321,POL323", "redundancy": "POL322"}
LIMIT_S, ACL_LIMIT_S, LIMIT_MB = 10.0, 5.0, 1000
LARGE = 100_000
"""Bytes of a file worth measuring."""


def files(corpus: Path, directory: Path) -> Iterator[Path]:
    if not corpus.is_dir():
        yield from made_up(directory)
        return
    saved = sorted((corpus / "iptables-save").glob("*.save"), key=lambda path: -path.stat().st_size)
    yield from (path for path in saved if path.stat().st_size > LARGE)
    for packed in sorted((corpus / "classbench").glob("*.save.gz")):
        unpacked = directory / packed.stem
        unpacked.write_bytes(gzip.decompress(packed.read_bytes()))
        yield unpacked


def made_up(directory: Path) -> Iterator[Path]:
    """5,000 rules in a hundred chains by sender, each with exceptions; and a flat list of 10,000."""
    chance = random.Random(7)
    lines = ["*filter", ":INPUT DROP [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]"]
    lines += [f":net{n} - [0:0]" for n in range(100)]
    lines += ["-A FORWARD -m state --state RELATED,ESTABLISHED -j ACCEPT"]
    lines += [f"-A FORWARD -s 10.{n}.0.0/16 -j net{n}" for n in range(100)]
    for n in range(100):
        for _ in range(49):
            there = f"{chance.randrange(1, 224)}.{chance.randrange(256)}.0.0/{chance.choice((16, 20, 24))}"
            host = f"10.{n}.{chance.randrange(256)}.{chance.randrange(256)}"
            port = chance.choice((22, 25, 53, 80, 443, 8080))
            verdict = chance.choice(("ACCEPT", "DROP"))
            lines.append(f"-A net{n} -s {host}/32 -d {there} -p tcp -m tcp --dport {port} -j {verdict}")
    chains = directory / "chains_5000.v4.save"
    chains.write_text("\n".join([*lines, "COMMIT", ""]))
    yield chains
    lines = ["*filter", ":INPUT ACCEPT [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]"]
    for _ in range(10_000):
        ends = [f"{chance.randrange(1, 224)}.{chance.randrange(256)}.{chance.randrange(256)}.0/24" for _ in range(2)]
        verdict = chance.choice(("ACCEPT", "DROP"))
        lines.append(
            f"-A FORWARD -s {ends[0]} -d {ends[1]} -p tcp -m tcp --dport {chance.randrange(1024)} -j {verdict}"
        )
    flat = directory / "acl1_10000.v4.save"
    flat.write_text("\n".join([*lines, "COMMIT", ""]))
    yield flat


def measure(path: Path, codes: str) -> tuple[float, int, int]:
    """CPU seconds, peak memory in MB, and findings of ``polc check``."""
    polc = str(Path(sys.executable).with_name("polc"))
    process = subprocess.Popen([polc, "check", str(path), "--select", codes], stdout=subprocess.PIPE)
    assert process.stdout is not None
    told = process.stdout.read().count(b"[POL32")
    _, _, used = os.wait4(process.pid, 0)
    return used.ru_utime + used.ru_stime, used.ru_maxrss // 1024, told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    default = os.environ.get("POLC_CORPUS") or ROOT.parent / "shared" / "corpus"
    parser.add_argument("--corpus", type=Path, default=Path(default))
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    over = False
    with tempfile.TemporaryDirectory() as directory:
        for path in arguments.files or files(arguments.corpus, Path(directory)):
            rules = sum(line.startswith("-A") for line in path.read_text().splitlines())
            for question, codes in QUESTIONS.items():
                seconds, memory, told = measure(path, codes)
                limit = ACL_LIMIT_S if path.name.startswith("acl1") and question == "shadowing" else LIMIT_S
                slow = seconds > limit or memory > LIMIT_MB
                over |= slow
                print(
                    f"{path.name[:40]:40} {rules:6} rules  {question:10} {seconds:6.2f} s (limit {limit:g})  "
                    f"{memory:5} MB  {told:5} findings{'  over the limit' if slow else ''}",
                    flush=True,
                )
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
