"""The simulator and the kernel agree on scenarios: verdict, conntrack state and both ends, packet by packet.

``POLC_SCENARIOS=N`` plays N groups of ten instead of ten of them; ``POLC_SCENARIO_SEED`` is the first.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from compiled import every_loader
from scenarios import HOST, Scenario, group

from polc.compiler import ANY_APPROXIMATION, compile_policy, read
from polc.diagnostics import Failure
from polc.kernel.loaders import Loader
from polc.kernel.stage.fate import Fate
from polc.kernel.stage.stage import Stage
from polc.simulate.engine import Simulator
from polc.simulate.host_text import read_host
from polc.simulate.outcome import Outcome
from polc.simulate.packet_text import read_step
from polc.simulate.steps import Step
from polc.source import SourceFile
from polc.testing.simulated import verdict

GROUPS = int(os.environ.get("POLC_SCENARIOS", "10"))
FIRST = int(os.environ.get("POLC_SCENARIO_SEED", "0"))
HERE = read_host(SourceFile("host", HOST))


def steps_of(scenario: Scenario) -> list[Step]:
    return [read_step(text, SourceFile("step", text).span).step(HERE) for text in scenario.steps]


def simulated(policy: Path, scenarios: list[Scenario]) -> list[list[Outcome | None]]:
    simulator = Simulator((read(str(policy)),), HERE)
    return [[simulator.do(step) for step in steps_of(one)] for one in scenarios]


def played(loader: Loader, policy: Path, scenarios: list[Scenario]) -> list[list[Fate | None]]:
    output = compile_policy(str(policy), loader.target, allow=frozenset({ANY_APPROXIMATION}))
    with Stage(HERE) as stage:
        stage.load(loader, output)
        stage.watch_states()
        return [stage.play(steps_of(one)) for one in scenarios]


def told(one: Outcome | Fate | None) -> tuple[str, str, str]:
    """Verdict, state and ends, in one form for both."""
    match one:
        case Outcome(state=state, leaves=leaves):
            found = verdict(one)
        case Fate(verdict=kind, state=state, seen=leaves):
            found = kind.value
        case _:
            return "", "", ""
    if leaves is None:
        return found, state.name or "" if state else "", ""
    put_in = one.packet if isinstance(one, Outcome) else one.sent
    # Where the port of a source is taken already, NAT takes any that is free.
    source = leaves.end(source=True) if leaves.sport == put_in.sport else "another port"
    ends = f"{source} -> {leaves.end(source=False)}"
    return found, state.name or "" if state else "", ends


@every_loader("conntrack", "nat", "hashlimit", "recent")
@pytest.mark.parametrize("seed", range(FIRST, FIRST + GROUPS))
def test_the_simulator_and_the_kernel_agree(loader: Loader, seed: int, tmp_path: Path) -> None:
    policy, scenarios = group(seed)
    path = tmp_path / "policy.yaml"
    path.write_text(policy)
    try:
        fates = played(loader, path, scenarios)
    except Failure as failure:
        raise AssertionError(f"{policy}\n{failure}") from failure
    outcomes = simulated(path, scenarios)
    wrong = [
        f"{one.name}, step {number}: {text}\n  simulator: {told(outcome)}\n  kernel:    {told(fate)}"
        for one, some, others in zip(scenarios, outcomes, fates, strict=True)
        for number, (text, outcome, fate) in enumerate(zip(one.steps, some, others, strict=True), 1)
        if told(outcome) != told(fate)
    ]
    scripts = "\n".join("\n".join((one.name, *(f"  {step}" for step in one.steps))) for one in scenarios)
    assert not wrong, "\n".join((policy, *wrong[:8], scripts))


def test_scenarios_are_long_enough() -> None:
    scenarios = [one for seed in range(FIRST, FIRST + GROUPS) for one in group(seed)[1]]
    assert len(scenarios) >= 100
    assert all(len(one.steps) >= 5 for one in scenarios)
