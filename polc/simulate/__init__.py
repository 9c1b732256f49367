"""The simulator: what a firewall does to packets, and why. The concrete semantics, which other parts are held against.

    simulator = Simulator([ruleset], host)
    outcome = simulator.send(read_packet("tcp 198.51.100.9:4000 -> host:22 in eth0", host))
    outcome.fate, outcome.decision, outcome.state
    simulator.wait(100)
    simulator.do(Reply())

``docs/architecture.md`` says what is in which file.
"""

from polc.simulate.assumed import assumed_host
from polc.simulate.chains import Decision
from polc.simulate.engine import RuleHits, Simulator
from polc.simulate.hooks import Loaded
from polc.simulate.host import Host, Interface, InterfaceAddress, Route
from polc.simulate.host_text import read_host
from polc.simulate.outcome import Fate, FlowView, Outcome, Rewrite
from polc.simulate.packet import Packet, Presumed
from polc.simulate.packet_format import format_packet, packet_json
from polc.simulate.packet_text import Draft, read_packet, read_step
from polc.simulate.settings import Flavour, Settings
from polc.simulate.steps import Reply, Send, Step, Wait
from polc.simulate.trace import AtHook, Missed, PolicyDecided, Tracer, Tried

__all__ = [
    "AtHook", "Decision", "Draft", "Fate", "Flavour", "FlowView", "Host", "Interface", "InterfaceAddress", "Loaded",
    "Missed", "Outcome", "Packet", "PolicyDecided", "Presumed", "Reply", "Rewrite", "Route", "RuleHits", "Send",
    "Settings", "Simulator", "Step", "Tracer", "Tried", "Wait", "assumed_host", "format_packet", "packet_json",
    "read_host", "read_packet", "read_step",
]  # fmt: skip
