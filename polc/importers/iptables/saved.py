"""How iptables-save writes what was given, where it has other words for it: for rules that keep their own words.

One function for each kind of value, to be an option's ``saved``, or to make one for an option that has another name
there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from polc.importers.iptables.extension import Given, Saved, Written
from polc.importers.iptables.problem import Word
from polc.importers.iptables.values import address, address_range, host_and_mask, integer, listed, mark, port_ends
from polc.importers.iptables.values import number_ends as ends_of_numbers
from polc.ir.addresses import format_address, prefix_length
from polc.ir.family import Family

_ALL = 0xFFFFFFFF
_HIGHEST_PORT = 65535


def spelled(low: int, high: int, separator: str = ":") -> str:
    """One number, or both ends."""
    return str(low) if low == high else f"{low}{separator}{high}"


def with_values(value: Callable[[Word], str], name: str = "") -> Saved:
    """The option under this ``name`` or its own, with what ``value`` makes of each of its words."""
    return lambda given: Written(name or given.option.name, tuple(value(word) for word in given.words), given.negated)


def unsaid(_given: Given) -> None:
    """iptables-save does not write it."""


lowered = with_values(lambda word: word.text.lower())
decimal = with_values(lambda word: word.text if (found := integer(word.text)) is None else str(found))


def ports(name: str, *, whole: bool) -> Saved:
    """``whole``: a range is written as it is. If not (tcp, udp), one of every port is not, and what is not in one that
    begins at 0 is in one above it, as iptables-nft has it.
    """

    def saved(given: Given) -> Written | None:
        low, high = port_ends(given.word)
        if not whole and (low, high) == (0, _HIGHEST_PORT) and not given.negated:
            return None
        if not whole and given.negated and low == 0 < high < _HIGHEST_PORT:
            return Written(name, (spelled(high + 1, _HIGHEST_PORT),))
        return Written(name, (spelled(low, high),), given.negated)

    return saved


def number_range(highest: int) -> Saved:
    return with_values(lambda word: spelled(*ends_of_numbers(word, highest)))


def index(given: Given) -> Written | None:
    """A number of 32 bits or a range: every one is not said (libxt_esp.c, print_spis).

    Neither is that it is none of them, which would be another meaning, and so is said here.
    """
    ends = ends_of_numbers(given.word, _ALL)
    if ends == (0, _ALL) and not given.negated:
        return None
    return Written(given.option.name, (spelled(*ends),), given.negated)


def _mark(word: Word) -> str:
    found, mask = mark(word)
    return f"{found:#x}" if mask in (None, _ALL) else f"{found:#x}/{mask:#x}"


masked_mark = with_values(_mark)
"""Hexadecimal, and no mask that holds every bit (libxt_mark.c, print_mark)."""


def names(known: Collection[str]) -> Saved:
    """A list in the order of the names that are known, where all are."""

    def value(word: Word) -> str:
        given = {one.text.lower() for one in listed(word)}
        found = [one for one in known if one.lower() in given]
        return ",".join(found) if len(found) == len(given) else word.text

    return with_values(value)


def _family(text: str) -> Family:
    return Family.IP6 if ":" in text else Family.IP


def _network(word: Word) -> str:
    family = _family(word.text)
    found, mask = host_and_mask(word, family)
    length = prefix_length(family, mask, (1 << family.bits) - 1)
    if length is None:
        # Its list has no words for such a mask.
        return word.text
    return format_address(family, found) + (f"/{length}" if length < family.bits else "")


network = with_values(_network)
"""An address, or a network by its prefix length (xtables_ipmask_to_numeric)."""


def _addresses(word: Word) -> str:
    family = _family(word.text)
    return ",".join(format_address(family, address(one, family)) for one in listed(word))


addresses = with_values(_addresses)


def _range(word: Word) -> str:
    family = _family(word.text)
    return "-".join(format_address(family, one) for one in address_range(word, family))


range_of_addresses = with_values(_range)
"""Both ends, of a single address too (libxt_iprange.c)."""
