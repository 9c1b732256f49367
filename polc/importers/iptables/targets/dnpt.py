"""``-j DNPT``: destination prefixes of IPv6, translated without state (net/ipv6/netfilter/ip6t_NPT.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.problem import wrong
from polc.importers.iptables.saved import network
from polc.importers.iptables.values import masked_address
from polc.ir.family import Family

OPTIONS = (Option("src-pfx", saved=network), Option("dst-pfx", saved=network))
REASON = "nft has no prefix translation that leaves checksums as they are"
_MOST = 64


def check_prefixes(options: Options) -> None:
    """Raises:
    Problem: a prefix is missing, or longer than 64 bits.
    """
    for name in ("src-pfx", "dst-pfx"):
        word = options.need(name).word
        _, mask = masked_address(word, Family.IP6)
        length = bin(mask).count("1")
        if "/" not in word.text or length > _MOST:
            raise wrong(word, f"`{word.text}` is no prefix of at most {_MOST} bits")


def _read(options: Options, _context: Context) -> Action:
    check_prefixes(options)
    return options.opaque_action(REASON)


TARGET = TargetExtension(
    "DNPT",
    OPTIONS,
    families=frozenset({Family.IP6}),
    chains=frozenset({"PREROUTING", "OUTPUT"}),
    tables=frozenset({"mangle"}),
    read=_read,
)
