"""The shape of restore files of iptables and ipset."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from polc.backends.iptables.compare import split_words
from polc.backends.iptables.compare_ipsets import sets_left_by
from polc.backends.iptables.tables import TABLES
from polc.report.model import SetReport
from polc.report.shape import Chain, Line, Way, WayKind
from polc.report.state import both, holds
from polc.report.tags import rule_of

_ENDS = frozenset(
    {"ACCEPT", "DROP", "REJECT", "QUEUE", "NFQUEUE", "DNAT", "SNAT", "MASQUERADE", "REDIRECT", "NETMAP"}
    | {"TPROXY", "SYNPROXY"}
)
"""Targets after which no line of the table is looked at."""

_LOOKUPS = frozenset({"recent", "hashlimit", "connlimit"})
"""Matches that look an address up in a table of their own."""

_CONDITIONS = frozenset({"limit", "quota", "statistic"})


def chains(file: str, text: str) -> Iterator[Chain]:
    """The chains of a file of rules."""
    table = ""
    lines: dict[str, list[Line]] = {}
    for line in text.splitlines():
        match line[:1]:
            case "*":
                table, lines = line[1:].strip(), {}
            case ":":
                lines.setdefault(line[1:].split()[0], [])
            case "-" | "[":
                # What a rule has counted already may stand before it.
                option, name, *words = split_words(line.partition("] ")[2] if line.startswith("[") else line)
                found = lines.setdefault(name, [])
                one = _line(words, lines, tracked=table != "raw")
                found.insert(0, one) if option == "-I" else found.append(one)
            case "C":
                for name, several in lines.items():
                    hook = f"{table} {name}" if name in TABLES.get(table, ()) else ""
                    yield Chain(file, table, name, hook, table == "nat", tuple(several))
            case _:
                pass


@dataclass(frozen=True, slots=True)
class _Option:
    """An option with its values; ``module`` is the match that it belongs to, empty before the first."""

    module: str
    negated: bool
    name: str
    values: tuple[str, ...]


def _options(words: list[str]) -> Iterator[_Option]:
    module, negated = "", False
    at = 0
    while at < len(words):
        name = words[at]
        at += 1
        if name == "!":
            negated = True
            continue
        start = at
        # A comment may begin with anything.
        while at < len(words) and ((name == "--comment" and at == start) or not words[at].startswith(("-", "!"))):
            at += 1
        values = tuple(words[start:at])
        if name == "-m":
            module = values[0]
        yield _Option(module, negated, name, values)
        negated = False


def _line(words: list[str], declared: dict[str, list[Line]], *, tracked: bool) -> Line:
    rule: int | None = None
    lookups = 0
    applies: bool | None = True
    established: bool | None = True
    constructs: dict[str, None] = {}
    ways: tuple[Way, ...] = ()
    done = False
    for option in _options(words):
        match option:
            case _Option(name="--comment", values=(comment, *_)):
                rule = rule_of(comment)
            case _Option(name="-j" | "-g" as name, values=(target, *_)):
                done = True
                ways = _ways(target, name == "-g", declared)
            case _Option(name="--match-set" | "--add-set" | "--del-set", values=(one, *_)):
                lookups += 1
                constructs[f"ipset {one}"] = None
            case _Option(name="-m", values=(module, *_)) if module in _LOOKUPS or module in _CONDITIONS:
                lookups += module in _LOOKUPS
                constructs[module] = None
            case _:
                pass
        if not done and option.module != "comment" and option.values != ("conntrack",):
            applies = None
            state = option.name == "--ctstate" and tracked
            asked = holds(option.values[0].split(","), negated=option.negated) if state else None
            established = both(established, asked)
    return Line(rule, lookups, applies, ways, established, ways, tuple(constructs))


def _ways(target: str, goto: bool, declared: dict[str, list[Line]]) -> tuple[Way, ...]:
    if goto:
        return (Way(WayKind.GOES, target),)
    if target == "RETURN":
        return (Way(WayKind.RETURNS),)
    if target in declared:
        return (Way(WayKind.JUMPS, target),)
    return (Way(WayKind.ENDS),) if target in _ENDS else ()


def sets(file: str, text: str) -> Iterator[SetReport]:
    """The sets that a file for ``ipset restore`` leaves."""
    for name, one in sets_left_by(text).items():
        size = one.options.get("maxelem")
        yield SetReport(file, name, f"ipset {one.options['type']}", int(size) if size else None, len(one.members))
