"""What a rule does besides its verdict: counters, log lines, bans, marks and changes of the packet."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from polc.diagnostics import Collector
from polc.diagnostics.suggest import did_you_mean
from polc.ir.fields import FIELDS, Field
from polc.ir.matches import Side
from polc.ir.statements import (
    ClampMss,
    CopyMark,
    Counter,
    Log,
    LogLevel,
    MarkField,
    Notrack,
    SetDscp,
    SetMark,
    Statement,
    Synproxy,
    UpdateSet,
)
from polc.policy.document import (
    Ban,
    Clause,
    CodePoint,
    FlowMarking,
    LogLine,
    MarkAction,
    Marking,
    NamedCount,
    NoTracking,
    OwnCount,
    RuleDocument,
    SegmentSize,
    SynProxy,
    Word,
)
from polc.policy.lower import values
from polc.policy.lower.branches import Outcome
from polc.policy.lower.scope import Scope

LONGEST_PREFIX = 127
"""Bytes of the longest log prefix: NF_LOG_PREFIXLEN counts a NUL too (uapi/linux/netfilter/nf_log.h)."""

WHOLE_MARK = 0xFFFFFFFF

_COUNTER_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")
_T = TypeVar("_T")


_EFFECTS: frozenset[type[Clause]] = frozenset(
    {OwnCount, NamedCount, NoTracking, Marking, FlowMarking, CodePoint, SegmentSize, SynProxy}
)


def effects(rule: RuleDocument, collector: Collector) -> tuple[Statement, ...]:
    """The rule's statements but its log and ban, in one order: clauses have none of their own. Errors are recorded."""
    if not rule.has(_EFFECTS):
        return ()
    found: list[Statement | None] = []
    if rule.find(OwnCount):
        found.append(Counter())
    named = rule.find(NamedCount)
    if named:
        if not _COUNTER_NAME.fullmatch(named.name.text):
            message = f"`{named.name.text}` is not the name of a counter"
            hint = "a letter or `_`, then letters, digits, `_` and `-`, 63 at most"
            collector.error("POL105", message, named.name.span, help=hint)
        found.append(Counter(named.name.text))
    if rule.find(NoTracking):
        found.append(Notrack())
    marking, flow = rule.find(Marking), rule.find(FlowMarking)
    if marking:
        found.append(_marking(marking, collector))
    if flow:
        found.append(_flow_marking(flow, collector))
    point, size, proxy = rule.find(CodePoint), rule.find(SegmentSize), rule.find(SynProxy)
    if point:
        found.append(_code_point(point, collector))
    if size:
        found.append(_segment_size(size, collector))
    if proxy:
        found.append(_synproxy(proxy, collector))
    return tuple(one for one in found if one)


def log_of(line: LogLine, scope: Scope) -> Log:
    """The log of a rule, with what the policy's settings say where it does not; what is wrong is recorded."""
    collector = scope.collector
    _check_prefix(line.prefix, collector)
    level_word, group_word = line.level, line.group
    if level_word is None and group_word is None:
        level_word, group_word = scope.settings.log_level, scope.settings.log_group
    level = log_level(level_word, collector) if level_word else LogLevel.WARN
    group = None
    if group_word:
        group = _value("POL121", group_word, lambda text: values.number(text, 65535), collector)
        if line.level:
            message = "a level goes with the kernel log, and a group is another place for the packet"
            collector.error("POL121", message, line.level.span)
    return Log(line.prefix.text, level, group)


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


