"""``-m tcp``: ports, flags and options of TCP (net/netfilter/xt_tcpudp.c, tcp_mt)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, Given, MatchExtension, Meaning, Option, Options, Written
from polc.importers.iptables.matches.conntrack import words_of
from polc.importers.iptables.matches.udp import header_ports, port_options
from polc.importers.iptables.saved import decimal
from polc.importers.iptables.values import number
from polc.ir.fields import TCP_FLAG_BITS
from polc.ir.matches import FlagField, FlagsMatch, Match, TcpOptionMatch
from polc.ir.protocols import TCP

_NAMES = ("fin", "syn", "rst", "psh", "ack", "urg")
_ALL = sum(TCP_FLAG_BITS[name] for name in _NAMES)
_FLAGS = {**{name.upper(): TCP_FLAG_BITS[name] for name in _NAMES}, "ALL": _ALL, "NONE": 0}
_SYN = (sum(TCP_FLAG_BITS[name] for name in ("fin", "syn", "rst", "ack")), TCP_FLAG_BITS["syn"])
_NO_OPERATION = 1


def _mask_and_value(given: Given) -> tuple[int, int]:
    if given.option.name == "syn":
        return _SYN
    mask, value = (words_of(word, _FLAGS, "flag of TCP") for word in given.words)
    return mask, value


def _saved(given: Given) -> Written | None:
    """Both by the names of all flags; not where nothing is asked (libxt_tcp.c, tcp_save)."""
    mask, value = _mask_and_value(given)
    if not mask and not value and not given.negated:
        return None
    return Written("tcp-flags", (_named(mask), _named(value)), given.negated)


def _named(bits: int) -> str:
    return ",".join(name.upper() for name in _NAMES if bits & TCP_FLAG_BITS[name]) or "NONE"


def _read(options: Options, _context: Context) -> Meaning:
    matches: list[Match] = []
    flags = options.among("tcp-flags", "syn")
    if flags is not None:
        mask, value = _mask_and_value(flags)
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
        *port_options(whole=False),
        Option("tcp-option", negatable=True, saved=decimal),
        Option("tcp-flags", takes=2, negatable=True, saved=_saved),
        Option("syn", takes=0, negatable=True, saved=_saved),
    ),
    protocols=frozenset({TCP}),
    read=_read,
)
