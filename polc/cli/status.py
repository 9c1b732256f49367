"""``polc status``: whether the kernel still holds the policy, and what it has counted."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time

from polc.backends.model import IpsetUse, Layout, OutputFile
from polc.backends.profile import HOST, Profile
from polc.cli.live import add_format, add_state, opened, refuse, seconds
from polc.cli.write import write_files
from polc.diagnostics import Collector, Failure
from polc.live.compiled import Asked, compile_for
from polc.live.records import Entry
from polc.live.render_status import Rates, as_json, as_prometheus, as_text, speeds
from polc.live.roads import road_of
from polc.live.status import Status, status
from polc.live.wanted import Wanted

_READABLE = 0o644


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "policy",
        metavar="POLICY",
        nargs="?",
        help="compare the kernel with this policy, compiled as the one that runs was; else with what was loaded last",
    )
    parser.add_argument("--counters", action="store_true", help="what each rule of the policy has counted, most first")
    parser.add_argument(
        "--watch", metavar="TIME", type=seconds, help="again and again, with rates, every so often such as 5s"
    )
    parser.add_argument("--top", metavar="N", type=int, default=10, help="elements of each filled set to show; 10")
    parser.add_argument("-o", "--output", metavar="FILE", help="write there, whole or not at all, and readable by all")
    add_format(parser, "json", "prometheus")
    add_state(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.watch and arguments.output_format == "prometheus":
        return refuse("status", "--watch has rates, which Prometheus makes by itself")
    before, last = None, 0.0
    while True:
        found, now = _look(arguments), time.monotonic()
        speed = None if before is None else speeds(before.counted, found.counted, now - last)
        _show(arguments, found, speed)
        if arguments.watch is None:
            return 1 if found.drift or found.means else 0
        before, last = found, now
        time.sleep(arguments.watch)


def _look(arguments: argparse.Namespace) -> Status:
    with opened(arguments) as (store, host, _):
        wanted = None
        if arguments.policy is not None:
            running = store.state().running
            if not running:
                raise Failure.of("POL623", "nothing of polc's runs here that it could be compared with")
            wanted = _compiled(arguments.policy, store.entry(running))
        return status(store, host, wanted)


def _compiled(policy: str, entry: Entry) -> Wanted:
    asked = dict(entry.asked)
    allow = frozenset(name for name in asked["allow-approximate"].split(",") if name)
    road = road_of(entry.road)
    how = Asked(
        _profile(asked["for"], road.target),
        asked["for"],
        Layout(asked["layout"]),
        IpsetUse(asked["ipset"]),
        allow,
        bool(asked["count"]),
    )
    return compile_for(policy, road, how, Collector()).wanted


def _profile(name: str, target: str) -> Profile:
    from polc.backends.profile_names import parse_profile

    if name == HOST:
        from polc.kernel.capabilities import measure

        return measure(frozenset({target}))
    return parse_profile(name)


def _show(arguments: argparse.Namespace, found: Status, speed: Rates | None) -> None:
    match arguments.output_format:
        case "json":
            shown = as_json(found, counters=arguments.counters, top=arguments.top, rates=speed)
            text = json.dumps(shown, indent=None if arguments.watch else 2) + "\n"
        case "prometheus":
            text = as_prometheus(found)
        case _:
            text = as_text(found, counters=arguments.counters, top=arguments.top, rates=speed)
    if arguments.output:
        write_files(arguments.output, (OutputFile("polc.prom", text),))
        os.chmod(arguments.output, _READABLE)
    else:
        sys.stdout.write(text)
        sys.stdout.flush()
