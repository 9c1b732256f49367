"""One match statement as what it asks of a packet."""

from __future__ import annotations

from typing import TypeGuard, assert_never

from polc.importers.nft_json import subjects as read
from polc.importers.nft_json import symbols
from polc.importers.nft_json.demands import ANY, FLOW_PORTS, Condition, Demand, Transport
from polc.importers.nft_json.json_value import Json, Object, compact, items, number
from polc.importers.nft_json.pieces import Counted
from polc.importers.nft_json.problems import Malformed, Unknown
from polc.importers.nft_json.subjects import Subject, subject
from polc.importers.nft_json.values import (
    ADDRESS,
    PORT,
    PROTOCOL,
    Kind,
    bits,
    field_kind,
    icmp_kind,
    interfaces,
    intervals,
)
from polc.ir.addresses import AddressSet
from polc.ir.family import BOTH, Family
from polc.ir.fields import FIELDS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressMatch,
    AddressType,
    AddressTypeMatch,
    CtState,
    CtStateMatch,
    Direction,
    ElementMatch,
    ExtensionHeaderMatch,
    FieldMatch,
    FlagField,
    FlagsMatch,
    InterfaceMatch,
    InterfacePattern,
    Match,
    NameMatch,
    OpaqueMatch,
    OriginalAddressMatch,
    ReversePathMatch,
    Side,
    Syntax,
    TcpOptionMatch,
    Trait,
    TraitMatch,
    disjoint_patterns,
)
from polc.ir.protocols import ICMP_FAMILY, TCP
from polc.ir.selectors import Transport as TransportPart
from polc.ir.stateful import EveryNth, RandomMatch

OPERATORS = ("==", "!=", "<", ">", "<=", ">=", "in", "!")
_ORDERS = ("<", ">", "<=", ">=")
_EQUALS = ("==", "in")
_OFFSET = 0x1FFF
"""RFC 791, 3.1: the three highest bits beside the offset of a fragment are flags."""
_ADDRESS_TYPES = {one.value: one for one in AddressType}
_EVERY_STATE = CtState(sum(one.value for one in CtState))
_TCP = Transport.of(TCP)


def compare(inside: Object, *, layer3: bool) -> Demand | Counted:
    """What ``{"match": inside}`` asks; ``layer3``: in a table whose packets are of IPv4 and IPv6 alone.

    Raises:
        Malformed: it is no match.
        Unknown: the IR has no words for it.
    """
    op, left, right = parts(inside)
    match left:
        case {"&": [inner, mask], **rest} if not rest:
            return _masked(subject(inner), mask, op, right)
        case _:
            return _plain(subject(left), op, right, layer3)


def parts(inside: Object) -> tuple[str, Json, Json]:
    """Operator, left and right side of a match.

    Raises:
        Malformed: it is no match.
    """
    for key in ("left", "right"):
        if key not in inside:
            raise Malformed(f"a match has the key `{key}`")
    op = inside.get("op")
    if not isinstance(op, str) or op not in OPERATORS:
        raise Malformed(f"the key `op` of a match is one of {', '.join(OPERATORS)}", ("op",) if "op" in inside else ())
    if len(inside) > 3:
        raise Unknown("a match with other keys than `op`, `left` and `right`")
    return op, inside["left"], inside["right"]


def _plain(what: Subject, op: str, right: Json, layer3: bool) -> Demand | Counted:
    match what:
        case read.Address(side, family):
            values, negated = _values(op, right, ADDRESS[family])
            return Demand((AddressMatch(side, _of(family, values), negated),), _ONLY[family])
        case read.FlowAddress(side, family, reply):
            values, negated = _values(op, right, ADDRESS[family])
            return Demand((OriginalAddressMatch(side, _of(family, values), negated, reply),), _ONLY[family])
        case read.Port():
            return _port(what, _positive(op, right, PORT))
        case read.Protocol(family):
            if family is not None and not layer3:
                raise Unknown("the protocol in the header of one family, in a table of all")
            return Demand((), BOTH if family is None else _ONLY[family], Transport(_positive(op, right, PROTOCOL)))
        case read.PacketFamily():
            return _family(op, right, layer3)
        case read.Interface():
            return _interface(what, op, right)
        case read.Number(field):
            return _field(field, op, right)
        case read.Flags():
            return _flags(what, op, right)
        case read.Name(field=name):
            return Demand(tuple(NameMatch(name, one, op == "!=") for one in _words(op, right)))
        case read.State():
            return Demand((_state(op, right),))
        case read.Icmp(protocol, code):
            values = _positive(op, right, icmp_kind(protocol, code=code))
            transport = Transport(Intervals.single(protocol), **{"codes" if code else "types": values})
            families = _ONLY[ICMP_FAMILY[protocol]]
            condition = Condition.TYPES if code else None
            return Demand((), families, transport, condition, elsewhere=_bytes(protocol, values, code=code))
        case read.AddressKind(side, interface):
            return Demand((_address_type(side, interface, op, right),))
        case _:
            return _presence(what, op, right)


