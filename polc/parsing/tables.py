"""Parse tables of the grammars in ``grammar/``.

Building those of ``rule.lark`` takes Lark a quarter of a second and importing it 40 ms; reading the result takes 2 ms.
So ``NAME.tables.json`` is kept beside ``NAME.lark`` and used as long as it was made from the same text; otherwise
the tables are built on the spot.

A grammar says in a comment what a text of it can be parsed as: ``// start: rule expression``. Its terminal NAME
matches its keywords too, which are those of its literal words that NAME matches as a whole.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import NamedTuple

from polc.resources import read_resource

END = "$END"


class Production(NamedTuple):
    """``origin`` came from as many symbols as ``kept`` has marks; those marked False leave no child."""

    origin: str
    kept: tuple[bool, ...]


class Tables(NamedTuple):
    """An LALR(1) automaton; ``grammar`` is the whole text that it was made of (no hash: OpenSSL takes 3 ms to load).

    ``actions[state][terminal]`` is a state to shift to, or, below zero, ``~n`` to reduce by production n;
    ``gotos[state][origin]`` is where to go on after that. ``patterns`` are (terminal, regular expression)
    in the order in which they are tried; a NAME that is one of ``keywords`` is that terminal instead.
    """

    grammar: str
    lark_version: str
    patterns: tuple[tuple[str, str], ...]
    ignored: tuple[str, ...]
    keywords: dict[str, str]
    productions: tuple[Production, ...]
    starts: dict[str, int]
    ends: dict[str, int]
    actions: tuple[dict[str, int], ...]
    gotos: tuple[dict[str, int], ...]


def load_tables(name: str) -> Tables:
    """The tables of ``grammar/NAME.lark`` as it is now."""
    grammar = read_resource("grammar", f"{name}.lark")
    with suppress(FileNotFoundError):
        tables = from_json(read_resource("grammar", f"{name}.tables.json"))
        if tables.grammar == grammar:
            return tables
    from polc.parsing.build_tables import build_tables

    return build_tables(grammar)


def starts_of(grammar: str) -> tuple[str, ...]:
    """The rules that a grammar's text names as what can be parsed."""
    return tuple(" ".join(re.findall(r"^// start: (.+)$", grammar, re.MULTILINE)).split())


def to_json(tables: Tables) -> str:
    """One line a state, so that a change of the grammar is a readable change of the tables."""
    fields = tables._asdict()
    lines = []
    for name, value in fields.items():
        if name in ("actions", "gotos", "productions"):
            rows = ",\n  ".join(json.dumps(row, sort_keys=True) for row in value)
            lines.append(f" {json.dumps(name)}: [\n  {rows}\n ]")
        else:
            lines.append(f" {json.dumps(name)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def from_json(text: str) -> Tables:
    raw = json.loads(text)
    return Tables(
        grammar=raw["grammar"],
        lark_version=raw["lark_version"],
        patterns=tuple((name, pattern) for name, pattern in raw["patterns"]),
        ignored=tuple(raw["ignored"]),
        keywords=raw["keywords"],
        productions=tuple(Production(origin, tuple(kept)) for origin, kept in raw["productions"]),
        starts=raw["starts"],
        ends=raw["ends"],
        actions=tuple(raw["actions"]),
        gotos=tuple(raw["gotos"]),
    )
