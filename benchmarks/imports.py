#!/usr/bin/env python3
"""CPU time (user and system, whole process) from a file of iptables-save to nft JSON, for 10,000 rules, rule for rule.

The rules are the ClassBench sets of the corpus (POLC_CORPUS, or ../shared/corpus), and rules of the same shape that are
generated here: first match, prefixes of both sides, a protocol, ranges of ports. iptables-restore-translate is measured
on the same files in the same run, where it is installed: it turns lines into lines, and checks neither what they name
nor what nft has no words for.

Usage: .venv/bin/python benchmarks/imports.py [--rules 10000] [--runs 5]
Exit status 1 when a median is over the limit of 3 s.
"""

from __future__ import annotations

import argparse
import gzip
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from shutil import which

LIMIT = 3.0
CORPUS = Path(os.environ.get("POLC_CORPUS") or Path(__file__).parents[2] / "shared" / "corpus") / "classbench"
# Bytecode caches are how Python is installed and used; a caller's wish to leave none must not be measured.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def generated(count: int) -> str:
    """As ClassBench makes them; the same ones each time."""
    draw = random.Random(1)
    lines = ["*filter", ":INPUT ACCEPT [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]"]
    for _ in range(count):
        words = []
        for option in ("-s", "-d"):
            length = draw.choice((0, 16, 21, 24, 24, 28, 32, 32, 32))
            address = draw.getrandbits(32) >> (32 - length) << (32 - length) if length else 0
            if length:
                words.append(f"{option} {'.'.join(map(str, address.to_bytes(4, 'big')))}/{length}")
        protocol = draw.choice(("tcp", "tcp", "tcp", "udp", "icmp", ""))
        if protocol:
            words.append(f"-p {protocol}")
        if protocol in ("tcp", "udp"):
            low = draw.randrange(1, 60000)
            ports = draw.choice((f"{low}", f"{low}:{low + draw.randrange(1, 5000)}", "1024:65535"))
            words.append(f"-m {protocol} --dport {ports}")
        lines.append(f"-A FORWARD {' '.join(words)} -j {draw.choice(('ACCEPT', 'DROP'))}")
    return "\n".join([*lines, "COMMIT", ""])


def cpu(argv: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rules", type=int, default=10_000, help="how many are generated")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    files = {f"generated, {options.rules}": generated(options.rules)}
    for path in sorted(CORPUS.glob("*_10000.save.gz")):
        files[path.name.removesuffix(".save.gz")] = gzip.decompress(path.read_bytes()).decode()
    polc, other = str(Path(sys.executable).with_name("polc")), which("iptables-restore-translate", path=PATH)
    slow = False
    print(f"{'rules':<20}{'polc':>8}{'us a rule':>11}{'restore-translate':>20}   CPU s, median of {options.runs}")
    with tempfile.TemporaryDirectory() as directory:
        for name, text in files.items():
            file = Path(directory) / "rules.v4"
            file.write_text(text)
            count = sum(line.startswith("-A") for line in text.splitlines())
            argv = [polc, "translate", str(file), "--to", "nft", "--format", "json"]
            cpu(argv)  # writes the bytecode caches
            own = statistics.median(cpu(argv) for _ in range(options.runs))
            theirs = statistics.median(cpu([other, "-f", str(file)]) for _ in range(options.runs)) if other else None
            slow |= own > LIMIT
            beside = "not installed" if theirs is None else f"{theirs:.2f}"
            verdict = "   over the limit" if own > LIMIT else ""
            print(f"{name:<20}{own:>8.2f}{1e6 * own / count:>11.0f}{beside:>20}{verdict}")
    return 1 if slow else 0


if __name__ == "__main__":
    raise SystemExit(main())
