"""``-j CLUSTERIP``: an address that several hosts share (net/ipv4/netfilter/ipt_CLUSTERIP.c, until Linux 6.2)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.problem import APART, Problem, wrong
from polc.importers.iptables.values import choice, mac, number
from polc.ir.family import Family

_MODES = {"sourceip": "", "sourceip-sourceport": "", "sourceip-sourceport-destport": ""}
_MOST_NODES = 16


def _read(options: Options, _context: Context) -> Action:
    if "new" in options:
        choice(options.need("hashmode").word, _MODES, "mode")
        address = options.need("clustermac").word
        if not mac(address) >> 40 & 1:
            raise wrong(address, f"`{address.text}` is no multicast address of the link layer")
        total = number(options.need("total-nodes").word, 1, _MOST_NODES, "number of nodes")
        number(options.need("local-node").word, 1, total, "node of this cluster")
    else:
        for one in options:
            raise Problem(APART, f"`{one.option.shown}` needs `--new` beside it", one.at)
    if given := options.get("hash-init"):
        number(given.word, 0, 0xFFFFFFFF)
    return options.opaque_action("nft has no such target, and neither has Linux since 6.2")


TARGET = TargetExtension(
    "CLUSTERIP",
    (
        Option("new", takes=0),
        *(Option(name) for name in ("hashmode", "clustermac", "total-nodes", "local-node", "hash-init")),
    ),
    families=frozenset({Family.IP}),
    chains=frozenset({"INPUT"}),
    read=_read,
)
