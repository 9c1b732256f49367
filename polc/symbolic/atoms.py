"""Values that rules cannot tell apart, as classes: names of interfaces, bits under the masks in use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count, pairwise

from polc.ir.intervals import Intervals
from polc.ir.matches import InterfacePattern

_LONGEST_NAME = 15
"""IFNAMSIZ less one (linux/if.h)."""


@dataclass(frozen=True, slots=True)
class Names:
    """Classes of names: ``words[i]`` is one of class ``i``. Class 0 is the empty name: no interface, no helper.

    ``patterns`` are those that the classes are of.
    """

    words: tuple[str, ...]
    patterns: frozenset[InterfacePattern] = frozenset()

    @classmethod
    def of_interfaces(cls, patterns: Iterable[InterfacePattern]) -> Names:
        """A class for each name that is spelled out, and for the other names under each set of wildcards, none of them
        included: a name that stands for the class is made up.
        """
        known = set(patterns)
        exact = sorted({one.name for one in known if not one.wildcard} - {""})
        prefixes = sorted({one.name for one in known if one.wildcard} - {""})
        made = ["", *exact]
        seen: set[tuple[str, ...]] = set()
        for prefix in ("", *prefixes):
            word = _another(prefix, exact, prefixes)
            # With a prefix that is covered by longer ones, or as long as names are, there is no other name.
            under = tuple(one for one in prefixes if word.startswith(one))
            if word and word not in made and under not in seen:
                seen.add(under)
                made.append(word)
        return cls(tuple(made), frozenset(known))

    @classmethod
    def of_words(cls, words: Iterable[str]) -> Names:
        """A class for each word, and one for all others."""
        exact = sorted(set(words) - {""})
        return cls(("", *exact, _another("", exact, ())))

    def matching(self, patterns: Iterable[InterfacePattern]) -> Intervals:
        """The classes whose names the patterns cover; never class 0.

        Raises:
            ValueError: a pattern is not among those that the classes are of.
        """
        found: set[int] = set()
        for pattern in patterns:
            if pattern not in self.patterns:
                raise ValueError(f"interfaces `{pattern}` are not told apart in this space")
            if pattern.wildcard:
                found.update(at for at, word in enumerate(self.words) if at and word.startswith(pattern.name))
            elif pattern.name:
                found.add(self.place(pattern.name))
        return Intervals.of((at, at) for at in found)

    def place(self, word: str) -> int:
        """The class of a word that is spelled out.

        Raises:
            ValueError: it has none.
        """
        return self.words.index(word)


def _another(prefix: str, exact: Sequence[str], prefixes: Sequence[str]) -> str:
    """A name that begins so, is not among the exact ones, and begins with no longer one of the prefixes; or empty."""
    longer = tuple(one for one in prefixes if len(one) > len(prefix) and one.startswith(prefix))
    stem = prefix or "other"
    for number in count():
        for word in (prefix,) if number == 0 else (f"{stem}{number - 1}", f"{stem}x{number - 1}", f"{stem}_{number}"):
            if word and len(word) <= _LONGEST_NAME and word not in exact and not word.startswith(longer):
                return word
        if number > 4 * (len(exact) + len(prefixes)) + 4:
            return ""
    return ""


@dataclass(frozen=True, slots=True)
class Bits:
    """Values of a field of bits, by what tests of ``value & mask == wanted`` say of them: ``values[i]`` is the least
    value of class ``i``, ``place[value]`` a value's class. ``tests`` are the masks and wanted values.
    """

    values: tuple[int, ...]
    place: tuple[int, ...]
    tests: frozenset[tuple[int, int]]

    @classmethod
    def of(cls, known: int, tests: Iterable[tuple[int, int]]) -> Bits:
        """``known`` has all bits that there are, 0..65535; others are 0."""
        asked = frozenset(tests)
        unique = sorted({(mask & known, wanted) for mask, wanted in asked})
        classes: dict[tuple[bool, ...], int] = {}
        values: list[int] = []
        place: list[int] = []
        for value in range(known + 1):
            signature = tuple(value & mask == wanted for mask, wanted in unique)
            if value & ~known:
                place.append(0)
                continue
            if signature not in classes:
                classes[signature] = len(values)
                values.append(value)
            place.append(classes[signature])
        return cls(tuple(values), tuple(place), asked)

    def matching(self, mask: int, wanted: int, *, negated: bool = False) -> Intervals:
        """The classes for which the test holds.

        Raises:
            ValueError: the test is not among those that the classes are of.
        """
        if (mask, wanted) not in self.tests:
            raise ValueError(f"flags are not told apart under the mask {mask:#x} in this space")
        return Intervals.of((at, at) for at, value in enumerate(self.values) if (value & mask == wanted) is not negated)


def runs(width: int, masks: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """A field of ``width`` bits cut where a mask begins or ends: (lowest bit, how many), the highest bits first."""
    cuts = {0, width}
    for mask in masks:
        edges = (mask ^ mask << 1) & ((1 << width) - 1)
        cuts.update(bit for bit in range(width) if edges >> bit & 1)
    places = sorted(cuts)
    return tuple((low, high - low) for low, high in pairwise(places))[::-1]
