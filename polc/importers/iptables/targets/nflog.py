"""``-j NFLOG``: the packet to a group of nfnetlink_log (net/netfilter/xt_NFLOG.c, libxt_NFLOG.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.problem import wrong
from polc.importers.iptables.targets.log import shortened
from polc.importers.iptables.values import number
from polc.ir.statements import Log

_LONGEST = 63


def _read(options: Options, _context: Context) -> Action:
    prefix = options.get("nflog-prefix")
    if prefix and not prefix.word.text.isprintable():
        raise wrong(prefix.word, "a prefix cannot hold control characters")
    group = number(given.word, 0, 0xFFFF, "group") if (given := options.get("nflog-group")) else 0
    size = number(given.word, 0, 0xFFFFFFFF) if (given := options.get("nflog-size")) else None
    threshold = number(given.word, 0, 0xFFFF) if (given := options.get("nflog-threshold")) else None
    if given := options.get("nflog-range"):
        # It has never had an effect (iptables-extensions(8)), and so has none here.
        number(given.word, 0, 0xFFFFFFFF)
    text = shortened(prefix.word.text, _LONGEST) if prefix else ""
    return Action((Log(text, group=group, snaplen=size, queue_threshold=threshold),))


TARGET = TargetExtension(
    "NFLOG",
    (
        Option("nflog-prefix", text=True),
        *(Option(name) for name in ("nflog-group", "nflog-range", "nflog-size", "nflog-threshold")),
    ),
    read=_read,
)
