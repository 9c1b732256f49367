"""What maps look up: the parts of a key, and the values that elements have for them."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple, assert_never

from polc.diagnostics import Failure
from polc.diagnostics.suggest import did_you_mean
from polc.ir.addresses import AddressSet
from polc.ir.family import BOTH, Family
from polc.ir.fields import FIELDS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import PortTerm
from polc.ir.protocols import PORT_PROTOCOLS, PROTOCOL_NAMES
from polc.ir.selectors import Conntrack, Direction, InterfacePattern, Selector, Side, Transport
from polc.policy.document import Map, Names, Selection, Word
from polc.policy.lower import values
from polc.policy.lower.endpoints import no_interface, static_addresses
from polc.policy.lower.field_values import field_values
from polc.policy.lower.parts import state_of
from polc.policy.lower.places import check_field, check_state
from polc.policy.lower.scope import Part, Scope, Service
from polc.policy.lower.services import protocol_number
from polc.policy.lower.verdicts import only_of

KeyWord = tuple[Selector, frozenset[Family], int | None]

_PORTS = (Transport.SPORT, Transport.DPORT)
PARTS: dict[str, KeyWord] = {
    **{one.value: (one, BOTH, None) for one in (*Direction, *Side, *_PORTS, *Conntrack)},
    **{f"{family.value} {side.value}": (side, frozenset({family}), None) for family in Family for side in Side},
    **{f"{PROTOCOL_NAMES[one]} {port.value}": (port, BOTH, one) for one in sorted(PORT_PROTOCOLS) for port in _PORTS},
    "meta l4proto": (Transport.PROTOCOL, BOTH, None),
    **{
        field.value: (field, frozenset({fact.family}) if fact.family else BOTH, fact.protocol)
        for field, fact in FIELDS.items()
    },
}
"""Words of a key -> the part of a packet, and the families and the protocol of the packets that have it."""

_ELSEWHERE = {
    **dict.fromkeys(("iif", "meta iif", "meta iifname"), "iifname"),
    **dict.fromkeys(("oif", "meta oif", "meta oifname"), "oifname"),
    **{f"th {port.value}": port.value for port in _PORTS},
    **dict.fromkeys(("l4proto", "ip protocol", "ip6 nexthdr"), "meta l4proto"),
    **dict.fromkeys(("state", "ctstate"), "ct state"),
    **dict.fromkeys(("from", "source"), "saddr"),
    **dict.fromkeys(("to", "destination"), "daddr"),
}


class Key(NamedTuple):
    """A key that is sound: its parts, and the families and, where that is one, the protocol of packets with all."""

    selectors: tuple[Selector, ...]
    families: frozenset[Family]
    protocol: int | None
    selection: Selection

    @property
    def addresses(self) -> bool:
        return any(isinstance(one, Side) for one in self.selectors)


def key_of(selection: Selection, scope: Scope) -> Key | None:
    """The key that the words mean, or None where they mean none, which is recorded."""
    found: list[KeyWord] = []
    sound = True
    for word in selection.parts:
        known = PARTS.get(word.text)
        if known is None:
            meant = _ELSEWHERE.get(word.text)
            hint = f"did you mean `{meant}`?" if meant else did_you_mean(word.text, PARTS)
            hint = hint or "as in `iifname`, `saddr . tcp dport` or `ct state`"
            if "." in word.text:
                hint = "parts are joined by ` . `, with white space on both sides"
            scope.collector.error("POL234", f"`{word.text}` is nothing that a map looks up", word.span, help=hint)
            sound = False
        elif any(known[0] is other for other, _, _ in found):
            scope.collector.error("POL234", f"`{word.text}` is there twice", word.span)
            sound = False
        else:
            found.append(known)
            sound &= _has(known[0], word, scope)
    families = frozenset.intersection(BOTH, *(one for _, one, _ in found))
    protocols = {one for _, _, one in found if one is not None}
    if sound and (not families or len(protocols) > 1):
        message = "no packet has all of these: they are of different families or protocols"
        scope.collector.error("POL220", message, selection.span)
        sound = False
    if not sound:
        return None
    return Key(tuple(one for one, _, _ in found), families, next(iter(protocols), None), selection)


def _has(selector: Selector, word: Word, scope: Scope) -> bool:
    """Whether packets here have the part; that they have not is recorded."""
    before = len(scope.collector.diagnostics)
    match selector:
        case Direction():
            reason = no_interface(selector, scope)
            if reason:
                scope.collector.error("POL221", f"`{word.text}` is not known here", word.span, label=reason)
        case Conntrack():
            check_state(word.text, word.span, scope)
        case Field():
            check_field(selector, word.span, scope)
        case Side() | Transport():
            pass
        case _:
            assert_never(selector)
    return len(scope.collector.diagnostics) == before


def with_key(service: Service, key: Key, mapped: Map, scope: Scope) -> Service | None:
    """The service of a rule that looks up the key: ports are of a protocol. What does not fit is recorded."""
    if key.protocol is not None:
        if service and not only_of(service, {key.protocol}):
            name = PROTOCOL_NAMES[key.protocol]
            message = f"what is looked up is of `{name}` alone, and the rule names a service of another protocol"
            scope.collector.error("POL220", message, key.selection.span)
            return None
        return service or (Part(PortTerm(key.protocol)),)
    if not any(one in _PORTS for one in key.selectors) or only_of(service, PORT_PROTOCOLS):
        return service
    named = _protocols(key, mapped)
    if not service and named and named <= PORT_PROTOCOLS:
        return tuple(Part(PortTerm(one)) for one in sorted(named))
    message = "ports are looked up, and the rule also speaks of packets that have none"
    hint = "name the protocol, as in `tcp dport`, or a service with ports"
    scope.collector.error("POL236", message, key.selection.span, help=hint)
    return None


def _protocols(key: Key, mapped: Map) -> set[int]:
    """The protocols that elements name, where the key asks for one."""
    if Transport.PROTOCOL not in key.selectors:
        return set()
    at = key.selectors.index(Transport.PROTOCOL)
    numbers = {values.protocol(one.place[at].text) for one in mapped.entries if len(one.place) == len(key.selectors)}
    return {one for one in numbers if one is not None}


Value = Intervals | InterfacePattern | AddressSet


def values_of(place: tuple[Word, ...], key: Key, scope: Scope) -> tuple[Value, ...] | None:
    """An element's value for each part of the key, None for a wrong one, which is recorded."""
    found = [_value(selector, word, scope) for selector, word in zip(key.selectors, place, strict=True)]
    sound = tuple(one for one in found if one is not None)
    return sound if len(sound) == len(found) else None


