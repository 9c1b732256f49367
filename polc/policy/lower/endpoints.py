"""``from`` and ``to``: zones become interface matches, addresses address matches, dynamic groups set matches."""

from __future__ import annotations

from polc.diagnostics.suggest import did_you_mean
from polc.ir.addresses import AddressSet, parse_address
from polc.ir.family import FAMILIES, Family
from polc.ir.matches import (
    AddressMatch,
    Direction,
    InterfaceMatch,
    InterfacePattern,
    SetMatch,
    Side,
    disjoint_patterns,
)
from polc.ir.ruleset import Hook
from polc.policy.document import Endpoint, Names, Word
from polc.policy.lower.branches import Branch, combine
from polc.policy.lower.scope import Scope, Zone
from polc.policy.lower.symbols import unknown_group

NO_INTERFACE: dict[tuple[Hook, Direction], str] = {
    (Hook.INPUT, Direction.OUT): "a packet in `input` leaves through no interface: it ends here",
    (Hook.OUTPUT, Direction.IN): "a packet in `output` came in through no interface: it begins here",
    (Hook.PREROUTING, Direction.OUT): "the route of a packet in `prerouting` is not known yet",
    (Hook.INGRESS, Direction.OUT): "the route of a packet at ingress is not known yet",
}
"""Where a direction has no interface, and why."""

_WORDS = {Direction.IN: "from", Direction.OUT: "to"}


def endpoint_branches(endpoint: Endpoint, side: Side, scope: Scope) -> tuple[Branch, ...] | None:
    """The branches of one end, of which one must hold, or None for a wrong one, which is recorded."""
    zones: tuple[Branch, ...] | None = (Branch(),)
    addresses: tuple[Branch, ...] | None = (Branch(),)
    if endpoint.zones:
        zones = _zones(endpoint.zones, side, scope)
    if endpoint.addresses:
        addresses = _addresses(endpoint.addresses, side, scope)
    if zones is None or addresses is None:
        return None
    if len(zones) == len(addresses) == 1:
        zone, own = zones[0], addresses[0]
        return (Branch((*zone.matches, *own.matches), zone.families & own.families),)
    return combine((zones, addresses))


def _zones(names: Names, side: Side, scope: Scope) -> tuple[Branch, ...] | None:
    """One branch for all zones that are interfaces alone, and one for each that has addresses too.

    Negated, a zone with addresses is left out in two ways: by the interface or by the address.
    """
    direction = Direction.IN if side is Side.SADDR else Direction.OUT
    reason = no_interface(direction, scope)
    if reason:
        other = _WORDS[Direction.OUT if direction is Direction.IN else Direction.IN]
        scope.collector.error(
            "POL221",
            f"`{_WORDS[direction]}` can name addresses here, but no zone",
            names.words[0].span,
            label=reason,
            help=f"the interface of such a packet is named by `{other}`",
        )
        return None
    found = _known_zones(names, scope)
    if not found:
        return None

    def interfaces(patterns: tuple[InterfacePattern, ...]) -> InterfaceMatch:
        return InterfaceMatch(direction, disjoint_patterns(patterns), names.negated)

    plain = tuple(pattern for one in found if one.addresses is None for pattern in one.patterns)
    bound = [(one.patterns, one.addresses) for one in found if one.addresses is not None]
    if names.negated:
        choices: list[tuple[Branch, ...]] = [(Branch((interfaces(plain),)),)] if plain else []
        choices += (
            (Branch((interfaces(patterns),)), Branch((AddressMatch(side, addresses, negated=True),)))
            for patterns, addresses in bound
        )
        return combine(choices)
    of_bound = (
        Branch((interfaces(patterns), AddressMatch(side, addresses)), addresses.families)
        for patterns, addresses in bound
    )
    return (*((Branch((interfaces(plain),)),) if plain else ()), *of_bound)


def no_interface(direction: Direction, scope: Scope) -> str:
    """Why no packet here has an interface of this direction, "" where some have one.

    In a chain that several lead to, packets without the interface do not meet a rule that names one.
    """
    reasons = [NO_INTERFACE.get((place.hook, direction), "") for place in scope.places]
    return reasons[0] if reasons and all(reasons) else ""


def _addresses(names: Names, side: Side, scope: Scope) -> tuple[Branch, ...] | None:
    """A branch for the addresses that are written, and one for each family of each dynamic group.

    Of negated names none may hold, so there is one branch a family, with all of them.
    """
    dynamic = scope.symbols.dynamic
    filled = [word for word in names.words if word.text.startswith("@") and word.text[1:] in dynamic]
    written = tuple(word for word in names.words if word not in filled)
    fixed = static_addresses(Names(written), scope) if written else AddressSet()
    sets = [dynamic[word.text[1:]] for word in filled]
    if fixed is None or None in sets:
        return None
    own = (AddressMatch(side, fixed, names.negated, _group(written)),) if written else ()
    found = [one for group in sets for one in group or ()]
    if not names.negated:
        of_sets = (Branch((SetMatch((side,), one.name),), one.families) for one in found)
        return (*((Branch(own, fixed.families),) if written else ()), *of_sets)
    if not found:
        return (Branch(own),)
    return tuple(
        Branch(
            (*own, *(SetMatch((side,), one.name, negated=True) for one in found if family in one.families)),
            frozenset({family}),
        )
        for family in FAMILIES
    )


def _group(words: tuple[Word, ...]) -> str:
    """The name of the group that the words are, where they are one."""
    return words[0].text[1:] if len(words) == 1 and words[0].text.startswith("@") else ""


def _known_zones(names: Names, scope: Scope) -> list[Zone]:
    zones = scope.symbols.zones
    found: list[Zone] = []
    for word in names.words:
        if word.text in zones:
            zone = zones[word.text]
            found += (zone,) if zone else ()
            continue
        hint = did_you_mean(word.text, zones) or _instead_of_zone(word.text, scope)
        scope.collector.error("POL201", f"there is no zone `{word.text}`", word.span, help=hint)
    return found


def _instead_of_zone(text: str, scope: Scope) -> str:
    symbols = scope.symbols
    if text in symbols.addresses or text in symbols.dynamic:
        return f"the address group is written `@{text}`"
    if "." in text:
        return "polc takes addresses, not host names: what a name stands for can change"
    if text in ("any", "all", "world", "everywhere"):
        return "leave the clause out: without it a rule speaks of packets from and to everywhere"
    of = next((name for name, zone in symbols.zones.items() if zone and _has_interface(zone, text)), None)
    return f"interfaces have names in `zones`: `{text}` is in the zone `{of}`" if of else ""


def _has_interface(zone: Zone, name: str) -> bool:
    return any(one.covers(InterfacePattern(name)) for one in zone.patterns)


def static_addresses(names: Names, scope: Scope) -> AddressSet | None:
    """The addresses that are written, or None when one is wrong, which is recorded."""
    groups: list[AddressSet] = []
    items: list[tuple[Family, int, int]] = []
    sound = True
    for word in names.words:
        if word.text.startswith("@"):
            name = word.text[1:]
            if name in scope.symbols.dynamic:
                message = f"the group `{name}` is filled at run time: what is in it is not known here"
                scope.collector.error("POL244", message, word.span)
            elif name not in scope.symbols.addresses:
                known = (*scope.symbols.addresses, *scope.symbols.dynamic)
                unknown_group(Word(name, word.span), known, scope.collector)
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
