"""Two firewalls: the same becomes of each packet, or one accepts what the other accepts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from polc.ir.family import Family
from polc.ir.matches import OpaqueMatch
from polc.ir.ruleset import Hook
from polc.ir.way import Way
from polc.policy.assertion import Asserted, Comparison, Relation
from polc.policy.lower.classes import Packets
from polc.proving.differs import why
from polc.proving.grounds import BUDGET, Grounds, families_of
from polc.proving.model import Answer, Counterexample, Result
from polc.proving.same import Difference, differences, given_contents
from polc.proving.shown import NotShown, show
from polc.proving.words import CONNTRACK, about
from polc.symbolic.diagram import NONE, OverBudget
from polc.symbolic.hooks import Loaded
from polc.symbolic.outcome import Watch
from polc.symbolic.space import Of

Side = tuple[str, Sequence[Loaded]]
"""What a firewall is called, and its rulesets."""

SAME_STATE = (
    "tables of limits and lists have room for every key, and limits that count the same have counted the same packets"
)
_ALL = tuple(Hook)


def answer_comparison(
    one: Side, other: Side, asserted: Asserted, packets: Packets | None, *, budget: int = BUDGET
) -> Answer:
    """Whether two firewalls are in a relation.

    Raises:
        Failure: POL902.
    """
    comparison = asserted.assertion
    assert isinstance(comparison, Comparison)
    match comparison.relation:
        case Relation.EQUIVALENT:
            result, example, reason = equivalent(one, other, packets, budget=budget)
        case Relation.IMPLIES:
            result, example, reason = _implies(one, other, packets, budget)
        case _:
            assert_never(comparison.relation)
    return Answer(
        asserted.text, result, example, reason, (CONNTRACK, SAME_STATE) if result is Result.PROVEN else (),
        about(packets, common_families(one, other)), asserted.because, comparison.span,
    )  # fmt: skip


def equivalent(
    one: Side,
    other: Side,
    packets: Packets | None = None,
    *,
    watch: Watch = Watch.NOTHING,
    budget: int = BUDGET,
) -> tuple[Result, Counterexample | None, str]:
    """Whether verdicts, NAT and what ``watch`` names are the same for all packets at all hooks; of a class, at the
    hooks of its sections.
    """
    names = (one[0], other[0])
    unsure = ""
    for family in common_families(one, other):
        contents = given_contents(one[1], other[1])
        grounds = Grounds(
            (one[1], other[1]), family, (packets,) if packets else (), watch=watch, budget=budget, contents=contents
        )
        left, right = grounds.sides
        hooks = tuple(way.hook for way in packets.rules) if packets else _ALL
        try:
            for found in differences(left, right, hooks):
                members = grounds.space.manager.box(dict(found.path))
                if packets:
                    members = grounds.space.manager.where(members, grounds.members(packets, Way(found.hook.value)))
                if members == NONE:
                    continue
                if not all(outcome.known for outcome in found.outcomes) or _on_words(grounds, found):
                    unsure = unsure or f"in `{found.hook.value}`: {why(*found.outcomes)}"
                    continue
                return Result.REFUTED, show(grounds, found.hook, members, names, why(*found.outcomes)), ""
        except OverBudget as error:
            return Result.UNDECIDED, None, f"it takes {error} ({family.nfproto})"
        except NotShown as error:
            return Result.UNDECIDED, None, str(error)
    return (Result.UNDECIDED, None, unsure) if unsure else (Result.PROVEN, None, "")


def common_families(one: Side, other: Side) -> tuple[Family, ...]:
    """The families that both speak of: a file of iptables is about one."""
    theirs = families_of(other[1])
    return tuple(family for family in families_of(one[1]) if family in theirs)


def _on_words(grounds: Grounds, found: Difference) -> bool:
    """Whether the difference hangs on what words answer that nobody looks into."""
    details = (grounds.space.variables[number] for number, _ in found.path)
    return any(
        one.of is Of.ANSWER and isinstance(one.detail, tuple) and isinstance(one.detail[1], OpaqueMatch)
        for one in details
    )


def _implies(
    one: Side, other: Side, packets: Packets | None, budget: int
) -> tuple[Result, Counterexample | None, str]:
    names = (one[0], other[0])
    unsure = ""
    for family in common_families(one, other):
        contents = given_contents(one[1], other[1])
        grounds = Grounds((one[1], other[1]), family, (packets,) if packets else (), budget=budget, contents=contents)
        manager = grounds.space.manager
        for way in packets.rules if packets else Way:
            try:
                members = grounds.members(packets, way)
                mine, theirs = (grounds.having(way, lambda found: found.accepted, side) for side in (0, 1))
                unknown = manager.first_of(
                    grounds.having(way, lambda found: not found.known, side) for side in (0, 1)
                )
                against = manager.minus(manager.where(members, mine), theirs)
                if manager.minus(against, unknown) != NONE:
                    example = show(
                        grounds, way.hook, manager.minus(against, unknown), names, "only the first accepts it"
                    )
                    return Result.REFUTED, example, ""
                maybe = manager.where(members, grounds.having(way, lambda found: not found.known))
                if against != NONE or manager.minus(maybe, theirs) != NONE:
                    unsure = "packets come to words of which only the kernel knows what they do"
            except OverBudget as error:
                return Result.UNDECIDED, None, f"it takes {error} ({family.nfproto}, {way.value})"
            except NotShown as error:
                return Result.UNDECIDED, None, str(error)
    return (Result.UNDECIDED, None, unsure) if unsure else (Result.PROVEN, None, "")

