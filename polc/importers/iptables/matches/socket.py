"""``-m socket``: a local socket would take the packet (net/netfilter/xt_socket.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.ir.matches import Trait, TraitMatch

_EXACT = {"transparent", "nowildcard"}


def _read(options: Options, _context: Context) -> Meaning:
    if {one.option.name for one in options} == _EXACT:
        return Meaning((TraitMatch(Trait.SOCKET),))
    if "restore-skmark" in options:
        return Meaning((options.opaque("it gives the packet the mark of the socket"),))
    return Meaning((options.opaque("polc asks for transparent sockets alone, those bound to any address too"),))


MATCH = MatchExtension(
    "socket",
    tuple(Option(name, takes=0) for name in ("transparent", "nowildcard", "restore-skmark")),
    chains=frozenset({"PREROUTING", "INPUT"}),
    read=_read,
)
