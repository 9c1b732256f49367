"""Address families of netfilter's ``inet`` table."""

from __future__ import annotations

from enum import Enum


class Family(Enum):
    """A packet is of exactly one. The value is nft's keyword (nft(8), ADDRESS FAMILIES)."""

    IP = "ip"
    IP6 = "ip6"

    @property
    def bits(self) -> int:
        """Width of an address: 32 or 128."""
        return 32 if self is Family.IP else 128

    @property
    def nfproto(self) -> str:
        """The family's name as a value of nft's ``meta nfproto``."""
        return "ipv4" if self is Family.IP else "ipv6"


BOTH: frozenset[Family] = frozenset(Family)
FAMILIES: tuple[Family, ...] = (Family.IP, Family.IP6)
"""Both, in the order in which outputs name them."""
