"""The host that polc runs on, as the simulator takes a host: its interfaces, addresses and routes, by ip(8)."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from polc.diagnostics import Failure
from polc.live.host import Host as Programs
from polc.simulate import Host, read_host
from polc.simulate.settings import Settings
from polc.source import SourceFile

_ANY = {"-4": "0.0.0.0/0", "-6": "::/0"}
_TYPES = frozenset({"unicast", "blackhole", "unreachable", "prohibit"})


def this_host(programs: Programs) -> Host:
    """Raises:
    Failure: POL601, there is no `ip`; POL603, it failed.
    """
    interfaces = {}
    for one in _ask(programs, "addr"):
        addresses = [f"{each['local']}/{each['prefixlen']}" for each in one.get("addr_info", ()) if "local" in each]
        interfaces[one["ifname"]] = {"addresses": addresses, "mtu": min(max(one.get("mtu", 1500), 68), 65536)}
    routes: list[dict[str, str]] = []
    for family, everything in _ANY.items():
        for one in _ask(programs, family, "route"):
            to = everything if one["dst"] == "default" else one["dst"]
            kind = one.get("type", "unicast")
            if one.get("dev") in interfaces and kind == "unicast":
                routes.append({"to": to, "interface": one["dev"]})
            elif kind in _TYPES:
                routes.append({"to": to, "type": kind})
    # The first of several routes to a network is the one that is used: the lower its metric the earlier it is listed.
    unique = {one["to"]: one for one in reversed(routes)}
    described = {"interfaces": interfaces, "routes": [*unique.values()]}
    return read_host(SourceFile("this host", json.dumps(described)))


def way_to(programs: Programs, address: str) -> str:
    """The interface by which packets of this address come in, when they come by the way that leads back to it.

    Empty: no route leads there.
    """
    with suppress(Failure, IndexError, KeyError):
        return str(_ask(programs, "route", "get", address)[0]["dev"])
    return ""


def tracks_flows() -> bool:
    """Whether conntrack has seen a flow here, so that it knows those that are established."""
    with suppress(OSError, ValueError):
        return int(Path("/proc/sys/net/netfilter/nf_conntrack_count").read_text()) > 0
    return False


def settings() -> Settings:
    """What of the kernel's settings decides about a flow that conntrack meets in its middle."""
    with suppress(OSError, ValueError):
        return Settings(tcp_loose=int(Path("/proc/sys/net/netfilter/nf_conntrack_tcp_loose").read_text()) > 0)
    return Settings()


def _ask(programs: Programs, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(programs.run(["ip", "-j", *words]) or "[]")
    return found
