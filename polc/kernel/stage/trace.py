"""The kernel's own word on a packet's way: ``nft monitor trace`` (nft(8), MONITOR)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence

from polc.backends.model import Output
from polc.ir.filling import Filling
from polc.ir.ruleset import Ruleset
from polc.kernel.loaders import Loader
from polc.kernel.netns import stop
from polc.kernel.programs import find
from polc.kernel.remote import RemoteNftables
from polc.kernel.stage.stage import TABLES, Stage
from polc.simulate.host import Host
from polc.simulate.packet import Packet
from polc.simulate.settings import Settings

_FIRST = -400
"""A priority before all others (uapi/linux/netfilter_ipv4.h)."""

_READY, _SETTLED = 0.5, 0.5
"""Seconds until the monitor listens, and until it has told all: it says of neither when."""


def traced(
    host: Host,
    loader: Loader,
    output: Output,
    packets: Sequence[Packet],
    settings: Settings | None = None,
    rulesets: Sequence[Ruleset] = (),
    fillings: Sequence[Filling] = (),
) -> str:
    """The lines that the kernel tells of the last packet, once the others have been sent. ``fillings`` are put into the
    sets of ``rulesets``, which are what is loaded.

    iptables-legacy has rules of which the kernel tells nothing that way: then the text says so.

    Raises:
        Failure: POL601 to POL603, POL610, POL611.
    """
    if loader.name == "iptables-legacy":
        return "the kernel traces no rules of iptables-legacy; the same ruleset on iptables-nft can be traced"
    with Stage(host, settings) as stage:
        stage.join(packets)
        stage.load(loader, output)
        stage.furnish(loader, rulesets, fillings)
        stage.put_all(packets[:-1])
        monitor = stage.namespace.start([find("nft"), "monitor", "trace"])
        lines: list[str] = []
        assert monitor.stdout is not None
        reader = threading.Thread(target=lambda: lines.extend(monitor.stdout or ()), daemon=True)
        reader.start()
        try:
            time.sleep(_READY)
            with RemoteNftables(stage.namespace) as nft:
                nft.run_json(json.dumps({"nftables": list(_tracing())}))
            stage.put_all(packets[-1:])
            time.sleep(_SETTLED)
        finally:
            stop(monitor)
        reader.join(_SETTLED)
    return "\n".join(line.rstrip() for line in lines if not any(name in line for name in TABLES) and line.strip())


def _tracing() -> list[object]:
    """A table that has everything traced from its first hook on."""
    table = {"family": "inet", "table": TABLES[0]}
    chains = [("prerouting", "p"), ("output", "o")]
    return [
        {"add": {"table": {"family": "inet", "name": TABLES[0]}}},
        *(
            {
                "add": {
                    "chain": {**table, "name": name, "type": "filter", "hook": hook, "prio": _FIRST, "policy": "accept"}
                }
            }
            for hook, name in chains
        ),
        *(
            {
                "add": {
                    "rule": {
                        **table,
                        "chain": name,
                        "expr": [{"mangle": {"key": {"meta": {"key": "nftrace"}}, "value": 1}}],
                    }
                }
            }
            for _, name in chains
        ),
    ]
