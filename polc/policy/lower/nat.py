"""Rules that change addresses: snat, dnat, masquerade, redirect, netmap, and tproxy."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from polc.diagnostics import Collector, Label
from polc.ir.addresses import parse_address, prefix_length
from polc.ir.family import BOTH, FAMILIES
from polc.ir.intervals import Intervals
from polc.ir.origin import Origin
from polc.ir.protocols import PORT_PROTOCOLS, TCP, UDP
from polc.ir.ruleset import BaseChain, Hook, Rule
from polc.ir.stateful import EveryNth
from polc.ir.statements import Tproxy
from polc.ir.verdicts import Accept, Nat, NatKind, Verdict
from polc.policy.document import (
    AnyRule,
    Decision,
    Destination,
    FullyRandom,
    MacroDocument,
    Persistent,
    Random,
    RuleDocument,
    Source,
    Target,
    Word,
)
from polc.policy.lower.branches import Outcome
from polc.policy.lower.points import Point, point_of
from polc.policy.lower.scope import POSTROUTING, PREROUTING, Place, Scope, Service
from polc.policy.lower.verdicts import only_of

_KINDS = {Decision.SNAT: NatKind.SNAT, Decision.DNAT: NatKind.DNAT}
_SOURCE_HOOKS = (Hook.INPUT, Hook.POSTROUTING)
_WITHOUT_ADDRESS = {Decision.MASQUERADE: NatKind.MASQUERADE, Decision.REDIRECT: NatKind.REDIRECT}


def lower_nat(
    documents: Iterable[AnyRule],
    lower: Callable[[RuleDocument, Scope], tuple[Rule, ...]],
    scope_of: Callable[[Place], Scope],
    origin: Origin,
) -> list[BaseChain]:
    """The chains of `nat` as one list, in the kernel's order, those with rules alone; errors are recorded.

    ``lower`` makes a rule's rules. What no rule changes is left as it is.
    """
    scopes = {place: scope_of(place) for place in (PREROUTING, POSTROUTING)}
    found: dict[Place, list[Rule]] = {place: [] for place in scopes}
    collector = scopes[PREROUTING].collector
    for document in documents:
        if not isinstance(document, RuleDocument):
            if isinstance(document, MacroDocument):
                collector.error("POL241", "a macro has no place in `nat`", document.macro.span)
            else:
                collector.error("POL241", "a native rule has no place in `nat`", document.span)
            continue
        place = _place(document, collector)
        if place:
            found[place] += lower(document, scopes[place])
    return [
        BaseChain(place.name, place.type, place.hook, place.priority.value, Accept(), tuple(rules), origin)
        for place, rules in found.items()
        if rules
    ]


def _place(rule: RuleDocument, collector: Collector) -> Place | None:
    """Destinations change before the route is chosen, sources after (nf_nat_core.c, HOOK2MANIP)."""
    decision = rule.verdict.decision if rule.verdict else None
    match decision:
        case Decision.DNAT | Decision.REDIRECT:
            return PREROUTING
        case Decision.SNAT | Decision.MASQUERADE:
            return POSTROUTING
        case Decision.NETMAP:
            source, destination = rule.find(Source), rule.find(Destination)
            of_source = bool(source and source.endpoint.addresses)
            of_destination = bool(destination and destination.endpoint.addresses)
            if of_source is of_destination:
                message = "`netmap` changes the addresses that one of `from` and `to` names"
                hint = "as in `netmap to 203.0.113.0/28 -> 192.0.2.0/28`"
                collector.error("POL248", message, rule.span, help=hint)
                return None
            return POSTROUTING if of_source else PREROUTING
        case _:
            span = rule.verdict.span if rule.verdict else rule.span
            words = "`snat`, `dnat`, `masquerade`, `redirect` or `netmap`"
            message = "this rule has no place in `nat`"
            collector.error("POL241", message, span, label=f"a rule here begins with {words}")
            return None


def nat_outcomes(rule: RuleDocument, service: Service, scope: Scope) -> tuple[Outcome, ...]:
    """What a rule with such a verdict does, in each family and for each of several targets; errors are recorded."""
    assert rule.verdict is not None
    decision, target = rule.verdict.decision, rule.find(Target)
    collector = scope.collector
    alone = target.points[0].text if target and len(target.points) == 1 else ""
    if alone == "none" and decision is not Decision.TPROXY:
        return (Outcome((), Accept()),)
    if target is None:
        if decision in _WITHOUT_ADDRESS:
            return (Outcome((), _nat(rule, _WITHOUT_ADDRESS[decision], Point(None, None, None))),)
        message = f"`{decision.value}` needs what the packet gets"
        hint = f"as in `{rule.verdict.span.text} ... -> {_EXAMPLES[decision]}`"
        collector.error("POL248", message, rule.verdict.span, help=hint)
        return ()
    if target.map:
        from polc.policy.lower.nat_maps import nat_map_outcomes

        return nat_map_outcomes(rule, target.map, service, scope)
    points = [(point_of(word, collector), word) for word in target.points]
    if any(point is None for point, _ in points):
        return ()
    sound = [(point, word) for point, word in points if point]
    if any(point.ports for point, _ in sound) and not only_of(service, PORT_PROTOCOLS):
        message = "a port is changed here, and the rule also speaks of packets that have none"
        collector.error("POL248", message, target.span, help="name a service with ports, such as `tcp/80`")
        return ()
    if decision is Decision.TPROXY:
        return _tproxy(sound, service, rule, collector)
    if any(point.family is None for point, _ in sound) and len(sound) > 1:
        collector.error("POL248", "of several targets each has an address", target.span)
        return ()
    found: list[Outcome] = []
    for family in (None, *FAMILIES):
        own = [(point, word) for point, word in sound if point.family is family]
        for index, (point, word) in enumerate(own):
            verdict = _verdict(rule, decision, point, word, scope)
            if verdict is None:
                return ()
            left = len(own) - index
            # Each gets its part of what those before it left: 1 in 3, then 1 in 2, then the rest.
            share = (EveryNth(left),) if left > 1 else ()
            found.append(Outcome((), verdict, frozenset({family}) if family else BOTH, share))
    return tuple(found)


_EXAMPLES = {
    Decision.SNAT: "203.0.113.5",
    Decision.DNAT: "192.0.2.10:80",
    Decision.NETMAP: "192.0.2.0/28",
    Decision.TPROXY: ":3129",
}


def _verdict(rule: RuleDocument, decision: Decision, point: Point, word: Word, scope: Scope) -> Verdict | None:
    collector = scope.collector
    if decision in _WITHOUT_ADDRESS:
        if point.addresses:
            message = f"`{decision.value}` takes the interface's own address: only a port can stand here"
            collector.error("POL248", message, word.span)
            return None
        return _nat(rule, _WITHOUT_ADDRESS[decision], point)
    if point.addresses is None:
        message = f"`{decision.value}` needs an address"
        hint = "`redirect` changes the port alone" if decision is Decision.DNAT else ""
        collector.error("POL248", message, word.span, help=hint)
        return None
    if decision is not Decision.NETMAP:
        return _nat(rule, _KINDS[decision], point)
    return _netmap(rule, point, word, scope)


def _netmap(rule: RuleDocument, point: Point, word: Word, scope: Scope) -> Verdict | None:
    """The prefix must be as long as the one that it replaces (iptables-extensions(8), NETMAP)."""
    collector = scope.collector
    source, destination = rule.find(Source), rule.find(Destination)
    sides = {place.hook in _SOURCE_HOOKS for place in scope.places} or {bool(source and source.endpoint.addresses)}
    if len(sides) > 1:
        message = "`netmap` maps sources for some packets that come here, and destinations for others"
        collector.error("POL248", message, rule.span, help="use a chain for each")
        return None
    (of_source,) = sides
    clause = source if of_source else destination
    if clause is None or clause.endpoint.addresses is None:
        clause_name = "from" if of_source else "to"
        message = f"`netmap` changes the addresses that `{clause_name}` names here, and it names none"
        collector.error("POL248", message, rule.span, help="as in `netmap to 203.0.113.0/28 -> 192.0.2.0/28`")
        return None
    assert point.family is not None
    assert point.addresses is not None
    length = prefix_length(point.family, *point.addresses)
    names = clause.endpoint.addresses
    if length is None or point.ports:
        collector.error("POL248", "`netmap` needs a prefix such as `192.0.2.0/28`", word.span)
        return None
    try:
        family, low, high = parse_address(names.words[0].text)
    except ValueError:
        family, low, high = None, 0, 0
    if len(names.words) > 1 or names.negated or family is None or prefix_length(family, low, high) is None:
        message = "`netmap` replaces one prefix, which must be written out"
        collector.error("POL248", message, names.words[0].span, help="as in `netmap to 203.0.113.0/28 -> 192.0.2.0/28`")
        return None
    if family is not point.family or prefix_length(family, low, high) != length:
        also = (Label(names.words[0].span, "this is replaced"),)
        collector.error("POL248", "the new prefix has another length or family", word.span, also=also)
        return None
    return _nat(rule, NatKind.NETMAP_SOURCE if of_source else NatKind.NETMAP_DESTINATION, point)


def _nat(rule: RuleDocument, kind: NatKind, point: Point) -> Nat:
    return Nat(
        kind,
        point.family,
        Intervals.of((point.addresses,)) if point.addresses else None,
        Intervals.of((point.ports,)) if point.ports else None,
        rule.find(Random) is not None,
        rule.find(Persistent) is not None,
        rule.find(FullyRandom) is not None,
    )


def _tproxy(
    points: list[tuple[Point, Word]], service: Service, rule: RuleDocument, collector: Collector
) -> tuple[Outcome, ...]:
    for clause in (rule.find(Random), rule.find(FullyRandom), rule.find(Persistent)):
        if clause:
            collector.error("POL248", f"`{clause.span.text}` goes with NAT, and `tproxy` is none", clause.span)
            return ()
    families = [point.family for point, _ in points]
    if len(set(families)) < len(families) or (None in families and len(families) > 1):
        collector.error("POL248", "`tproxy` has one target a family", points[-1][1].span)
        return ()
    if not only_of(service, {TCP, UDP}):
        message = "`tproxy` is for TCP and UDP, and the rule also speaks of other packets"  # net/netfilter/nft_tproxy.c
        collector.error("POL248", message, rule.span, help="name a service, such as `tcp/80`")
        return ()
    found = []
    for point, word in points:
        low, high = point.addresses or (0, 0)
        first, last = point.ports or (0, 0)
        if low != high or first != last:
            collector.error("POL248", "`tproxy` needs one address and one port", word.span)
            return ()
        statement = Tproxy(first or None, point.family, low if point.addresses else None)
        found.append(Outcome((statement,), Accept(), frozenset({point.family}) if point.family else BOTH))
    return tuple(found)
