"""``-m ipv6header``: which headers an IPv6 packet has (net/ipv6/netfilter/ip6t_ipv6header.c)."""

from __future__ import annotations

from polc.diagnostics.suggest import did_you_mean
from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import Word, wrong
from polc.importers.iptables.protocols import number
from polc.importers.iptables.saved import with_values
from polc.importers.iptables.values import listed
from polc.ir.family import Family
from polc.ir.matches import ExtensionHeader, ExtensionHeaderMatch

_HEADERS: dict[str, ExtensionHeader | None] = {
    "hop-by-hop": ExtensionHeader.HBH, "hop": ExtensionHeader.HBH, "0": ExtensionHeader.HBH,
    "ipv6-opts": ExtensionHeader.DST, "dst": ExtensionHeader.DST, "60": ExtensionHeader.DST,
    "ipv6-route": ExtensionHeader.RT, "route": ExtensionHeader.RT, "43": ExtensionHeader.RT,
    "ipv6-frag": ExtensionHeader.FRAG, "frag": ExtensionHeader.FRAG, "44": ExtensionHeader.FRAG,
    "auth": None, "ah": None, "51": None, "esp": None, "50": None, "none": None, "ipv6-nonxt": None, "59": None,
    "prot": None, "protocol": None, "255": None,
}  # fmt: skip

_LISTED = (
    ("hop-by-hop", "hop", "0"), ("ipv6-opts", "dst", "60"), ("ipv6-route", "route", "43"), ("ipv6-frag", "frag", "44"),
    ("ah", "auth", "51"), ("esp", "50"), ("ipv6-nonxt", "none", "59"), ("protocol", "prot", "255"),
)  # fmt: skip
"""Names that iptables-save has, and others of the same header (libip6t_ipv6header.c)."""


def _read(options: Options, _context: Context) -> Meaning:
    given = options.need("header")
    headers = []
    for one in listed(given.word):
        name = one.text.lower()
        if name not in _HEADERS and number(name) is None:
            raise wrong(one, f"`{one.text}` is no header of IPv6", help=did_you_mean(name, _HEADERS))
        headers.append(_HEADERS.get(name))
    if "soft" in options and all(headers):
        # All of them, among others that are not asked about.
        return Meaning(tuple(ExtensionHeaderMatch(one, given.negated) for one in dict.fromkeys(headers) if one))
    reason = "nft asks for one header at a time, and not for a packet that has no others"
    return Meaning((options.opaque(reason),))


def _saved(word: Word) -> str:
    """In the names and the order in which iptables-save lists them, where all have one."""
    asked = {one.text.lower() for one in listed(word)}
    if not asked.issubset(name for names in _LISTED for name in names):
        return word.text
    return ",".join(names[0] for names in _LISTED if asked.intersection(names))


MATCH = MatchExtension(
    "ipv6header",
    (Option("header", negatable=True, saved=with_values(_saved)), Option("soft", takes=0)),
    families=frozenset({Family.IP6}),
    read=_read,
)
