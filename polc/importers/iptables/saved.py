"""How iptables-save writes what was given, where it has other words for it: for rules that keep their own words.

One function for each kind of value, to be an option's ``saved``.
"""

from __future__ import annotations

from collections.abc import Callable

from polc.importers.iptables.extension import Given, Saved
from polc.importers.iptables.problem import Word
from polc.importers.iptables.values import listed, mark, number_ends, port_ends

_ALL = 0xFFFFFFFF


def spelled(low: int, high: int, separator: str = ":") -> str:
    """One number, or both ends."""
    return str(low) if low == high else f"{low}{separator}{high}"


def with_values(name: str, value: Callable[[Word], str]) -> Saved:
    """The option under this ``name``, with what ``value`` makes of its word."""
    return lambda given: (name, value(given.word))


def port_range(name: str) -> Saved:
    return with_values(name, lambda word: spelled(*port_ends(word)))


def port_list(name: str) -> Saved:
    return with_values(name, lambda word: ",".join(spelled(*port_ends(one)) for one in listed(word)))


def number_range(name: str, highest: int) -> Saved:
    return with_values(name, lambda word: spelled(*number_ends(word, highest)))


def index(name: str) -> Saved:
    """A security parameter index: every one is not said (libxt_esp.c, print_spis)."""

    def saved(given: Given) -> tuple[str, ...]:
        ends = number_ends(given.word, _ALL)
        return () if ends == (0, _ALL) and not given.negated else (name, spelled(*ends))

    return saved


def masked_mark(name: str) -> Saved:
    """Hexadecimal, and no mask that holds every bit (libxt_mark.c, print_mark)."""

    def value(word: Word) -> str:
        found, mask = mark(word)
        return f"0x{found:x}" if mask in (None, _ALL) else f"0x{found:x}/0x{mask:x}"

    return with_values(name, value)
