"""Fields, flags, names and traits: which expression of nft each is, and how its values are written."""

from __future__ import annotations

from typing import Final, assert_never

from polc.backends.nft.expressions import (
    Bits,
    Ct,
    Fib,
    FragmentOffset,
    Macs,
    Meta,
    Numbers,
    OsfName,
    Payload,
    Presence,
    Seconds,
    SocketTransparent,
    Symbols,
    TcpOption,
)
from polc.backends.nft.refused import Refused
from polc.backends.nft.statements import Compare
from polc.ir.family import Family
from polc.ir.fields import FIELDS, TCP_FLAG_BITS, TCP_OPTION_KINDS, Field
from polc.ir.intervals import EMPTY, Intervals
from polc.ir.matches import (
    AddressTypeMatch,
    FieldMatch,
    FlagField,
    FlagsMatch,
    NameField,
    NameMatch,
    ReversePathMatch,
    TcpOptionMatch,
    Trait,
    TraitMatch,
)

_EXPRESSIONS: Final[dict[Field, Meta | Ct | Payload | TcpOption]] = {
    Field.TTL: Payload("ip", "ttl"),
    Field.IP_DSCP: Payload("ip", "dscp"),
    Field.IP_ECN: Payload("ip", "ecn"),
    Field.IP_LENGTH: Payload("ip", "length"),
    Field.HOPLIMIT: Payload("ip6", "hoplimit"),
    Field.IP6_DSCP: Payload("ip6", "dscp"),
    Field.IP6_ECN: Payload("ip6", "ecn"),
    Field.TCP_MSS: TcpOption("maxseg", "size"),
    Field.META_MARK: Meta("mark"),
    Field.META_LENGTH: Meta("length"),
    Field.META_SKUID: Meta("skuid"),
    Field.META_SKGID: Meta("skgid"),
    Field.META_IIFGROUP: Meta("iifgroup"),
    Field.META_OIFGROUP: Meta("oifgroup"),
    Field.META_CGROUP: Meta("cgroup"),
    Field.META_PKTTYPE: Meta("pkttype"),
    Field.META_DAY: Meta("day"),
    Field.META_HOUR: Meta("hour"),
    Field.CT_MARK: Ct("mark"),
    Field.CT_ZONE: Ct("zone"),
    Field.CT_DIRECTION: Ct("direction"),
    Field.CT_EXPIRATION: Ct("expiration"),
    Field.CT_BYTES: Ct("bytes"),
    Field.CT_PACKETS: Ct("packets"),
    Field.CT_ORIGINAL_SPORT: Ct("proto-src", original=True),
    Field.CT_ORIGINAL_DPORT: Ct("proto-dst", original=True),
    Field.ETHER_SADDR: Payload("ether", "saddr"),
}
_LONGEST_EXPIRATION: Final = (2**32 - 1) // 1000  # the kernel has it as milliseconds, in 32 bits (nft_ct.c)
_FLAGS: Final[dict[FlagField, Payload | Ct]] = {
    FlagField.TCP_FLAGS: Payload("tcp", "flags"),
    FlagField.CT_STATUS: Ct("status"),
}
_ALL_TCP_FLAGS: Final = 0xFF
_OFFSET: Final = 0x1FFF  # the fragment offset of an IPv4 header; the three bits above are flags (RFC 791, 3.1)
_LONGEST_OSF_NAME: Final = 15  # NFT_OSF_MAXGENRELEN is 16 (uapi/linux/netfilter/nf_tables.h)
_OPTION_NAMES: Final = {kind: name for name, kind in TCP_OPTION_KINDS.items()}
_LISTED_OPTIONS: Final = frozenset({"maxseg", "window", "sack-perm", "sack", "timestamp"})


