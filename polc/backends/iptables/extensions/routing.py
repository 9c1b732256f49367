"""What the routing table says: ``-m rpfilter`` and ``-m addrtype`` (iptables-extensions(8); xt_addrtype.c)."""

from __future__ import annotations

from polc.backends.iptables.extensions.words import Refused, Words, module
from polc.ir.family import Family
from polc.ir.matches import AddressType, AddressTypeMatch, Direction, ReversePathMatch, Side

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
_NOT_IP6 = frozenset({AddressType.BROADCAST, AddressType.BLACKHOLE, AddressType.PROHIBIT})
"""The kernel refuses these for IPv6."""
_ROUTED_IP6 = frozenset({AddressType.LOCAL, AddressType.ANYCAST, AddressType.UNREACHABLE})
"""What of IPv6 is looked up in the routing table: the others are told by the address's bits, and asked besides it."""
_LIMITS = {Direction.IN: "in", Direction.OUT: "out"}
_OPTIONS = {Side.SADDR: "--src-type", Side.DADDR: "--dst-type"}


def reverse_path(match: ReversePathMatch) -> Words:
    return module("rpfilter" + (" --loose" if match.loose else "") + ("" if match.passes else " --invert"))


def address_type(match: AddressTypeMatch, family: Family) -> Words:
    unknown = _NOT_IP6.intersection(match.types) if family is Family.IP6 else frozenset()
    if unknown:
        words = ", ".join(sorted(f"`{one.value}`" for one in unknown))
        raise Refused("address-type", f"iptables knows no {words} among IPv6 addresses", "make a rule of IPv4 for it")
    by_bits = family is Family.IP6 and not _ROUTED_IP6.issuperset(match.types)
    if by_bits and match.types != (AddressType.MULTICAST,):
        raise Refused(
            "address-type",
            "iptables tells `unicast` of IPv6 by the bits of an address, whether it is the host's own or not",
            "name `local`, or make a rule of IPv4 for it",
        )
    names = ",".join(one.value.upper() for one in _TYPES if one in match.types)
    limit = "" if match.interface is None else f" --limit-iface-{_LIMITS[match.interface]}"
    return module(f"addrtype {'! ' if match.negated else ''}{_OPTIONS[match.side]} {names}{limit}")
