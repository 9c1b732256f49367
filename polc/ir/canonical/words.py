"""Nodes of the IR in words, for people to read and for equal nodes to be equal texts."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from enum import Enum, Flag

from polc.ir.addresses import AddressSet, format_range
from polc.ir.family import FAMILIES
from polc.ir.intervals import Intervals
from polc.ir.matches import InterfacePattern

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def words(value: object) -> str:
    """``connections count 5 over table ssh`` and the like."""
    match value:
        case Flag():
            return ", ".join((one.name or "").lower() for one in value)
        case Enum(name=name, value=own):
            return own if isinstance(own, str) else name.lower()
        case Intervals(ranges):
            return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges)
        case AddressSet():
            return ", ".join(
                format_range(family, low, high) for family in FAMILIES for low, high in value.of_family(family).ranges
            )
        case InterfacePattern():
            return str(value) if value.name else "*"
        case tuple():
            return f"{{ {'; '.join(words(one) for one in value)} }}" if value else ""
        case frozenset():
            return ", ".join(sorted(words(one) for one in value))
        case _ if is_dataclass(value):
            kind = _CAPITAL.sub(" ", type(value).__name__).lower().removesuffix(" match")
            # What is not compared says where a node came from, and nothing about packets.
            parts = (_member(one.name, getattr(value, one.name)) for one in fields(value) if one.compare)
            return " ".join((kind, *(part for part in parts if part)))
        case _:
            return str(value)


def _member(name: str, value: object) -> str:
    match value:
        case None | False:
            return ""
        case True:
            return name.replace("_", " ")
        case Enum():
            return words(value)
        case _:
            text = words(value)
            return f"{name.replace('_', ' ')} {text}" if text else ""
