"""``from`` and ``to``: zones become interface matches, addresses address matches."""

from __future__ import annotations

from polc.ir.addresses import AddressSet, parse_address
from polc.ir.family import Family
from polc.ir.matches import AddressMatch, Direction, InterfaceMatch, InterfacePattern, Match, Side, disjoint_patterns
from polc.ir.ruleset import Hook
from polc.policy.document import Endpoint, Names, Word
from polc.policy.lower.scope import Scope
from polc.policy.lower.symbols import unknown_group
from polc.policy.suggest import did_you_mean
from polc.source import Span

NO_INTERFACE: dict[tuple[Hook, Direction], str] = {
    (Hook.INPUT, Direction.OUT): "a packet in `input` leaves through no interface: it ends here",
    (Hook.OUTPUT, Direction.IN): "a packet in `output` came in through no interface: it begins here",
    (Hook.PREROUTING, Direction.OUT): "the route of a packet in `prerouting` is not known yet",
}
"""Where a direction has no interface, and why."""

_WORDS = {Direction.IN: "from", Direction.OUT: "to"}


def endpoint_matches(endpoint: Endpoint, side: Side, scope: Scope, span: Span) -> list[Match]:
    """The matches of one end; what is wrong is recorded, and its match left out."""
    found: list[Match] = []
    direction = Direction.IN if side is Side.SADDR else Direction.OUT
    if endpoint.zones:
        without = [hook for hook in Hook if hook in scope.hooks and (hook, direction) in NO_INTERFACE]
        if without:
            reason = NO_INTERFACE[without[0], direction]
            other = _WORDS[Direction.OUT if direction is Direction.IN else Direction.IN]
            scope.collector.error(
                "POL221",
                f"`{_WORDS[direction]}` can name addresses here, but no zone",
                endpoint.zones.words[0].span,
                label=reason,
                help=f"the interface of such a packet is named by `{other}`",
            )
        else:
            patterns = _patterns(endpoint.zones, scope)
            if patterns:
                found.append(InterfaceMatch(direction, disjoint_patterns(patterns), endpoint.zones.negated))
    if endpoint.addresses:
        addresses = _addresses(endpoint.addresses, scope)
        if addresses is not None:
            found.append(AddressMatch(side, addresses, endpoint.addresses.negated))
    return found


def _patterns(names: Names, scope: Scope) -> tuple[InterfacePattern, ...]:
    zones = scope.symbols.zones
    found: list[InterfacePattern] = []
    for word in names.words:
        if word.text in zones:
            found += zones[word.text] or ()
            continue
        hint = did_you_mean(word.text, zones)
        if not hint and word.text in scope.symbols.addresses:
            hint = f"the address group is written `@{word.text}`"
        elif not hint and "." in word.text:
            hint = "polc takes addresses, not host names: what a name stands for can change"
        scope.collector.error("POL201", f"there is no zone `{word.text}`", word.span, help=hint)
    return tuple(found)


def _addresses(names: Names, scope: Scope) -> AddressSet | None:
    groups: list[AddressSet] = []
    items: list[tuple[Family, int, int]] = []
    sound = True
    for word in names.words:
        if word.text.startswith("@"):
            name = word.text[1:]
            if name not in scope.symbols.addresses:
                unknown_group(Word(name, word.span), scope.symbols.addresses, scope.collector)
            group = scope.symbols.addresses.get(name)
            sound &= group is not None
            groups += (group,) if group else ()
            continue
        try:
            items.append(parse_address(word.text))
        except ValueError as error:
            hint = f"an address group is written `@{word.text}`" if word.text in scope.symbols.addresses else ""
            scope.collector.error("POL116", str(error), word.span, help=hint)
            sound = False
    if not sound:
        return None
    # A rule that names one group alone shares its set: groups can be large.
    if len(groups) == 1 and not items:
        return groups[0]
    addresses = AddressSet.of(items)
    for group in groups:
        addresses = addresses.union(group)
    return addresses
