"""Faults in what rules do: their verdicts and statements."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import TypeVar

from polc.ir.intervals import Intervals
from polc.ir.ruleset import BaseChain, Chain
from polc.ir.statements import (
    AssignHelper,
    ClampMss,
    CopyMark,
    Log,
    MapMark,
    Notrack,
    SetDscp,
    SetHops,
    SetMark,
    Statement,
    UpdateSet,
)
from polc.ir.verdicts import (
    Accept,
    Drop,
    Goto,
    Jump,
    Nat,
    NatKind,
    NatMap,
    Reject,
    RejectType,
    Return,
    Verdict,
    VerdictMap,
)
from polc.mutations.model import Changed

_T = TypeVar("_T")

_LOSABLE = (SetMark, CopyMark, MapMark, Notrack, SetDscp, SetHops, ClampMss, UpdateSet, AssignHelper, Log)
_ANSWERS = {RejectType.TCP_RESET: RejectType.PORT_UNREACHABLE, RejectType.PORT_UNREACHABLE: RejectType.ADMIN_PROHIBITED}
_SOURCES = (NatKind.SNAT, NatKind.MASQUERADE, NatKind.NETMAP_SOURCE)


def rule_dropped(chain: Chain) -> Iterator[Changed]:
    for number in range(len(chain.rules)):
        yield Changed(replace(chain, rules=(*chain.rules[:number], *chain.rules[number + 1 :])), number)


def order_swapped(chain: Chain) -> Iterator[Changed]:
    """A rule behind the one that follows it."""
    rules = chain.rules
    for number, (one, other) in enumerate(pairwise(rules)):
        if one != other:
            yield Changed(replace(chain, rules=(*rules[:number], other, one, *rules[number + 2 :])), number)


def policy_turned(chain: Chain) -> Iterator[Changed]:
    if isinstance(chain, BaseChain):
        yield Changed(replace(chain, policy=Drop() if isinstance(chain.policy, Accept) else Accept()), None)


def accept_for_drop(verdict: Verdict) -> Iterator[Verdict | None]:
    if isinstance(verdict, Drop | Reject):
        yield Accept()


def drop_for_accept(verdict: Verdict) -> Iterator[Verdict | None]:
    if isinstance(verdict, Accept):
        yield Drop()


def drop_for_reject(verdict: Verdict) -> Iterator[Verdict | None]:
    if isinstance(verdict, Reject):
        yield Drop()


def other_answer(verdict: Verdict) -> Iterator[Verdict | None]:
    if isinstance(verdict, Reject):
        yield Reject(_ANSWERS.get(verdict.type, RejectType.PORT_UNREACHABLE))


def return_for_accept(verdict: Verdict) -> Iterator[Verdict | None]:
    if isinstance(verdict, Accept):
        yield Return()


def verdict_lost(verdict: Verdict) -> Iterator[Verdict | None]:
    if isinstance(verdict, Accept | Drop | Reject | Return):
        yield None


def jump_lost(verdict: Verdict) -> Iterator[Verdict | None]:
    if isinstance(verdict, Jump | Goto):
        yield None


def goto_for_jump(verdict: Verdict) -> Iterator[Verdict | None]:
    match verdict:
        case Jump(chain):
            yield Goto(chain)
        case Goto(chain):
            yield Jump(chain)
        case _:
            pass


def map_element_lost(verdict: Verdict) -> Iterator[Verdict | None]:
    match verdict:
        case VerdictMap(elements=ways):
            yield from (replace(verdict, elements=kept) for kept in _one_less(ways))
        case NatMap(elements=targets):
            yield from (replace(verdict, elements=kept) for kept in _one_less(targets))
        case _:
            pass


def _one_less(elements: tuple[_T, ...]) -> Iterator[tuple[_T, ...]]:
    """Without each of the first eight; nothing of one alone."""
    if len(elements) > 1:
        for at in range(min(len(elements), 8)):
            yield (*elements[:at], *elements[at + 1 :])


def map_verdict(verdict: Verdict) -> Iterator[Verdict | None]:
    if isinstance(verdict, VerdictMap):
        for at, (key, one) in enumerate(verdict.elements[:8]):
            other = Drop() if isinstance(one, Accept) else Accept()
            yield replace(verdict, elements=(*verdict.elements[:at], (key, other), *verdict.elements[at + 1 :]))


def nat_address(verdict: Verdict) -> Iterator[Verdict | None]:
    if isinstance(verdict, Nat) and verdict.addresses is not None and verdict.kind in (NatKind.SNAT, NatKind.DNAT):
        yield replace(verdict, addresses=_moved(verdict.addresses))
    elif isinstance(verdict, NatMap):
        for at, (key, target) in enumerate(verdict.elements[:8]):
            if target.addresses is not None:
                other = replace(target, addresses=_moved(target.addresses))
                yield replace(verdict, elements=(*verdict.elements[:at], (key, other), *verdict.elements[at + 1 :]))


def nat_port(verdict: Verdict) -> Iterator[Verdict | None]:
    if isinstance(verdict, Nat) and verdict.ports is not None and verdict.ports.ranges[-1][1] < 65535:
        yield replace(verdict, ports=_moved(verdict.ports))
    elif isinstance(verdict, NatMap):
        for at, (key, target) in enumerate(verdict.elements[:8]):
            if target.ports is not None:
                other = replace(target, ports=_moved(target.ports))
                yield replace(verdict, elements=(*verdict.elements[:at], (key, other), *verdict.elements[at + 1 :]))


def nat_lost(verdict: Verdict) -> Iterator[Verdict | None]:
    if isinstance(verdict, Nat | NatMap):
        yield Accept()


def masquerade_for_snat(verdict: Verdict) -> Iterator[Verdict | None]:
    if isinstance(verdict, Nat) and verdict.kind is NatKind.SNAT:
        yield Nat(NatKind.MASQUERADE, ports=verdict.ports, random=verdict.random, fully_random=verdict.fully_random)


def statement_lost(statement: Statement) -> Iterator[Statement | None]:
    if isinstance(statement, _LOSABLE):
        yield None


def other_value(statement: Statement) -> Iterator[Statement | None]:
    match statement:
        case SetMark(value=value, mask=mask):
            yield replace(statement, value=value ^ (mask & -mask or 1))
        case SetDscp(value):
            yield SetDscp(value ^ 1)
        case SetHops(value):
            yield replace(statement, value=value + 1 if value < 255 else value - 1)
        case ClampMss(int() as size):
            yield ClampMss(size + 1)
        case Log(prefix=prefix) if prefix:
            yield replace(statement, prefix=chr(ord(prefix[0]) ^ 1) + prefix[1:])
        case _:
            pass


def mask(statement: Statement) -> Iterator[Statement | None]:
    match statement:
        case SetMark(value=value, mask=bits) if bits & (bits - 1):
            top = 1 << bits.bit_length() - 1
            yield replace(statement, value=value & ~top, mask=bits & ~top)
        case CopyMark(mask=bits) if bits & (bits - 1):
            yield replace(statement, mask=bits & (bits - 1))
        case _:
            pass


def _moved(values: Intervals) -> Intervals:
    return Intervals(tuple((low + 1, high + 1) for low, high in values.ranges))
