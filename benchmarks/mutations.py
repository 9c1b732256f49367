"""How many deliberate faults ``polc verify`` sees, over the examples and all goldens, on every loader.

    python benchmarks/mutations.py [--mutations N] [--loader NAME] [--jobs N] [--missed] [FILE ...]

A row has for each loader, of the faults that change what becomes of a packet by the symbolic engine's proof, how many
were seen and missed; then of those that change only what is remembered or marked, and of those that are undecided.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from polc.backends.model import Output
from polc.backends.profile import OLDEST, PROFILES, Profile
from polc.cli.verify_packets import joined
from polc.compiler import ANY_APPROXIMATION, emit
from polc.diagnostics import Collector, Failure
from polc.firewalls import read_firewall
from polc.ir.ruleset import Ruleset
from polc.kernel.loaders import LOADERS
from polc.passes import pipeline
from polc.probing.certify import apart, name_of
from polc.probing.faults import Effect
from polc.probing.hosts import Hosts
from polc.probing.make import plan
from polc.probing.missed import why_missed
from polc.probing.model import Plan
from polc.probing.reckoning import Reckoned, Trial, faults, reckoned
from polc.probing.wish import MOST_PER_RULE, Wish
from polc.simulate.hooks import Loaded

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "examples").glob("*.yaml")) + sorted((ROOT / "tests" / "golden").glob("*.yaml"))
NEWER = PROFILES["debian-12"]
"""For what the oldest nft has no JSON for."""

TOLD = (Effect.VERDICT, Effect.MEMORY, Effect.UNDECIDED)


@dataclass
class Row:
    name: str
    packets: int = 0
    mutations: int = 0
    counts: Counter[tuple[str, Effect, bool]] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    problems: dict[str, str] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, other: Row) -> None:
        self.packets += other.packets
        self.mutations += other.mutations
        self.counts += other.counts
        self.refused += other.refused
        self.seconds += other.seconds

    def of(self, loader: str) -> str:
        if loader in self.problems:
            return self.problems[loader]
        parts = (f"{self.counts[loader, one, True]}/{self.counts[loader, one, False]}" for one in TOLD)
        return " ".join(f"{part:>7}" for part in parts)


def emitted(rulesets: Sequence[Ruleset], target: str, profile: Profile = OLDEST) -> Output:
    return joined([emit(one, target, allow=frozenset({ANY_APPROXIMATION}), profile=profile) for one in rulesets])


def measured(path: Path, most: int | None, names: Sequence[str], wait: float) -> Row:
    begun = time.monotonic()
    firewall = read_firewall(str(path), Collector())
    rulesets = tuple(pipeline.run(one) for one in firewall.rulesets)
    named = apart(rulesets)
    made = plan(
        [Loaded(one, firewall.flavour) for one in named],
        firewall.host,
        wish=Wish(per_rule=MOST_PER_RULE, wait=wait, gaps=True),
    )
    chosen = faults(rulesets, firewall.flavour, most, 0)
    row = Row(path.stem, made.packets, len(chosen))
    with Hosts(made.scenes) as hosts:
        for loader in LOADERS:
            if loader.name not in names:
                continue
            profile = next((one for one in (OLDEST, NEWER) if _is_held(rulesets, loader.target, one)), None)
            if profile is None:
                row.problems[loader.name] = "refused"
                continue
            write = partial(emitted, profile=profile)
            _count(row, made, reckoned(made, named, rulesets, chosen, loader, write, hosts))
    row.seconds = time.monotonic() - begun
    return row


def _is_held(rulesets: Sequence[Ruleset], target: str, profile: Profile) -> bool:
    try:
        emitted(rulesets, target, profile)
    except Failure:
        return False
    return True


def _count(row: Row, made: Plan, one: Reckoned) -> None:
    if one.problems or not one.sound:
        row.problems[one.loader] = one.problems[0].message if one.problems else "unsound"
    for trial in one.trials:
        if trial.attempt.refused:
            row.refused[one.loader] += 1
        else:
            row.counts[one.loader, trial.fault.effect, trial.attempt.seen is not None] += 1
    for trial in one.missed:
        if trial.fault.effect is Effect.VERDICT:
            row.missed.append(f"{_words(row.name, one.loader, trial)}: {why_missed(made, trial.fault.mutant)}")


def _words(name: str, loader: str, trial: Trial) -> str:
    mutant = trial.fault.mutant
    where = "the policy" if mutant.rule is None else name_of(mutant.rule.origin, (mutant.chain, mutant.number or 0))
    return f"{name}, {loader}: {mutant.mutation}, {mutant.chain}/{mutant.number} ({mutant.variant}), {where}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutations", type=int, default=100, metavar="N", help="of a file at most (100); 0: all")
    parser.add_argument("--loader", action="append", choices=[one.name for one in LOADERS])
    parser.add_argument("--longest-wait", type=float, default=1.2, metavar="SECONDS", help="(1.2)")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--missed", action="store_true", help="list what was missed")
    parser.add_argument("files", nargs="*", type=Path, default=FILES)
    arguments = parser.parse_args()
    names = arguments.loader or [one.name for one in LOADERS]
    total = Row("all")
    print(f"{'file':18} {'packets':>7} {'faults':>6} " + " ".join(f"{name:>23}" for name in names) + "       s")
    work = partial(measured, most=arguments.mutations or None, names=names, wait=arguments.longest_wait)
    with ExitStack() as stack:
        many = arguments.jobs > 1
        mapped = stack.enter_context(ProcessPoolExecutor(arguments.jobs)).map if many else map
        for row in mapped(work, arguments.files):
            _print(row, names)
            for one in row.missed if arguments.missed else ():
                print(f"    {one}", flush=True)
            total.add(row)
    _print(total, names)
    for name in names:
        seen, missed = (total.counts[name, Effect.VERDICT, which] for which in (True, False))
        equal, later = (total.counts[name, one, False] for one in (Effect.NOTHING, Effect.LATER))
        print(
            f"{name}: {seen} of {seen + missed} that change a verdict are seen ({seen / max(1, seen + missed):.2%});"
            f" {equal} proven equal, {later} equal at this time of day, {total.refused[name]} refused"
        )
    return 0


def _print(row: Row, names: Sequence[str]) -> None:
    cells = " ".join(f"{row.of(name):>23}" for name in names)
    print(f"{row.name:18} {row.packets:7} {row.mutations:6} {cells} {row.seconds:7.1f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
