"""``scripts/fuzz``: run a reader under libFuzzer, with limits, and keep what it finds.

An exception is kept once for each place that it comes from, and does not end the run. What takes too long or too much
memory does end the process; the run then goes on in another.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

from fuzzing.seeds import LARGEST, ROOT, dictionary, seeds

SECONDS_AN_INPUT = 10
MIB = 3072
_KINDS = ("iptables-save", "script", "ipset", "nft", "policy", "packet", "host", "pcap")
_RUNS = re.compile(r"stat::number_of_executed_units:\s*(\d+)|^#(\d+)\s", re.MULTILINE)
_COVERED = re.compile(r"\bcov: (\d+)")


def main() -> int:
    options = _options()
    if options.input:
        return subprocess.run([sys.executable, "-m", "fuzzing.child", options.reader, *options.input]).returncode
    work: Path = options.work / options.reader
    found = work / "found"
    begun = work / "begun"
    for one in (found, begun, work / "grown"):
        one.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds(options.reader)):
        (begun / f"{number:04}").write_bytes(data)
    words = work / "words"
    words.write_text(dictionary(options.reader))
    known = {path.name for path in found.iterdir()}
    executed, covered, seed, end = 0, 0, options.seed, time.monotonic() + options.seconds
    while (left := int(end - time.monotonic())) > 0:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "fuzzing.child", options.reader),
                *(f"-max_total_time={left}", f"-seed={seed}"),
                *(f"-runs={options.runs}",) * (options.runs is not None),
                *(f"-timeout={SECONDS_AN_INPUT}", f"-rss_limit_mb={MIB}", f"-max_len={LARGEST}"),
                "-print_final_stats=1",
                *(f"-dict={words}",) * (words.stat().st_size > 0),
                *(f"-artifact_prefix={found}/", str(work / "grown"), str(begun)),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )  # fmt: skip
        executed += max((int(a or b) for a, b in _RUNS.findall(done.stderr)), default=0)
        covered = max([covered, *map(int, _COVERED.findall(done.stderr))])
        (work / "log").write_text(done.stderr)
        if done.returncode == 0 or options.runs is not None:
            break
        if not _RUNS.search(done.stderr):
            sys.stderr.write(done.stderr)
            return 3
        seed += 1
    new = sorted(path.name for path in found.iterdir() if path.name not in known)
    print(f"{options.reader}: {executed} inputs, {covered} edges of polc covered, {len(new)} found")
    for name in new:
        print(f"  {found / name}")
    return 1 if new else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/fuzz",
        description="feed a reader with bytes that coverage of polc's own code guides",
        epilog="exit status: 0 nothing found, 1 something was (its files are named), 2 usage, 3 it did not run",
    )
    parser.add_argument("reader", choices=_KINDS)
    parser.add_argument("--seconds", type=int, default=600, metavar="N", help="how long, 600 without it")
    parser.add_argument("--runs", type=int, metavar="N", help="how many inputs at most")
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N",
        help="with the same seed, --runs and an empty --work the inputs are the same",
    )  # fmt: skip
    parser.add_argument("--work", type=Path, default=ROOT / ".fuzz", metavar="DIRECTORY", help="where inputs are kept")
    parser.add_argument("--input", action="append", metavar="FILE", help="read this file once, and show what happens")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
