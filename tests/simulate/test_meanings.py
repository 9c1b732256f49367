"""What random policies say, in the words of ``kernel/meanings.py``, the simulator does, before and after the passes.

The same policies and packets are tried in the kernel by ``kernel/test_agreement.py``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).parent.parent / "kernel"))
from meanings import Policy, packets, policies
from packet_text import GATEWAY, Packet, fate_of, simulated

from polc.diagnostics import Collector, Failure
from polc.passes import pipeline
from polc.policy import read_policy
from polc.simulate import Flavour, Loaded, Simulator


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(policies(), st.lists(packets(), min_size=10, max_size=25))
def test_the_simulator_does_what_the_words_say(policy: Policy, sent: list[Packet]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "policy.yaml"
        path.write_text(policy.text())
        try:
            ruleset = read_policy(str(path), Collector())
        except Failure:
            assume(False)
            raise
    wanted = [policy.verdict(packet) for packet in sent]
    simulators = {
        "as written": Simulator([ruleset], GATEWAY),
        "by iptables": Simulator([Loaded(ruleset, Flavour.IPTABLES)], GATEWAY),
        "after the passes": Simulator([pipeline.run(ruleset)], GATEWAY),
        "traced": Simulator([ruleset], GATEWAY),
    }
    for name, simulator in simulators.items():
        for number, (packet, right) in enumerate(zip(sent, wanted, strict=True)):
            tracer = simulator.tracer() if name == "traced" else None
            found, _ = fate_of(simulator.send(simulated(packet, number), tracer))
            assert found == right, f"{name}: {packet}\n{policy.text()}"
