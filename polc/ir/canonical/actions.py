"""What rules count and do, in one spelling."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.matches import InterfacePattern, Match
from polc.ir.protocols import TCP, UDP
from polc.ir.selectors import Element
from polc.ir.stateful import Connections, Hits, KeyField, KeyPart, Limit, Quota
from polc.ir.statements import AssignTimeout, CopyMark, Counter, Log, LogLevel, MapMark, Statement
from polc.ir.verdicts import NatMap, Reject, RejectType, Verdict, VerdictMap


def nameless(match: Match, family: Family) -> Match:
    """The match without what names its state, and what makes no difference to the family."""
    match match:
        case Limit(key=key) | Connections(key=key):
            kept = tuple(part for part in (_part(one, family) for one in key) if part is not None)
            return replace(match, table="", key=kept, size=match.size if kept else 0, both=False)
        case Hits():
            return replace(match, table="")
        case Quota():
            return replace(match, table="", both=False)
        case _:
            return match


def _part(part: KeyPart, family: Family) -> KeyPart | None:
    """None: every packet has the same."""
    if part.field in (KeyField.SPORT, KeyField.DPORT):
        return KeyPart(part.field, 0, 0)
    length = part.ip_length if family is Family.IP else part.ip6_length
    if not length:
        return None
    return KeyPart(part.field, length, 0) if family is Family.IP else KeyPart(part.field, 0, length)


USUAL_TIMEOUTS: dict[int, dict[str, int]] = {
    # What nft leaves out of listings, as it does nothing (nftables, src/rule.c, timeout_protocol).
    TCP: {
        "syn_sent": 120,
        "syn_recv": 60,
        "established": 432000,
        "fin_wait": 120,
        "close_wait": 60,
        "last_ack": 30,
        "time_wait": 120,
        "close": 10,
        "syn_sent2": 120,
        "retrans": 300,
        "unack": 300,
    },
    UDP: {"unreplied": 30, "replied": 120},
}


def statement(one: Statement) -> Statement:
    match one:
        case Counter():
            return replace(one, packets=0, bytes=0)
        case Log() if one.group is not None:
            return replace(one, level=LogLevel.WARN, flags=frozenset())
        case CopyMark():
            return replace(one, from_mask=one.mask if one.from_mask is None else one.from_mask)
        case AssignTimeout(protocol=protocol):
            usual = USUAL_TIMEOUTS.get(protocol, {})
            return replace(one, policy=tuple(sorted(pair for pair in one.policy if usual.get(pair[0]) != pair[1])))
        case MapMark():
            return replace(one, elements=_sorted(one.elements))
        case _:
            return one


_ANSWERS: dict[tuple[Family, RejectType], RejectType] = {
    # icmpx is one of these for each family (nft(8), REJECT STATEMENT)
    (Family.IP, RejectType.NO_ROUTE): RejectType.NET_UNREACHABLE,
    (Family.IP6, RejectType.HOST_UNREACHABLE): RejectType.ADDR_UNREACHABLE,
}


def verdict(one: Verdict | None, family: Family) -> Verdict | None:
    match one:
        case Reject(type):
            return Reject(_ANSWERS.get((family, type), type))
        case VerdictMap(_, pairs) if not has_beginning(element for element, _ in pairs):
            return replace(one, elements=_sorted(one.elements))
        case NatMap():
            return replace(one, elements=_sorted(one.elements))
        case _:
            return one


def has_beginning(elements: Iterable[Element]) -> bool:
    """Whether a part of one of them is a beginning of names."""
    return any(isinstance(part, InterfacePattern) and part.wildcard for element in elements for part in element)


_T = TypeVar("_T")


def _sorted(elements: tuple[tuple[Element, _T], ...]) -> tuple[tuple[Element, _T], ...]:
    """Elements of one number that lead to the same as one; elements are disjoint, so their order says nothing."""
    merged: dict[_T, list[tuple[int, int]]] = {}
    others: list[tuple[Element, _T]] = []
    for element, value in elements:
        match element:
            case (Intervals(ranges),):
                merged.setdefault(value, []).extend(ranges)
            case _:
                others.append((element, value))
    singles: list[tuple[Element, _T]] = [((Intervals.of(ranges),), value) for value, ranges in merged.items()]
    return tuple(sorted([*singles, *others], key=repr))
