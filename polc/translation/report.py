"""From what was written to the report on each rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from polc.backends.model import Deviation, Fidelity
from polc.diagnostics import Diagnostic
from polc.ir.ruleset import Ruleset
from polc.report.model import Difference
from polc.source import Span
from polc.translation.model import Became, Place, Remark, RuleTranslation

_ORDER = {Fidelity.EXACT: 0, Fidelity.APPROXIMATE: 1, Fidelity.REFUSED: 2}
_OF_RULES = frozenset({"POL516", "POL533"})
"""Notes on rules that are left out, as no packet meets them."""
_LineKey = tuple[int, int]


@dataclass(slots=True)
class _Entry:
    span: Span
    fidelity: Fidelity = Fidelity.EXACT
    differences: dict[Difference, None] = field(default_factory=dict)
    became: dict[Became, None] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)


class Entries:
    """Rules of the input by their places, in the order of the input."""

    def __init__(self, rulesets: Iterable[Ruleset]) -> None:
        self._entries: dict[_LineKey, _Entry] = {}
        self._sources: dict[int, int] = {}
        self.remarks: list[Remark] = []
        for ruleset in rulesets:
            for chain in ruleset.chains:
                for rule in chain.rules:
                    for span in rule.origin.spans:
                        self._at(span)

    def became(self, spans: Sequence[Span], one: Became) -> None:
        for span in spans:
            self._at(span).became[one] = None

    def departs(self, deviation: Deviation) -> bool:
        """Whether it is a rule that the deviation is about."""
        spans = deviation.origin.spans
        difference = Difference(deviation.name, deviation.message)
        known = [self._entries[key] for span in spans if (key := self._key(span)) in self._entries]
        for entry in known:
            entry.differences[difference] = None
            entry.fidelity = max(entry.fidelity, deviation.fidelity, key=_ORDER.__getitem__)
        return bool(known)

    def refused(self, span: Span, message: str) -> None:
        entry = self._at(span)
        entry.fidelity = Fidelity.REFUSED
        entry.differences[Difference("policy", message)] = None

    def say(self, span: Span, sentence: str) -> None:
        self._at(span).notes[sentence] = None

    def note(self, one: Diagnostic) -> None:
        """A remark on a rule stands with it, one on anything else by itself."""
        span = one.span
        if span and (one.code in _OF_RULES or self._key(span) in self._entries):
            self._at(span).notes[one.message] = None
        else:
            self.remarks.append(Remark(_place(span), one.code, one.severity, one.message))

    def rules(self) -> tuple[RuleTranslation, ...]:
        ordered = sorted(self._entries.items(), key=lambda one: one[0])
        return tuple(
            RuleTranslation(
                _place(entry.span),
                " ".join(entry.span.text.split()),
                entry.fidelity,
                tuple(entry.differences),
                tuple(entry.became),
                tuple(entry.notes),
            )
            for _, entry in ordered
        )

    def _at(self, span: Span) -> _Entry:
        return self._entries.setdefault(self._key(span), _Entry(span))

    def _key(self, span: Span) -> _LineKey:
        # By identity: texts are long.
        return self._sources.setdefault(id(span.source), len(self._sources)), span.start


def _place(span: Span | None) -> Place:
    return Place(span.source.path, span.line, span.column) if span else Place()
