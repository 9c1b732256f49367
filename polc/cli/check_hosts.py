"""``polc check --all`` and ``--host``: the policies of an inventory's hosts, each finding once for all its hosts."""

from __future__ import annotations

import argparse
import sys
from functools import partial

from polc.analysis.model import Wanted
from polc.cli.check import judge, rendered
from polc.cli.fleet import DEFAULT, hosts_of, jobs_of
from polc.cli.progress import Progress
from polc.compiler import hold, produce
from polc.diagnostics import Collector, Diagnostic, Failure, Severity
from polc.fleet.build import inspect
from polc.fleet.model import Host
from polc.fleet.parallel import each
from polc.fleet.told import Told, words
from polc.passes import pipeline
from polc.policy.library import Library


def misused(arguments: argparse.Namespace) -> str | None:
    """What is wrong with the options, of hosts or where there are none; None where nothing is."""
    if not (arguments.all or arguments.hosts):
        return "no policy is named"
    if arguments.all and arguments.hosts:
        return "--all and --host exclude each other"
    if len(arguments.files) > 1:
        return "--all and --host take one inventory"
    if arguments.profile or arguments.target:
        return "--for and --target are what the inventory says of each host"
    return None


def run(arguments: argparse.Namespace, wanted: Wanted) -> int:
    """Check the hosts; ``wanted`` says of what is no error whether it is told."""
    collector = Collector()
    path = arguments.files[0] if arguments.files else DEFAULT
    hosts, _ = hosts_of(path, arguments.hosts or (), collector)
    told: dict[str, list[Diagnostic]] = {}
    with Progress(len(hosts), "hosts") as bar:
        for number, found in each(partial(_check, wanted), hosts, jobs_of(arguments)):
            told[hosts[number].name] = [one for one in found if one.severity is Severity.ERROR or wanted.asks(one.code)]
            bar.step()
    # In the inventory's order, whoever was done first.
    shown = [*collector, *(one for host in hosts for one in told[host.name])]
    if arguments.output_format == "text":
        by_host = Told()
        for host in hosts:
            by_host.add(host.name, words(told[host.name]))
        sys.stdout.write("".join(words(collector)) + by_host.text(len(hosts)))
    else:
        sys.stdout.write(rendered(Collector(shown).in_order(), arguments.output_format))
    severities = {one.severity for one in shown}
    return 2 if Severity.ERROR in severities else 1 if Severity.WARNING in severities else 0


def _check(wanted: Wanted, host: Host, library: Library) -> list[Diagnostic]:
    """Findings, and what the host's target lacks that its policy has not agreed to."""
    collector = Collector()
    try:
        inspected = inspect(host, library, collector)
        found = list(judge(inspected, collector, (), host.options.profile, wanted))
    except Failure as failure:
        return list(failure.diagnostics)
    try:
        hold(produce(pipeline.run(inspected.ruleset), host.target, host.options), host.target, host.allow)
    except Failure as failure:
        found += failure.diagnostics
    return found
