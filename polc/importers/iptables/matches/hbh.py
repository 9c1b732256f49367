"""``-m hbh``: the hop-by-hop options of IPv6 (net/ipv6/netfilter/ip6t_hbh.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.in_nft import Ask
from polc.importers.iptables.matches.exthdr import header_length, present_or_opaque
from polc.importers.iptables.problem import Word
from polc.importers.iptables.saved import decimal, with_values
from polc.importers.iptables.values import integer, listed, number
from polc.ir.family import Family
from polc.ir.matches import ExtensionHeader

_ANY_LENGTH = 255


def inside(options: Options, prefix: str) -> list[Ask | bool | None]:
    """What is asked of the header, in nft's words, which has none for single options.

    Raises:
        Problem: a length or an option (``type`` or ``type:length``) is none.
    """
    found: list[Ask | bool | None] = []
    if length := options.get(f"{prefix}-len"):
        found.append(header_length(length, prefix, number(length.word, 0, 0xFFFFFFFF, "length")))
    if given := options.get(f"{prefix}-opts"):
        for one in listed(given.word):
            kind, colon, size = one.text.partition(":")
            number(Word(kind, one.at), 0, 255, "type of an option")
            if colon:
                number(Word(size, one.at), 0, 255, "length of an option")
        found.append(None)
    return found


def _kind(text: str) -> str:
    """The length 255 is any (libip6t_hbh.c, print_options)."""
    kind, size = (integer(part) for part in f"{text}:{_ANY_LENGTH}".split(":")[:2])
    return f"{kind}" if size == _ANY_LENGTH else f"{kind}:{size}"


kinds = with_values(lambda word: ",".join(_kind(one.text) for one in listed(word)))


def _read(options: Options, _context: Context) -> Meaning:
    return present_or_opaque(options, ExtensionHeader.HBH, inside(options, "hbh"))


MATCH = MatchExtension(
    "hbh",
    (Option("hbh-len", negatable=True, saved=decimal), Option("hbh-opts", saved=kinds)),
    families=frozenset({Family.IP6}),
    read=_read,
)
