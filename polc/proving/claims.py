"""Claims about the packets of a class: ``never``, ``always``, ``may``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from polc.ir.family import FAMILIES, Family
from polc.ir.verdicts import Accept, Drop, Reject
from polc.ir.way import Way
from polc.policy.assertion import Asserted, Claim, Quantity, Verb
from polc.policy.lower.classes import Packets
from polc.proving.grounds import BUDGET, Grounds, families_of
from polc.proving.model import Answer, Counterexample, Result
from polc.proving.place import way as way_of
from polc.proving.prepare import rules_of_family
from polc.proving.shown import NotShown, show
from polc.proving.words import about, assumptions
from polc.symbolic.diagram import NONE, OverBudget
from polc.symbolic.hooks import Loaded
from polc.symbolic.outcome import Outcome
from polc.symbolic.space import Of, Set

_VERDICTS: dict[Verb, type[Accept] | type[Drop] | type[Reject]] = {
    Verb.ACCEPT: Accept,
    Verb.FORWARD: Accept,
    Verb.DROP: Drop,
    Verb.REJECT: Reject,
}


def answer_claim(loaded: Sequence[Loaded], asserted: Asserted, packets: Packets, *, budget: int = BUDGET) -> Answer:
    """Whether a claim holds for all packets of its class that can be.

    Raises:
        Failure: POL902, the simulator says something else of the counterexample.
    """
    claim = asserted.assertion
    assert isinstance(claim, Claim)
    families = tuple(one for one in families_of(loaded) if one in _families(packets))
    given = {
        "about": about(packets, families, opening=claim.packets.opening),
        "because": asserted.because,
        "span": claim.span,
    }

    def answer(
        result: Result, example: Counterexample | None = None, reason: str = "", asked: frozenset[Of] = NO_MEMORY
    ) -> Answer:
        assumed = assumptions(asked, claim.quantity) if result is Result.PROVEN else ()
        return Answer(asserted.text, result, example, reason, assumed, **given)  # type: ignore[arg-type]

    asked: frozenset[Of] = frozenset()
    some = False
    unknown = ""
    for family in families:
        grounds = Grounds((loaded,), family, (packets,), budget=budget)
        for way in packets.rules:
            try:
                members = grounds.members(packets, way, opening=claim.packets.opening)
                against, open_ended = _against(grounds, way, members, claim)
                some = some or members != NONE
                asked |= grounds.opaque(against if claim.quantity is Quantity.MAY else grounds.outcomes(way_of(way)))
                if against != NONE:
                    return answer(Result.REFUTED, show(grounds, way_of(way), against))
                if open_ended != NONE:
                    unknown = unknown or _unknown_words(grounds, way, open_ended)
            except OverBudget as error:
                return answer(Result.UNDECIDED, reason=f"it takes {error} ({family.nfproto}, {way.value})")
            except NotShown as error:
                return answer(Result.UNDECIDED, reason=str(error))
    if unknown:
        return answer(Result.UNDECIDED, reason=unknown)
    if not some:
        return answer(Result.PROVEN, reason="no packet is of this class")
    return answer(Result.PROVEN, asked=asked)


NO_MEMORY: frozenset[Of] = frozenset()


def _families(packets: Packets) -> tuple[Family, ...]:
    rules = [rule for own in packets.rules.values() for rule in own]
    return tuple(family for family in FAMILIES if any(rules_of_family(rules, family)))


def _against(grounds: Grounds, way: Way, members: Set, claim: Claim) -> tuple[Set, Set]:
    """The packets of the class that show the contrary, and those of which only the kernel knows what becomes."""
    manager = grounds.space.manager
    wanted = _VERDICTS[claim.verb]
    holding = grounds.having(way_of(way), lambda one: isinstance(one.verdict, wanted))
    open_ended = manager.where(members, grounds.having(way_of(way), lambda one: not one.known))
    match claim.quantity:
        case Quantity.NEVER:
            return manager.where(members, holding), open_ended
        case Quantity.ALWAYS:
            known = manager.minus(members, open_ended)
            return manager.minus(known, holding), open_ended
        case Quantity.MAY:
            # What only the kernel knows may be what is wanted, for some of its answers.
            possible = grounds.for_some_answers(holding, members)
            unsure = grounds.for_some_answers(open_ended, members)
            without = manager.minus(members, possible)
            return manager.minus(without, unsure), manager.where(without, unsure)
        case _:
            assert_never(claim.quantity)


def _unknown_words(grounds: Grounds, way: Way, members: Set) -> str:
    found = {
        str(getattr(value.verdict, "words", ""))
        for value in grounds.space.manager.values(grounds.space.manager.where(members, grounds.outcomes(way_of(way))))
        if isinstance(value, Outcome) and not value.known
    }
    return f"packets come to words of which only the kernel knows what they do: `{min(found, default='')}`"
