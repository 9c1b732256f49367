"""Addresses: a few stand in the rule, many in a group with a name."""

from __future__ import annotations

from collections import Counter

from polc.ir.addresses import AddressSet, format_range
from polc.ir.family import FAMILIES
from polc.lift.names import Names

MOST_INLINE = 3
"""Addresses and ranges that stand in a rule, where nothing else names them."""


def items(addresses: AddressSet) -> list[str]:
    """Single ones, prefixes and ranges, those of IPv4 first."""
    return [format_range(family, low, high) for family in FAMILIES for low, high in addresses.of_family(family).ranges]


class Groups:
    """``uses`` counts the sets of addresses that rules ask for; ``called`` are names that sets had already."""

    def __init__(self, uses: Counter[AddressSet], called: dict[AddressSet, str], free: Names) -> None:
        self.uses = uses
        self.called = called
        self.free = free
        self.names: dict[AddressSet, str] = {}

    def words(self, addresses: AddressSet) -> str:
        """``192.0.2.1, 2001:db8::/32`` or ``@servers``."""
        if addresses in self.called or self._is_large(addresses):
            return f"@{self.name(addresses)}"
        return ", ".join(items(addresses))

    def name(self, addresses: AddressSet) -> str:
        if addresses not in self.names:
            self.names[addresses] = self.free.near(self.called.get(addresses) or _kind(addresses))
        return self.names[addresses]

    def _is_large(self, addresses: AddressSet) -> bool:
        size = sum(len(addresses.of_family(family).ranges) for family in FAMILIES)
        return size > MOST_INLINE or (size > 1 and self.uses[addresses] > 1)


def _kind(addresses: AddressSet) -> str:
    ranges = [pair for family in FAMILIES for pair in addresses.of_family(family).ranges]
    return "hosts" if all(low == high for low, high in ranges) else "nets"
