"""What answers say besides yes and no: of which packets, and what is taken for granted."""

from __future__ import annotations

from collections.abc import Iterable

from polc.ir.family import Family
from polc.ir.matches import CtState
from polc.policy.assertion import Quantity
from polc.policy.lower.classes import Packets
from polc.symbolic.space import Of

CONNTRACK = "conntrack knows of a packet what the kernel can know of it (`polc explain state`)"
_NAMES = {"ipv4": "IPv4", "ipv6": "IPv6"}


def about(packets: Packets | None, families: Iterable[Family], *, opening: bool = False) -> str:
    """``IPv4 and IPv6, in input and forward, state new``: what was added to the words of a class; None: all packets."""
    parts = [all_of(_NAMES[one.nfproto] for one in families) or "none that it speaks of"]
    if packets is None:
        return parts[0]
    parts.append(f"in {all_of(f'`{way.value}`' for way in packets.rules)}")
    if packets.states is not None:
        parts.append(f"state {', '.join(_states(packets.states))}")
    if opening:
        parts.append("of TCP the first SYN, no later fragments")
    return ", ".join(parts)


def assumptions(asked: frozenset[Of], quantity: Quantity) -> tuple[str, ...]:
    """What a proof takes for granted, and how it took what memory answers."""
    found = [CONNTRACK]
    memory = [words for of, words in _MEMORY.items() if of in asked]
    if memory and quantity is Quantity.MAY:
        found.append(f"{all_of(memory)} say what lets the packet have that verdict")
    elif memory:
        found.append(f"{all_of(memory)} may say anything")
    return tuple(found)


_MEMORY = {Of.ANSWER: "limits, counts and lists", Of.MEMBER: "sets that are filled at run time"}


def _states(states: CtState) -> list[str]:
    return [(one.name or "").lower() for one in CtState if one in states]


def all_of(words: Iterable[str]) -> str:
    """``input, forward and output``."""
    found = list(words)
    return "".join(found) if len(found) < 2 else f"{', '.join(found[:-1])} and {found[-1]}"
