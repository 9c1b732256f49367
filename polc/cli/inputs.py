"""What verbs take as a firewall: the only place that says which kinds of files those are."""

from __future__ import annotations

from dataclasses import dataclass

from polc.diagnostics import Collector
from polc.policy.read import inspect_policy
from polc.simulate import Host, Loaded
from polc.testing.hosts import described_host


@dataclass(frozen=True, slots=True)
class Input:
    """A ruleset, and whose words it has; ``host`` is what the file says of the host (None: nothing)."""

    loaded: Loaded
    host: Host | None


def load_input(path: str, collector: Collector) -> Input:
    """The firewall in a file (``-``: standard input).

    Raises:
        Failure: with all that is wrong in it.
    """
    inspected = inspect_policy(path, collector)
    return Input(Loaded(inspected.ruleset), described_host(inspected))
