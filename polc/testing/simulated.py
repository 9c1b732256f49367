"""Cases in the simulator."""

from __future__ import annotations

import time
from collections.abc import Sequence

from polc.diagnostics import Failure
from polc.ir.origin import Origin
from polc.ir.ruleset import Ruleset
from polc.simulate.engine import Simulator
from polc.simulate.host import Host
from polc.simulate.outcome import Fate, Outcome
from polc.simulate.settings import Settings
from polc.simulate.steps import Step
from polc.testing.cases import Case
from polc.testing.results import CaseResult, Seen, judged

JUDGE = "simulator"


def run_simulated(
    case: Case, steps: Sequence[Step], ruleset: Ruleset, host: Host, settings: Settings
) -> tuple[CaseResult, frozenset[Origin]]:
    """The result, and the origins of the rules that packets met. Each case has a host of its own, as on a stage.

    Raises:
        Failure: POL062: an answer that there cannot be.
    """
    begun = time.monotonic()
    simulator = Simulator((ruleset,), host, settings)
    seen = [_do(simulator, step) for step in steps]
    met = frozenset(one.rule.origin for one in simulator.hits if one.packets)
    return judged(case, JUDGE, seen, time.monotonic() - begun), met


def _do(simulator: Simulator, step: Step) -> Seen | None:
    try:
        outcome = simulator.do(step)
    except ValueError as error:
        raise Failure.of("POL062", str(error), step.span) from None
    return None if outcome is None else _seen(outcome)


def _seen(outcome: Outcome) -> Seen:
    decided = outcome.decision.origin.span if outcome.decision and not outcome.reason else None
    return Seen(verdict(outcome), outcome.state, outcome.leaves, why(outcome), decided)


def verdict(outcome: Outcome) -> str:
    """What the sender notices: a reject of which no answer gets out is a drop, a drop that routing answers with an
    error a reject, and one of which nobody knows whether its answer gets out is unknown.
    """
    fate = outcome.fate
    if fate in (Fate.REJECT, Fate.DROP):
        unsure = outcome.answer is not None and outcome.answer.fate is Fate.UNKNOWN
        fate = Fate.UNKNOWN if unsure else Fate.REJECT if outcome.is_answered else Fate.DROP
    return fate.value


def why(outcome: Outcome) -> str:
    """Who decided, in words: ``policy.yaml:14 web``, ``the policy of input``, or why nobody did."""
    decision = outcome.decision
    if decision is None or outcome.reason:
        return outcome.reason
    if outcome.answer is not None and outcome.answer.fate is Fate.UNKNOWN:
        return f"whether the answer gets out: {outcome.answer.reason}"
    if decision.rule is None:
        return f"the default of `{decision.chain}`"
    span, name = decision.origin.span, decision.origin.name
    place = f"{span.source.path}:{span.line}" if span else f"rule {decision.number} of `{decision.chain}`"
    words = f"{place} {name}" if name else place
    if outcome.fate is Fate.REJECT and verdict(outcome) == Fate.DROP.value:
        return f"{words}, a reject whose answer does not get out"
    return words