def _value(selector: Selector, word: Word, scope: Scope) -> Value | None:
    try:
        match selector:
            case Direction():
                return _interface(word, scope)
            case Side():
                return static_addresses(Names((word,)), scope)
            case Transport.PROTOCOL:
                number = protocol_number(word, scope.collector)
                return None if number is None else Intervals.single(number)
            case Transport():
                return _ports(word, scope)
            case Conntrack():
                state = state_of(word, scope)
                return None if state is None else Intervals.single(state.value)
            case Field():
                return field_values(selector, (word,))
            case _:
                assert_never(selector)
    except Failure as failure:
        scope.collector.diagnostics.extend(failure.diagnostics)
        return None


def _interface(word: Word, scope: Scope) -> InterfacePattern | None:
    zone = scope.symbols.zones.get(word.text)
    try:
        found = values.interface(word.text)
    except ValueError as error:
        scope.collector.error("POL117", str(error), word.span)
        return None
    if zone and found not in zone.patterns:
        example = next((str(one) for one in zone.patterns), "eth0")
        message = f"`{word.text}` is a zone, and a map looks up interfaces"
        scope.collector.error("POL236", message, word.span, help=f"name them, such as `{example}`")
        return None
    return found


def _ports(word: Word, scope: Scope) -> Intervals | None:
    try:
        return Intervals.of((values.ports(word.text),))
    except ValueError as error:
        scope.collector.error("POL115", str(error), word.span, help=_number_of(word.text, scope))
        return None


def _number_of(name: str, scope: Scope) -> str:
    """What to write instead of the name of a service, "" for what is none."""
    service: Service | None = None
    with suppress(KeyError):
        service = scope.symbols.services[name]
    for part in service or ():
        if isinstance(part.term, PortTerm) and part.term.dport:
            low, high = part.term.dport.ranges[0]
            return f"write `{low}`" if low == high else f"write `{low}-{high}`"
    return ""
