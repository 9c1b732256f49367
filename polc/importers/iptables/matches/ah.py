"""``-m ah``: the IPsec authentication header (net/ipv4/netfilter/ipt_ah.c, net/ipv6/netfilter/ip6t_ah.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, Given, MatchExtension, Meaning, Option, Options, Written
from polc.importers.iptables.in_nft import Ask, asks
from polc.importers.iptables.matches.esp import spi
from polc.importers.iptables.problem import APART, Problem
from polc.importers.iptables.saved import decimal, index
from polc.importers.iptables.values import number
from polc.ir.family import Family
from polc.ir.fields import Field

_AH = 51


def _read(options: Options, context: Context) -> Meaning:
    if context.family is Family.IP:
        if context.protocol != _AH:
            raise Problem(APART, "`-m ah` needs `-p ah`", options.at)
        for name in ("ahlen", "ahres"):
            if given := options.get(name):
                raise Problem(APART, f"`--{name}` is of ip6tables alone", given.at)
        return spi(options, "ahspi", Field.AH_SPI)
    found = spi(options, "ahspi", Field.AH_SPI)
    length = options.get("ahlen")
    size = number(length.word, 0, 0xFFFFFFFF) if length else 0
    if context.protocol is not None:
        # To nft the protocol of such a packet is AH (net/netfilter/nft_payload.h, nft_set_pktinfo_ipv6).
        return Meaning((options.opaque("nft's `ah` is the transport header, and what stands behind it is none"),))
    if not length and "ahres" not in options:
        return found
    units, rest = divmod(size, 4)
    if length and (rest or not 2 <= units <= 257):
        return Meaning((options.opaque("no header has that length"),))
    inside = [Ask("ah", "hdrlength", units - 2, units - 2, length.negated, payload=True)] if length else []
    inside += [Ask("ah", "reserved", 0, 0, payload=True)] if "ahres" in options else []
    rest_of_it = options.only("ahlen", "ahres")
    opaque = rest_of_it.opaque("polc knows the index of an authentication header, and no more", nft=asks(*inside))
    return Meaning((*(found.matches if "ahspi" in options else ()), opaque), never=found.never)


def _length(given: Given) -> Written | None:
    """No length of nothing is said (libip6t_ah.c, ah_save)."""
    return decimal(given) if number(given.word, 0, 0xFFFFFFFF) or given.negated else None


MATCH = MatchExtension(
    "ah",
    (
        Option("ahspi", negatable=True, saved=index),
        Option("ahlen", negatable=True, saved=_length),
        Option("ahres", takes=0),
    ),
    read=_read,
)
