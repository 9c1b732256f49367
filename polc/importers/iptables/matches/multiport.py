"""``-m multiport``: up to 15 ports, a range counting two (net/netfilter/xt_multiport.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options, Ports
from polc.importers.iptables.problem import Word, wrong
from polc.importers.iptables.saved import spelled, with_values
from polc.importers.iptables.values import listed, port_ends, port_range
from polc.ir.intervals import Intervals
from polc.ir.protocols import PORT_PROTOCOLS

_MOST = 15


def _read(options: Options, _context: Context) -> Meaning:
    given = options.need("source-ports", "destination-ports", "ports")
    ranges = [port_range(word) for word in listed(given.word)]
    if sum(1 if low == high else 2 for low, high in ranges) > _MOST:
        raise wrong(given.word, f"multiport holds {_MOST} ports, of which a range is two", help="write several rules")
    ports = Intervals.of(ranges)
    if given.negated:
        ports = ports.complement(0, 65535)
        if not ports:
            return Meaning(never=True)
    match given.option.name:
        case "source-ports":
            return Meaning(transport=(Ports(sport=ports),))
        case "destination-ports":
            return Meaning(transport=(Ports(dport=ports),))
        case _:
            # Neither of the two is one of them, or one of the two is.
            return Meaning(transport=(Ports(ports, ports) if given.negated else Ports(either=ports),))


def _saved(word: Word) -> str:
    return ",".join(spelled(*port_ends(one)) for one in listed(word))


MATCH = MatchExtension(
    "multiport",
    (
        Option("source-ports", ("sports",), negatable=True, saved=with_values(_saved, "sports")),
        Option("destination-ports", ("dports",), negatable=True, saved=with_values(_saved, "dports")),
        Option("ports", negatable=True, saved=with_values(_saved)),
    ),
    protocols=PORT_PROTOCOLS,
    read=_read,
)