def compare_field(match: FieldMatch) -> Compare:
    """Raises:
    Refused: a value that nft cannot hold a field against.
    """
    left, values = _EXPRESSIONS[match.field], match.values
    if values == EMPTY:
        raise Refused(f"`{match.field.value}` is held against no value at all")
    if match.mask is not None:
        if not isinstance(left, Meta | Ct):
            raise Refused(f"nft matches `{match.field.value}` without a mask alone")
        if match.mask != FIELDS[match.field].highest:
            return Compare(Bits(left, match.mask), Numbers(values), match.negated)
    match match.field:
        case Field.ETHER_SADDR:
            return Compare(left, Macs(values), match.negated)
        case Field.CT_EXPIRATION:
            if values.ranges[-1][0] >= _LONGEST_EXPIRATION:
                raise Refused(f"`ct expiration` has less than {_LONGEST_EXPIRATION} seconds in nft")
            capped = Intervals(tuple((low, min(high, _LONGEST_EXPIRATION - 1)) for low, high in values.ranges))
            return Compare(left, Seconds(capped), match.negated)
        case Field.META_HOUR if values.ranges[-1][1] >= 86400:
            raise Refused("`meta hour` is a second of the day, below 86400")
        case _:
            return Compare(left, Numbers(values), match.negated)


def compare_flags(match: FlagsMatch) -> Compare:
    left = _FLAGS[match.field]
    value = Numbers(Intervals.single(match.value))
    if match.field is FlagField.TCP_FLAGS and match.mask == _ALL_TCP_FLAGS:
        return Compare(left, value, match.negated)  # nft lists it so
    return Compare(Bits(left, match.mask), value, match.negated)


def compare_name(match: NameMatch) -> Compare:
    """Raises:
    Refused: a name that cannot be quoted, or is longer than the kernel's.
    """
    if not match.name or '"' in match.name or "\\" in match.name or "*" in match.name or not match.name.isprintable():
        raise Refused(f"nft cannot write the name `{match.name}` of `{match.field.value}`")
    longest = _LONGEST_OSF_NAME
    if len(match.name.encode()) > longest:
        raise Refused(f"a name of `{match.field.value}` has at most {longest} bytes")
    left = Ct("helper") if match.field is NameField.CT_HELPER else OsfName()
    return Compare(left, Symbols((match.name,), quoted=True), match.negated)


def compare_reverse_path(match: ReversePathMatch) -> Compare:
    flags = ("saddr",) if match.loose else ("saddr", "iif")
    return Compare(Fib("oif", flags), Presence(match.passes))


def compare_address_type(match: AddressTypeMatch) -> Compare:
    return Compare(
        Fib("type", (match.side.value,)), Symbols(tuple(sorted(one.value for one in match.types))), match.negated
    )


def compare_trait(match: TraitMatch, family: Family | None) -> Compare:
    """``family`` is that of the rule, which a fragment needs: its passes see to that."""
    match match.trait:
        case Trait.IPSEC:
            return Compare(Meta("ipsec"), Presence(not match.negated))
        case Trait.SOCKET:
            if match.negated:
                # Without a socket nft has no value to compare, and the rule ends there.
                raise Refused(
                    "nft cannot match packets for which there is no transparent socket",
                    "a rule with the socket before this one",
                )
            return Compare(SocketTransparent(), Numbers(Intervals.single(1)))
        case Trait.FRAGMENT:
            zero = Numbers(Intervals.single(0))
            if family is Family.IP:
                return Compare(Bits(Payload("ip", "frag-off"), _OFFSET), zero, not match.negated)
            if match.negated:
                raise Refused(
                    "nft cannot match IPv6 packets that are no fragments: without a fragment header there is no "
                    "offset to compare",
                    "a rule with the fragments before this one",
                )
            return Compare(FragmentOffset(), zero, negated=True)
        case _:
            assert_never(match.trait)


def compare_tcp_option(match: TcpOptionMatch) -> Compare:
    """Raises:
    Refused: an option that older nft has no name for.
    """
    name = _OPTION_NAMES.get(match.kind, "")
    if name not in _LISTED_OPTIONS:
        raise Refused(f"nft before 1.0.2 has no name for the TCP option {name or match.kind}")
    return Compare(TcpOption(name), Presence(not match.negated))


_SYN, _RST = TCP_FLAG_BITS["syn"], TCP_FLAG_BITS["rst"]
SYN_ONLY: Final = compare_flags(FlagsMatch(FlagField.TCP_FLAGS, _SYN | _RST, _SYN))
"""The first packet of a TCP connection, and its answer."""
