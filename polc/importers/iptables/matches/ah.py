"""``-m ah``: the IPsec authentication header (net/ipv4/netfilter/ipt_ah.c, net/ipv6/netfilter/ip6t_ah.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.matches.esp import spi
from polc.importers.iptables.problem import APART, Problem
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
    spi(options, "ahspi", Field.AH_SPI)
    if length := options.get("ahlen"):
        number(length.word, 0, 0xFFFFFFFF)
    full = [one for one in options if [word.text for word in one.words] == ["0:4294967295"] and not one.negated]
    words = options.written(one for one in options if one not in full)
    return Meaning(
        (options.opaque("nft's `ah` is the transport header, and that of IPv6 is an extension before it", words),)
    )


MATCH = MatchExtension(
    "ah",
    (
        Option("ahspi", negatable=True),
        Option("ahlen", negatable=True),
        Option("ahres", takes=0),
    ),
    read=_read,
)
