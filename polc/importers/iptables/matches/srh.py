"""``-m srh``: the segment routing header of IPv6 (net/ipv6/netfilter/ip6t_srh.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import Word
from polc.importers.iptables.protocols import read_protocol
from polc.importers.iptables.saved import decimal, with_values
from polc.importers.iptables.values import host_and_mask, number
from polc.ir.addresses import format_address
from polc.ir.family import Family

_BYTES = tuple(
    f"srh-{field}-{comparison}" for field in ("hdr-len", "segs-left", "last-entry") for comparison in ("eq", "gt", "lt")
)
_ADDRESSES = ("srh-psid", "srh-nsid", "srh-lsid")


def _read(options: Options, context: Context) -> Meaning:
    for given in options:
        name = given.option.name
        if name in _ADDRESSES:
            host_and_mask(given.word, context.family)
        elif name == "srh-next-hdr":
            read_protocol(given.word)
        else:
            number(given.word, 0, 0xFFFF if name == "srh-tag" else 0xFF)
    return Meaning((options.opaque("polc knows no segment routing header"),))


def _network(word: Word) -> str:
    """A prefix length stands behind a whole address, too (libip6t_srh.c)."""
    address, mask = host_and_mask(word, Family.IP6)
    return f"{format_address(Family.IP6, address)}/{mask.bit_count()}"


MATCH = MatchExtension(
    "srh",
    (
        Option("srh-next-hdr", negatable=True, saved=with_values(lambda word: str(read_protocol(word)))),
        *(Option(name, negatable=True, saved=decimal) for name in (*_BYTES, "srh-tag")),
        *(Option(name, negatable=True, saved=with_values(_network)) for name in _ADDRESSES),
    ),
    families=frozenset({Family.IP6}),
    read=_read,
)
