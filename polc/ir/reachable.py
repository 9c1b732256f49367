"""What can be come to along steps: the chains that jumps lead to, the definitions that others name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

_T = TypeVar("_T")


def reachable(starts: Iterable[_T], leads_to: Callable[[_T], Iterable[_T]]) -> set[_T]:
    """``starts``, and whatever they lead to in any number of steps. Circles end; depth is not bounded."""
    found = set(starts)
    ahead = list(found)
    while ahead:
        new = set(leads_to(ahead.pop())) - found
        found |= new
        ahead += new
    return found


def depths(called: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """How many calls follow each other from each, at most; those that close a circle do not count.

    However deep they lead, and in however many ways: each is looked at once, and not by calls of its own.
    """
    found: dict[str, int] = {}
    entered: set[str] = set()
    for root in called:
        ahead = [root]
        while ahead:
            name = ahead[-1]
            if name not in entered:
                entered.add(name)
                ahead += (one for one in called.get(name, ()) if one not in entered)
                continue
            ahead.pop()
            if name not in found:
                found[name] = max((found[one] + 1 for one in called.get(name, ()) if one in found), default=0)
    return found
