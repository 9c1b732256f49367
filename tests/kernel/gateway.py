"""A gateway between a world (``eth0``) and a network (``eth1``), and packets through it, seen from outside its rules.

A packet that was accepted is delivered to the gateway's own raw sockets or leaves on another interface; one that was
rejected is answered; one that was dropped leaves nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from packet_text import HOST, Packet

from polc.kernel.netns import Namespace, ScratchNamespace

_SCRIPT = Path(__file__).parent / "peers" / "packets.py"
_ADDRESSES = {"eth0": "02:00:5e:00:00:10", "eth1": "02:00:5e:00:00:11"}
_FAR = "02:00:00:00:00:01"

_SYSCTLS = {
    "net/ipv4/ip_forward": "1",
    "net/ipv6/conf/all/forwarding": "1",
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/default/rp_filter": "0",
    # Every rejected packet is to be answered, however many there are.
    "net/ipv4/icmp_ratelimit": "0",
    "net/ipv6/icmp/ratelimit": "0",
}


def _links() -> Iterator[str]:
    for name, mac in _ADDRESSES.items():
        yield f"link add {name} address {mac} type veth peer name {name} netns world"


def _commands() -> Iterator[str]:
    yield "link set lo up"
    for name in _ADDRESSES:
        yield f"address add {HOST[name][4]}/24 dev {name}"
        yield f"address add {HOST[name][6]}/64 dev {name} nodad"
        yield f"link set {name} up"
        for gateway in (HOST[name][4][:-1] + "254", HOST[name][6][:-1] + "fe"):
            yield f"neighbour add {gateway} lladdr {_FAR} dev {name} nud permanent"
    # No address of the network need be resolved: all are behind one neighbour.
    yield "route add 192.0.2.0/25 via 192.0.2.254"
    yield "route add 2001:db8:2::/112 via 2001:db8:2::fe"
    yield "route add default via 203.0.113.254"
    yield "route add ::/0 via 2001:db8:113::fe"


@contextmanager
def gateway() -> Iterator[Namespace]:
    """The gateway's namespace; ``ask`` sends packets through it."""
    with ScratchNamespace() as namespace:
        _run(namespace, ["ip", "netns", "add", "world"])
        writes = "".join(f"echo {value} > /proc/sys/{name}\n" for name, value in _SYSCTLS.items())
        _run(namespace, ["sh", "-e"], writes)
        # The far ends have no addresses, and so no answers of their own.
        _run(namespace.nested("world"), ["sh", "-e"], "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6\n")
        _run(namespace, ["ip", "-batch", "-"], "\n".join(_links()) + "\n")
        # The far ends come first: an interface that comes up with its peer there can send at once, one that
        # waits for it only a while later (net/core/link_watch.c).
        up = "".join(f"link set {name} up promisc on\n" for name in _ADDRESSES)
        _run(namespace.nested("world"), ["ip", "-batch", "-"], up)
        _run(namespace, ["ip", "-batch", "-"], "\n".join(_commands()) + "\n")
        yield namespace


@dataclass(frozen=True)
class Fate:
    """What became of a packet: ``accept``, ``reject`` or ``drop``; and its ends where it was seen again."""

    verdict: str
    ends: frozenset[str]


def ask(namespace: Namespace, packets: Sequence[Packet]) -> list[Fate]:
    """What becomes of each packet, put in one after the other."""
    request = {
        "world": "/run/netns/world",
        "addresses": _ADDRESSES,
        "packets": [packet.as_dict() for packet in packets],
    }
    seen = json.loads(_run(namespace, [sys.executable, str(_SCRIPT)], json.dumps(request)))
    return [_fate(one) for one in seen]


def _fate(seen: list[str]) -> Fate:
    words = [one.partition(" ") for one in seen]
    if ends := frozenset(rest for what, _, rest in words if what in ("delivered", "sent")):
        return Fate("accept", ends)
    return Fate("reject" if words else "drop", ends)


def _run(namespace: Namespace, argv: list[str], input: str = "") -> str:
    done: subprocess.CompletedProcess[str] = namespace.run(argv, input=input)
    assert done.returncode == 0, f"{argv}: {done.stderr}\n{input}"
    return done.stdout
