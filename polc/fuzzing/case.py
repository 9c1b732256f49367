"""A random firewall, as the parts of its text: what is not needed can be taken out, and the rest is a text again."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeVar

_T = TypeVar("_T")


class Kind(Enum):
    """What a case is; the value is the name of its file."""

    POLICY = "policy.yaml"
    SAVED = "rules.v4"
    SAVED6 = "rules.v6"


@dataclass(frozen=True, slots=True)
class Part:
    """A clause, match or target: ``before``, the members with ``between`` them, ``after``.

    ``needed``: a rule is none without it. ``group``: a rule has one part of a group; ``key`` is the key of a rule that
    is written as a mapping, empty for a part that has none.
    """

    before: str
    members: tuple[str, ...] = ()
    between: str = ", "
    after: str = ""
    needed: bool = False
    group: str = ""
    key: str = ""

    @property
    def value(self) -> str:
        return self.between.join(self.members)

    def __str__(self) -> str:
        return f"{self.before}{self.value}{self.after}"


@dataclass(frozen=True, slots=True)
class Line:
    """A rule. ``mapping``: it is written as one, if all its parts can be."""

    parts: tuple[Part, ...]
    mapping: bool = False

    def __str__(self) -> str:
        if self.mapping and all(part.key for part in self.parts):
            return json.dumps({part.key: str(part).removeprefix(f"{part.key} ") for part in self.parts})
        return " ".join(map(str, self.parts))


@dataclass(frozen=True, slots=True)
class Block:
    """A list of rules: a section or chain of a policy (``mangle.input``, ``chains.one``), or a chain in a table of
    iptables (``filter.INPUT``). ``default`` is what stands there for a packet that no rule decides, empty for nothing.
    """

    place: str
    default: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """A name that a policy defines, ``zones.wan``, and its value as JSON."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Case:
    """``options`` are those of ``polc verify`` that say how it is emitted."""

    kind: Kind
    blocks: tuple[Block, ...]
    definitions: tuple[Definition, ...] = ()
    options: tuple[str, ...] = ()

    @property
    def rules(self) -> int:
        return sum(len(block.lines) for block in self.blocks)

    @property
    def text(self) -> str:
        return "".join(f"{text}\n" for text, _ in self._written())

    def rule_of(self, number: int) -> tuple[int, int] | None:
        """The block, and the rule in it, that stand on a line of the text; lines count from 1."""
        return list(self._written())[number - 1][1]

    def without(self, rules: Collection[tuple[int, int]]) -> Case:
        """Some rules less, each named by its block and its number there."""
        blocks = tuple(
            replace(block, lines=tuple(line for number, line in enumerate(block.lines) if (at, number) not in rules))
            for at, block in enumerate(self.blocks)
        )
        return replace(self, blocks=blocks)

    def _written(self) -> Iterator[_Written]:
        return _policy(self) if self.kind is Kind.POLICY else _saved(self)


@dataclass(frozen=True, slots=True)
class Text:
    """A firewall of which nothing is taken out: its whole text."""

    kind: Kind
    text: str
    options: tuple[str, ...] = ()


_Written = tuple[str, tuple[int, int] | None]
"""A line of the text, and the rule that it is."""


def _policy(case: Case) -> Iterator[_Written]:
    yield "polc: 1", None
    for section, definitions in _grouped((one.name, one) for one in case.definitions):
        yield f"{section}:", None
        yield from ((f"  {name}: {one.value}", None) for name, one in definitions)
    for section, blocks in _grouped((one.place, (at, one)) for at, one in enumerate(case.blocks)):
        yield f"{section}:", None
        for name, (at, block) in blocks:
            if name:
                yield f"  {name}:{'' if block.lines else ' []'}", None
            else:
                yield f"  default: {block.default}", None
            if block.lines and not name:
                yield "  rules:", None
            for number, line in enumerate(block.lines):
                yield f"    - {_scalar(line)}", (at, number)


def _scalar(line: Line) -> str:
    text = str(line)
    return text if text.startswith("{") else json.dumps(text)


def _saved(case: Case) -> Iterator[_Written]:
    for table, blocks in _grouped((one.place, (at, one)) for at, one in enumerate(case.blocks)):
        yield f"*{table}", None
        yield from ((f":{name} {block.default or '-'} [0:0]", None) for name, (_, block) in blocks)
        for name, (at, block) in blocks:
            yield from ((f"-A {name} {line}".rstrip(), (at, number)) for number, line in enumerate(block.lines))
        yield "COMMIT", None


def _grouped(named: Iterable[tuple[str, _T]]) -> Iterator[tuple[str, list[tuple[str, _T]]]]:
    """By what stands before the first dot of their names, with the rest of them."""
    found: dict[str, list[tuple[str, _T]]] = {}
    for name, one in named:
        first, _, rest = name.partition(".")
        found.setdefault(first, []).append((rest, one))
    yield from found.items()
