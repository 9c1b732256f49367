"""Matches on single fields, flags and names: from the IR to nft's words."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from polc.backends.features import Feature
from polc.backends.nft.expressions import (
    Addresses,
    Bits,
    Bound,
    Ct,
    Exists,
    ExtensionHeader,
    Fib,
    Fingerprint,
    Hardware,
    Meta,
    Names,
    Numbers,
    Payload,
    Right,
    Socket,
    TcpOption,
    Turn,
    Twice,
    WholeSeconds,
    Words,
)
from polc.backends.nft.refused import Refused
from polc.backends.nft.require import require
from polc.backends.nft.statements import Compare
from polc.backends.profile import Profile
from polc.ir.family import FAMILIES, Family
from polc.ir.fields import FIELDS, TCP_OPTION_KINDS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressTypeMatch,
    Direction,
    ExtensionHeaderMatch,
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
from polc.ir.stateful import EveryNth, RandomMatch

FLOW_PORTS = (
    Field.CT_ORIGINAL_SPORT,
    Field.CT_ORIGINAL_DPORT,
    Field.CT_REPLY_SPORT,
    Field.CT_REPLY_DPORT,
)
HARDWARE = (Field.ETHER_SADDR, Field.ETHER_DADDR)
_LARGEST_JSON = (1 << 63) - 1
"""Jansson, which reads nft's JSON, keeps integers in 64 bits with a sign."""

_MOST_SECONDS = 4294966

TAG = 0x8100  # uapi/linux/if_ether.h, ETH_P_8021Q

_LATER_NAMES = ("md5sig", "mptcp", "fastopen")
_OPTION_NAMES = {kind: name for name, kind in TCP_OPTION_KINDS.items()}
# RFC 791, 3.1: the three highest bits are flags, the rest counts units of 8 bytes.
_FRAGMENT_OFFSET = Bits(Payload("ip", "frag-off"), 0x1FFF)


def compare_field(match: FieldMatch) -> tuple[Compare, ...]:
    """Raises:
    Refused: values of which nft can only say some.
    """
    field, values = match.field, match.values
    left = expression(field)
    if match.mask is not None:
        if isinstance(left, TcpOption):
            raise Refused(f"nft has `{field.value}` without a mask alone", "a match on the whole")
        return (Compare(Bits(left, match.mask), Numbers(values), match.negated),)
    if field is Field.CT_ORIGINAL_PROTOCOL and _is_single(values) and not match.negated:
        # One number is taken for what a header behind it needs, and listings leave it out. Of `>=`, whatever it is
        # about, with `<=` right behind it they make one range.
        ((number, _),) = values.ranges
        least = Compare(left, Bound(">=", number))
        return (least,) if number == FIELDS[field].highest else (Compare(left, Bound("<", number + 1)), least)
    right = _values(field, values)
    if isinstance(right, Bound) and match.negated:
        # The sign says it all: nft has no `!=` beside it.
        return (Compare(left, Bound("<", right.value)),)
    found = Compare(left, right, match.negated)
    # nft 0.9.8 takes the tag for one of another header where nothing has said before that there is one.
    return (TAGGED, found) if field is Field.VLAN_ID else (found,)


def _is_single(values: Intervals) -> bool:
    return len(values.ranges) == 1 and values.ranges[0][0] == values.ranges[0][1]


_SIDE_BY_SIDE = frozenset({"sport", "dport", "type", "code", "saddr", "daddr"})
"""Fields that a match says alone, and beside which others stand."""


def none_joined(matches: list[Compare]) -> list[Compare]:
    """nft up to 1.0.6 joins fields that stand side by side in a header, and so makes `!=` this and `!=` that to "not
    both"; not where they are looked up in sets.
    """
    several = sum(_could_be_joined(one) is not one for one in matches) > 1
    return [_could_be_joined(one) for one in matches] if several else matches


def _could_be_joined(one: Compare) -> Compare:
    """The match as one that is not joined; itself, where nft would not."""
    match one:
        case Compare(Payload(field=field), (Numbers(values) | Hardware(values)) as right, negated=True) if (
            field in _SIDE_BY_SIDE and _is_single(values)
        ):
            return replace(one, right=Twice(right))
        case _:
            return one


def one_protocol(asked: Compare) -> Intervals | None:
    """The one protocol that a flow is asked for; None where it is something else."""
    match asked:
        case Compare(Ct("protocol"), Bound(">=", number)):
            return Intervals.single(number)
        case _:
            return None


