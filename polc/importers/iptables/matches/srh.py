"""``-m srh``: the segment routing header of IPv6 (net/ipv6/netfilter/ip6t_srh.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.protocols import read_protocol
from polc.importers.iptables.values import masked_address, number
from polc.ir.family import Family

_BYTES = tuple(
    f"srh-{field}-{comparison}" for field in ("hdr-len", "segs-left", "last-entry") for comparison in ("eq", "gt", "lt")
)
_ADDRESSES = ("srh-psid", "srh-nsid", "srh-lsid")


def _read(options: Options, context: Context) -> Meaning:
    for given in options:
        name = given.option.name
        if name in _ADDRESSES:
            masked_address(given.word, context.family)
        elif name == "srh-next-hdr":
            read_protocol(given.word)
        else:
            number(given.word, 0, 0xFFFF if name == "srh-tag" else 0xFF)
    return Meaning((options.opaque("polc knows no segment routing header"),))


MATCH = MatchExtension(
    "srh",
    tuple(Option(name, negatable=True) for name in ("srh-next-hdr", *_BYTES, "srh-tag", *_ADDRESSES)),
    families=frozenset({Family.IP6}),
    read=_read,
)
