"""What a running firewall has counted, by the lines of its policy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counted:
    """What a rule has counted since it was loaded; ``origin`` is today's line of the policy, ``chain`` where it stands.

    Empty origin: the rule is none of the policy's, or the compiler's own.
    """

    origin: str
    chain: str
    packets: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Element:
    """``left`` are the seconds that it stays (None: for good); ``packets`` what met it (None: that is not counted)."""

    text: str
    left: int | None = None
    packets: int | None = None


@dataclass(frozen=True, slots=True)
class FilledSet:
    """A set that is filled at run time; ``size`` is the most that it takes (None: as many as there is room for)."""

    name: str
    size: int | None
    elements: tuple[Element, ...]

    def top(self, most: int) -> tuple[Element, ...]:
        """Those that met most packets, or else, where nothing counts, those that were added or refreshed last."""
        return tuple(sorted(self.elements, key=lambda one: (one.packets or 0, one.left or 0), reverse=True)[:most])


def by_origin(rules: Iterable[Counted]) -> tuple[Counted, ...]:
    """One for each line of the policy and chain: a line may be several rules. The most packets come first."""
    found: dict[tuple[str, str], Counted] = {}
    for one in rules:
        key = one.chain, one.origin
        before = found.get(key, Counted(one.origin, one.chain, 0, 0))
        found[key] = Counted(one.origin, one.chain, before.packets + one.packets, before.bytes + one.bytes)
    return tuple(sorted(found.values(), key=lambda one: -one.packets))
