"""Neighbouring rules that differ in the addresses of one end alone, as the one rule for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from polc.ir.addresses import AddressSet
from polc.ir.family import FAMILIES
from polc.ir.intervals import Intervals
from polc.ir.matches import STATEFUL, AddressMatch
from polc.ir.ruleset import Rule
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Reject, Return

_ENDS = (Accept, Drop, Reject, Goto, Return)
"""What no packet comes back from, so that it meets one of the rules at most."""


def in_rows(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Only rules that do nothing else, with one comment or none, and without a name of their addresses."""
    return tuple(_rows(rules))


def _rows(rules: tuple[Rule, ...]) -> Iterator[Rule]:
    at = 0
    while at < len(rules):
        row, end = [rules[at]], at + 1
        number = _varying(rules[at], rules[end]) if end < len(rules) else None
        if number is None:
            yield rules[at]
            at = end
            continue
        # Of many rules the addresses are put together once.
        parts = [_addresses(rules[at], number)]
        while end < len(rules) and _differs_at(rules[at], rules[end], number):
            parts.append(_addresses(rules[end], number))
            row.append(rules[end])
            end += 1
        whole = AddressSet(*(Intervals.of(r for one in parts for r in one.of_family(each).ranges) for each in FAMILIES))
        if isinstance(rules[at].verdict, Jump) and _size(whole) != sum(map(_size, parts)):
            # A packet of two of them would jump twice.
            yield rules[at]
            at += 1
            continue
        matches = list(rules[at].matches)
        match = matches[number]
        assert isinstance(match, AddressMatch)
        matches[number] = replace(match, addresses=whole)
        origin = row[0].origin.with_also(*(one.origin for one in row[1:]))
        yield replace(row[0], matches=tuple(matches), origin=origin)
        at = end


def _varying(one: Rule, other: Rule) -> int | None:
    """The number of the match that differs."""
    return next((number for number in range(len(one.matches)) if _differs_at(one, other, number)), None)


def _differs_at(one: Rule, other: Rule, number: int) -> bool:
    mine, theirs = ((rule.verdict, rule.families, len(rule.matches), rule.origin.comment) for rule in (one, other))
    if mine != theirs or one.statements or other.statements:
        return False
    if not isinstance(one.verdict, (*_ENDS, Jump)) or any(isinstance(match, STATEFUL) for match in one.matches):
        return False
    match, another = one.matches[number], other.matches[number]
    return (
        isinstance(match, AddressMatch)
        and isinstance(another, AddressMatch)
        and not (match.negated or another.negated or match.group or another.group)
        and match.side is another.side
        and match.addresses.families == another.addresses.families
        and one.matches[:number] == other.matches[:number]
        and one.matches[number + 1 :] == other.matches[number + 1 :]
    )


def _addresses(rule: Rule, number: int) -> AddressSet:
    match = rule.matches[number]
    assert isinstance(match, AddressMatch)
    return match.addresses


def _size(addresses: AddressSet) -> int:
    return sum(high - low + 1 for family in addresses.families for low, high in addresses.of_family(family).ranges)