TAGGED = Compare(Payload("ether", "type"), Numbers(Intervals.single(TAG)))


def expression(field: Field) -> Meta | Ct | Payload | TcpOption | ExtensionHeader:
    first, *rest = field.value.split()
    match first, rest:
        case "tcp", ["option", name, part]:
            return TcpOption(name, part)
        case "meta", [key]:
            return Meta(key)
        case "mh", [key]:
            return ExtensionHeader("mh", key)
        case "ct", ["original", "protocol"]:
            # A flow has one; nft lists it without a direction.
            return Ct("protocol")
        case "ct", [("original" | "reply") as direction, key]:
            return Ct(key, direction)
        case "ct", [key]:
            return Ct(key)
        case _:
            return Payload(first, rest[-1])


def _values(field: Field, values: Intervals) -> Right:
    if field in HARDWARE:
        return Hardware(values)
    if field is Field.CT_EXPIRATION:
        return _seconds(values)
    if FIELDS[field].bits == 64 and values.ranges[-1][1] == FIELDS[field].highest:
        if len(values.ranges) == 1:
            return Bound(">=", values.ranges[0][0])
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
            return (Compare(ExtensionHeader("frag", "frag-off"), Numbers(Intervals.single(0)), not match.negated),)
        case Trait.FRAGMENT:
            return (Compare(_FRAGMENT_OFFSET, Numbers(Intervals.single(0)), not match.negated),)
        case Trait.IPSEC:
            return (Compare(Meta("ipsec"), Exists(not match.negated)),)
        case Trait.SOCKET:
            return (Compare(Socket(), Numbers(Intervals.single(1)), match.negated),)
        case _:
            assert_never(match.trait)


def compare_option(match: TcpOptionMatch, profile: Profile) -> tuple[Compare, ...]:
    """That an option is missing is also true of what is not TCP, so TCP is asked for, and after the option: before it,
    nft 1.0.6 would leave it out of listings, and a saved one would match more.

    Raises:
        Refused: an option without a name, where the profile knows none by its number.
    """
    name = _OPTION_NAMES.get(match.kind)
    if name is None or (name in _LATER_NAMES and not profile.has(Feature.TCP_OPTION_NAMES)):
        require(profile, Feature.TCP_OPTION_NUMBERS)
        name = str(match.kind)
    tcp = Compare(Meta("l4proto"), Numbers(Intervals.single(TCP)))
    return (Compare(TcpOption(name), Exists(not match.negated)), tcp)


def compare_header(match: ExtensionHeaderMatch) -> tuple[Compare, ...]:
    return (Compare(ExtensionHeader(match.header.value), Exists(not match.negated)),)


def compare_flow_address(match: OriginalAddressMatch) -> tuple[Compare, ...]:
    direction = "reply" if match.reply else "original"
    return tuple(
        Compare(Ct(f"{family.value} {match.side.value}", direction), Addresses(family, own), match.negated)
        for family in FAMILIES
        if (own := match.addresses.of_family(family))
    )


def compare_way_back(match: ReversePathMatch) -> tuple[Compare, ...]:
    flags = ("saddr",) if match.loose else ("saddr", "iif")
    return (Compare(Fib("oif", flags), Exists(match.passes)),)


def compare_address_type(match: AddressTypeMatch) -> tuple[Compare, ...]:
    types = tuple(one.value for one in match.types)
    through = () if match.interface is None else (_INTERFACE[match.interface],)
    return (Compare(Fib("type", (match.side.value, *through)), Words(types), match.negated),)


_INTERFACE = {Direction.IN: "iif", Direction.OUT: "oif"}


def compare_turn(match: EveryNth) -> Compare:
    return Compare(Turn(match.every), Numbers(Intervals.single(match.packet)))


def compare_random(match: RandomMatch) -> tuple[Compare, ...]:
    """The kernel draws 32 bits, xt_statistic of these the lower 31 (net/netfilter/nft_meta.c, xt_statistic.c)."""
    if match.threshold == _CERTAIN:
        # No number of 32 bits is that large: a match that always holds is left out, one that never does stays.
        return (Compare(Meta("random"), Bound("<", 0)),) if match.negated else ()
    return (Compare(Meta("random"), Bound(">=" if match.negated else "<", 2 * match.threshold)),)


_CERTAIN = 1 << 31
