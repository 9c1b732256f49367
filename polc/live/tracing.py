"""Packets of the running firewall, traced: a table of our own marks those of a filter, and the kernel tells their way.

The table stands before everything else, at priority -350 (before connection tracking and raw tables), and is taken away
again however the tracing ends; one that a killed polc has left is taken away by the next.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from polc.backends.nft.json_value import Json, items, members
from polc.compiler import emit
from polc.diagnostics import Collector, Failure
from polc.kernel.programs import find, search_path
from polc.live.host import Host
from polc.live.nftrace import Traced, read_trace
from polc.passes import pipeline
from polc.policy.read import inspect_source
from polc.source import SourceFile

TABLE: Final = "polc_trace"
_PRIORITY: Final = -350
_HOOKS: Final = ("prerouting", "output")
_READY: Final = 0.3
"""Seconds until nft listens: it says nothing when it does."""


def marking(filter: str, interfaces: tuple[str, ...]) -> str:
    """Commands of a table that has the packets of a filter traced, such as `tcp/22 from 198.51.100.9`: what rules have
    behind their verdict. Each interface is a zone of its name.

    Raises:
        Failure: POL1xx, POL2xx: it is none; POL071, it asks what is not known yet where traces begin.
    """
    policy = {
        "polc": 1,
        "settings": {"table": TABLE},
        "zones": {name: name for name in interfaces},
        "input": {"default": "accept", "rules": [f"accept {filter}".strip()]},
    }
    source = SourceFile("FILTER", json.dumps(policy))
    output = emit(pipeline.run(inspect_source(source, Collector()).ruleset), "nft")
    commands: list[Json] = []
    document: Json = json.loads(output.files[0].text)
    for one in items(members(document).get("nftables")):
        added = members(members(one).get("add"))
        chain, rule = members(added.get("chain")), members(added.get("rule"))
        if "hook" in chain:
            commands += [
                {"add": {"chain": {**chain, "name": hook, "hook": hook, "prio": _PRIORITY}}} for hook in _HOOKS
            ]
        elif rule.get("chain") == "input":
            commands += [{"add": {"rule": {**rule, "chain": hook, "expr": _traced(rule)}}} for hook in _HOOKS]
        elif rule:
            commands.append({"add": {"rule": {**rule, "expr": _traced(rule)}}})
        else:
            commands.append(one)
    return json.dumps({"nftables": commands})


def _traced(rule: dict[str, Json]) -> list[Json]:
    words = items(rule.get("expr"))
    if '"ct"' in json.dumps(words):
        raise Failure.of(
            "POL071", "a filter cannot ask what connection tracking knows: traces begin before it",
            help="name addresses, ports and interfaces; the trace then shows the state at each rule",
        )  # fmt: skip
    mark: Json = {"mangle": {"key": {"meta": {"key": "nftrace"}}, "value": 1}}
    return [mark if one == {"accept": None} else one for one in words]


@contextmanager
def traced(host: Host, commands: str) -> Iterator[Iterator[Traced]]:
    """What the kernel tells of the packets that ``commands`` (of ``marking``) name, until whoever asks has enough.

    Raises:
        Failure: POL601, POL603.
    """
    remove(host)
    # Whoever is asked to end by a signal ends here as by ^C, and takes the table away.
    former = signal.signal(signal.SIGTERM, _interrupted)
    environment = {**os.environ, "PATH": search_path(), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    listener = subprocess.Popen(
        [find("nft"), "-a", "monitor", "trace"], stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        time.sleep(_READY)
        host.run(["nft", "-j", "-f", "-"], commands)
        yield _events(listener)
    finally:
        remove(host)
        listener.kill()
        listener.wait()
        signal.signal(signal.SIGTERM, former)


def _events(listener: subprocess.Popen[str]) -> Iterator[Traced]:
    assert listener.stdout is not None
    for line in listener.stdout:
        found = read_trace(line)
        if found is not None and found.table != f"inet {TABLE}":
            yield found


def remove(host: Host) -> None:
    """Take the table away, if it is there."""
    table = {"family": "inet", "name": TABLE}
    host.run(
        ["nft", "-j", "-f", "-"], json.dumps({"nftables": [{"add": {"table": table}}, {"delete": {"table": table}}]})
    )


def _interrupted(number: int, frame: object) -> None:
    raise KeyboardInterrupt
