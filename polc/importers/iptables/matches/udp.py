"""``-m udp`` and the ports of other transport headers (net/netfilter/xt_tcpudp.c).

The header must be there, even where no port is asked for: a later fragment has none.
"""

from __future__ import annotations

from polc.importers.iptables.extension import Context, Given, MatchExtension, Meaning, Option, Options, Ports
from polc.importers.iptables.saved import ports
from polc.importers.iptables.values import PORTS, port_ends, port_range
from polc.ir.intervals import Intervals
from polc.ir.protocols import UDP


def port_options(*, whole: bool) -> tuple[Option, Option]:
    """``whole``: iptables-save writes every range as it is."""
    return (
        Option("source-port", ("sport",), negatable=True, saved=ports("sport", whole=whole)),
        Option("destination-port", ("dport",), negatable=True, saved=ports("dport", whole=whole)),
    )


_LENIENT = frozenset({"udp", "dccp"})
"""Extensions that take a range that is the wrong way round (libxt_udp.c, libxt_dccp.c)."""


def _ports(given: Given | None, lenient: bool) -> Intervals | None:
    if given is None:
        return None
    low, high = port_ends(given.word) if lenient else port_range(given.word)
    found = Intervals(((low, high),)) if low <= high else Intervals()
    return found.complement(0, 65535) if given.negated else found


def header_ports(options: Options) -> tuple[Ports]:
    """What the options say of the ports; any of them where they say nothing."""
    lenient = options.name in _LENIENT
    sport, dport = (_ports(options.get(f"{side}-port"), lenient) for side in ("source", "destination"))
    return (Ports(sport, PORTS if sport is None and dport is None else dport),)


def _read(options: Options, _context: Context) -> Meaning:
    return Meaning(transport=header_ports(options))


MATCH = MatchExtension("udp", port_options(whole=False), protocols=frozenset({UDP}), read=_read)
