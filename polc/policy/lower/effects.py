"""What a rule does besides its verdict: counters, marks, what conntrack is told, and changes of the packet."""

from __future__ import annotations

import re
from collections.abc import Iterator

from polc.diagnostics import Collector
from polc.diagnostics.suggest import did_you_mean
from polc.ir.fields import FIELDS, TCP_OPTION_KINDS, Field
from polc.ir.statements import (
    AssignZone,
    ClampMss,
    Counter,
    CtDirection,
    Notrack,
    SetDscp,
    SetPriority,
    Statement,
    StripTcpOptions,
    Synproxy,
    Trace,
)
from polc.policy.document import (
    Clause,
    CodePoint,
    FlowMarking,
    Marking,
    NamedCount,
    NoTracking,
    OptionReset,
    OwnCount,
    PrioritySetting,
    RuleDocument,
    SegmentSize,
    SynProxy,
    Tracing,
    Word,
    ZoneSetting,
)
from polc.policy.lower import values
from polc.policy.lower.field_values import tc_handle
from polc.policy.lower.parts import value_of

_COUNTER_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")

_EFFECTS: frozenset[type[Clause]] = frozenset(
    {OwnCount, NamedCount, NoTracking, Marking, FlowMarking, CodePoint, SegmentSize, SynProxy, ZoneSetting}
    | {PrioritySetting, Tracing, OptionReset}
)


def effects(rule: RuleDocument, collector: Collector) -> tuple[Statement, ...]:
    """The rule's statements but its log and those of one family each, in one order: clauses have none of their own.

    Errors are recorded.
    """
    return tuple(_effects(rule, collector)) if rule.has(_EFFECTS) else ()


def _effects(rule: RuleDocument, collector: Collector) -> Iterator[Statement]:
    if rule.find(Tracing):
        yield Trace()
    if rule.find(OwnCount):
        yield Counter()
    named = rule.find(NamedCount)
    if named:
        yield Counter(_counter_name(named.name, collector))
    if rule.find(NoTracking):
        yield Notrack()
    zone = rule.find(ZoneSetting)
    if zone and (assigned := _zone(zone, collector)):
        yield assigned
    if rule.has(frozenset({Marking, FlowMarking})):
        from polc.policy.lower.marks import marks

        yield from marks(rule, collector)
    priority, point = rule.find(PrioritySetting), rule.find(CodePoint)
    if priority:
        handle = value_of("POL121", priority.value, tc_handle, collector)
        if handle is not None:
            yield SetPriority(handle)
    if point and (changed := _code_point(point, collector)):
        yield changed
    size, options, proxy = rule.find(SegmentSize), rule.find(OptionReset), rule.find(SynProxy)
    if size and (clamped := _segment_size(size, collector)):
        yield clamped
    if options:
        yield StripTcpOptions(_kinds(options, collector))
    if proxy and (answered := _synproxy(proxy, collector)):
        yield answered


def _counter_name(word: Word, collector: Collector) -> str:
    if not _COUNTER_NAME.fullmatch(word.text):
        hint = "a letter or `_`, then letters, digits, `_` and `-`, 63 at most"
        collector.error("POL105", f"`{word.text}` is not the name of a counter", word.span, help=hint)
    return word.text


def _zone(clause: ZoneSetting, collector: Collector) -> AssignZone | None:
    number = _number(clause.value, 65535, collector)
    direction = next((one for one in CtDirection if one.value in clause.field.text.split()), None)
    return None if number is None else AssignZone(number, direction)


def _code_point(clause: CodePoint, collector: Collector) -> SetDscp | None:
    fact = FIELDS[Field.IP_DSCP]
    names = dict(fact.names)
    if clause.value.text in names:
        return SetDscp(names[clause.value.text])
    if not clause.value.text[:1].isdigit():
        hint = did_you_mean(clause.value.text, names) or f"the names are {', '.join(names)}"
        collector.error("POL121", f"unknown code point `{clause.value.text}`", clause.value.span, help=hint)
        return None
    found = _number(clause.value, fact.highest, collector)
    return None if found is None else SetDscp(found)


def _segment_size(clause: SegmentSize, collector: Collector) -> ClampMss | None:
    if clause.size is None:
        return ClampMss()
    found = _number(clause.size, 65535, collector)
    return None if found is None else ClampMss(found)


def _kinds(clause: OptionReset, collector: Collector) -> tuple[int, ...]:
    """The options' numbers, in their order."""
    found = set()
    for word in clause.options:
        kind = TCP_OPTION_KINDS.get(word.text, values.decimal(word.text, 2, 255))
        if kind is None:
            known = TCP_OPTION_KINDS
            hint = did_you_mean(word.text, known) or f"the options are {', '.join(known)}, or a number from 2 to 255"
            collector.error("POL242", f"`{word.text}` is no TCP option", word.span, help=hint)
        else:
            found.add(kind)
    return tuple(sorted(found))


def _synproxy(clause: SynProxy, collector: Collector) -> Synproxy | None:
    mss = _number(clause.mss, 65535, collector)
    if clause.wscale is None:
        message = "`synproxy` needs `wscale`, the window scale of the server"
        collector.error("POL121", message, clause.span, help="as in `synproxy mss 1460 wscale 7`")
        return None
    wscale = _number(clause.wscale, 14, collector)
    if mss is None or wscale is None:
        return None
    return Synproxy(mss, wscale, clause.timestamp, clause.sack_perm)


def _number(word: Word, highest: int, collector: Collector) -> int | None:
    return value_of("POL121", word, lambda text: values.number(text, highest), collector)
