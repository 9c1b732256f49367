"""Translation validation: what was emitted for a target is read again, and does with every packet what was meant.

Readers of targets share no code with their writers, so that a mistake of one is seen by the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from polc.backends.model import OutputFile
from polc.diagnostics import Collector, Failure
from polc.emitted import read_emitted
from polc.ir.flavour import Flavour
from polc.ir.intervals import Intervals
from polc.ir.ruleset import DynamicSet, Ruleset
from polc.policy.read import inspect_source
from polc.proving.comparison import SAME_STATE, equivalent
from polc.proving.grounds import BUDGET, families_of
from polc.proving.model import Answer, Result
from polc.proving.native import WORDS, read_words
from polc.proving.place import ALL_HOOKS, WAYS
from polc.proving.same import EVERYTHING, OF_FLOWS
from polc.proving.words import CONNTRACK
from polc.source import SourceFile
from polc.symbolic.hooks import Loaded
from polc.symbolic.outcome import Watch

POLICY = "policy"
FLAVOURS = {"nft": Flavour.NFT, "iptables": Flavour.IPTABLES, POLICY: Flavour.NFT}


def validate(meant: Sequence[Ruleset], target: str, files: Sequence[OutputFile], *, budget: int = BUDGET) -> Answer:
    """Whether files of a target, a key of ``BACKENDS``, or policies (``POLICY``) mean the rulesets that they were
    written for.

    Raises:
        Failure: POL902.
    """
    question = f"the {target} output does what was meant"
    flavour = FLAVOURS[target]
    try:
        emitted = _read(target, files)
    except Failure as failure:
        reason = f"the output cannot be read: {failure.diagnostics[0].message}"
        return Answer(question, Result.UNDECIDED, reason=reason)
    understood = [read_words(one, target) for one in meant]
    sides = (
        ("meant", [Loaded(one, flavour) for one in understood]),
        (target, [Loaded(one, flavour) for one in emitted]),
    )
    wrong = _other_elements(meant, emitted)
    if wrong:
        return Answer(question, Result.UNDECIDED, reason=wrong)
    # Whatever of a family is not in the output passes there, and may have been meant to be dropped.
    families = families_of(sides[0][1])
    result, example, reason = equivalent(
        *sides, places=ALL_HOOKS, watch=EVERYTHING, named=False, families=families, budget=budget
    )
    if result is Result.PROVEN and any(_speaks_of_flows(one.ruleset) for _, loaded in sides for one in loaded):
        # What is done to a flow counts where its first packet's way ends: targets do it at different hooks.
        result, example, reason = equivalent(
            *sides, places=WAYS, watch=Watch.FLOW, named=False, first=True, families=families, budget=budget
        )
    assumes: tuple[str, ...] = ()
    if result is Result.PROVEN:
        copied = any(one is not other for one, other in zip(understood, meant, strict=True))
        assumes = (CONNTRACK, SAME_STATE, *(WORDS,) * copied)
    return Answer(question, result, example, reason, assumes)


def _read(target: str, files: Sequence[OutputFile]) -> tuple[Ruleset, ...]:
    if target == POLICY:
        return tuple(inspect_source(SourceFile(one.name, one.text), Collector()).ruleset for one in files)
    return read_emitted(target, files)


def _other_elements(meant: Iterable[Ruleset], emitted: Iterable[Ruleset]) -> str:
    """Which named set of both begins with other elements; empty where none does. What is in sets that rules fill is
    otherwise left open.
    """
    ours, theirs = ({one.name: _elements(one) for ruleset in side for one in ruleset.sets} for side in (meant, emitted))
    for name in sorted(ours.keys() & theirs):
        if ours[name] != theirs[name]:
            return f"the set `{name}` begins with other elements"
    return ""


def _elements(of: DynamicSet) -> object:
    """The elements, ranges of a single number joined."""
    parts = [element[0] for element in of.elements if len(element) == 1]
    numbers = [one for one in parts if isinstance(one, Intervals)]
    if len(numbers) == len(of.elements):
        return Intervals.of(pair for one in numbers for pair in one.ranges)
    return frozenset(of.elements)


def _speaks_of_flows(ruleset: Ruleset) -> bool:
    return any(isinstance(one, OF_FLOWS) for chain in ruleset.chains for rule in chain.rules for one in rule.statements)
