"""``-j TCPOPTSTRIP``: options of TCP become no-ops (net/netfilter/xt_TCPOPTSTRIP.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.problem import Word
from polc.importers.iptables.values import listed, number
from polc.ir.protocols import TCP
from polc.ir.statements import StripTcpOptions

_NAMES = {"wscale": 3, "mss": 2, "sack-permitted": 4, "sack": 5, "timestamp": 8, "md5": 19}  # libxt_TCPOPTSTRIP.c


def _kind(word: Word) -> int:
    return _NAMES.get(word.text) or number(word, 2, 255, "TCP option")


def _read(options: Options, _context: Context) -> Action:
    given = options.get("strip-options")
    kinds = tuple(sorted({_kind(word) for word in listed(given.word)})) if given else ()
    return Action((StripTcpOptions(kinds),) if kinds else ())


TARGET = TargetExtension(
    "TCPOPTSTRIP",
    (Option("strip-options"),),
    protocols=frozenset({TCP}),
    tables=frozenset({"mangle"}),
    read=_read,
)
