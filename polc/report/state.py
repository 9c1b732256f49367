"""Whether what a line asks of the conntrack state holds for a packet of an established flow."""

from __future__ import annotations

from collections.abc import Iterable

ESTABLISHED = "established"
_STATES = frozenset({"invalid", "established", "related", "new", "untracked"})

CONNTRACK = -200
"""The priority of conntrack: a chain before it knows no state (uapi/linux/netfilter_ipv4.h)."""


def holds(names: Iterable[str], *, negated: bool) -> bool | None:
    """Whether a packet of an established flow has one of these states; None: there is something else among them."""
    asked = {name.lower() for name in names}
    if ESTABLISHED in asked:
        return not negated
    return negated if asked <= _STATES else None


def both(one: bool | None, other: bool | None) -> bool | None:
    """Whether two matches hold together: not when one does not, and surely only when both do."""
    if one is False or other is False:
        return False
    return None if one is None or other is None else True
