"""``-j SYNPROXY``: handshakes for the server behind (net/ipv4/netfilter/ipt_SYNPROXY.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.saved import decimal
from polc.importers.iptables.values import number
from polc.ir.protocols import TCP
from polc.ir.statements import Synproxy


def _read(options: Options, _context: Context) -> Action:
    mss, scale = options.get("mss"), options.get("wscale")
    announced = number(mss.word, 0, 0xFFFF, "MSS") if mss else 0
    window = number(scale.word, 0, 14, "window scale") if scale else 0
    if not announced or scale is None or "ecn" in options:
        return options.opaque_action("polc's synproxy announces an MSS and a window scale, and nothing else of its own")
    return Action((Synproxy(announced, window, "timestamp" in options, "sack-perm" in options),))


TARGET = TargetExtension(
    "SYNPROXY",
    (
        *(Option(name, takes=0) for name in ("sack-perm", "timestamp")),
        *(Option(name, saved=decimal) for name in ("wscale", "mss")),
        Option("ecn", takes=0),
    ),
    protocols=frozenset({TCP}),
    chains=frozenset({"INPUT", "FORWARD"}),
    read=_read,
)