def _presence(
    what: read.WayBack | read.Fragment | read.Header | read.Option | read.Has | read.Turn | read.Chance,
    op: str,
    right: Json,
) -> Demand | Counted:
    match what:
        case read.WayBack(loose):
            return Demand((ReversePathMatch(loose, _there(op, right)),))
        case read.Fragment(Family.IP6) if op == "!=" and number(right) == 0:
            return Demand((TraitMatch(Trait.FRAGMENT),), _ONLY[Family.IP6])
        case read.Fragment():
            raise Unknown("an offset of a fragment other than whether it is 0")
        case read.Header(header):
            return Demand((ExtensionHeaderMatch(header, not _there(op, right)),), _ONLY[Family.IP6])
        case read.Option(kind):
            if not isinstance(right, bool):
                raise Unknown("the first byte of a TCP option")
            there = _there(op, right)
            return Demand(
                (TcpOptionMatch(kind, not there),),
                transport=_TCP if there else ANY,
                # That an option is missing is true of what is not TCP, too.
                condition=None if there else Condition.TCP,
            )
        case read.Has(Trait.SOCKET):
            if not _there(op, right):
                raise Unknown("a socket that is not transparent, which is not the same as none")
            return Demand((TraitMatch(Trait.SOCKET),))
        case read.Has(trait):
            return Demand((TraitMatch(trait, not _there(op, right)),))
        case read.Turn(every, offset):
            packet = number(right)
            if op not in _EQUALS or packet is None or not offset <= packet < offset + every:
                raise Unknown("more turns of a counter than one")
            return Counted(EveryNth(every, packet - offset))
        case read.Chance():
            threshold = number(right)
            if op not in ("<", ">=") or threshold is None or threshold % 2 or threshold > 1 << 32:
                raise Unknown("a random number in another range than from 0 to an even number")
            return Counted(RandomMatch(threshold // 2, op == ">="))
        case _:
            assert_never(what)


_ONLY = {family: frozenset({family}) for family in Family}


def _of(family: Family, values: Intervals) -> AddressSet:
    return AddressSet(ip=values) if family is Family.IP else AddressSet(ip6=values)


def _values(op: str, right: Json, kind: Kind) -> tuple[Intervals, bool]:
    """The values, and whether it is those that must not be.

    Raises:
        Unknown: no value can meet it, or the operator is none for numbers.
    """
    if op in _ORDERS:
        bound = kind.number(right)
        low, high = {
            "<": (0, bound - 1),
            "<=": (0, bound),
            ">": (bound + 1, kind.highest),
            ">=": (bound, kind.highest),
        }[op]
        if low > high:
            raise Unknown("a bound that no value is beyond")
        return Intervals(((low, high),)), False
    if op == "!":
        raise Unknown("the operator `!` on what is no set of bits")
    return intervals(right, kind), op == "!="


def _positive(op: str, right: Json, kind: Kind) -> Intervals:
    values, negated = _values(op, right, kind)
    found = values.complement(0, kind.highest) if negated else values
    if not found:
        raise Unknown("a match that no value meets")
    return found


def _port(what: read.Port, ports: Intervals) -> Demand:
    protocols = None if what.protocol is None else Intervals.single(what.protocol)
    transport = Transport(protocols, sport=ports) if what.source else Transport(protocols, dport=ports)
    return Demand((), BOTH, transport, Condition.PORTS if what.protocol is None else None)


def _bytes(protocol: int, values: Intervals, *, code: bool) -> tuple[Match, ...]:
    """ICMP in a packet of a family that it is not of: its number, and its first bytes as bytes."""
    given: list[Json] = [low if low == high else {"range": [low, high]} for low, high in values.ranges]
    left: Object = {"payload": {"base": "th", "offset": 8 if code else 0, "len": 8}}
    statement: Object = {"match": {"op": "==", "left": left, "right": given[0] if len(given) == 1 else {"set": given}}}
    return (
        ElementMatch((TransportPart.PROTOCOL,), ((Intervals.single(protocol),),)),
        OpaqueMatch(compact(statement), Syntax.NFT_JSON, "ICMP of the other family"),
    )


def _family(op: str, right: Json, layer3: bool) -> Demand:
    if not layer3:
        raise Unknown("the family of a packet, in a table of others than IPv4 and IPv6")
    named = [symbols.NFPROTO.get(str(one)) for one in items(right["set"] if _is_set(right) else right)]
    found = frozenset(one for one in named if one is not None)
    if op not in (*_EQUALS, "!=") or len(found) != len(named):
        raise Unknown("a family other than IPv4 and IPv6")
    return Demand((), found if op in _EQUALS else BOTH - found)


def _is_set(value: Json) -> TypeGuard[Object]:
    return isinstance(value, dict) and list(value) == ["set"]


def _interface(what: read.Interface, op: str, right: Json) -> Demand:
    if op not in (*_EQUALS, "!="):
        raise Unknown("interfaces in an order")
    if what.index and number(right) == 0:
        # No interface has this number: where there is one, its name begins in some way.
        return Demand((InterfaceMatch(what.direction, (InterfacePattern("", wildcard=True),), op in _EQUALS),))
    names = interfaces(right)
    if what.index and any(one.wildcard or one.name.isdigit() for one in names):
        raise Unknown("an interface by its number")
    near = tuple(_BY_NUMBER.format(one.name) for one in names if one.name != "lo") if what.index else ()
    return Demand((InterfaceMatch(what.direction, disjoint_patterns(names), op == "!="),), near=near)


_BY_NUMBER = (
    "the interface `{}` is matched by its name here, and there by the number that it had when the rule was made: the "
    "same until an interface of that name is made anew, or renamed"
)
_OF_UTC = "hours are read as those of UTC here, and by nft as those of the time zone of whoever loads or lists a rule"


def _field(field: Field, op: str, right: Json) -> Demand:
    values, negated = _values(op, right, field_kind(field))
    if field is Field.CT_EXPIRATION:
        values = _of_seconds(op, values)
    fact = FIELDS[field]
    families = BOTH if fact.family is None else _ONLY[fact.family]
    if field is Field.META_PROTOCOL and not negated and values in _ETHER_TYPES:
        return Demand((), _ONLY[_ETHER_TYPES[values]])
    transport = ANY if fact.protocol is None else Transport.of(fact.protocol)
    condition = Condition.PORTS if field in FLOW_PORTS else None
    near = (_OF_UTC,) if field is Field.META_HOUR and '"' in compact(right) else ()
    return Demand((FieldMatch(field, values, None, negated),), families, transport, condition, near=near)


_ETHER_TYPES = {Intervals.single(symbols.ETHER_TYPES[family.value]): family for family in Family}


def _of_seconds(op: str, values: Intervals) -> Intervals:
    """Beyond a bound begins with its own second, of which the kernel counts the parts."""
    ((low, high),) = values.ranges if op in (">", "<=") else (*values.ranges[:0], (0, 0))
    match op:
        case ">":
            return Intervals(((low - 1, high),))
        case "<=" if high > 0:
            return Intervals(((low, high - 1),))
        case _:
            return values


def _masked(what: Subject, mask: Json, op: str, right: Json) -> Demand:
    match what:
        case read.Flags(field, name, _):
            found = bits(mask, symbols.FLAG_WORDS[name])
            if found is None:
                raise Unknown("a mask of bits that have no names here")
            return _flags(what, op, right, found)
        case read.Number(field) if FIELDS[field].maskable:
            kind = field_kind(field)
            values, negated = _values(op, right, kind)
            return Demand((FieldMatch(field, values, kind.number(mask), negated),))
        case read.Address(side, family) if op in (*_EQUALS, "!="):
            length = _prefix_length(ADDRESS[family].number(mask), family)
            network = ADDRESS[family].number(right)
            hosts = (1 << (family.bits - length)) - 1
            if network & hosts:
                raise Unknown("a network with bits beyond its mask")
            values = Intervals(((network, network | hosts),))
            return Demand((AddressMatch(side, _of(family, values), op == "!="),), _ONLY[family])
        case read.State():
            return Demand((_state(op, right, bits(mask, _STATE_WORDS)),))
        case read.Fragment(Family.IP) if number(mask) == _OFFSET and number(right) == 0 and op in (*_EQUALS, "!="):
            return Demand((TraitMatch(Trait.FRAGMENT, op in _EQUALS),), _ONLY[Family.IP])
        case _:
            raise Unknown("this part of a packet under a mask")


def _prefix_length(mask: int, family: Family) -> int:
    hosts = ~mask & (1 << family.bits) - 1
    if hosts & (hosts + 1):
        raise Unknown("a mask of addresses that is no prefix")
    return family.bits - hosts.bit_length()


def _flags(what: read.Flags, op: str, right: Json, mask: int | None = None) -> Demand:
    """Flags under ``mask``, None: all of them. Without a mask ``in`` means any of them, and ``!`` none."""
    values = right["set"] if _is_set(right) else [right]
    numbers = [bits(one, symbols.FLAG_WORDS[what.name]) for one in items(values)]
    if not numbers or op in _ORDERS:
        raise Unknown("flags in an order")
    whole = what.whole if mask is None else mask
    matches: list[Match] = []
    for found in numbers:
        match op, found:
            case _, None:
                raise Unknown("bits that have no names here")
            case "in" | "!", int() if mask is None and not _is_set(right) and found:
                matches.append(FlagsMatch(what.field, found, 0, op == "in"))
            case (("==" | "in"), int()) if len(numbers) == 1:
                matches.append(FlagsMatch(what.field, whole, found))
            case "!=", int():
                matches.append(FlagsMatch(what.field, whole, found, True))
            case _:
                raise Unknown("a set of values of flags")
    return Demand(tuple(matches), transport=_TCP if what.field is FlagField.TCP_FLAGS else ANY)


def _words(op: str, right: Json) -> list[str]:
    """Names of which the packet's must be the one, or (`!=`) none."""
    words = items(right["set"] if _is_set(right) else right)
    found = [one for one in words if isinstance(one, str) and not one.startswith("@")]
    if len(found) != len(words) or not (op == "!=" or (op in _EQUALS and len(words) == 1)):
        raise Unknown("several names at once")
    return found


_STATE_WORDS = {state.name.lower(): state.value for state in CtState if state.name}


def _state(op: str, right: Json, mask: int | None = None) -> CtStateMatch:
    """A state is one bit: it meets a comparison or does not.

    Raises:
        Unknown: no state meets it.
    """
    values = items(right["set"]) if _is_set(right) else [right]
    numbers = [one for one in (bits(value, _STATE_WORDS) for value in values) if one is not None]
    if len(numbers) != len(values) or not numbers or op in _ORDERS:
        raise Unknown("states that have no names here")
    whole = ~0 if mask is None else mask

    def holds(state: int) -> bool:
        if op in ("in", "!") and mask is None and not _is_set(right):
            return bool(state & numbers[0]) is (op == "in")
        return ((state & whole) in numbers) is (op != "!=")

    found = [one for one in CtState if holds(one.value)]
    if not found:
        raise Unknown("a combination of states, of which a packet has one alone")
    return CtStateMatch(CtState(sum(one.value for one in found)))


def _address_type(side: Side, interface: Direction | None, op: str, right: Json) -> AddressTypeMatch:
    names = [_ADDRESS_TYPES.get(str(one)) for one in items(right["set"] if _is_set(right) else right)]
    types = tuple(one for one in names if one is not None)
    if not types or len(types) != len(names) or op not in (*_EQUALS, "!="):
        raise Unknown("a type of address that has no name here")
    return AddressTypeMatch(side, types, op == "!=", interface)


def _there(op: str, right: Json) -> bool:
    """Whether something must be there: true and 1, or false and 0.

    Raises:
        Unknown: it is compared with something else.
    """
    found = right if isinstance(right, bool) else {0: False, 1: True}.get(-1 if (one := number(right)) is None else one)
    if found is None or op not in (*_EQUALS, "!="):
        raise Unknown("more than whether it is there")
    return found is (op != "!=")
