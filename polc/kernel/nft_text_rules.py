"""Where the rules of a text for nft stand in it: nft itself tells of no rule from where it came."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from polc.source import SourceFile, Span

ChainKey = tuple[str, str, str]
"""Family, table and chain."""

_WORDS = re.compile(r'"[^"\n]*"?|#[^\n]*|\\\n|[{};\n]')
_NO_RULES = ("type", "policy", "comment", "flags", "define", "redefine", "undefine")
_COMMAND = re.compile(
    r"(?P<verb>add|insert)\s+rule\s+(?:(?P<family>ip6?|inet|arp|bridge|netdev)\s+)?(?P<table>\S+)\s+(?P<chain>\S+)\s"
)
_TABLE = re.compile(r"(?:(?:add|create)\s+)?table\s+(?:(?P<family>ip6?|inet|arp|bridge|netdev)\s+)?(?P<table>\S+)\s*$")
_CHAIN = re.compile(r"chain\s+(?P<chain>\S+)\s*$")


@dataclass(slots=True)
class _Block:
    """An open brace; ``key`` is that of a table, whose chain is "", or of a chain, None of anything else."""

    key: ChainKey | None


@dataclass(slots=True)
class _Reader:
    source: SourceFile
    found: dict[ChainKey, list[Span]] = field(default_factory=dict)
    blocks: list[_Block] = field(default_factory=list)
    start: int = 0

    def read(self) -> dict[ChainKey, list[Span]]:
        for word in _WORDS.finditer(self.source.text):
            match word.group()[0]:
                case "{":
                    self._open(word.start(), word.end())
                case "}":
                    self._close(word.start(), word.end())
                case ";" | "\n":
                    self._end(word.start(), word.end())
                case "#":
                    # What stands before a comment goes on to the end of the line, which comes next.
                    if not self.source.text[self.start : word.start()].strip():
                        self.start = word.end()
                case _:
                    pass
        self._end(len(self.source.text), len(self.source.text))
        return self.found

    def _open(self, at: int, behind: int) -> None:
        head = self.source.text[self.start : at].strip()
        key: ChainKey | None = None
        if not self.blocks and (table := _TABLE.search(head)):
            key = (table["family"] or "ip", _plain(table["table"]), "")
        elif self._is_table() and (chain := _CHAIN.match(head)):
            assert self.blocks[-1].key is not None
            key = (*self.blocks[-1].key[:2], _plain(chain["chain"]))
        self.blocks.append(_Block(key))
        if key:
            self.start = behind

    def _close(self, at: int, behind: int) -> None:
        if not self.blocks:
            return
        if self.blocks[-1].key:
            self._end(at, behind)
        inside = self.blocks.pop()
        if inside.key or self._is_table():
            self.start = behind

    def _is_table(self) -> bool:
        return bool(self.blocks) and self.blocks[-1].key is not None and not self.blocks[-1].key[2]

    def _end(self, at: int, behind: int) -> None:
        """The end of a statement, where none of its braces is open."""
        if self.blocks and self.blocks[-1].key is None:
            return
        text = self.source.text[self.start : at]
        start = self.start + len(text) - len(text.lstrip())
        span = self.source.span(start, start + len(text.strip()))
        self.start = behind
        if not span.text:
            return
        if not self.blocks:
            self._command(span)
        elif (key := self.blocks[-1].key) and key[2] and span.text.split(None, 1)[0] not in _NO_RULES:
            self.found.setdefault(key, []).append(span)

    def _command(self, span: Span) -> None:
        found = _COMMAND.match(span.text)
        if found:
            key = (found["family"] or "ip", _plain(found["table"]), _plain(found["chain"]))
            rules = self.found.setdefault(key, [])
            rules.insert(0 if found["verb"] == "insert" else len(rules), span)


def rules_of(source: SourceFile) -> dict[ChainKey, list[Span]]:
    """The rules of each chain in their order, as far as they stand in the text itself and nothing takes any away.

    Whoever uses it counts: what the text includes, and what it deletes or puts at a position, is not followed.
    """
    return _Reader(source).read()


def placed(source: SourceFile, listed: Iterator[tuple[int, ChainKey]]) -> dict[int, Span]:
    """The places in ``source`` by the numbers of lines of a listing, for chains with as many rules in both.

    ``listed`` are the lines of the listing that are rules, with the chain that each is of.
    """
    known = rules_of(source)
    lines: dict[ChainKey, list[int]] = {}
    for number, key in listed:
        lines.setdefault(key, []).append(number)
    return {
        number: span
        for key, numbers in lines.items()
        if len(known.get(key, ())) == len(numbers)
        for number, span in zip(numbers, known[key], strict=True)
    }


def _plain(name: str) -> str:
    return name.strip('"')
