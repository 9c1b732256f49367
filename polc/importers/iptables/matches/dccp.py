"""``-m dccp``: ports, packet types and options of DCCP (net/netfilter/xt_dccp.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.matches.conntrack import words_of
from polc.importers.iptables.matches.udp import header_ports, port_options
from polc.importers.iptables.saved import decimal, names
from polc.importers.iptables.values import number
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch, Match
from polc.ir.protocols import DCCP

_TYPES = {
    # RFC 4340, 5.1; the last is iptables' word for the first number that is none
    name: 1 << value
    for value, name in enumerate(
        ("REQUEST", "RESPONSE", "DATA", "ACK", "DATAACK", "CLOSEREQ", "CLOSE", "RESET", "SYNC", "SYNCACK", "INVALID")
    )
}


def _read(options: Options, _context: Context) -> Meaning:
    matches: list[Match] = []
    if types := options.get("dccp-types"):
        bits = words_of(types.word, _TYPES, "type of a DCCP packet")
        values = Intervals.of((value, value) for value in range(len(_TYPES)) if bits >> value & 1)
        matches.append(FieldMatch(Field.DCCP_TYPE, values, None, types.negated))
    if option := options.get("dccp-option"):
        number(option.word, 1, 255, "DCCP option")
        matches.append(options.only("dccp-option").opaque("nft matches no options of DCCP before 1.0.7"))
    if matches and "source-port" not in options and "destination-port" not in options:
        # Types and options are looked for in the header, so that is there.
        return Meaning(tuple(matches))
    return Meaning(tuple(matches), header_ports(options))


MATCH = MatchExtension(
    "dccp",
    (
        *port_options(whole=True),
        Option("dccp-types", negatable=True, saved=names(_TYPES)),
        Option("dccp-option", negatable=True, saved=decimal),
    ),
    protocols=frozenset({DCCP}),
    read=_read,
)
