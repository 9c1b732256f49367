"""Scenarios in a few words: policies, the gateway of the golden tests, and steps with what is to come of each."""

from __future__ import annotations

import tempfile
from pathlib import Path

from packet_text import GATEWAY

from polc.diagnostics import Collector
from polc.ir.ruleset import Ruleset
from polc.policy import read_policy
from polc.simulate import Flavour, Host, Loaded, Outcome, Settings, Simulator, read_host, read_step
from polc.source import SourceFile


def ruleset(text: str) -> Ruleset:
    """What a policy means; without ``polc: 1`` in front."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "policy.yaml"
        path.write_text(f"polc: 1\n{text}")
        return read_policy(str(path), Collector())


def host(words: str) -> Host:
    return read_host(SourceFile("host", words))


class Play:
    """A simulator, and steps in words."""

    def __init__(
        self,
        policy: str | Ruleset,
        on: Host = GATEWAY,
        settings: Settings | None = None,
        *,
        flavour: Flavour = Flavour.NFT,
        start: float = 0.0,
    ) -> None:
        self.host = on
        loaded = Loaded(ruleset(policy) if isinstance(policy, str) else policy, flavour)
        self.simulator = Simulator([loaded], on, settings, start=start)

    def do(self, words: str) -> Outcome | None:
        """One step."""
        return self.simulator.do(read_step(words, SourceFile("step", words).span).step(self.host))

    def send(self, words: str) -> Outcome:
        """One step of which something comes."""
        outcome = self.do(words)
        assert outcome is not None
        return outcome

    def play(self, *steps: str) -> None:
        """Steps as ``accept new: tcp 198.51.100.9 -> host:22 in eth0``, or a wait."""
        for step in steps:
            wanted, _, words = step.rpartition(": ")
            outcome = self.do(words)
            if outcome is None:
                continue
            found = f"{outcome.fate.value} {outcome.state_name}"
            assert found == wanted, f"{step}: {found}, {outcome.reason}"


OPEN = "input: {default: accept}\nforward: {default: accept}\noutput: {default: accept}\n"
STATEFUL = """\
zones: {wan: eth0, lan: eth1}
input: {default: drop, rules: [use stateful, accept ssh state new]}
forward: {default: drop, rules: [use stateful, accept from lan to wan state new]}
output: {default: accept}
"""
