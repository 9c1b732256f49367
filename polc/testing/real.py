"""Cases with real packets: a stage for each, with the policy loaded by one of the loaders."""

from __future__ import annotations

import time

from polc.backends.model import Output
from polc.diagnostics import Failure
from polc.kernel.loaders import Loader
from polc.kernel.stage.scene import described
from polc.kernel.stage.stage import Stage
from polc.simulate.host import Host
from polc.simulate.settings import Settings
from polc.simulate.steps import Send, Step, Wait
from polc.testing.cases import Case
from polc.testing.results import CaseResult, Seen, Status, judged

LONGEST_WAIT = 10.0
"""Seconds of all waits of a case that are really waited, unless more is asked for."""


def run_real(
    case: Case, steps: list[Step], loader: Loader, output: Output, host: Host, settings: Settings,
    *, longest_wait: float = LONGEST_WAIT,
) -> CaseResult:  # fmt: skip
    """The case on a stage of its own, so that no case meets the flows of another one.

    Raises:
        Failure: POL601 to POL603, POL610: this machine, or this loader, cannot do it.
    """
    waits = sum(step.seconds for step in steps if isinstance(step, Wait))
    if waits > longest_wait:
        reason = f"it waits {waits:g} s, and more than {longest_wait:g} s are not waited for real"
        return CaseResult(case, loader.name, Status.SKIPPED, reason=reason)
    packets = [step.packet for step in steps if isinstance(step, Send)]
    begun = time.monotonic()
    with Stage(described(host, packets), settings) as stage:
        stage.load(loader, output)
        # Watching has the kernel put fragments together, which rules without conntrack would see one by one.
        if any(step.expected.state for step in case.steps):
            stage.watch_states()
        try:
            fates = stage.play(steps)
        except Failure as failure:
            if failure.diagnostics[0].code != "POL611":
                raise
            return CaseResult(case, loader.name, Status.SKIPPED, reason=failure.diagnostics[0].message)
    seen = [None if one is None else Seen(one.verdict.value, one.state, one.seen, one.error) for one in fates]
    return judged(case, loader.name, seen, time.monotonic() - begun)
