"""Outcomes for machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from polc.ir.addresses import format_address
from polc.ir.origin import Origin
from polc.simulate.chains import Decision
from polc.simulate.outcome import FlowView, Outcome
from polc.simulate.packet_format import Json, packet_json
from polc.simulate.report_text import flow_ends, verdict_text
from polc.simulate.trace import AtHook, Event, PolicyDecided, Tried


def outcome_json(outcome: Outcome, events: Sequence[Event] | None = None) -> dict[str, Json]:
    """The outcome as JSON; with ``events`` its trace."""
    made: dict[str, Json] = {
        "packet": packet_json(outcome.packet),
        "fate": outcome.fate.value,
        "hook": outcome.hook.value,
        "decision": None if outcome.decision is None else decision_json(outcome.decision),
        "reason": outcome.reason or None,
        "leaves": None if outcome.leaves is None else packet_json(outcome.leaves),
        "state": outcome.state_name or None,
        "direction": "reply" if outcome.reply else "original",
        "before": flow_json(outcome.before),
        "after": flow_json(outcome.after),
        "nat": [
            {"hook": one.hook.value, "before": packet_json(one.before), "after": packet_json(one.after)}
            for one in outcome.rewrites
        ],
        "answer": None if outcome.answer is None else outcome_json(outcome.answer),
        "logs": [{"prefix": one.prefix, "level": one.level.name.lower(), "group": one.group} for one in outcome.logs],
        "copies": [{"to": format_address(one.family, one.address), "by": one.device} for one in outcome.copies],
    }
    if events is not None:
        made["trace"] = [_event(one) for one in events]
    return made


def decision_json(decision: Decision) -> dict[str, Json]:
    """Rules are counted from 1; ``rule`` is null where the chain's policy decided."""
    return {
        "verdict": verdict_text(decision.verdict),
        "chain": decision.chain,
        "rule": None if decision.number is None else decision.number + 1,
        **_place(decision.origin),
    }


def _place(origin: Origin) -> dict[str, Json]:
    span = origin.span
    return {
        "file": None if span is None else span.source.path,
        "line": None if span is None else span.line,
        "column": None if span is None else span.column,
        "text": None if span is None or not span.text else span.text.splitlines()[0],
        "name": origin.name or None,
        "comment": origin.comment or None,
    }


def flow_json(flow: FlowView | None) -> dict[str, Json] | None:
    """A flow as it was at a moment."""
    if flow is None:
        return None
    return {
        "number": flow.number,
        "original": flow_ends(flow.original),
        "reply": flow_ends(flow.reply),
        "status": list(flow.status_names),
        "protocol_state": flow.protocol_state or None,
        "expires": None if flow.expires is None else round(flow.expires * 1000),
        "mark": flow.mark,
        "zone": flow.zone,
        "helper": flow.helper or None,
        "master": flow.master,
        "packets": list(flow.packets),
        "bytes": list(flow.bytes),
    }


def _event(event: Event) -> dict[str, Json]:
    match event:
        case AtHook(hook, packet, state):
            return {
                "hook": hook.value,
                "packet": packet_json(packet),
                "state": None if state is None else (state.name or "").lower(),
            }
        case Tried(chain, number, rule, missed, depth, unknown):
            made: dict[str, Json] = {
                "chain": chain,
                "rule": number + 1,
                "depth": depth,
                "met": None if unknown else missed is None,
                "verdict": verdict_text(rule.verdict),
                **_place(rule.origin),
            }
            if unknown:
                made["unknown"] = unknown
            if missed is not None:
                made["missed"] = {"field": missed.field, "wanted": missed.wanted, "seen": missed.seen or None}
            return made
        case PolicyDecided(decision):
            return {"policy": decision_json(decision)}
        case _:
            assert_never(event)
