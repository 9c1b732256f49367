"""Two firewalls: the same becomes of each packet, or one accepts what the other accepts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import assert_never

from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.matches import OpaqueMatch
from polc.ir.ruleset import Hook
from polc.ir.stateful import RecentMatch
from polc.ir.way import Way
from polc.policy.assertion import Asserted, Comparison, Relation
from polc.policy.lower.classes import Packets
from polc.proving.differs import why
from polc.proving.grounds import BUDGET, Grounds, families_of
from polc.proving.model import Answer, Counterexample, Result
from polc.proving.place import WAYS, Place
from polc.proving.place import way as way_of
from polc.proving.same import Difference, differences, given_contents
from polc.proving.shown import NotShown, show
from polc.proving.words import CONNTRACK, about
from polc.symbolic.diagram import NONE, OverBudget
from polc.symbolic.hooks import Hooks, Loaded
from polc.symbolic.outcome import Watch
from polc.symbolic.space import RELATED, UNTRACKED, Of, Set

Side = tuple[str, Sequence[Loaded]]
"""What a firewall is called, and its rulesets."""

SAME_STATE = (
    "tables of limits and lists have room for every key, and limits that count the same have counted the same packets"
)
NOTHING_COMMON = "one is about IPv4 alone and the other about IPv6"
WHOLE = (Place(Hook.INGRESS), *WAYS, Place(Hook.EGRESS))
"""All ways, and what stands before and behind them."""


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
    places: Sequence[Place] = WHOLE,
    watch: Watch = Watch.NOTHING,
    named: bool = True,
    first: bool = False,
    families: Sequence[Family] | None = None,
    budget: int = BUDGET,
) -> tuple[Result, Counterexample | None, str]:
    """Whether verdicts, NAT and what ``watch`` names are the same for all packets at all ``places``; of a class, on its
    ways. ``named`` as in ``Grounds``; ``first``: only for packets of flows that no
    answer was seen to, and of none. ``families`` are looked at, None: those of which both speak.

    Raises:
        Failure: POL902.
    """
    names = (one[0], other[0])
    unsure = ""
    families = common_families(one, other) if families is None else families
    if not families:
        return Result.UNDECIDED, None, NOTHING_COMMON
    for family in families:
        grounds = Grounds(
            (one[1], other[1]), family, (packets,) if packets else (), watch=watch, budget=budget,
            contents=given_contents(one[1], other[1]), named=named,
        )  # fmt: skip
        try:
            for place, within in _within(grounds, places, packets, first=first):
                for found in differences(grounds, place, within):
                    words = why(*found.outcomes)
                    if not all(outcome.known for outcome in found.outcomes) or _on_words(grounds, found):
                        unsure = unsure or f"{place.name}: {words}"
                        continue
                    return Result.REFUTED, show(grounds, place, found.members, names, words), ""
        except OverBudget as error:
            return Result.UNDECIDED, None, f"it takes {error} ({family.nfproto})"
        except NotShown as error:
            return Result.UNDECIDED, None, str(error)
    return (Result.UNDECIDED, None, unsure) if unsure else (Result.PROVEN, None, "")


def _within(
    grounds: Grounds, places: Iterable[Place], packets: Packets | None, *, first: bool
) -> Iterator[tuple[Place, Set | None]]:
    if packets is not None:
        yield from ((way_of(way), grounds.members(packets, way)) for way in packets.rules)
        return
    for place in places:
        if not first:
            yield place, None
            continue
        for side in range(len(grounds.sides)):
            grounds.outcomes(place, side)
        space = grounds.space
        begins = space.manager.within(space.variable(Of.CT).number, Intervals.of([(RELATED, UNTRACKED)]))
        yield place, space.manager.where(begins, grounds.valid(place))


def common_families(one: Side, other: Side) -> tuple[Family, ...]:
    """The families that both speak of: a file of iptables is about one."""
    theirs = families_of(other[1])
    return tuple(family for family in families_of(one[1]) if family in theirs)


def _on_words(grounds: Grounds, found: Difference) -> bool:
    """Whether the difference hangs on what nobody compares: words into which nobody looks, and lists of addresses
    (xt_recent) that the other side writes as sets.
    """
    for number in found.asked:
        detail = grounds.space.variables[number].detail
        if grounds.space.variables[number].of is Of.ANSWER and isinstance(detail, tuple):
            if isinstance(detail[1], OpaqueMatch):
                return True
            if isinstance(detail[1], RecentMatch) and not _both_keep_lists(grounds):
                return True
    same_verdict = found.outcomes[0].verdict == found.outcomes[1].verdict
    return same_verdict and any(_keeps_lists(one) for one in grounds.sides) and not _both_keep_lists(grounds)


def _both_keep_lists(grounds: Grounds) -> bool:
    return all(_keeps_lists(one) for one in grounds.sides)


def _keeps_lists(side: Hooks) -> bool:
    rules = (rule for one in side.loaded for chain in one.ruleset.chains for rule in chain.rules)
    return any(isinstance(match, RecentMatch) for rule in rules for match in rule.matches)


def _implies(one: Side, other: Side, packets: Packets | None, budget: int) -> tuple[Result, Counterexample | None, str]:
    names = (one[0], other[0])
    unsure = ""
    if not common_families(one, other):
        return Result.UNDECIDED, None, NOTHING_COMMON
    for family in common_families(one, other):
        contents = given_contents(one[1], other[1])
        grounds = Grounds((one[1], other[1]), family, (packets,) if packets else (), budget=budget, contents=contents)
        manager = grounds.space.manager
        for way in packets.rules if packets else Way:
            try:
                members = grounds.members(packets, way)
                mine, theirs = (grounds.having(way_of(way), lambda found: found.accepted, side) for side in (0, 1))
                unknown = manager.first_of(
                    grounds.having(way_of(way), lambda found: not found.known, side) for side in (0, 1)
                )
                against = manager.minus(manager.where(members, mine), theirs)
                if manager.minus(against, unknown) != NONE:
                    example = show(
                        grounds, way_of(way), manager.minus(against, unknown), names, "only the first accepts it"
                    )
                    return Result.REFUTED, example, ""
                maybe = manager.where(members, grounds.having(way_of(way), lambda found: not found.known))
                if against != NONE or manager.minus(maybe, theirs) != NONE:
                    unsure = "packets come to words of which only the kernel knows what they do"
            except OverBudget as error:
                return Result.UNDECIDED, None, f"it takes {error} ({family.nfproto}, {way.value})"
            except NotShown as error:
                return Result.UNDECIDED, None, str(error)
    return (Result.UNDECIDED, None, unsure) if unsure else (Result.PROVEN, None, "")
