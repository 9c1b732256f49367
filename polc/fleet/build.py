"""One host's files, and what is to be said of them."""

from __future__ import annotations

from dataclasses import dataclass

from polc.backends.model import OutputFile
from polc.compiler import describe, hold, produce
from polc.diagnostics import Collector, Diagnostic, Failure
from polc.fleet.model import Host
from polc.passes import pipeline
from polc.policy.library import Library
from polc.policy.read import Inspection, inspect_parts


@dataclass(frozen=True, slots=True)
class Built:
    """``files`` is empty where something is wrong. ``told`` has errors too, in the order of their places."""

    files: tuple[OutputFile, ...]
    told: tuple[Diagnostic, ...]
    status: int
    """As the exit status: 0, or 2 and 3 where something is wrong."""


def inspect(host: Host, library: Library, collector: Collector) -> Inspection:
    """The host's policy; as ``policy.read.inspect_policy``.

    Raises:
        Failure: something is wrong with it.
    """
    return inspect_parts(host.source, host.parts, host.values, library, collector)


def build(host: Host, library: Library) -> Built:
    """Compile a host's policy for its target; what is wrong with it is told, not raised."""
    collector = Collector()
    try:
        ruleset = pipeline.run(inspect(host, library, collector).ruleset)
        output = produce(ruleset, host.target, host.options)
        hold(output, host.target, host.allow)
    except Failure as failure:
        return Built((), failure.diagnostics, failure.exit_status)
    agreed = (describe(one, host.target, agreed=True) for one in output.deviations)
    return Built(output.files, (*collector, *agreed), 0)
