"""POL325: members of address groups and sets, from or to which no packet comes to any rule that asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from polc.analysis.exact import Exact, Part, View
from polc.analysis.model import ExactLint
from polc.diagnostics import Diagnostic, Label, Severity
from polc.ir.addresses import AddressSet, format_range, parse_address
from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.matches import AddressMatch, ElementMatch, OriginalAddressMatch, SetMatch, Side
from polc.ir.ruleset import DynamicSet, Rule
from polc.ir.selectors import ADDRESS_TYPES, Element, KeyType, KeyValue
from polc.ir.statements import MapMark
from polc.ir.verdicts import Nat, NatMap, NatTarget, VerdictMap
from polc.policy.nodes import Mapping, Node, Scalar, Sequence
from polc.policy.uses import uses_of
from polc.source import Span
from polc.symbolic.diagram import NONE, Manager
from polc.symbolic.fields import SIDES
from polc.symbolic.space import Set

MOST_ELEMENTS = 10_000
"""Elements of one set that are looked at."""


@dataclass(frozen=True, slots=True)
class _Asking:
    """A rule that asks for addresses of ``within``, a group's or several's, of packets with addresses of ``comes``."""

    group: str
    within: AddressSet
    comes: AddressSet

    def asks_for(self, member: tuple[Family, int, int]) -> bool:
        """Whether it is asked about an address of a member."""
        family, low, high = member
        comes = self.comes.of_family(family)
        return any(
            comes.meets(max(low, first), min(high, last))
            for first, last in self.within.of_family(family).ranges
            if first <= high and low <= last
        )


def _check(exact: Exact) -> Iterator[Diagnostic]:
    if exact.policy is not None:
        yield from _groups(exact)
    yield from _sets(exact)


# Groups


def _groups(exact: Exact) -> Iterator[Diagnostic]:
    assert exact.policy is not None
    policy = exact.policy
    entries = {
        name: entry
        for name, entry in policy.merged.definitions["addresses"].items()
        if not isinstance(entry.value, Mapping) and policy.own(entry.key.span)
    }
    if not entries:
        return
    by_zones = any(isinstance(one.value, Mapping) for one in policy.merged.definitions["zones"].values())
    askings = [
        one
        for part in _parts(exact)
        for one in _askings(exact, part)
        if one.group or by_zones or _may_name_groups(part.rule)
    ]
    elsewhere = [one for part in _parts(exact) for one in _elsewhere(part.rule)]
    uses = uses_of(policy.merged, policy.written)
    within = {
        name.text: {one.text for one in uses.reach(frozenset({name})) if one.kind == "addresses"}
        for name in uses.names
        if name.kind == "addresses"
    }
    for name, entry in entries.items():
        users = {user for user, named in within.items() if name in named} | {name}
        if not any(one.group in users and one.comes != AddressSet() for one in askings):
            # It is POL309's, or POL320's, or named by what asks for no packet's address.
            continue
        # A list of several groups has the name of none.
        mine = [one for one in askings if one.group in users or not one.group]
        for scalar in _members(entry.value):
            family, low, high = member = parse_address(scalar.text)
            if any(one.of_family(family).meets(low, high) for one in elsewhere):
                continue
            if not any(one.asks_for(member) for one in mine):
                yield _idle(scalar.text, f"the group `{name}`", scalar.span)


def _may_name_groups(rule: Rule) -> bool:
    """Whether addresses that are no single group may be several of them together."""
    span = rule.origin.span
    return span is None or "@" in span.text or "use" in span.text


def _members(node: Node) -> Iterator[Scalar]:
    for one in node.items if isinstance(node, Sequence) else (node,):
        if isinstance(one, Scalar) and not one.text.startswith("@"):
            yield one


def _parts(exact: Exact) -> Iterator[Part]:
    for chain in exact.ruleset.chains:
        for number, rule in enumerate(chain.rules):
            yield Part(chain.name, number, rule)


def _askings(exact: Exact, part: Part) -> Iterator[_Asking]:
    for match in part.rule.matches:
        if isinstance(match, AddressMatch):
            asked: dict[Family, Intervals] = {}
            for view in exact.views:
                packets = _asked_about(view, part, match)
                of = view.space.variable(SIDES[match.side]).number
                found = values_in(view.space.manager, packets, of)
                asked[view.family] = asked.get(view.family, Intervals()).union(found)
            comes = AddressSet(asked.get(Family.IP, Intervals()), asked.get(Family.IP6, Intervals()))
            yield _Asking(match.group, match.addresses, comes)


def _asked_about(view: View, part: Part, match: AddressMatch | SetMatch) -> Set:
    """The packets about which a rule's match is asked: they come to the rule, and meet its other matches."""
    arrivals, manager = view.arrivals, view.space.manager
    if not match.negated:
        return arrivals.meeting(part.chain, part.number)
    others = tuple(one for one in part.rule.matches if one is not match)
    condition = arrivals.chains.condition(Rule(others, None, families=part.rule.families))
    wanted = manager.where(condition, arrivals.coming(part.chain))
    return arrivals.enders(part.chain, part.number, wanted)[1]


