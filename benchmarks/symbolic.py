#!/usr/bin/env python3
"""CPU time and nodes of the symbolic engine: verdict sets, differences, and oxidd's BDDs beside it where installed.

Usage: .venv/bin/python benchmarks/symbolic.py [--corpus DIRECTORY] [--oxidd] [FILE ...]
Without files those of ../shared/corpus that have more than 1,000 rules, and ClassBench's. Each is read, the outcome of
every packet at input, forward and output made, and then the difference to itself with one rule taken out.
"""

from __future__ import annotations

import argparse
import gzip
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from polc.diagnostics import Collector
from polc.firewalls import Firewall, read_firewall
from polc.ir.ruleset import Chain, Hook, Ruleset
from polc.symbolic.hooks import Hooks, Loaded
from polc.symbolic.regions import regions
from polc.symbolic.space import Space, spaces

ROOT = Path(__file__).resolve().parent.parent
HOOKS = (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT)
LARGE = 1000


def files(corpus: Path, directory: Path) -> Iterator[Path]:
    """Large ones of the corpus, unpacked where they are packed."""
    yield from sorted((corpus / "iptables-save").glob("*.save"), key=lambda path: -path.stat().st_size)
    yield from sorted((corpus / "classbench").glob("*.save"))
    for packed in sorted((corpus / "classbench").glob("*.save.gz")):
        unpacked = directory / packed.stem
        unpacked.write_bytes(gzip.decompress(packed.read_bytes()))
        yield unpacked


def size(firewall: Firewall) -> int:
    return sum(len(chain.rules) for one in firewall.rulesets for chain in one.chains)


def without_one(ruleset: Ruleset) -> Ruleset:
    """The ruleset without the rule in the middle of its longest chain."""
    longest: Chain = max(ruleset.chains, key=lambda chain: len(chain.rules))
    middle = len(longest.rules) // 2
    shorter = replace(longest, rules=longest.rules[:middle] + longest.rules[middle + 1 :])
    return replace(ruleset, chains=tuple(shorter if one is longest else one for one in ruleset.chains))


def outcomes(space: Space, firewall: Firewall, rulesets: tuple[Ruleset, ...]) -> tuple[Hooks, list[int]]:
    hooks = Hooks(space, [Loaded(one, firewall.flavour) for one in rulesets])
    return hooks, [hooks.outcomes(hook) for hook in HOOKS]


def measure(path: Path, *, oxidd: bool) -> None:
    start = time.process_time()
    firewall = read_firewall(str(path), Collector())
    read = time.process_time() - start
    changed = tuple(without_one(one) for one in firewall.rulesets)
    for space in spaces((*firewall.rulesets, *changed)):
        start = time.process_time()
        hooks, before = outcomes(space, firewall, firewall.rulesets)
        made = time.process_time() - start
        nodes = sum(space.manager.size(one) for one in before)
        if nodes <= 2 * len(HOOKS):
            continue
        _, after = outcomes(space, firewall, changed)
        found = [
            space.manager.where(hooks.valid(hook), space.manager.differs(one, other))
            for hook, one, other in zip(HOOKS, before, after, strict=True)
        ]
        boxes = sum(len(regions(space, one)) for one in found)
        difference = time.process_time() - start - made
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        words = (
            f"{path.stem[:40]:40} {space.family.value:3} {size(firewall):6} rules  read {read:5.2f} s  verdicts {made:5.2f} s "
            f"({nodes} nodes)  one rule out: {difference:5.2f} s, {boxes} regions  {memory} MB so far"
        )
        if oxidd:
            words += f"  oxidd {_bdds(space, firewall)}"
        print(words, flush=True)


def _bdds(space: Space, firewall: Firewall) -> str:
    sys.path.insert(0, str(ROOT))
    from tests.symbolic.bdd import NotHere, Reading

    start = time.process_time()
    reading = Reading(space)
    reading.number_variables()
    try:
        for hook in HOOKS:
            reading.accepted(list(firewall.rulesets), hook)
    except NotHere:
        return "left out"
    return f"{time.process_time() - start:.2f} s"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--corpus", type=Path, default=ROOT.parent / "shared" / "corpus")
    parser.add_argument("--oxidd", action="store_true", help="the same sets in BDDs of the package oxidd too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        paths = arguments.files or [
            path
            for path in files(arguments.corpus, Path(directory))
            if "classbench" in str(path) or path.stat().st_size > 100 * LARGE
        ]
        for path in paths:
            measure(path, oxidd=arguments.oxidd)
    return 0


if __name__ == "__main__":
    sys.exit(main())
