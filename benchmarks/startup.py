#!/usr/bin/env python3
"""CPU time of polc's start-up: `polc --version` and compiling ten rules, against 150 ms, and checking them, against
400 ms: that asks the symbolic engine about all packets of both families.

Usage: .venv/bin/python benchmarks/startup.py [--runs 20]
Exit status 1 when a median is over the limit. The bare interpreter is measured in the same run.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

LIMIT_MS, CHECK_LIMIT_MS = 150, 400
# Bytecode caches are how Python is installed and used; a caller's wish to leave none must not be measured.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
POLICY = """\
polc: 1
zones: {wan: eth0, lan: [eth1, "wg*"]}
addresses: {admins: [198.51.100.0/24, 203.0.113.7, "2001:db8:10::/48"]}
services: {web: "tcp/80,443"}
input:
  default: drop
  rules:
    - use stateful
    - use loopback
    - use icmp-essentials
    - drop ssh state new over 10/minute burst 10 per source
    - accept ssh from wan @admins state new
    - accept web state new
    - accept dns from lan
    - accept udp/123 from lan
    - reject with tcp-reset tcp/113
    - {verdict: accept, service: tcp/8080, from: {zone: lan}, state: [new]}
"""


def cpu_ms(argv: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    polc = str(Path(sys.executable).with_name("polc"))
    with tempfile.TemporaryDirectory() as directory:
        policy = Path(directory) / "policy.yaml"
        policy.write_text(POLICY)
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "polc --version": [polc, "--version"],
            "polc compile --target nft": [polc, "compile", str(policy), "--target", "nft"],
            "polc compile --target iptables": [polc, "compile", str(policy), "--target", "iptables", "-o", directory],
            "polc check": [polc, "check", str(policy)],
        }
        slow = False
        limits = f"{LIMIT_MS} and {CHECK_LIMIT_MS}"
        print(f"{'command':<32}{'median':>9}{'min':>9}{'max':>9}   CPU ms of {runs} runs, limits {limits}")
        for name, argv in commands.items():
            cpu_ms(argv)  # writes the bytecode caches
            times = [cpu_ms(argv) for _ in range(runs)]
            median = statistics.median(times)
            limit = CHECK_LIMIT_MS if name == "polc check" else LIMIT_MS
            slow |= median > limit
            verdict = "  over the limit" if median > limit else ""
            print(f"{name:<32}{median:>9.0f}{min(times):>9.0f}{max(times):>9.0f}{verdict}")
    return 1 if slow else 0


if __name__ == "__main__":
    raise SystemExit(main())
