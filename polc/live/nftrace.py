"""Lines of `nft monitor trace` (nft(8), MONITOR): which rule each packet came to, and what it said."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE = re.compile(
    r"trace id (?P<id>[0-9a-f]+) (?P<family>\w+) (?P<table>\S+) (?P<chain>\S+) (?P<kind>packet:|rule|verdict|policy)\s?"
    r"(?P<rest>.*)"
)
_RULE = re.compile(r"(?P<words>.*?)(?: # handle (?P<handle>\d+))? \(verdict (?P<verdict>[^)]*)\)\s*$")
_COMMENT = re.compile(r' ?comment "(?P<comment>[^"]*)"')


@dataclass(frozen=True, slots=True)
class Traced:
    """``kind`` is ``packet``, ``rule``, ``verdict`` or ``policy``; ``words`` are nft's, ``comment`` a rule's own."""

    id: str
    table: str
    chain: str
    kind: str
    words: str
    verdict: str = ""
    comment: str = ""
    handle: int = 0


def read_trace(line: str) -> Traced | None:
    """None: it is no such line."""
    found = _LINE.search(line)
    if found is None:
        return None
    table, kind, rest = f"{found['family']} {found['table']}", found["kind"].rstrip(":"), found["rest"].strip()
    if kind != "rule":
        verdict = rest if kind in ("verdict", "policy") else ""
        return Traced(found["id"], table, found["chain"], kind, rest, verdict)
    rule = _RULE.match(rest)
    words, verdict, handle = (rule["words"], rule["verdict"], int(rule["handle"] or 0)) if rule else (rest, "", 0)
    comment = _COMMENT.search(words)
    return Traced(
        found["id"], table, found["chain"], kind, _COMMENT.sub("", words), verdict,
        comment["comment"] if comment else "", handle,
    )  # fmt: skip
