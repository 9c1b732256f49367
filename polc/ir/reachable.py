"""What can be come to along steps: the chains that jumps lead to, the definitions that others name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
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
