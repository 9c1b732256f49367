"""Why no probe meets a rule: because none can, which the symbolic engine proves, or because none was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from polc.analysis.exact import Exact, Part, Written
from polc.analysis.takers import Taker, takers_of
from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch, OpaqueMatch, ServiceMatch
from polc.ir.protocols import ICMPV6
from polc.ir.ruleset import Rule, Ruleset
from polc.ir.stateful import CERTAINTY, RandomMatch
from polc.ir.statements import AssignZone, Native, Notrack, OpaqueStatement
from polc.probing.model import ONLY_KERNEL, Reason, Unreached
from polc.simulate.hooks import Loaded
from polc.symbolic.diagram import NONE, OverBudget
from polc.symbolic.space import UNTRACKED, Of, Set, Space

_MOST_NAMED = 3
_CLOCKS = frozenset({Field.META_HOUR, Field.META_DAY})
_ONLY_EXEMPT = "only packets that conntrack is kept from could meet it, and none of these rules keeps it from any"

_NO_ZONE = "only flows of another zone than 0 could meet it, and none of these rules puts any there"


def explained(loaded: Sequence[Loaded], unreached: Sequence[Unreached]) -> tuple[Unreached, ...]:
    """The same rules, each with the best reason there is."""
    if not unreached:
        return ()
    exacts = {
        chain.name: one
        for one in Exact.each([each.ruleset for each in loaded], loaded[0].flavour)
        for chain in one.ruleset.chains
    }
    try:
        rules = [rule for one in loaded for chain in one.ruleset.chains for rule in chain.rules]
        exempted = _exempted([rule for rule in rules if _exempts(rule)])
        return tuple(_explained(exacts[one.place[0]], one, exempted) for one in unreached)
    except OverBudget as error:
        return tuple(
            replace(one, reason=f"{one.reason}; whether any packet meets it takes {error}") for one in unreached
        )


def _explained(exact: Exact, one: Unreached, exempted: frozenset[int] | None) -> Unreached:
    if _is_opaque(one.rule) or one.reason.startswith(ONLY_KERNEL):
        return replace(one, why=Reason.OPAQUE)
    if any(isinstance(match, RandomMatch) for match in one.rule.matches):
        never = any(isinstance(match, RandomMatch) and _never(match) for match in one.rule.matches)
        if never:
            return replace(one, why=Reason.PROVEN, reason="it holds with probability 0")
        return replace(one, why=Reason.OPAQUE, reason="which packets meet it is left to chance")
    part = Part(*one.place, exact.chains[one.place[0]].rules[one.place[1]])
    if exact.is_met(part):
        if exempted is not None and not _is_met_by_tracked(exact, part, exempted):
            return replace(one, why=Reason.PROVEN, reason=_ONLY_EXEMPT + (" of its protocol" if exempted else ""))
        if _is_of_no_zone([exact.ruleset, *exact.beside], one.rule):
            return replace(one, why=Reason.PROVEN, reason=_NO_ZONE)
        clocks = [match for match in one.rule.matches if isinstance(match, FieldMatch) and match.field in _CLOCKS]
        return replace(one, reason="it asks for another time of day or week than it is") if clocks else one
    span = part.rule.origin.span
    takers = takers_of(exact, Written(span, (part,))) if span is not None else ()
    return replace(one, why=Reason.PROVEN, reason=_words(exact, part, takers))


def _is_of_no_zone(rulesets: Sequence[Ruleset], rule: Rule) -> bool:
    """Whether it asks for a zone into which no rule puts flows."""
    rules = [one for ruleset in rulesets for chain in ruleset.chains for one in chain.rules]
    if any(_is_opaque(one) or any(isinstance(each, AssignZone) for each in one.statements) for one in rules):
        return False
    return any(
        isinstance(one, FieldMatch) and one.field is Field.CT_ZONE and (0 in one.values) is one.negated
        for one in rule.matches
    )


def _exempts(rule: Rule) -> bool:
    return _is_opaque(rule) or any(isinstance(one, Notrack) for one in rule.statements)


def _exempted(rules: Sequence[Rule]) -> frozenset[int] | None:
    """The protocols from whose packets these rules keep conntrack; None: it may be any."""
    found: set[int] = set()
    for rule in rules:
        services = [one for one in rule.matches if isinstance(one, ServiceMatch)]
        if not services or _is_opaque(rule):
            return None
        found |= {term.protocol for term in services[0].terms}
    return frozenset(found)


def _is_met_by_tracked(exact: Exact, part: Part, exempted: frozenset[int]) -> bool:
    """Whether a packet meets the rule that conntrack has not been kept from, or may be kept from: one of the protocols
    of which some are exempted.
    """
    for view in exact.views:
        meeting, space = view.arrivals.meeting(part.chain, part.number), view.space
        # Discovery of neighbours and listeners is never tracked (net/netfilter/nf_conntrack_proto_icmpv6.c).
        exempt = space.within(space.variable(Of.CT), UNTRACKED)
        for protocol in exempted:
            exempt = space.manager.minus(exempt, space.within(space.variable(Of.PROTOCOL), protocol))
        if view.early or view.family is Family.IP6:
            exempt = NONE if view.early else space.manager.minus(exempt, _discovery(space))
        if space.manager.minus(meeting, exempt) != NONE:
            return True
    return False


def _discovery(space: Space) -> Set:
    return space.manager.where(
        space.within(space.variable(Of.PROTOCOL), ICMPV6),
        space.manager.within(space.variable(Of.TYPE).number, Intervals(((130, 136), (143, 143)))),
    )


def _never(match: RandomMatch) -> bool:
    return match.threshold == (CERTAINTY if match.negated else 0)


def _words(exact: Exact, part: Part, takers: Sequence[Taker]) -> str:
    if takers:
        named = list(dict.fromkeys(_names(takers)))
        more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
        verb = "takes" if len(named) == 1 else "together take"
        return f"{', '.join(named[:_MOST_NAMED])}{more} {verb} every packet that it asks for"
    if exact.can_be(part):
        return "no packet that comes here is as it asks"
    return "no packet is as it asks"


def _names(takers: Sequence[Taker]) -> Iterator[str]:
    for one in takers:
        span = one.rule.origin.span
        yield f"{span.source.path}:{span.line}" if span else "a rule before it"


def _is_opaque(rule: Rule) -> bool:
    return any(isinstance(one, OpaqueMatch) for one in rule.matches) or any(
        isinstance(one, Native | OpaqueStatement) for one in rule.statements
    )
