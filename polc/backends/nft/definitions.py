"""What an nft table holds (libnftables-json(5), RULESET ELEMENTS)."""

from __future__ import annotations

from dataclasses import dataclass

from polc.backends.nft.statements import RuleStatement


@dataclass(frozen=True, slots=True)
class CounterDefinition:
    name: str


@dataclass(frozen=True, slots=True)
class HelperDefinition:
    """A conntrack helper for a transport protocol (``tcp`` or ``udp``)."""

    name: str
    type: str
    protocol: str


@dataclass(frozen=True, slots=True)
class SetDefinition:
    """A set that rules fill; ``types`` are its key's parts, ``timeout`` (seconds) what its elements have by default.

    Without one they stay for good, in a ``timed`` set unless whoever adds them says how long.
    """

    name: str
    types: tuple[str, ...]
    size: int
    timeout: int | None
    timed: bool = True


@dataclass(frozen=True, slots=True)
class RuleDefinition:
    """``comment`` is empty for none."""

    statements: tuple[RuleStatement, ...]
    comment: str


@dataclass(frozen=True, slots=True)
class HookDefinition:
    type: str
    hook: str
    priority: int
    policy: str


@dataclass(frozen=True, slots=True)
class ChainDefinition:
    """A base chain when it has a ``hook``."""

    name: str
    hook: HookDefinition | None
    rules: tuple[RuleDefinition, ...]


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """One table of the inet family, which polc owns as a whole."""

    name: str
    counters: tuple[CounterDefinition, ...]
    helpers: tuple[HelperDefinition, ...]
    sets: tuple[SetDefinition, ...]
    chains: tuple[ChainDefinition, ...]
