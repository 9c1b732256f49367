"""Deliberate faults of a firewall, chosen, tried on each loader, and counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from polc.backends.model import Output
from polc.diagnostics import Diagnostic, Failure
from polc.ir.ruleset import Ruleset
from polc.kernel.loaders import Loader
from polc.mutations.model import Mutant
from polc.mutations.table import mutants
from polc.probing.faults import Attempt, Bait, Effect, effect_of
from polc.probing.hosts import Hosts
from polc.probing.model import Plan
from polc.simulate.settings import Flavour, Settings

ENOUGH = 0.99
"""The share of faults that change what becomes of a packet which the probes are to see."""

UNTRIED = frozenset({Effect.NOTHING, Effect.LATER})
"""Effects that no packet shows now."""

Emitter = Callable[[Sequence[Ruleset], str], Output]
"""Writes rulesets for a target.

Raises:
    Failure: the target cannot hold them.
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """A mutant of the ruleset number ``of``, and what it changes; ``reason``: why that is not decided."""

    mutant: Mutant
    of: int
    effect: Effect
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a fault."""

    fault: Fault
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What came of all faults on a loader. ``problems`` say why they could not be tried; ``sound``: after all of them
    the firewall without a fault did what it had done before.
    """

    loader: str
    trials: tuple[Trial, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    sound: bool = True

    def count(self, effect: Effect, *, seen: bool) -> int:
        """Faults of an effect that were loaded, and seen or not."""
        return sum(
            one.fault.effect is effect and not one.attempt.refused and (one.attempt.seen is not None) is seen
            for one in self.trials
        )

    @property
    def refused(self) -> int:
        """Faults that the target or the kernel refuses: nobody has to look for them."""
        return sum(bool(one.attempt.refused) for one in self.trials)

    @property
    def missed(self) -> tuple[Trial, ...]:
        """Faults that were loaded and not seen, though they change something, or may do so."""
        return tuple(
            one
            for one in self.trials
            if one.attempt.seen is None and not one.attempt.refused and one.fault.effect not in UNTRIED
        )

    @property
    def enough(self) -> bool:
        """Whether as many were seen as are to be, and what was seen counts."""
        return bool(self.problems) or (self.sound and self.rate >= ENOUGH)

    @property
    def rate(self) -> float:
        """The share that was seen of those that change what becomes of a packet; 1 where there are none."""
        seen, missed = (self.count(Effect.VERDICT, seen=one) for one in (True, False))
        return seen / (seen + missed) if seen + missed else 1.0


def faults(
    rulesets: Sequence[Ruleset],
    flavour: Flavour,
    most: int | None,
    seed: int,
    progress: Callable[[int, int], None] = lambda done, all_: None,
) -> tuple[Fault, ...]:
    """``most`` faults of rulesets (None: all), chosen by chance. Those that change nothing, now or ever, are among
    them.
    """
    found = [(of, one) for of, ruleset in enumerate(rulesets) for one in mutants(ruleset)]
    if most is not None and most < len(found):
        found = [found[at] for at in sorted(Random(seed).sample(range(len(found)), most))]
    made = []
    for number, (of, mutant) in enumerate(found):
        progress(number, len(found))
        faulty = (*rulesets[:of], mutant.ruleset, *rulesets[of + 1 :])
        made.append(Fault(mutant, of, *effect_of(rulesets, faulty, flavour, time.time())))
    return tuple(made)


def reckoned(
    plan: Plan,
    named: Sequence[Ruleset],
    rulesets: Sequence[Ruleset],
    chosen: Sequence[Fault],
    loader: Loader,
    emitted: Emitter,
    hosts: Hosts,
    settings: Settings | None = None,
    tried: Callable[[int], None] = lambda count: None,
) -> Reckoned:
    """Try faults of ``rulesets`` on a loader; ``named`` are the same as the plan calls their chains. Faults that change
    nothing now are not loaded. ``tried`` is told how many were.
    """
    try:
        loader.check()
        whole = emitted(rulesets, loader.target)
        bait = Bait(plan, named, loader, whole, hosts, settings)
        names = [
            dict(zip(_chains(one), _chains(other), strict=True)) for one, other in zip(rulesets, named, strict=True)
        ]
        trials = []
        for fault in chosen:
            trials.append(Trial(fault, _attempt(bait, rulesets, fault, loader, emitted, names[fault.of])))
            tried(len(trials))
        # What is left behind would be there again; a machine that is busy for a moment is not.
        return Reckoned(loader.name, tuple(trials), sound=bait.holds(whole) or bait.holds(whole))
    except Failure as failure:
        return Reckoned(loader.name, problems=failure.diagnostics)


def _attempt(
    bait: Bait, rulesets: Sequence[Ruleset], fault: Fault, loader: Loader, emitted: Emitter, names: dict[str, str]
) -> Attempt:
    if fault.effect in UNTRIED:
        return Attempt()
    mutant = fault.mutant
    try:
        output = emitted((*rulesets[: fault.of], mutant.ruleset, *rulesets[fault.of + 1 :]), loader.target)
    except Failure as failure:
        return Attempt(refused=failure.diagnostics[0].message)
    return bait.tried(output, None if mutant.number is None else (names[mutant.chain], mutant.number))


def _chains(ruleset: Ruleset) -> Iterator[str]:
    return (chain.name for chain in ruleset.chains)
