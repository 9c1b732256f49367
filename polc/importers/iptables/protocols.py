"""Protocols by the names that `-p` takes: those of iptables itself, then of /etc/protocols (xtables_parse_protocol)."""

from __future__ import annotations

from polc.diagnostics.suggest import did_you_mean
from polc.importers.iptables.problem import Word, wrong
from polc.ir.family import Family
from polc.ir.protocols import ICMP, ICMPV6, MOBILITY

PROTOCOLS: dict[str, int] = {
    # libxtables/xtables.c, xtables_chain_protos
    "tcp": 6, "sctp": 132, "udp": 17, "udplite": 136, "icmp": 1, "icmpv6": 58, "ipv6-icmp": 58, "esp": 50, "ah": 51,
    "ipv6-mh": 135, "mh": 135, "all": 0,
    # IANA, Assigned Internet Protocol Numbers, as in the usual /etc/protocols
    "ip": 0, "hopopt": 0, "igmp": 2, "ggp": 3, "ipencap": 4, "ipip": 94, "st": 5, "egp": 8, "igp": 9, "pup": 12,
    "hmp": 20, "xns-idp": 22, "rdp": 27, "iso-tp4": 29, "dccp": 33, "xtp": 36, "ddp": 37, "idpr-cmtp": 38, "ipv6": 41,
    "ipv6-route": 43, "ipv6-frag": 44, "idrp": 45, "rsvp": 46, "gre": 47, "skip": 57, "ipv6-nonxt": 59,
    "ipv6-opts": 60, "rspf": 73, "vmtp": 81, "eigrp": 88, "ospf": 89, "ospfigp": 89, "ax.25": 93, "etherip": 97,
    "encap": 98, "pim": 103, "ipcomp": 108, "vrrp": 112, "l2tp": 115, "isis": 124, "fc": 133,
    "mobility-header": 135, "mpls-in-ip": 137, "manet": 138, "hip": 139, "shim6": 140, "wesp": 141, "rohc": 142,
}  # fmt: skip

_MATCHES: dict[int, str] = {
    6: "tcp", 17: "udp", 33: "dccp", 132: "sctp", 50: "esp", 51: "ah", 108: "ipcomp", 135: "mh",
}  # fmt: skip
"""Protocols whose own match an option loads (find_proto, iptables/xshared.c: the protocol's name as a match)."""


def number(text: str) -> int | None:
    """0 is every protocol; None: no protocol has this name."""
    if text.isascii() and text.isdigit():
        value = int(text) if len(text) < 4 else 256
        return value if value < 256 else None
    return PROTOCOLS.get(text.lower())


def read_protocol(word: Word) -> int:
    """Raises:
    Problem: there is no such protocol.
    """
    found = number(word.text)
    if found is None:
        raise wrong(word, f"`{word.text}` is no protocol", help=did_you_mean(word.text, PROTOCOLS))
    return found


def protocol_match(text: str, family: Family) -> str | None:
    """The match extension of a protocol, which its options need no ``-m`` for."""
    found = number(text)
    if found == ICMP and family is Family.IP:
        return "icmp"
    if found == ICMPV6 and family is Family.IP6:
        return "icmp6"
    if found == MOBILITY and family is Family.IP:
        return None
    return _MATCHES.get(found) if found is not None else None
