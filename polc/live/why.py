"""Which line of the policy decides: about a line of the kernel's log, a packet in words, or a line of a trace."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from polc.ir.origin import Origin
from polc.ir.ruleset import Ruleset
from polc.ir.statements import Log
from polc.live.kernel_log import is_log, read_log
from polc.live.nftrace import read_trace
from polc.simulate import Flavour, Host, Loaded, Outcome, Simulator, Tracer, read_packet
from polc.simulate.report_text import report
from polc.source import SourceFile


@dataclass(frozen=True, slots=True)
class Why:
    """``answer`` is for people; ``line`` is the line of the policy (empty: none is known), ``verdict`` what it says.

    ``logged_by`` are the lines whose prefix a line of the log begins with; ``packet`` is what was simulated.
    """

    answer: str
    line: str
    verdict: str
    logged_by: tuple[str, ...] = ()
    packet: str = ""


def why(asked: SourceFile, rulesets: Sequence[Ruleset], flavour: Flavour, host: Host, *, trace: bool = False) -> Why:
    """A packet is simulated as the first of its flow, unless its words say a state.

    Raises:
        Failure: POL061 to POL063, POL070: there is no packet in it.
    """
    traced = read_trace(asked.text)
    if traced is not None:
        line = traced.comment or traced.words
        return Why(
            f"{line}: {traced.verdict or traced.kind}, in chain {traced.chain}\n", traced.comment, traced.verdict
        )
    logged = read_log(asked) if is_log(asked.text) or "SRC=" in asked.text else None
    packet = logged.packet if logged is not None else asked.text.strip()
    simulator = Simulator([Loaded(one, flavour) for one in rulesets], host, start=time.time())
    tracer = simulator.tracer() if trace else None
    outcome = simulator.send(read_packet(packet, host), tracer)
    by = _logged_by(rulesets, logged.prefix) if logged is not None else ()
    text = report(outcome, tracer.events if isinstance(tracer, Tracer) else ())
    if logged is not None and logged.prefix:
        text = f"logged by {', '.join(by) or 'no rule of the policy'}: `{logged.prefix}`\n{text}"
    return Why(text, line_of(outcome), outcome.fate.value, by, packet)


def _logged_by(rulesets: Sequence[Ruleset], prefix: str) -> tuple[str, ...]:
    found = [
        place_of(rule.origin)
        for ruleset in rulesets
        for chain in ruleset.chains
        for rule in chain.rules
        for one in rule.statements
        if isinstance(one, Log) and one.prefix and prefix.rstrip().endswith(one.prefix.rstrip())
    ]
    return tuple(dict.fromkeys(one for one in found if one))


def line_of(outcome: Outcome) -> str:
    return place_of(outcome.decision.origin) if outcome.decision is not None else ""


def place_of(origin: Origin) -> str:
    """The line of the policy: what a rule's comment says of one that was read from its target's words."""
    return origin.label(128) if origin.span is None or not origin.comment else origin.comment
