"""Whether whoever applies a policy, and whoever manages the host, still gets in: the new policy, simulated.

Of the SSH connection that polc is called over three things are asked: packets of the connection itself, a new one from
the same address to the same port, and the host's answers to both. Services of the setting `management` are asked from
the same address. Packets come in where the route to that address leads out (this host's own routes, as they are now).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from polc.diagnostics import Failure
from polc.ir.matches import PortTerm
from polc.ir.protocols import PROTOCOL_NAMES
from polc.ir.ruleset import Ruleset
from polc.live.host import Host as Programs
from polc.live.session import SshSession
from polc.live.this_host import settings, this_host, tracks_flows, way_to
from polc.policy.lower.scope import Service
from polc.simulate import Decision, Fate, Flavour, Loaded, Outcome, Reply, Simulator, read_packet

_FRESH = 61001
"""A port that a client might use (ip_local_port_range ends at 60999)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A packet and what becomes of it. ``what`` says what it stands for; ``reason``, in words, who decides."""

    what: str
    packet: str
    fate: Fate
    reason: str

    @property
    def passes(self) -> bool:
        return self.fate is Fate.ACCEPT

    @property
    def unknown(self) -> bool:
        return self.fate is Fate.UNKNOWN


def ask(
    programs: Programs,
    rulesets: Sequence[Ruleset],
    flavour: Flavour,
    session: SshSession,
    management: Service | None = None,
) -> tuple[Asked, ...]:
    """Raises:
    Failure: POL601, POL603: this host's addresses cannot be read.
    """
    host = this_host(programs)
    interface = way_to(programs, session.client)
    where = f" in {interface}" if interface else ""

    def send(what: str, packet: str) -> Iterator[Asked]:
        # A host anew for each: what a limit has left over is not a matter of the packets before.
        simulator = Simulator([Loaded(one, flavour) for one in rulesets], host, settings(), start=time.time())
        try:
            outcome = simulator.send(read_packet(packet, host))
        except Failure as failure:
            # This host's addresses or routes are more than is modelled: nobody is told that they stay in.
            yield Asked(what, packet, Fate.UNKNOWN, failure.diagnostics[0].message)
            return
        yield _asked(what, packet, outcome)
        if outcome.fate is Fate.ACCEPT and (answer := simulator.do(Reply())) is not None:
            yield _asked(f"the answer to {what}", packet, answer)

    client, server = _bracketed(session.client), _bracketed(session.server)
    own = f"tcp {client}:{session.client_port} -> {server}:{session.server_port}{where} flags ack"
    found = [*send("this SSH connection", f"{own} state established" if tracks_flows() else own)]
    fresh = f"{client}:{_FRESH} -> {server}"
    found += send("a new SSH connection", f"tcp {fresh}:{session.server_port}{where}")
    for part in management or ():
        term = part.term
        if isinstance(term, PortTerm) and term.dport is not None and term.protocol in PROTOCOL_NAMES:
            name, port = PROTOCOL_NAMES[term.protocol], term.dport.ranges[0][0]
            if (name, port) != ("tcp", session.server_port):
                found += send(f"the management service {name}/{port}", f"{name} {fresh}:{port}{where}")
    return tuple(found)


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _asked(what: str, packet: str, outcome: Outcome) -> Asked:
    return Asked(what, packet, outcome.fate, _by(outcome.decision) if outcome.decision else outcome.reason)


def _by(decision: Decision) -> str:
    span = decision.origin.span
    if decision.origin.comment and not decision.origin.name:
        # It was read from its target's words, whose comments name the line of the policy.
        return f"by {decision.origin.comment}"
    place = f"{span.source.path}:{span.line}" if span else ""
    if decision.rule is None:
        return f"by the default of chain `{decision.chain}`{f', {place}' if place else ''}"
    words = f" `{span.text.strip().splitlines()[0]}`" if span and span.text.strip() else ""
    return f"by {place or f'a rule of chain `{decision.chain}`'}{words}"
