"""How two outcomes of one packet differ, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from polc.ir.statements import Counter, Log, UpdateSet
from polc.ir.verdicts import Accept, Drop, Reject
from polc.proving.same import effects_of
from polc.symbolic.outcome import Binding, Effect, Evaluated, Outcome, Stolen, Unknown, Verdict


def why(one: Outcome, other: Outcome) -> str:
    """What is not the same: ``accept and drop``, ``the log``, several with commas."""
    return ", ".join(_differences(one, other)) or "what the packet is afterwards"


def _differences(one: Outcome, other: Outcome) -> Iterator[str]:
    if one.verdict != other.verdict:
        yield f"the verdict: {verdict_words(one.verdict)} and {verdict_words(other.verdict)}"
        return
    if one.nat != other.nat:
        yield f"NAT: {_nat_words(one.nat)} and {_nat_words(other.nat)}"
    first, second = effects_of(one), effects_of(other)
    kinds = dict.fromkeys(_kind(effect) for effect in (*first, *second))
    for kind in kinds:
        if [each for each in first if _kind(each) == kind] != [each for each in second if _kind(each) == kind]:
            yield kind
    if one.changes != other.changes:
        yield "marks or fields that are set"


def verdict_words(verdict: Verdict) -> str:
    match verdict:
        case Accept():
            return "accept"
        case Drop():
            return "drop"
        case Reject(type):
            return f"reject with {type.value}"
        case Stolen():
            return "an answer of synproxy"
        case Unknown(words):
            return f"what only the kernel knows (`{words}`)"
        case _:
            assert_never(verdict)


def _kind(effect: Effect) -> str:
    match effect:
        case Evaluated():
            return "which limits, counts and lists are asked"
        case Log():
            return "the log"
        case Counter():
            return "named counters"
        case UpdateSet():
            return "what is put into sets"
        case _:
            return f"what is done with it (`{type(effect).__name__.lower()}`)"


def _nat_words(nat: tuple[Binding, ...]) -> str:
    return ", ".join(one.kind.value for one in nat) or "none"
