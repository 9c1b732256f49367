"""``polc trace --live FILTER``: real packets on their way through the running rules, by lines of the policy."""

from __future__ import annotations

import argparse
import json
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from polc.cli.live import add_format, add_state, opened, refuse, seconds
from polc.live.host import Host
from polc.live.nft_road import NftRoad
from polc.live.nftrace import Traced
from polc.live.roads import road_of
from polc.live.tracing import marking, traced


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--live", action="store_true", required=True, help="packets of this host, as they come")
    parser.add_argument(
        "filter",
        metavar="FILTER",
        nargs="?",
        default="",
        help="which packets, as rules say it behind their verdict: 'tcp/22 from 198.51.100.9'; an interface is a zone "
        "of its name, as in 'udp from eth0'; without it, all",
    )
    parser.add_argument("--packets", metavar="N", type=int, help="end after so many packets")
    parser.add_argument("--for-time", metavar="TIME", type=seconds, help="end after this time, such as 30s")
    add_format(parser, "json")
    add_state(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.packets is not None and arguments.packets < 1:
        return refuse("trace", "--packets: at least one")
    names = sorted(one.name for one in Path("/sys/class/net").iterdir())
    interfaces = tuple(name for name in names if re.fullmatch(r"[A-Za-z][\w-]*", name))
    commands = marking(arguments.filter, interfaces)
    with opened(arguments) as (store, host, _):
        running = store.state().running
        entry = store.entry(running) if running else None
        if entry is not None and entry.road == "iptables-legacy":
            return refuse("trace", "the kernel traces nf_tables, and what runs here is iptables-legacy")
        lines: dict[tuple[str, int], str] = {}
        road = road_of(entry.road) if entry is not None else None
        if entry is not None and isinstance(road, NftRoad):
            files = store.files(running)
            lines = road.lines(road.read(host, entry.tables, files), files)
    with suppress(KeyboardInterrupt, TimeoutError), _at_most(arguments.for_time), traced(Host(), commands) as events:
        _show(events, lines, arguments)
    return 0


def _show(events: Iterator[Traced], lines: dict[tuple[str, int], str], arguments: argparse.Namespace) -> None:
    known: set[str] = set()
    for one in events:
        if one.id not in known:
            if arguments.packets is not None and len(known) == arguments.packets:
                return
            known.add(one.id)
        line = lines.get((one.table, one.handle)) or one.comment
        if arguments.output_format == "json":
            shown = {
                "id": one.id, "table": one.table, "chain": one.chain, "kind": one.kind, "line": line,
                "verdict": one.verdict, "words": one.words,
            }  # fmt: skip
            print(json.dumps(shown), flush=True)
        elif one.kind == "packet":
            print(f"{one.id}  {one.table} {one.chain}: {one.words}", flush=True)
        else:
            what = line or one.words if one.kind == "rule" else one.kind
            print(f"{one.id}    {one.chain}: {what}: {one.verdict or one.words}", flush=True)


@contextmanager
def _at_most(time: float | None) -> Iterator[None]:
    """Raises:
    TimeoutError: the time is over.
    """

    def over(number: int, frame: object) -> None:
        raise TimeoutError

    if time is None:
        yield
        return
    former = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, time)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
