"""What a region says of packets besides interfaces, protocols, ports, addresses and states, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from polc.diffing.names import Names, addresses_text, listed
from polc.ir.fields import CT_STATUS_BITS, FIELDS, TCP_FLAG_BITS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FlagField, NameField
from polc.ir.stateful import Connections, Limit, Quota, RecentMatch
from polc.simulate.describe import field_of, wanted
from polc.simulate.packet_format import mac_text
from polc.symbolic.answers import SetName
from polc.symbolic.atoms import Bits
from polc.symbolic.space import OPTIONAL, TYPES, Of, Space, Variable

_MACS = (Field.ETHER_SADDR, Field.ETHER_DADDR)


def condition(space: Space, variable: Variable, values: Intervals, names: Names) -> str:
    """``tcp flags & (syn|ack) == syn``, ``ttl 1-4``, ``saddr in @banned``, ``limit 10/minute exceeded``."""
    return _WORDS[variable.of](space, variable, values, names)


def _values(values: Intervals, text: Callable[[int], str] = str) -> str:
    return listed([text(low) if low == high else f"{text(low)}-{text(high)}" for low, high in values.ranges])


def _yes(values: Intervals) -> bool:
    return 1 in values


def _field(space: Space, variable: Variable, values: Intervals, names: Names) -> str:
    field = variable.detail
    assert isinstance(field, Field)
    if field in OPTIONAL:
        if values == Intervals.single(variable.highest):
            return f"no {field.value}"
        if values.covers(0, variable.highest - 1) and variable.highest not in values:
            return f"any {field.value}"
    known = {number: name for name, number in FIELDS[field].names}

    def text(value: int) -> str:
        if field in OPTIONAL and value == variable.highest:
            return "none"
        if field in _MACS:
            return mac_text(value)
        if field is Field.META_HOUR:
            return f"{value // 3600:02}:{value // 60 % 60:02}:{value % 60:02}"
        return known.get(value, str(value))

    return _shorter(field.value, values, variable.highest, text)


def _shorter(name: str, values: Intervals, highest: int, text: Callable[[int], str] = str) -> str:
    others = values.complement(0, highest)
    if others and len(others.ranges) < len(values.ranges):
        return f"{name} not {_values(others, text)}"
    return f"{name} {_values(values, text)}"


def _bits(space: Space, variable: Variable, values: Intervals, names: Names) -> str:
    assert isinstance(variable.detail, tuple)
    field, low = variable.detail
    width = (variable.highest + 1).bit_length() - 1
    if width == 32:
        return _shorter(field.value, values, variable.highest, hex)
    mask = variable.highest << low
    shifted = Intervals(tuple((first << low, last << low) for first, last in values.ranges))
    return _shorter(f"{field.value} & {mask:#x}", shifted, mask, hex)


def _flags(field: FlagField, known: dict[str, int]) -> Callable[[Space, Variable, Intervals, Names], str]:
    def bits(value: int) -> str:
        return "|".join(name for name, bit in known.items() if value & bit) or "none"

    def words(space: Space, variable: Variable, values: Intervals, names: Names) -> str:
        classes: Bits = space.flags[field]
        # The fewest bits first: a test of one bit says most.
        for mask, wanted_bits in sorted(classes.tests, key=lambda one: (one[0].bit_count(), one)):
            for negated, sign in ((False, "=="), (True, "!=")):
                if classes.matching(mask, wanted_bits, negated=negated) == values:
                    if mask == wanted_bits and mask.bit_count() == 1:
                        return f"{field.value} {'without' if negated else 'with'} {bits(mask)}"
                    return f"{field.value} & ({bits(mask)}) {sign} {bits(wanted_bits)}"
        inside = [classes.values[at] for low, high in values.ranges for at in range(low, high + 1)]
        return f"{field.value} such as {listed([bits(one) for one in inside], 3)}"

    return words


def _named(what: str, words_of: Callable[[Space], Sequence[str]]) -> Callable[[Space, Variable, Intervals, Names], str]:
    def words(space: Space, variable: Variable, values: Intervals, names: Names) -> str:
        found = words_of(space)
        inside = [found[at] or "none" for low, high in values.ranges for at in range(low, high + 1)]
        outside = [found[at] or "none" for at in range(len(found)) if at not in values]
        return f"{what} not {listed(outside)}" if len(outside) < len(inside) else f"{what} {listed(inside)}"

    return words


def _detail_value(variable: Variable) -> str:
    return str(getattr(variable.detail, "value", variable.detail))


def _trait(space: Space, variable: Variable, values: Intervals, names: Names) -> str:
    return ("" if _yes(values) else "not ") + _detail_value(variable)


def _header(space: Space, variable: Variable, values: Intervals, names: Names) -> str:
    return f"{'with' if _yes(values) else 'without'} {variable.of.value} {_detail_value(variable)}"


def _original(space: Space, variable: Variable, values: Intervals, names: Names) -> str:
    assert isinstance(variable.detail, tuple)
    way, side = variable.detail
    return f"ct {way} {side} {addresses_text(values, space.family, names)}"


def _route(space: Space, variable: Variable, values: Intervals, names: Names) -> str:
    kind = "" if variable.detail == "strict" else " (loose)"
    return f"rpfilter{kind} {'passes' if _yes(values) else 'fails'}"


def _address_type(space: Space, variable: Variable, values: Intervals, names: Names) -> str:
    assert isinstance(variable.detail, tuple)
    side, interface = variable.detail
    words = _named("", lambda _: [one.value if one else "no such type" for one in TYPES])
    beside = "" if interface is None else f" . {interface}"
    return f"fib {side}{beside} type{words(space, variable, values, names)}"


def _member(space: Space, variable: Variable, values: Intervals, names: Names) -> str:
    assert isinstance(variable.detail, tuple)
    name, key = variable.detail
    of = " . ".join(str(one.value) for one in key)
    name = name.name if isinstance(name, SetName) else name
    return f"{of} {'in' if _yes(values) else 'not in'} @{names.sets.get(name, name)}"


def _answer(space: Space, variable: Variable, values: Intervals, names: Names) -> str:
    assert isinstance(variable.detail, tuple)
    match = variable.detail[1]
    if isinstance(match, RecentMatch):
        match = replace(match, name=names.lists.get(match.name, match.name))
    if _yes(values):
        return f"{field_of(match)} {wanted(match, space.family)}"
    if isinstance(match, Limit | Connections | Quota):
        return f"{field_of(match)} {wanted(replace(match, over=True), space.family)}"
    return f"not ({field_of(match)} {wanted(match, space.family)})"


_LATE = {Of.SADDR: "source", Of.DADDR: "destination", Of.SPORT: "source port", Of.DPORT: "port"}


def _late(space: Space, variable: Variable, values: Intervals, names: Names) -> str:
    """What is there behind NAT (polc.symbolic.translation)."""
    match variable.detail:
        case str(words):
            # Whether nat does to an expected flow what it did to the one that expects it.
            return f"{'' if _yes(values) else 'not '}{words}"
        case (Of.BOUND, _):
            return "changed by nat" if _yes(values) else "not changed by nat"
        case ((Of.SADDR | Of.DADDR) as of, _):
            return f"{_LATE[of]} after nat {addresses_text(values, space.family, names)}"
        case ((Of.SPORT | Of.DPORT) as of, _):
            return _shorter(f"{_LATE[of]} after nat", values, variable.highest)
        case ("type", side, interface, _):
            return f"after nat {_address_type(space, replace(variable, detail=(side, interface)), values, names)}"
        case (name, key, Of(), _):
            return f"after nat {_member(space, replace(variable, detail=(name, key)), values, names)}"
        case _:
            return _other(space, variable, values, names)


def _bound(space: Space, variable: Variable, values: Intervals, names: Names) -> str:
    return f"{FlagField.CT_STATUS.value} {'with' if _yes(values) else 'without'} {variable.detail}"


def _owner(space: Space, variable: Variable, values: Intervals, names: Names) -> str:
    return "of a socket of this host" if _yes(values) else "of no socket of this host"


def _other(space: Space, variable: Variable, values: Intervals, names: Names) -> str:
    return _shorter(str(variable), values, variable.highest)


_WORDS: dict[Of, Callable[[Space, Variable, Intervals, Names], str]] = {
    **dict.fromkeys(Of, _other),
    Of.FIELD: _field,
    Of.BITS: _bits,
    Of.FLAGS: _flags(FlagField.TCP_FLAGS, TCP_FLAG_BITS),
    Of.STATUS: _flags(FlagField.CT_STATUS, CT_STATUS_BITS),
    Of.HELPER: _named("ct helper", lambda space: space.names[NameField.CT_HELPER].words),
    Of.SYSTEM: _named("osf name", lambda space: space.names[NameField.OSF_NAME].words),
    Of.TRAIT: _trait,
    Of.HEADER: _header,
    Of.OPTION: _header,
    Of.ORIGINAL: _original,
    Of.ROUTE: _route,
    Of.ADDRESS_TYPE: _address_type,
    Of.MEMBER: _member,
    Of.ANSWER: _answer,
    Of.LATE: _late,
    Of.BOUND: _bound,
    Of.OWNER: _owner,
}
