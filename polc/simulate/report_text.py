"""Outcomes in words, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from polc.ir.addresses import format_address
from polc.ir.family import Family
from polc.ir.origin import Origin
from polc.ir.protocols import TRACKED_PORTS
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Nat, NatMap, Queue, Reject, Return, Verdict, VerdictMap
from polc.simulate.chains import Decision
from polc.simulate.conntrack.flow import FlowTuple
from polc.simulate.ends import Stolen
from polc.simulate.outcome import Fate, FlowView, Outcome
from polc.simulate.packet_format import ends_text, format_packet
from polc.simulate.trace import AtHook, Event, PolicyDecided, Tried


def report(outcome: Outcome, events: Sequence[Event] = ()) -> str:
    """The packet, what became of it and who decided, conntrack, NAT, and the trace where there is one."""
    lines = [format_packet(outcome.packet), *(f"  {line}" for line in _lines(outcome))]
    if events:
        lines += ["  trace:", *(f"    {line}" for line in trace_lines(events))]
    return "\n".join(lines) + "\n"


def _lines(outcome: Outcome) -> Iterator[str]:
    yield fate_text(outcome)
    if outcome.state is not None:
        yield f"conntrack: {_conntrack(outcome)}"
    for one in outcome.rewrites:
        yield f"nat in {one.hook.value}: {ends_text(one.before)} becomes {ends_text(one.after)}"
    for log in outcome.logs:
        where = f"to group {log.group}" if log.group is not None else log.level.name.lower()
        yield f'log "{log.prefix}" {where}'
    for copy in outcome.copies:
        by = f" by {copy.device}" if copy.device else ""
        yield f"copy to {format_address(copy.family, copy.address)}{by}"
    if outcome.answer is not None:
        answer = outcome.answer
        got = "" if answer.fate is Fate.ACCEPT else f", which {fate_text(answer)}"
        yield f"answer: {format_packet(answer.leaves or answer.packet)}{got}"


def fate_text(outcome: Outcome) -> str:
    """What became of a packet and who decided: ``drop, in input: the policy of input, drop, policy.yaml:4``."""
    parts = [outcome.fate.value]
    left = outcome.leaves
    if left is not None:
        parts.append(f"leaves by {left.oif}" if left.oif else "delivered to the host")
    elif outcome.fate is not Fate.UNKNOWN:
        parts.append(f"in {outcome.hook.value}")
    if outcome.decision is not None:
        parts.append(decision_text(outcome.decision))
    if outcome.reason:
        parts.append(f"only the kernel knows: {outcome.reason}" if outcome.fate is Fate.UNKNOWN else outcome.reason)
    return ": ".join([", ".join(parts[:2]), *parts[2:]])


def decision_text(decision: Decision) -> str:
    """``policy.yaml:14 `accept ssh state new``` or ``the policy of input``."""
    if decision.rule is None:
        place = place_of(decision.origin)
        return f"the policy of {decision.chain}, {verdict_text(decision.verdict)}" + (f", {place}" if place else "")
    return rule_text(decision.chain, decision.number or 0, decision.origin)


def rule_text(chain: str, number: int, origin: Origin) -> str:
    """Where a rule is written, and its words; its number, from 1, in its chain."""
    name = f"{chain}/{number + 1}"
    if origin.span is None:
        return f"{name} {origin.comment}".strip()
    words = origin.span.text.splitlines()[0] if origin.span.text else ""
    return f"{place_of(origin)} {name} `{words}`" if words else f"{place_of(origin)} {name}"


def place_of(origin: Origin) -> str:
    """``policy.yaml:14``."""
    return f"{origin.span.source.path}:{origin.span.line}" if origin.span is not None else ""


def verdict_text(verdict: Verdict | Stolen | None) -> str:
    """The verdict's word."""
    match verdict:
        case None:
            return "go on"
        case Accept():
            return "accept"
        case Drop():
            return "drop"
        case Reject(kind):
            return f"reject with {kind.value}"
        case Jump(chain):
            return f"jump {chain}"
        case Goto(chain):
            return f"goto {chain}"
        case Return():
            return "return"
        case Nat(kind) | NatMap(kind):
            return kind.value
        case Queue():
            return "queue"
        case VerdictMap():
            return "by a map"
        case Stolen():
            return "synproxy"


def _conntrack(outcome: Outcome) -> str:
    state = outcome.state_name
    after = outcome.after
    if after is None:
        return state
    way = " (reply)" if outcome.reply else ""
    before = _flow_state(outcome.before) if outcome.before is not None else "no flow"
    return f"{state}{way}, flow {after.number} {flow_ends(after.original)}: {before} -> {_flow_state(after)}"


def _flow_state(flow: FlowView) -> str:
    words = [flow.protocol_state] if flow.protocol_state else []
    words += flow.status_names
    if flow.mark:
        words.append(f"mark {flow.mark:#x}")
    if flow.helper:
        words.append(f"helper {flow.helper}")
    if flow.master is not None:
        words.append(f"expected by flow {flow.master}")
    if flow.expires is not None:
        words.append(f"{flow.expires:g}s")
    return " ".join(words) or "begun"


def flow_ends(of: FlowTuple) -> str:
    """``198.51.100.9:4000 -> 203.0.113.1:22`` of a tuple."""
    six, protocol, source, destination, left, right = of
    family = Family.IP6 if six else Family.IP
    texts = []
    for address, port in ((source, left), (destination, right)):
        text = format_address(family, address)
        if protocol in TRACKED_PORTS:
            text = f"[{text}]:{port}" if six else f"{text}:{port}"
        texts.append(text)
    return " -> ".join(texts)


def trace_lines(events: Sequence[Event]) -> Iterator[str]:
    """Each hook, and below it each rule that the packet came to."""
    for event in events:
        match event:
            case AtHook(hook, packet, state):
                known = "" if state is None else f", ct state {(state.name or '').lower()}"
                yield f"{hook.value}: {ends_text(packet)}{known}"
            case Tried(chain, number, rule, missed, depth, unknown):
                indent = "  " * (depth + 1)
                text = rule_text(chain, number, rule.origin)
                if unknown:
                    yield f"{indent}{text}: only the kernel knows: {unknown}"
                elif missed is None:
                    yield f"{indent}{text}: met, {verdict_text(rule.verdict)}"
                elif missed.seen:
                    yield f"{indent}{text}: no, {missed.field} is {missed.seen}, wanted {missed.wanted}"
                else:
                    yield f"{indent}{text}: no, {missed.field} {missed.wanted} does not hold"
            case PolicyDecided(decision):
                yield f"  policy of {decision.chain}: {verdict_text(decision.verdict)}"
