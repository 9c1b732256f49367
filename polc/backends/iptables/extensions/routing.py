"""What the routing table says: ``-m rpfilter`` and ``-m addrtype`` (iptables-extensions(8); xt_addrtype.c)."""

from __future__ import annotations

from polc.backends.iptables.extensions.words import Refused, Words, module
from polc.ir.family import Family
from polc.ir.matches import REJECTED, AddressType, AddressTypeMatch, Direction, ReversePathMatch, Side

_TYPES = (
    AddressType.UNICAST,
    AddressType.LOCAL,
    AddressType.BROADCAST,
    AddressType.ANYCAST,
    AddressType.MULTICAST,
    AddressType.BLACKHOLE,
    AddressType.UNREACHABLE,
    AddressType.PROHIBIT,
)
"""The order of the bits, in which iptables-save prints them (linux/netfilter/xt_addrtype.h)."""
_ROUTED_IP6 = frozenset({AddressType.LOCAL, AddressType.ANYCAST, *REJECTED})
"""What of IPv6 is looked up in the routing table: the others are told by the address's bits, and asked besides it."""
_LIMITS = {Direction.IN: "in", Direction.OUT: "out"}
_OPTIONS = {Side.SADDR: "--src-type", Side.DADDR: "--dst-type"}


def reverse_path(match: ReversePathMatch) -> Words:
    return module("rpfilter" + (" --loose" if match.loose else "") + ("" if match.passes else " --invert"))


def address_type(match: AddressTypeMatch, family: Family) -> Words:
    types = match.types
    if family is Family.IP6:
        types = _together(types)
    by_bits = family is Family.IP6 and not _ROUTED_IP6.issuperset(types)
    if by_bits and types != (AddressType.MULTICAST,):
        raise Refused(
            "address-type",
            "iptables tells `unicast` of IPv6 by the bits of an address, whether it is the host's own or not",
            "name `local`, or make a rule of IPv4 for it",
        )
    names = ",".join(one.value.upper() for one in _TYPES if one in types)
    limit = "" if match.interface is None else f" --limit-iface-{_LIMITS[match.interface]}"
    return module(f"addrtype {'! ' if match.negated else ''}{_OPTIONS[match.side]} {names}{limit}")


def _together(types: tuple[AddressType, ...]) -> tuple[AddressType, ...]:
    """Of IPv6 ``UNREACHABLE`` is whatever a route rejects (net/netfilter/xt_addrtype.c, match_lookup_rt6).

    Raises:
        Refused: one of those alone, or broadcast, of which IPv6 has none.
    """
    if AddressType.BROADCAST in types:
        raise Refused(
            "address-type", "iptables knows no `broadcast` among IPv6 addresses", "make a rule of IPv4 for it"
        )
    rejected = [one for one in REJECTED if one in types]
    if rejected and len(rejected) < len(REJECTED):
        words = ", ".join(f"`{one.value}`" for one in rejected)
        every = ", ".join(f"`{one.value}`" for one in REJECTED)
        raise Refused(
            "address-type",
            f"iptables does not tell {words} from other routes of IPv6 that reject",
            f"name all of {every}, or make a rule of IPv4 for it",
        )
    return tuple(one for one in types if one not in REJECTED or one is AddressType.UNREACHABLE)
