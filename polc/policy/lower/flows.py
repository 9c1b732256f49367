"""What rules do to flows: timeouts of their own, and flowtables; both are defined by name."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as AbstractMapping

from polc.diagnostics import Collector, Label
from polc.diagnostics.suggest import did_you_mean
from polc.ir.origin import Origin
from polc.ir.protocols import PROTOCOL_NAMES, PROTOCOLS
from polc.ir.ruleset import Flowtable
from polc.ir.statements import AssignTimeout, Offload, Statement
from polc.policy.document import Offloading, RuleDocument, TimeoutName, Word
from polc.policy.lower import values
from polc.policy.lower.scope import Scope, Service
from polc.policy.lower.verdicts import only_of
from polc.policy.nodes import Entry, Mapping, Scalar, Sequence

STATES: dict[str, tuple[str, ...]] = {
    "tcp": (
        "syn_sent", "syn_recv", "established", "fin_wait", "close_wait", "last_ack", "time_wait", "close", "syn_sent2",
        "retrans", "unack",
    ),
    "udp": ("unreplied", "replied"),
}  # fmt: skip
"""The states of flows by protocol, in the kernel's order (uapi/linux/netfilter/nfnetlink_cttimeout.h)."""


def timeouts(entries: AbstractMapping[str, Entry], collector: Collector) -> dict[str, AssignTimeout | None]:
    """The section `timeouts`; None for a wrong one, which is recorded."""
    return {name: _timeout(name, entry.value, collector) for name, entry in entries.items()}


def _timeout(name: str, node: object, collector: Collector) -> AssignTimeout | None:
    assert isinstance(node, Mapping)
    said = node.get("protocol")
    assert isinstance(said, Scalar)
    before = len(collector.diagnostics)
    for key, entry in node.entries.items():
        if key != "protocol" and key not in STATES[said.text]:
            message = f"`{key}` is no state of a flow of {said.text}"
            also = (Label(said.span, "this is for its flows"),)
            known = ", ".join(STATES[said.text])
            collector.error("POL112", message, entry.key.span, also=also, help=f"its states are {known}")
    policy = []
    for state in STATES[said.text]:
        time = node.get(state)
        if isinstance(time, Scalar):
            try:
                policy.append((state, values.duration(time.text)))
            except ValueError as error:
                collector.error("POL114", str(error), time.span)
    if len(collector.diagnostics) > before:
        return None
    return AssignTimeout(name, PROTOCOLS[said.text], tuple(policy))


def flowtables(entries: AbstractMapping[str, Entry], collector: Collector) -> dict[str, Flowtable | None]:
    """The section `flowtables`; None for a wrong one, which is recorded."""
    return {name: _flowtable(name, entry, collector) for name, entry in entries.items()}


def _flowtable(name: str, entry: Entry, collector: Collector) -> Flowtable | None:
    node = entry.value
    assert isinstance(node, Mapping)
    devices, hardware = node.get("devices"), node.get("hardware")
    assert isinstance(devices, Sequence)
    found: dict[str, Scalar] = {}
    sound = True
    for one in devices.items:
        assert isinstance(one, Scalar)
        try:
            first = found.setdefault(values.device(one.text), one)
        except ValueError as error:
            collector.error("POL117", str(error), one.span)
            sound = False
            continue
        if first is not one:
            also = (Label(first.span, "first here"),)
            collector.error("POL117", f"`{one.text}` is there twice", one.span, also=also)
            sound = False
    if not sound:
        return None
    by_hardware = isinstance(hardware, Scalar) and hardware.value is True
    return Flowtable(name, tuple(found), hardware=by_hardware, origin=Origin(entry.key.span, name))


def on_flows(rule: RuleDocument, service: Service | None, scope: Scope) -> tuple[Statement, ...]:
    """What a rule does to the flow; ``service`` None is a wrong one, of which enough is said. Errors are recorded."""
    return tuple(_on_flows(rule, service, scope))


def _on_flows(rule: RuleDocument, service: Service | None, scope: Scope) -> Iterator[Statement]:
    timeout, offload = rule.find(TimeoutName), rule.find(Offloading)
    if timeout:
        known = scope.symbols.timeouts
        found = known.get(timeout.name.text)
        if timeout.name.text not in known:
            _unknown("POL232", "timeout", timeout.name, known, scope)
        elif found and service is not None and not only_of(service, {found.protocol}):
            protocol = PROTOCOL_NAMES[found.protocol]
            message = (
                f"the timeout `{found.name}` is for flows of {protocol} alone: the rule must name a service of that"
            )
            scope.collector.error("POL226", message, timeout.span, help=f"name a service, such as `{protocol}`")
        elif found:
            yield found
    if offload:
        tables = scope.symbols.flowtables
        if offload.name.text in tables:
            yield Offload(offload.name.text)
        else:
            _unknown("POL233", "flowtable", offload.name, tables, scope)


def _unknown(code: str, what: str, word: Word, known: AbstractMapping[str, object], scope: Scope) -> None:
    hint = did_you_mean(word.text, known) or f"it is defined in `{what}s`"
    scope.collector.error(code, f"there is no {what} `{word.text}`", word.span, help=hint)
