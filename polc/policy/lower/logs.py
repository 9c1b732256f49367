"""Log lines of rules."""

from __future__ import annotations

from polc.diagnostics import Collector
from polc.diagnostics.suggest import did_you_mean
from polc.ir.statements import Log, LogFlag, LogLevel
from polc.policy.document import LogLine, Word
from polc.policy.lower import values
from polc.policy.lower.parts import value_of
from polc.policy.lower.scope import Scope

LONGEST_PREFIX = 127
"""Bytes of the longest log prefix: NF_LOG_PREFIXLEN counts a NUL too (uapi/linux/netfilter/nf_log.h)."""

_LARGEST = 65535
"""Of groups and thresholds, which the kernel keeps in 16 bits (net/netfilter/nft_log.c), and of a packet's bytes."""


def log_of(line: LogLine, scope: Scope) -> Log:
    """The log of a rule, with what the policy's settings say where it does not; what is wrong is recorded."""
    collector = scope.collector
    _check_prefix(line.prefix, collector)
    level_word, group_word = line.level, line.group
    if level_word is None and group_word is None:
        level_word, group_word = scope.settings.log_level, scope.settings.log_group
    level = log_level(level_word, collector) if level_word else LogLevel.WARN
    group = snaplen = threshold = None
    if group_word:
        group, snaplen, threshold = (_number(one, collector) for one in (group_word, line.snaplen, line.threshold))
        for word, what in ((line.level, "a level goes"), *((flag, "flags go") for flag in line.flags[:1])):
            if word:
                message = f"{what} with the kernel log, and a group is another place for the packet"
                collector.error("POL121", message, word.span)
    else:
        for word, name in ((line.snaplen, "snaplen"), (line.threshold, "queue-threshold")):
            if word:
                message = f"`{name}` goes with a group, and this log is the kernel's"
                collector.error("POL121", message, word.span, help='as in `log "in: " group 5 snaplen 64`')
    return Log(line.prefix.text, level, group, _flags(line.flags, collector), snaplen, threshold)


def _number(word: Word | None, collector: Collector) -> int | None:
    return value_of("POL121", word, lambda text: values.number(text, _LARGEST), collector) if word else None


def _flags(words: tuple[Word, ...], collector: Collector) -> frozenset[LogFlag]:
    known = {one.value.replace(" ", "-"): frozenset({one}) for one in LogFlag}
    known["all"] = frozenset(LogFlag)
    found: frozenset[LogFlag] = frozenset()
    for word in words:
        if word.text not in known:
            hint = did_you_mean(word.text, known) or f"the flags are {', '.join(known)}"
            collector.error("POL121", f"unknown flag of a log `{word.text}`", word.span, help=hint)
        found |= known.get(word.text, frozenset())
    return found


def _check_prefix(prefix: Word, collector: Collector) -> None:
    size = len(prefix.text.encode("utf-8", "replace"))
    if size > LONGEST_PREFIX:
        message = f"a log prefix has at most {LONGEST_PREFIX} bytes, and this one has {size}"
        collector.error("POL120", message, prefix.span)
    elif not prefix.text.isprintable():
        collector.error("POL120", "a log prefix cannot have control characters", prefix.span)


_LEVELS = {"warning": "warn", "error": "err", "critical": "crit", "panic": "emerg", "emergency": "emerg"}
"""Names of levels elsewhere, in syslog.conf(5) and in iptables."""


def log_level(word: Word, collector: Collector) -> LogLevel:
    """The level of that name; an unknown one is recorded."""
    known = {one.name.lower(): one for one in LogLevel}
    if word.text not in known:
        near = _LEVELS.get(word.text, word.text)
        hint = did_you_mean(near, known) or f"the levels are {', '.join(known)}"
        collector.error("POL231", f"unknown log level `{word.text}`", word.span, help=hint)
    return known.get(word.text, LogLevel.WARN)
