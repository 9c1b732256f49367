"""IPv6 extension headers: ``-m ipv6header --soft``, which asks whether they are among the packet's
(net/ipv6/netfilter/ip6t_ipv6header.c). A mobility header is the last one, and so the packet's protocol (RFC 6275, 6.1);
`-m mh` keeps apart later fragments, which have none (net/netfilter/xt_mh.c).
"""

from __future__ import annotations

from polc.backends.cascade import Alternatives
from polc.backends.iptables.extensions import service
from polc.backends.iptables.extensions.words import Words, module
from polc.ir.matches import ExtensionHeader, ExtensionHeaderMatch
from polc.ir.protocols import MOBILITY

_NAMES = {
    ExtensionHeader.HBH: "hop-by-hop",
    ExtensionHeader.RT: "ipv6-route",
    ExtensionHeader.FRAG: "ipv6-frag",
    ExtensionHeader.DST: "ipv6-opts",
}
"""As iptables-save prints them (libip6t_ipv6header.c)."""


def split(match: ExtensionHeaderMatch) -> Alternatives:
    if match.header is ExtensionHeader.MH:
        return Alternatives((ExtensionHeaderMatch(match.header),), excluded=match.negated, slot="-p")
    return Alternatives((match,))


def words(match: ExtensionHeaderMatch) -> Words:
    if match.header is ExtensionHeader.MH:
        return Words((service.protocol(MOBILITY), *module("mh").pieces))
    if match.header is ExtensionHeader.RT and not match.negated:
        return module("rt")
    return module(f"ipv6header {'! ' if match.negated else ''}--header {_NAMES[match.header]} --soft")
