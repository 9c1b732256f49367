"""Ports: ``-m tcp``, ``udp``, ``sctp``, ``dccp`` for one range a side, ``-m multiport`` for more.

Facts: iptables-extensions(8); multiport holds 15 ports, a range counting two (XT_MULTI_PORTS,
net/netfilter/xt_multiport.c). Like every match of ports these fail on later fragments.
"""

from __future__ import annotations

from polc.backends.iptables.extensions.words import Piece, Rank
from polc.ir.intervals import Intervals
from polc.ir.matches import PortTerm
from polc.ir.protocols import DCCP, SCTP, TCP, UDP

_SLOTS = 15
_MODULES = {TCP: "tcp", UDP: "udp", SCTP: "sctp", DCCP: "dccp"}
_SIDES = (("--sport", "--sports"), ("--dport", "--dports"))


def split(term: PortTerm) -> tuple[PortTerm, ...]:
    """The term cut so that each side fits one multiport."""
    return tuple(
        PortTerm(term.protocol, sport, dport) for sport in _chunks(term.sport) for dport in _chunks(term.dport)
    )


def _chunks(ports: Intervals | None) -> list[Intervals | None]:
    if ports is None:
        return [None]
    found: list[list[tuple[int, int]]] = [[]]
    free = _SLOTS
    for low, high in ports.ranges:
        need = 1 if low == high else 2
        if need > free:
            found.append([])
            free = _SLOTS
        found[-1].append((low, high))
        free -= need
    return [Intervals(tuple(pairs)) for pairs in found]


def pieces(term: PortTerm) -> tuple[Piece, ...]:
    own, several, alone = "", "", False
    module = _MODULES.get(term.protocol)
    for ports, (single, multiple) in zip((term.sport, term.dport), _SIDES, strict=True):
        if ports is None:
            continue
        # iptables-save leaves out the full range of a protocol's own match, but not multiport's.
        if module is not None and ports.covers(0, 65535):
            alone = True
        elif module is not None and (other := _but_one(ports)) is not None:
            # iptables-nft 1.8.9 makes of both ports left out in one match "not the two of them".
            if "!" in own:
                several += f" -m multiport ! {multiple} {other}"
            else:
                own += f" ! {single} {other}"
        elif module is not None and len(ports.ranges) == 1:
            own += f" {single} {_range(*ports.ranges[0])}"
        else:
            several += f" -m multiport {multiple} {','.join(_range(*pair) for pair in ports.ranges)}"
    text = (f" -m {module}{own}" if own or (alone and not several) else "") + several
    return (Piece(Rank.MODULE, text[1:]),)


def _but_one(ports: Intervals) -> int | None:
    """The port that is left out, where it is one; 0 is no port that somebody would name."""
    match ports.complement(0, 65535).ranges:
        case ((low, high),) if 0 < low == high:
            return low
        case _:
            return None


def _range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}:{high}"
