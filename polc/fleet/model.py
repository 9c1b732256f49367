"""An inventory as it is written, and a host with all that its groups give it."""

from __future__ import annotations

from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass

from polc.backends.model import Options
from polc.policy.merge import Part
from polc.policy.nodes import Mapping, Scalar
from polc.policy.variables import Values
from polc.source import SourceFile


@dataclass(frozen=True, slots=True)
class Member:
    """A group or a host as it is written: ``body`` has its keys, and nothing where nothing is said."""

    name: Scalar
    body: Mapping


@dataclass(frozen=True, slots=True)
class Inventory:
    """``everyone`` is what all hosts have."""

    source: SourceFile
    everyone: Member | None
    groups: AbstractMapping[str, Member]
    hosts: AbstractMapping[str, Member]


@dataclass(frozen=True, slots=True)
class Host:
    """``parts`` in their order, and how the host's files are written; ``allow`` as in ``compiler.emit``."""

    name: str
    source: SourceFile
    parts: tuple[Part, ...]
    values: Values
    target: str
    options: Options
    allow: frozenset[str]
