"""Addresses: a few stand in the rule, many in a group with a name."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from polc.ir.addresses import AddressSet, format_range, prefixes
from polc.ir.family import FAMILIES, Family
from polc.lift.names import Names

MOST_INLINE = 3
"""Addresses and ranges that stand in a rule, where nothing else names them."""


def items(addresses: AddressSet) -> list[str]:
    """Single ones, prefixes and ranges, those of IPv4 first."""
    return [
        one
        for family in FAMILIES
        for low, high in addresses.of_family(family).ranges
        for one in _spelled(family, low, high)
    ]


def _spelled(family: Family, low: int, high: int) -> list[str]:
    """Two neighbours of one size, hosts or networks, are not a range to anybody who reads it."""
    parts = list(islice(prefixes(family, low, high), 3))
    if len(parts) == 2 and parts[0][1] == parts[1][1]:
        return [format_range(family, at, at + (1 << (family.bits - length)) - 1) for at, length in parts]
    return [format_range(family, low, high)]


class Groups:
    """``uses`` counts the sets of addresses that rules ask for; ``called`` are names that sets had already."""

    def __init__(self, uses: Counter[AddressSet], called: dict[AddressSet, str], free: Names) -> None:
        self.uses = uses
        self.called = called
        self.free = free
        self.names: dict[AddressSet, str] = {}

    def words(self, addresses: AddressSet, about: str = "") -> str:
        """``192.0.2.1, 2001:db8::/32`` or ``@servers``; ``about`` is the service of the rule, for a name."""
        if addresses in self.called or self._is_large(addresses):
            return f"@{self.name(addresses, about)}"
        return ", ".join(items(addresses))

    def name(self, addresses: AddressSet, about: str = "") -> str:
        if addresses not in self.names:
            kind = _kind(addresses)
            self.names[addresses] = self.free.near(self.called.get(addresses) or (f"{about}-{kind}" if about else kind))
        return self.names[addresses]

    def _is_large(self, addresses: AddressSet) -> bool:
        size = sum(len(addresses.of_family(family).ranges) for family in FAMILIES)
        return size > MOST_INLINE or (size > 1 and self.uses[addresses] > 1)


def _kind(addresses: AddressSet) -> str:
    return "nets" if any("/" in one or "-" in one for one in items(addresses)) else "hosts"
