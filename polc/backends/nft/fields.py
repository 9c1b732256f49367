"""Matches on single fields, flags and names: from the IR to nft's words."""

from __future__ import annotations

from typing import assert_never

from polc.backends.nft.expressions import (
    Addresses,
    AtLeast,
    Bits,
    Ct,
    Exists,
    Fib,
    Fingerprint,
    Fragment,
    Hardware,
    Meta,
    Names,
    Numbers,
    Payload,
    Right,
    Socket,
    TcpOption,
    Turn,
    WholeSeconds,
    Words,
)
from polc.backends.nft.expressions import (
    Field as Expression,
)
from polc.backends.nft.refused import Refused
from polc.backends.nft.statements import Compare
from polc.ir.family import FAMILIES, Family
from polc.ir.fields import FIELDS, TCP_OPTION_KINDS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressTypeMatch,
    FieldMatch,
    FlagField,
    FlagsMatch,
    NameField,
    NameMatch,
    OriginalAddressMatch,
    ReversePathMatch,
    TcpOptionMatch,
    Trait,
    TraitMatch,
)
from polc.ir.protocols import TCP
from polc.ir.stateful import EveryNth

ORIGINAL_PORTS = (Field.CT_ORIGINAL_SPORT, Field.CT_ORIGINAL_DPORT)
_OPEN_ENDED = (Field.CT_BYTES, Field.CT_PACKETS)
_LARGEST_JSON = (1 << 63) - 1
"""Jansson, which reads nft's JSON, keeps integers in 64 bits with a sign."""

_MOST_SECONDS = 4294966

_OPTION_NAMES = {kind: name for name, kind in TCP_OPTION_KINDS.items()}
# RFC 791, 3.1: the three highest bits are flags, the rest counts units of 8 bytes.
_FRAGMENT_OFFSET = Bits(Payload("ip", "frag-off"), 0x1FFF)


def compare_field(match: FieldMatch) -> tuple[Compare, ...]:
    """Raises:
    Refused: values of which nft can only say some.
    """
    field, values = match.field, match.values
    if field is Field.TCP_MSS:
        return (Compare(TcpOption("maxseg", "size"), Numbers(values), match.negated),)
    left = _expression(field)
    if match.mask is not None:
        return (Compare(Bits(left, match.mask), Numbers(values), match.negated),)
    return (Compare(left, _values(field, values), match.negated),)


def _expression(field: Field) -> Expression:
    first, *rest = field.value.split()
    match first, rest:
        case "meta", [key]:
            return Meta(key)
        case "ct", [("original" | "reply") as direction, key]:
            return Ct(key, direction)
        case "ct", [key]:
            return Ct(key)
        case _:
            return Payload(first, rest[-1])


def _values(field: Field, values: Intervals) -> Right:
    if field is Field.ETHER_SADDR:
        return Hardware(values)
    if field is Field.CT_EXPIRATION:
        return _seconds(values)
    if field in _OPEN_ENDED and values.ranges[-1][1] == FIELDS[field].highest:
        if len(values.ranges) == 1:
            return AtLeast(values.ranges[0][0])
        *lower, (low, _) = values.ranges
        if low > _LARGEST_JSON:
            raise Refused(f"nft's JSON has no number as large as {low}", "a smaller number")
        return Numbers(Intervals((*lower, (low, _LARGEST_JSON))))
    return Numbers(values)


def _seconds(values: Intervals) -> WholeSeconds:
    """The kernel keeps milliseconds in 32 bits: no time that is left is longer (net/netfilter/nft_ct.c)."""
    if values.ranges[-1][0] > _MOST_SECONDS:
        raise Refused(f"nft counts the time that a flow has left up to {_MOST_SECONDS} seconds", "a shorter time")
    return WholeSeconds(Intervals(tuple((low, min(high, _MOST_SECONDS)) for low, high in values.ranges)))


def compare_flags(match: FlagsMatch) -> tuple[Compare, ...]:
    left = Payload("tcp", "flags") if match.field is FlagField.TCP_FLAGS else Ct("status")
    value = Numbers(Intervals.single(match.value))
    if match.field is FlagField.TCP_FLAGS and match.mask == 0xFF:
        return (Compare(left, value, match.negated),)
    return (Compare(Bits(left, match.mask), value, match.negated),)


def compare_name(match: NameMatch) -> tuple[Compare, ...]:
    """Raises:
    Refused: a name that cannot stand in a text.
    """
    if '"' in match.name or "\\" in match.name or not match.name.isprintable():
        raise Refused(f"nft cannot write the name `{match.name}`")
    left = Ct("helper") if match.field is NameField.CT_HELPER else Fingerprint()
    return (Compare(left, Names((match.name,)), match.negated),)


def compare_trait(match: TraitMatch, family: Family | None) -> tuple[Compare, ...]:
    match match.trait:
        case Trait.FRAGMENT if family is Family.IP6:
            return (Compare(Fragment(), Numbers(Intervals.single(0)), not match.negated),)
        case Trait.FRAGMENT:
            return (Compare(_FRAGMENT_OFFSET, Numbers(Intervals.single(0)), not match.negated),)
        case Trait.IPSEC:
            return (Compare(Meta("ipsec"), Exists(not match.negated)),)
        case Trait.SOCKET:
            return (Compare(Socket(), Numbers(Intervals.single(1)), match.negated),)
        case _:
            assert_never(match.trait)


def compare_option(match: TcpOptionMatch) -> tuple[Compare, ...]:
    """That an option is missing is also true of what is not TCP, so TCP is asked for, and after the option: before it,
    nft 1.0.6 would leave it out of listings, and a saved one would match more.

    Raises:
        Refused: an option without a name: nft before 1.0 knows no other.
    """
    name = _OPTION_NAMES.get(match.kind)
    if name is None or name in ("md5sig", "mptcp", "fastopen"):
        known = ", ".join(one for one in TCP_OPTION_KINDS if one not in ("md5sig", "mptcp", "fastopen"))
        raise Refused(f"nft 0.9.8 cannot name the TCP option {name or match.kind}", f"one of {known}")
    tcp = Compare(Meta("l4proto"), Numbers(Intervals.single(TCP)))
    return (Compare(TcpOption(name), Exists(not match.negated)), tcp)


def compare_original(match: OriginalAddressMatch) -> tuple[Compare, ...]:
    return tuple(
        Compare(Ct(f"{family.value} {match.side.value}", "original"), Addresses(family, own), match.negated)
        for family in FAMILIES
        if (own := match.addresses.of_family(family))
    )


def compare_way_back(match: ReversePathMatch) -> tuple[Compare, ...]:
    flags = ("saddr",) if match.loose else ("saddr", "iif")
    return (Compare(Fib("oif", flags), Exists(match.passes)),)


def compare_address_type(match: AddressTypeMatch) -> tuple[Compare, ...]:
    types = tuple(one.value for one in match.types)
    return (Compare(Fib("type", (match.side.value,)), Words(types), match.negated),)


def compare_turn(match: EveryNth) -> Compare:
    return Compare(Turn(match.every), Numbers(Intervals.single(match.packet)))