def with_ban(rule: RuleDocument, outcomes: tuple[Outcome, ...], scope: Scope) -> tuple[Outcome, ...]:
    """The outcomes with the rule's ban: a set has addresses of one family, so there is one outcome for each."""
    clause = rule.find(Ban)
    if clause is None:
        return outcomes
    name, dynamic = clause.name, scope.symbols.dynamic
    if name.text not in dynamic:
        if name.text in scope.symbols.addresses and scope.symbols.addresses[name.text] is None:
            # It is defined, but wrongly, which has been said where it is.
            return outcomes
        if name.text in scope.symbols.addresses:
            message = f"the group `{name.text}` is not filled at run time"
            hint = f"as in `{name.text}: {{dynamic: true, timeout: 1h, size: 65535}}`"
        else:
            message, hint = f"there is no dynamic group `{name.text}`", did_you_mean(name.text, dynamic)
        scope.collector.error("POL244", message, name.span, help=hint)
        return outcomes
    timeout = _value("POL114", clause.timeout, values.duration, scope.collector) if clause.timeout else None
    found = []
    for group in dynamic[name.text] or ():
        if timeout and group.timeout is None:
            message = f"the elements of `{name.text}` have no time: it was defined without `timeout`"
            scope.collector.error("POL244", message, name.span)
            return outcomes
        ban = UpdateSet((Side.SADDR,), group.name, timeout)
        found += [
            one._replace(statements=(ban, *one.statements), families=one.families & group.families)
            for one in outcomes
            if group.families & one.families
        ]
    return tuple(found) or outcomes


def _marking(clause: Marking, collector: Collector) -> Statement | None:
    if clause.action is MarkAction.SET:
        assert clause.value is not None
        return _set(MarkField.META, clause.value, clause.mask, collector)
    mask = _mark(clause.mask, collector) if clause.mask else WHOLE_MARK
    to = MarkField.CT if clause.action is MarkAction.SAVE else MarkField.META
    return None if mask is None else CopyMark(to, mask)


def _flow_marking(clause: FlowMarking, collector: Collector) -> Statement | None:
    known = {one.value: one for one in MarkField}
    name = " ".join(clause.field.text.split())
    if name not in known:
        message = f"`{name}` cannot be set"
        collector.error("POL121", message, clause.field.span, help="what can be set is `mark` and `ct mark`")
        return None
    return _set(known[name], clause.value, clause.mask, collector)


def _set(field: MarkField, value: Word, mask: Word | None, collector: Collector) -> SetMark | None:
    """``0x1`` with or without a mask; ``0x1/0xff`` is the same as with one."""
    text, slash, bits = value.text.partition("/")
    if slash:
        if mask:
            collector.error("POL121", "the mask is there twice", mask.span)
            return None
        value, mask = Word(text, value.span), Word(bits, value.span)
    number = _mark(value, collector)
    whole = _mark(mask, collector) if mask else WHOLE_MARK
    if number is None or whole is None:
        return None
    if number & ~whole:
        message = f"`{value.text}` has bits outside the mask"
        collector.error("POL121", message, value.span, help="only bits of the mask change")
        return None
    return SetMark(field, number, whole)


def _mark(word: Word, collector: Collector) -> int | None:
    return _value("POL121", word, lambda text: values.number(text, WHOLE_MARK), collector)


def _code_point(clause: CodePoint, collector: Collector) -> SetDscp | None:
    fact = FIELDS[Field.IP_DSCP]
    names = dict(fact.names)
    if clause.value.text in names:
        return SetDscp(names[clause.value.text])
    if not clause.value.text[:1].isdigit():
        hint = did_you_mean(clause.value.text, names) or f"the names are {', '.join(names)}"
        collector.error("POL121", f"unknown code point `{clause.value.text}`", clause.value.span, help=hint)
        return None
    found = _value("POL121", clause.value, lambda text: values.number(text, fact.highest), collector)
    return None if found is None else SetDscp(found)


def _segment_size(clause: SegmentSize, collector: Collector) -> ClampMss | None:
    if clause.size is None:
        return ClampMss()
    found = _value("POL121", clause.size, lambda text: values.number(text, 65535), collector)
    return None if found is None else ClampMss(found)


def _synproxy(clause: SynProxy, collector: Collector) -> Synproxy | None:
    mss = _value("POL121", clause.mss, lambda text: values.number(text, 65535), collector)
    if clause.wscale is None:
        message = "`synproxy` needs `wscale`, the window scale of the server"
        collector.error("POL121", message, clause.span, help="as in `synproxy mss 1460 wscale 7`")
        return None
    wscale = _value("POL121", clause.wscale, lambda text: values.number(text, 14), collector)
    if mss is None or wscale is None:
        return None
    return Synproxy(mss, wscale, clause.timestamp, clause.sack_perm)


def _value(code: str, word: Word, read: Callable[[str], _T], collector: Collector) -> _T | None:
    try:
        return read(word.text)
    except ValueError as error:
        collector.error(code, str(error), word.span)
        return None