def _elsewhere(rule: Rule) -> Iterator[AddressSet]:
    """Addresses that a rule names for other ends."""
    for match in rule.matches:
        if isinstance(match, OriginalAddressMatch):
            yield match.addresses
        elif isinstance(match, ElementMatch):
            yield from _in_elements(match.key, match.elements)
    verdict = rule.verdict
    if isinstance(verdict, Nat):
        yield from _of_target(NatTarget(verdict.addresses, verdict.ports))
    elif isinstance(verdict, NatMap):
        yield from _in_elements(verdict.key, (one for one, _ in verdict.elements))
        for _, target in verdict.elements:
            yield from _of_target(target)
    elif isinstance(verdict, VerdictMap):
        yield from _in_elements(verdict.key, (one for one, _ in verdict.elements))
    for statement in rule.statements:
        if isinstance(statement, MapMark):
            yield from _in_elements(statement.key, (one for one, _ in statement.elements))


def _of_target(target: NatTarget) -> Iterator[AddressSet]:
    if target.addresses is not None:
        yield AddressSet(target.addresses, target.addresses)


def _in_elements(key: Iterable[object], elements: Iterable[tuple[object, ...]]) -> Iterator[AddressSet]:
    places = [at for at, one in enumerate(key) if isinstance(one, Side)]
    for element in elements:
        for at in places:
            value = element[at]
            if isinstance(value, Intervals):
                yield AddressSet(value, value)


# Named sets


def _sets(exact: Exact) -> Iterator[Diagnostic]:
    asking: dict[str, list[tuple[Part, SetMatch]]] = {}
    for part in _parts(exact):
        for match in part.rule.matches:
            if isinstance(match, SetMatch):
                asking.setdefault(match.set_name, []).append((part, match))
    for one in exact.ruleset.sets:
        span = one.origin.span
        if span is not None and one.name in asking and 0 < len(one.elements) <= MOST_ELEMENTS:
            yield from _set(exact, one, span, asking[one.name])


def _set(exact: Exact, one: DynamicSet, span: Span, asking: list[tuple[Part, SetMatch]]) -> Iterator[Diagnostic]:
    waiting = list(one.elements)
    comes = False
    for part, match in asking:
        for view in exact.views:
            if not waiting or not {view.family} & one.families:
                continue
            packets = _asked_about(view, part, match)
            comes = comes or packets != NONE
            fields = view.arrivals.chains.predicates.fields
            waiting = [
                element
                for element in waiting
                if view.space.manager.where(fields.element(match.key, element), packets) == NONE
            ]
    if waiting and comes:
        words = [_words(element, one) for element in waiting]
        more = f" and {len(words) - 3} more" if len(words) > 3 else ""
        yield _idle(f"{', '.join(words[:3])}{more}", f"the set `{one.origin.name or one.name}`", span)


def _words(element: Element, one: DynamicSet) -> str:
    """As nft writes an element, with numbers for what is no address."""
    return " . ".join(_part(kind, value) for kind, value in zip(one.types, element, strict=True))


def _part(kind: KeyType, value: KeyValue) -> str:
    if not isinstance(value, Intervals):
        return str(value)
    family = next((one for one, type_ in ADDRESS_TYPES.items() if type_ is kind), None)
    if family is not None:
        return ",".join(format_range(family, low, high) for low, high in value.ranges)
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in value.ranges)


def _idle(member: str, of: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "POL325",
        f"{member} in {of} never matters: no packet with it comes to a rule that asks for it",
        (Label(span),),
        "look at the rules above those that name it; or take it out",
        Severity.NOTE,
    )


# Diagrams


def values_in(manager: Manager, members: Set, variable: int) -> Intervals:
    """The values that a variable has in the members of a set."""
    seen: set[int] = set()
    found: list[tuple[int, int]] = []
    ahead = [members] if members != NONE else []
    while ahead:
        node = ahead.pop()
        if node in seen:
            continue
        seen.add(node)
        asks = manager.asks(node)
        if asks is None or asks > variable:
            return Intervals(((0, manager.highest[variable]),))
        for child, values in manager.branches(node):
            if child != NONE:
                if asks == variable:
                    found += values.ranges
                else:
                    ahead.append(child)
    return Intervals.of(found)


LINTS = (ExactLint(("POL325",), _check),)
