"""What the targets of table nat have in common: addresses, ports and flags (libxt_NAT.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context
from polc.importers.iptables.problem import APART, Problem, Word, wrong
from polc.importers.iptables.values import address_range, number, port
from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.protocols import DCCP, ICMP, ICMPV6, SCTP, TCP, UDP

_WITH_PORTS = frozenset({TCP, UDP, SCTP, DCCP, ICMP, ICMPV6, 136})


def need_protocol(word: Word, context: Context) -> None:
    """Raises:
    Problem: ports are named, and no protocol that has some.
    """
    if context.protocol not in _WITH_PORTS:
        raise Problem(APART, "a new port needs `-p` with tcp, udp, sctp or dccp", word.at)


def ports(word: Word, *, names: bool = True) -> Intervals:
    """``80`` or ``1024-65535``; a service stands for one port.

    Raises:
        Problem: it is neither, or the wrong way round.
    """
    left, dash, right = word.text.partition("-")
    if names and not left[:1].isdigit():
        return Intervals.single(port(word))
    low = number(Word(left, word.at), 0, 65535, "port")
    high = number(Word(right, word.at), 0, 65535, "port") if dash else low
    if low > high:
        raise wrong(word, f"the range `{word.text}` is the wrong way round", help=f"write `{right}-{left}`")
    return Intervals(((low, high),))


def target(word: Word, context: Context) -> tuple[Intervals | None, Intervals | None, str]:
    """``ADDRESS[-ADDRESS][:PORT[-PORT[/PORT]]]`` as addresses, ports and what stands behind the ``/``.

    Raises:
        Problem: it is not so.
    """
    addresses, port_text = _divided(word, context.family)
    found = None
    if addresses:
        low, high = address_range(Word(addresses, word.at), context.family)
        if low > high:
            raise wrong(word, f"the range `{addresses}` is the wrong way round")
        found = Intervals(((low, high),))
    if port_text is None:
        if found is None:
            raise wrong(word, "neither an address nor a port stands here")
        return found, None, ""
    need_protocol(word, context)
    range_text, _, base = port_text.partition("/")
    return found, ports(Word(range_text, word.at)), base


def _divided(word: Word, family: Family) -> tuple[str, str | None]:
    text = word.text
    if family is Family.IP:
        addresses, colon, port_text = text.partition(":")
        return addresses, port_text if colon else None
    if not text.startswith("["):
        return (text, None) if not text.startswith(":") or text.startswith("::") else ("", text[1:])
    addresses, bracket, rest = text[1:].partition("]")
    if not bracket or (rest and not rest.startswith(":")):
        raise wrong(word, f"`{text}` is no target", help="as in `[2001:db8::1]:80`")
    return addresses, rest[1:] if rest else None
