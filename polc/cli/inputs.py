"""What verbs take as a firewall: the only place that says which kinds of files those are."""

from __future__ import annotations

from polc.diagnostics import Collector
from polc.policy import read_policy
from polc.simulate import Loaded


def load_ruleset(path: str, collector: Collector) -> Loaded:
    """The ruleset that a file means (``-``: standard input), and whose words it has.

    Raises:
        Failure: with all that is wrong in it.
    """
    return Loaded(read_policy(path, collector))
