"""``polc why``: the line of the policy behind a line of the kernel log, a trace, or a packet."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence

from polc.cli.live import add_format, add_state, opened
from polc.diagnostics import Collector, Failure
from polc.diagnostics.text import render
from polc.emitted import read_emitted
from polc.firewalls import read_firewall
from polc.ir.ruleset import Ruleset
from polc.live.compiled import digest_of
from polc.live.host import Host as Programs
from polc.live.records import Entry
from polc.live.roads import road_of
from polc.live.this_host import this_host
from polc.live.why import why
from polc.policy.files import read_file
from polc.policy.read import inspect_source
from polc.simulate import Flavour, Host, assumed_host, read_host
from polc.source import SourceFile


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "asked",
        metavar="LINE",
        help="a line of the kernel log, a line of `nft monitor trace`, or a packet such as "
        "'tcp 198.51.100.9 -> host:22 in eth0'; `-` reads lines from standard input",
    )
    parser.add_argument("--policy", metavar="FILE", help="ask this policy or ruleset, and not the one that runs here")
    parser.add_argument(
        "--host", metavar="WORDS",
        help="the host, such as 'eth0 203.0.113.1/24, 0.0.0.0/0 via eth0'; else this one, or what --policy says",
    )  # fmt: skip
    parser.add_argument("--trace", action="store_true", help="each rule that it came to, and why that did not match")
    add_format(parser, "json")
    add_state(parser)


def run(arguments: argparse.Namespace) -> int:
    rulesets, flavour, host = _asked(arguments)
    found = [why(one, rulesets, flavour, host, trace=arguments.trace) for one in _lines(arguments.asked)]
    if arguments.output_format == "json":
        shown = [
            {
                "line": one.line, "verdict": one.verdict, "logged_by": list(one.logged_by), "packet": one.packet,
                "answer": one.answer,
            }
            for one in found
        ]  # fmt: skip
        print(json.dumps(shown, indent=2))
    else:
        sys.stdout.write("".join(one.answer for one in found))
    return 1 if any(one.verdict == "unknown" for one in found) else 0


def _lines(asked: str) -> Iterator[SourceFile]:
    for line in sys.stdin if asked == "-" else (asked,):
        if line.strip():
            yield SourceFile("standard input" if asked == "-" else "LINE", line.rstrip("\n"))


def _asked(arguments: argparse.Namespace) -> tuple[Sequence[Ruleset], Flavour, Host]:
    described = read_host(SourceFile("--host", arguments.host)) if arguments.host else None
    if arguments.policy is not None:
        collector = Collector()
        firewall = read_firewall(arguments.policy, collector)
        sys.stderr.write(render(collector))
        host = described or firewall.host or assumed_host(firewall.rulesets, ())
        return firewall.rulesets, firewall.flavour, host
    with opened(arguments) as (store, _, _):
        running = store.state().running
        if not running:
            raise Failure.of("POL623", "nothing of polc's runs here", help="`--policy FILE` asks a policy")
        entry, files = store.entry(running), store.files(running)
    target = road_of(entry.road).target
    flavour = Flavour(target)
    return _own_policy(entry) or read_emitted(target, files), flavour, described or this_host(Programs())


def _own_policy(entry: Entry) -> tuple[Ruleset, ...]:
    """The policy that runs, where its text is still what it was: that says more than what it was compiled to."""
    try:
        inspection = inspect_source(read_file(entry.policy), Collector())
    except Failure:
        return ()
    return (inspection.ruleset,) if digest_of(inspection) == entry.policy_digest and not entry.note else ()
