#!/usr/bin/env python3
"""CPU time and memory of a group of a million addresses: polc, from the file to nft's words, and `nft -c` with those.

The addresses are drawn with a fixed seed, one a line, and lie next to each other nowhere. The output is looked through
for all of them. Bar: polc takes at most twice the CPU time that `nft -c` needs to read what polc wrote.

Usage (as root, for the namespace that nft checks in): .venv/bin/python benchmarks/addresses.py [--addresses 1000000]
Exit status 0: the bar is met; 1: it is missed; 3: nft or the namespace cannot be had.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from ipaddress import IPv4Address
from pathlib import Path

BAR = 2.0
# Bytecode caches are how Python is installed and used; a caller's wish to leave none must not be measured.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
ENVIRONMENT["PATH"] += ":/usr/sbin:/sbin"
POLICY = """\
polc: 1
addresses: {listed: {file: listed.txt}}
input: {default: accept, rules: [drop from @listed]}
"""


def draw(count: int) -> list[int]:
    # Even numbers alone: no two can be joined into a range.
    return [2 * number for number in random.Random(1).sample(range(1 << 23, 0x6F000000), count)]


def run(argv: list[str]) -> tuple[float, int]:
    """CPU seconds (user and system) of a command, and its most memory in KiB."""
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, argv)
    return used.ru_utime + used.ru_stime, used.ru_maxrss


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--addresses", type=int, default=1_000_000)
    count = parser.parse_args().addresses
    nft = shutil.which("nft", path=ENVIRONMENT["PATH"])
    if nft is None or subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode:
        print("nft, or a network namespace to check in, cannot be had", file=sys.stderr)
        return 3
    missed = False
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "policy.yaml").write_text(POLICY)
        texts = [str(IPv4Address(number)) for number in draw(count)]
        (directory / "listed.txt").write_text("\n".join(texts) + "\n")
        polc = [str(Path(sys.executable).with_name("polc")), "compile", str(directory / "policy.yaml")]
        print(f"{count} addresses{'':6} polc, CPU s   nft -c, CPU s   polc takes   polc, MiB")
        for form, option in (("text", []), ("json", ["-j"])):
            out = directory / f"ruleset.{form}"
            own, memory = run([*polc, "--target", "nft", "--format", form, "-o", str(out)])
            words = set(out.read_text().replace('"', " ").replace(",", " ").split())
            assert words.issuperset(texts), "addresses are missing"
            theirs, _ = run(["unshare", "-n", nft, *option, "-c", "-f", str(out)])
            print(f"{form:24} {own:10.2f} {theirs:15.2f} {own / theirs:9.2f} of it {memory / 1024:11.0f}")
            if own > BAR * theirs:
                missed = True
    if missed:
        print(f"missed: the bar is {BAR} of the time of nft -c")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
