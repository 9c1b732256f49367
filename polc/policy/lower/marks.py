"""Marks of packets and of flows: set, flipped, copied, or looked up."""

from __future__ import annotations

from collections.abc import Iterator

from polc.diagnostics import Collector
from polc.ir.family import Family
from polc.ir.statements import CopyMark, MapMark, MarkField, SetMark, Statement
from polc.policy.document import Entry, FlowMarking, Map, MarkAction, Marking, RuleDocument, Word
from polc.policy.lower import values
from polc.policy.lower.parts import value_of
from polc.policy.lower.scope import Scope

WHOLE_MARK = 0xFFFFFFFF


def marks(rule: RuleDocument, collector: Collector) -> Iterator[Statement]:
    """What a rule does to marks, but by maps; errors are recorded."""
    marking, flow = rule.find(Marking), rule.find(FlowMarking)
    for field, clause in ((MarkField.META, marking), (MarkField.CT, flow)):
        if clause is None or clause.map:
            continue
        found = _marking(field, clause, collector)
        if found:
            yield found


def maps_of_marks(rule: RuleDocument) -> list[tuple[MarkField, Map]]:
    """The maps by which a rule sets marks."""
    marking, flow = rule.find(Marking), rule.find(FlowMarking)
    return [
        (field, clause.map)
        for field, clause in ((MarkField.META, marking), (MarkField.CT, flow))
        if clause is not None and clause.map is not None
    ]


def map_marks(field: MarkField, mapped: Map, scope: Scope) -> tuple[tuple[MapMark, frozenset[Family]], ...]:
    """What a map of marks does, in each family where addresses are looked up; errors are recorded."""
    from polc.policy.lower.keys import key_of
    from polc.policy.lower.maps import elements_of

    def mark(entry: Entry) -> int | None:
        assert entry.point is not None
        return _number(entry.point, scope.collector)

    key = key_of(mapped.key, scope)
    found = elements_of(mapped, key, mark, scope) if key else ()
    return tuple((MapMark(field, key.selectors, one.elements), one.families) for one in found if key)


def _marking(field: MarkField, clause: Marking | FlowMarking, collector: Collector) -> Statement | None:
    if clause.action in (MarkAction.SAVE, MarkAction.RESTORE):
        mask = _number(clause.mask, collector) if clause.mask else WHOLE_MARK
        to = MarkField.CT if clause.action is MarkAction.SAVE else MarkField.META
        return None if mask is None else CopyMark(to, mask)
    assert clause.value is not None
    return _set(field, clause.value, clause.mask, clause.action is MarkAction.XOR, collector)


def _set(field: MarkField, value: Word, mask: Word | None, flips: bool, collector: Collector) -> SetMark | None:
    """``0x1`` with or without a mask; ``0x1/0xff`` is the same as with one."""
    text, slash, bits = value.text.partition("/")
    if slash:
        if mask:
            collector.error("POL121", "the mask is there twice", mask.span)
            return None
        value, mask = Word(text, value.span), Word(bits, value.span)
    number = _number(value, collector)
    whole = _number(mask, collector) if mask else 0 if flips else WHOLE_MARK
    if number is None or whole is None:
        return None
    if number & ~whole and not flips:
        message = f"`{value.text}` has bits outside the mask"
        collector.error("POL121", message, value.span, help="only bits of the mask change; `xor` flips others too")
        return None
    return SetMark(field, number, whole)


def _number(word: Word, collector: Collector) -> int | None:
    return value_of("POL121", word, lambda text: values.number(text, WHOLE_MARK), collector)
