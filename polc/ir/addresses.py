"""Sets of IPv4 and IPv6 addresses."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from polc.ir.family import FAMILIES, Family
from polc.ir.intervals import EMPTY, Intervals

_AF = {Family.IP: socket.AF_INET, Family.IP6: socket.AF_INET6}


@dataclass(frozen=True, slots=True)
class AddressSet:
    """Addresses of both families; the families are disjoint, so a set of IPv4 addresses has no IPv6 member."""

    ip: Intervals = EMPTY
    ip6: Intervals = EMPTY

    @classmethod
    def of(cls, items: Iterable[tuple[Family, int, int]]) -> AddressSet:
        """From ``(family, lowest, highest)`` items, as ``parse_address`` gives them."""
        ip: list[tuple[int, int]] = []
        ip6: list[tuple[int, int]] = []
        for family, low, high in items:
            (ip if family is Family.IP else ip6).append((low, high))
        return cls(Intervals.of(ip) if ip else EMPTY, Intervals.of(ip6) if ip6 else EMPTY)

    def of_family(self, family: Family) -> Intervals:
        return self.ip if family is Family.IP else self.ip6

    @property
    def families(self) -> frozenset[Family]:
        """The families that have a member."""
        return frozenset(family for family in FAMILIES if self.of_family(family))

    def only(self, family: Family) -> AddressSet:
        """Its members of one family."""
        return AddressSet(ip=self.ip) if family is Family.IP else AddressSet(ip6=self.ip6)

    def union(self, other: AddressSet) -> AddressSet:
        return AddressSet(self.ip.union(other.ip), self.ip6.union(other.ip6))


def parse_address(text: str) -> tuple[Family, int, int]:
    """One address, prefix (``192.0.2.0/24``) or range (``192.0.2.1-192.0.2.9``) as (family, lowest, highest).

    Raises:
        ValueError: with the reason, lowercase and fit for a diagnostic. A prefix with host bits set is
            such an error: what is meant, the host or the network, is for its author to say.
    """
    if "-" in text:
        left, _, right = text.partition("-")
        (family, low), (other, high) = _number(left), _number(right)
        if family is not other:
            raise ValueError("the two ends of a range must be of one family")
        if low > high:
            raise ValueError(f"the range is the wrong way round: write `{right}-{left}`")
        return family, low, high
    if "/" not in text:
        family, low = _number(text)
        return family, low, low
    address, _, length_text = text.partition("/")
    family, low = _number(address)
    if not (length_text.isascii() and length_text.isdigit() and len(length_text) < 4):
        raise ValueError(f"`{length_text}` is not a prefix length")
    length = int(length_text)
    if length > family.bits:
        raise ValueError(f"a prefix length here is at most {family.bits}")
    hosts = (1 << (family.bits - length)) - 1
    if low & hosts:
        network = format_address(family, low & ~hosts)
        raise ValueError(f"host bits are set: write `{network}/{length}` for the network, `{address}` for the host")
    return family, low, low | hosts


def _number(text: str) -> tuple[Family, int]:
    family = Family.IP6 if ":" in text else Family.IP
    try:
        # inet_pton refuses what inet_aton and scoped notation would let through: `10.1`, `010.0.0.1`, `fe80::1%eth0`.
        return family, int.from_bytes(socket.inet_pton(_AF[family], text), "big")
    except (OSError, ValueError):
        raise ValueError(f"`{text}` is not an {'IPv6' if family is Family.IP6 else 'IPv4'} address") from None


def format_address(family: Family, number: int) -> str:
    """The address as text, IPv6 as RFC 5952 wants it."""
    return socket.inet_ntop(_AF[family], number.to_bytes(family.bits // 8, "big"))


def is_link_local(number: int) -> bool:
    """Whether an address of IPv6 is of its link alone, fe80::/10 (RFC 4291, 2.4); no number of IPv4 is."""
    return number >> 118 == 0xFE80 >> 6


def format_range(family: Family, low: int, high: int) -> str:
    """``192.0.2.1``, ``192.0.2.0/24`` where the range is a prefix, else ``192.0.2.1-192.0.2.9``."""
    length = prefix_length(family, low, high)
    if length is None:
        return f"{format_address(family, low)}-{format_address(family, high)}"
    return format_address(family, low) + ("" if length == family.bits else f"/{length}")


def prefix_length(family: Family, low: int, high: int) -> int | None:
    """The length of the prefix that is exactly ``low..high``, or None."""
    size = high - low + 1
    if size & (size - 1) or low & (size - 1):
        return None
    return family.bits - (size.bit_length() - 1)


def prefixes(family: Family, low: int, high: int) -> Iterator[tuple[int, int]]:
    """The fewest ``(network, length)`` prefixes that together are exactly ``low..high``, in order."""
    while low <= high:
        largest = (low & -low).bit_length() - 1 if low else family.bits
        size = min(largest, (high - low + 1).bit_length() - 1)
        yield low, family.bits - size
        low += 1 << size
