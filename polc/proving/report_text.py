"""Answers in words, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from polc.proving.model import COMMAND_LINE, Answer, Counterexample, Result
from polc.simulate.packet_format import format_packet
from polc.simulate.report_text import fate_text


def report(answer: Answer) -> str:
    """One answer: the question, and a proof's assumptions or the packet that shows the contrary."""
    return "\n".join(_lines(answer)) + "\n"


def summary(answers: Sequence[Answer]) -> str:
    """``3 proven, 1 refuted``."""
    counts = {result: sum(one.result is result for one in answers) for result in Result}
    return ", ".join(f"{number} {result.value}" for result, number in counts.items() if number) + "\n"


def _lines(answer: Answer) -> Iterator[str]:
    place = ""
    if answer.span is not None and answer.span.source.path != COMMAND_LINE:
        place = f"{answer.span.source.path}:{answer.span.line}: "
    yield f"{answer.result.value}: {place}{answer.question}"
    if answer.because:
        yield f"  because: {answer.because}"
    if answer.about:
        yield f"  of packets: {answer.about}"
    if answer.reason:
        yield f"  {answer.reason}"
    for assumed in answer.assumes:
        yield f"  given that {assumed}"
    if answer.counterexample is not None:
        yield from _counterexample(answer.counterexample)


def _counterexample(example: Counterexample) -> Iterator[str]:
    yield f"  {format_packet(example.packet)}"
    if example.why:
        yield f"  differs in {example.why}"
    for presumed in example.presumed:
        yield f"  where {presumed}"
    for seen in example.seen:
        name = f"{seen.side}: " if seen.side else ""
        yield f"  {name}{fate_text(seen.outcome)}"
