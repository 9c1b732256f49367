"""Fields whose extension takes one number or one range: ``dscp``, ``ecn``, ``length``, ``tcpmss``, ``cgroup``,
``cpu``, ``mac`` and conntrack's numbers (iptables-extensions(8)).

``-m length`` reads the length that the IP header states (net/netfilter/xt_length.c), which is the packet's own.
"""

from __future__ import annotations

from polc.backends.iptables.extensions import service
from polc.backends.iptables.extensions.values import colon, pair
from polc.backends.iptables.extensions.words import Refused, Words, module
from polc.ir.fields import Field
from polc.ir.matches import FieldMatch
from polc.ir.protocols import TCP

_SINGLE = {
    Field.IP_ECN: "ecn --ecn-ip-ect {}",
    Field.IP6_ECN: "ecn --ecn-ip-ect {}",
    Field.META_CGROUP: "cgroup --cgroup {}",
    Field.IP_DSCP: "dscp --dscp {:#04x}",
    Field.IP6_DSCP: "dscp --dscp {:#04x}",
}
_RANGES = {
    Field.IP_LENGTH: "length --length {}",
    Field.META_LENGTH: "length --length {}",
    Field.CT_EXPIRATION: "conntrack --ctexpire {}",
    Field.CT_ORIGINAL_SPORT: "conntrack --ctorigsrcport {}",
    Field.CT_ORIGINAL_DPORT: "conntrack --ctorigdstport {}",
    Field.CT_REPLY_SPORT: "conntrack --ctreplsrcport {}",
    Field.CT_REPLY_DPORT: "conntrack --ctrepldstport {}",
}
_EACH = {
    Field.ETHER_SADDR: ("mac", "--mac-source"),
    Field.META_CPU: ("cpu", "--cpu"),
    Field.CT_ORIGINAL_PROTOCOL: ("conntrack", "--ctproto"),
}
_PACKET_TYPES = ("unicast", "broadcast", "multicast")
_DIRECTIONS = ("ORIGINAL", "REPLY")


def one_value(match: FieldMatch) -> Words:
    return module(_SINGLE[match.field].format(pair(match)[0]))


def one_range(match: FieldMatch) -> Words:
    return module(_RANGES[match.field].format(colon(match)))


def mss(match: FieldMatch) -> Words:
    return Words((service.protocol(TCP), *module(f"tcpmss --mss {colon(match)}").pieces))


def each(match: FieldMatch) -> Words:
    """One value, or with ``!`` one after the other: what lacks the field meets neither (net/netfilter/xt_mac.c,
    mac_mt; xt_conntrack.c, conntrack_mt), and every packet is on a CPU.
    """
    sign = "! " if match.negated else ""
    name, option = _EACH[match.field]
    values = (value for low, high in match.values.ranges for value in range(low, high + 1))
    texts = (value.to_bytes(6, "big").hex(":") if match.field is Field.ETHER_SADDR else value for value in values)
    return Words(tuple(piece for one in texts for piece in module(f"{name} {sign}{option} {one}").pieces))


def packet_type(match: FieldMatch) -> Words:
    value = pair(match)[0]
    if value >= len(_PACKET_TYPES):
        raise Refused("packet-type", "iptables tells unicast, broadcast and multicast packets apart, and no others")
    return module(f"pkttype --pkt-type {_PACKET_TYPES[value]}")


def direction(match: FieldMatch) -> Words:
    return module(f"conntrack --ctdir {_DIRECTIONS[pair(match)[0]]}")
