"""Which constructs of the IR rulesets have: kinds of matches, statements and verdicts, members of what they name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from enum import Enum, Flag
from typing import get_args

from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.matches import (
    AddressType,
    CtState,
    ExtensionHeader,
    FlagField,
    Match,
    NameField,
    ServiceTerm,
    Trait,
)
from polc.ir.ruleset import BaseChain, Chain, ChainType, Hook, Rule, Ruleset
from polc.ir.selectors import Conntrack, Direction, KeyType, Side, Transport
from polc.ir.stateful import Amount, KeyField, RecentVerb, Unit
from polc.ir.statements import CtDirection, LogFlag, LogLevel, MarkField, SetOperation, Statement
from polc.ir.verdicts import NatKind, RejectType, Verdict

_ENUMS: tuple[type[Enum], ...] = (
    Family, Field, AddressType, CtState, ExtensionHeader, FlagField, NameField, Trait, ChainType, Hook, Conntrack,
    Direction, KeyType, Side, Transport, Amount, KeyField, RecentVerb, Unit, CtDirection, LogFlag, LogLevel, MarkField,
    SetOperation, NatKind, RejectType,
)  # fmt: skip
_NODES: tuple[type, ...] = (*get_args(Match), *get_args(ServiceTerm), *get_args(Statement), *get_args(Verdict))


def universe() -> frozenset[str]:
    """All constructs there are."""
    nodes = {one.__name__ for one in _NODES}
    negated = {f"{one.__name__} negated" for one in _NODES if any(part.name == "negated" for part in fields(one))}
    return frozenset(nodes | negated | {_member(one) for kind in _ENUMS for one in kind})


def constructs(ruleset: Ruleset) -> frozenset[str]:
    """Those that a ruleset has."""
    return frozenset(found for chain in ruleset.chains for rule in chain.rules for found in of_rule(chain, rule)) | {
        found for one in ruleset.sets for found in _of(one.types)
    }


def of_rule(chain: Chain, rule: Rule) -> Iterator[str]:
    """Those of a rule, and of the chain where it stands."""
    if isinstance(chain, BaseChain):
        yield from (_member(chain.hook), _member(chain.type))
    yield from _of((rule.matches, rule.statements, rule.verdict, rule.families))


def _of(value: object) -> Iterator[str]:
    match value:
        case CtState():
            yield from (_member(one) for one in value)
        case Flag():
            return
        case Enum():
            if isinstance(value, _ENUMS):
                yield _member(value)
        case tuple() | frozenset():
            for one in _parts(value):
                yield from _of(one)
        case _ if is_dataclass(value):
            name = type(value).__name__
            if isinstance(value, _NODES):
                yield name
                if getattr(value, "negated", False):
                    yield f"{name} negated"
            for part in fields(value):
                yield from _of(getattr(value, part.name))
        case _:
            return


def _parts(value: Iterable[object]) -> Iterable[object]:
    # Intervals are many numbers, and no construct.
    return (one for one in value if not isinstance(one, int))


def _member(one: Enum) -> str:
    return f"{type(one).__name__}.{one.name}"
