"""Answers for machines."""

from __future__ import annotations

from polc.proving.model import Answer, Counterexample
from polc.simulate.packet_format import Json, format_packet, packet_json
from polc.simulate.report_json import outcome_json


def answer_json(answer: Answer) -> dict[str, Json]:
    """``{"question": ..., "result": "proven", "refuted" or "undecided", ...}``, without keys that say nothing."""
    made: dict[str, Json] = {"question": answer.question, "result": answer.result.value}
    if answer.span is not None:
        made["file"], made["line"] = answer.span.source.path, answer.span.line
    for name, text in (("because", answer.because), ("packets", answer.about), ("reason", answer.reason)):
        if text:
            made[name] = text
    if answer.assumes:
        made["assumes"] = list(answer.assumes)
    if answer.counterexample is not None:
        made["counterexample"] = _counterexample(answer.counterexample)
    return made


def _counterexample(example: Counterexample) -> dict[str, Json]:
    made: dict[str, Json] = {
        "packet": format_packet(example.packet),
        "fields": packet_json(example.packet),
        "place": example.place,
    }
    if example.why:
        made["differs"] = example.why
    if example.presumed:
        made["presumed"] = list(example.presumed)
    made["outcomes"] = [{"side": one.side, **outcome_json(one.outcome)} for one in example.seen]
    return made
