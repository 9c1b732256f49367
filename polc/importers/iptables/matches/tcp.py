"""``-m tcp``: ports, flags and options of TCP (net/netfilter/xt_tcpudp.c, tcp_mt)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.matches.conntrack import words_of
from polc.importers.iptables.matches.udp import PORT_OPTIONS, header_ports
from polc.importers.iptables.values import number
from polc.ir.fields import TCP_FLAG_BITS
from polc.ir.matches import FlagField, FlagsMatch, Match, TcpOptionMatch
from polc.ir.protocols import TCP

_NAMES = ("fin", "syn", "rst", "psh", "ack", "urg")
_ALL = sum(TCP_FLAG_BITS[name] for name in _NAMES)
_FLAGS = {**{name.upper(): TCP_FLAG_BITS[name] for name in _NAMES}, "ALL": _ALL, "NONE": 0}
_SYN = (sum(TCP_FLAG_BITS[name] for name in ("fin", "syn", "rst", "ack")), TCP_FLAG_BITS["syn"])
_NO_OPERATION = 1


def _read(options: Options, _context: Context) -> Meaning:
    matches: list[Match] = []
    flags = options.among("tcp-flags", "syn")
    if flags is not None:
        mask, value = _SYN
        if flags.option.name == "tcp-flags":
            mask = words_of(flags.words[0], _FLAGS, "flag of TCP")
            value = words_of(flags.words[1], _FLAGS, "flag of TCP")
        matches.append(FlagsMatch(FlagField.TCP_FLAGS, mask, value, flags.negated))
    if option := options.get("tcp-option"):
        kind = number(option.word, 1, 255, "TCP option")
        if kind == _NO_OPERATION:
            matches.append(options.only("tcp-option").opaque("nft passes over the option that only fills up"))
        else:
            matches.append(TcpOptionMatch(kind, option.negated))
    if matches and "source-port" not in options and "destination-port" not in options:
        # Flags and options are looked for in the header, so that is there.
        return Meaning(tuple(matches))
    return Meaning(tuple(matches), header_ports(options))


MATCH = MatchExtension(
    "tcp",
    (
        *PORT_OPTIONS,
        Option("tcp-flags", takes=2, negatable=True),
        Option("syn", takes=0, negatable=True),
        Option("tcp-option", negatable=True),
    ),
    protocols=frozenset({TCP}),
    read=_read,
)
