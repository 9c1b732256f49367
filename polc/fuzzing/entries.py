"""What random rules are put together from: an entry a construct, and values near each other, so that rules overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random

from polc.fuzzing.case import Part

HOST = (
    "eth0 203.0.113.1/24 2001:db8:113::1/64, eth1 192.0.2.1/24 2001:db8:2::1/64 group 2, eth2 10.0.0.1/24, "
    "wg0 10.9.0.1/24 2001:db8:9::1/64, 0.0.0.0/0 via eth0, ::/0 via eth0"
)
"""A host as many of them are: its interfaces are those that rules name."""

ADDRESSES = (
    "198.51.100.8", "198.51.100.9", "198.51.100.8/31", "198.51.100.8/30", "198.51.100.0/24", "198.51.100.0/22",
    "198.51.100.7-198.51.100.12", "192.0.2.0/24", "192.0.2.9", "192.0.2.8-192.0.2.11", "192.0.2.128/25", "10.0.0.0/8",
    "203.0.113.1", "203.0.113.0/24", "127.0.0.0/8", "255.255.255.255", "224.0.0.251", "0.0.0.0/1",
)  # fmt: skip
ADDRESSES6 = (
    "2001:db8:100::8", "2001:db8:100::9", "2001:db8:100::8/127", "2001:db8:100::/64", "2001:db8::/32",
    "2001:db8:100::7-2001:db8:100::c", "2001:db8:2::/64", "2001:db8:2::9", "2001:db8:2::8/126", "2001:db8:113::1",
    "fe80::/10", "ff02::fb",
)  # fmt: skip
PORTS = ("22", "21-25", "53", "53-80", "80", "79", "81", "443", "0-1023", "1024-65535", "65535", "1", "8080-8090")
MARKS = ("0x1", "0x2", "0x10/0xf0", "0x0/0xf", "0xff", "0x1/0x1")
RATES = ("1/second", "2/minute", "3/minute", "10/hour", "6/day", "100/second")
BURSTS = ("1", "2", "3", "5")


@dataclass(frozen=True, slots=True)
class Entry:
    """A construct: ``make`` draws one, of one part or of several that belong together. ``at`` are the places where it
    can stand (None: all); it is drawn ``weight`` times as often as one of weight 1.
    """

    make: Callable[[Random], Part | tuple[Part, ...]]
    at: frozenset[str] | None = None
    weight: int = 1


def chosen(random: Random, entries: Iterable[Entry], place: str) -> tuple[Part, ...]:
    """What one of the entries for a place makes."""
    there = [one for one in entries if one.at is None or place in one.at]
    made = random.choices(there, [one.weight for one in there])[0].make(random)
    return (made,) if isinstance(made, Part) else made


def some(random: Random, values: Sequence[str], most: int = 3) -> tuple[str, ...]:
    """One to ``most`` of the values, few being likelier."""
    count = min(len(values), random.choice((1, 1, 2, most)))
    return tuple(random.sample(values, count))


def maybe(random: Random, text: str, chance: float = 0.3) -> str:
    return text if random.random() < chance else ""
