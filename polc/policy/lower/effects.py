"""What a rule does besides its verdict: ``counter``, ``count NAME`` and ``log``."""

from __future__ import annotations

import re

from polc.diagnostics import Collector
from polc.ir.statements import Counter, Log, LogLevel, Statement
from polc.policy.document import LogLine, NamedCount, OwnCount, RuleDocument, Word
from polc.policy.suggest import did_you_mean

LONGEST_PREFIX = 127
"""Bytes of the longest log prefix: NF_LOG_PREFIXLEN counts a NUL too (uapi/linux/netfilter/nf_log.h)."""

_COUNTER_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")


def effects(rule: RuleDocument, collector: Collector) -> tuple[Statement, ...]:
    """The rule's statements, counters before the log: clauses have no order of their own. Errors are recorded."""
    found: list[Statement] = []
    if rule.find(OwnCount):
        found.append(Counter())
    named, line = rule.find(NamedCount), rule.find(LogLine)
    if named:
        if not _COUNTER_NAME.fullmatch(named.name.text):
            message = f"`{named.name.text}` is not the name of a counter"
            hint = "a letter or `_`, then letters, digits, `_` and `-`, 63 at most"
            collector.error("POL105", message, named.name.span, help=hint)
        found.append(Counter(named.name.text))
    if line:
        _check_prefix(line.prefix, collector)
        found.append(Log(line.prefix.text, _level(line.level, collector) if line.level else LogLevel.WARN))
    return tuple(found)


def _check_prefix(prefix: Word, collector: Collector) -> None:
    size = len(prefix.text.encode("utf-8", "replace"))
    if size > LONGEST_PREFIX:
        message = f"a log prefix has at most {LONGEST_PREFIX} bytes, and this one has {size}"
        collector.error("POL120", message, prefix.span)
    elif not prefix.text.isprintable():
        collector.error("POL120", "a log prefix cannot have control characters", prefix.span)


def _level(word: Word, collector: Collector) -> LogLevel:
    known = {one.name.lower(): one for one in LogLevel}
    if word.text not in known:
        hint = did_you_mean(word.text, known) or f"the levels are {', '.join(known)}"
        collector.error("POL231", f"unknown log level `{word.text}`", word.span, help=hint)
    return known.get(word.text, LogLevel.WARN)
