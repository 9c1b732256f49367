"""Fields whose extension takes one number or one range: ``dscp``, ``ecn``, ``length``, ``tcpmss``, ``cgroup``,
``cpu``, ``mac`` and conntrack's numbers (iptables-extensions(8)).

``-m length`` reads the length that the IP header states (net/netfilter/xt_length.c), which is the packet's own.
"""

from __future__ import annotations

from polc.backends.cascade import Alternatives
from polc.backends.iptables.extensions import service
from polc.backends.iptables.extensions.values import by_range, by_value, colon, left, pair, sign
from polc.backends.iptables.extensions.words import Words, module
from polc.ir.fields import FIELDS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch
from polc.ir.protocols import TCP

_SINGLE = {
    Field.IP_ECN: "ecn {}--ecn-ip-ect {}",
    Field.IP6_ECN: "ecn {}--ecn-ip-ect {}",
    Field.IP_DSCP: "dscp {}--dscp {:#04x}",
    Field.IP6_DSCP: "dscp {}--dscp {:#04x}",
}
_RANGES = {
    Field.IP_LENGTH: "length --length {}",
    Field.CT_EXPIRATION: "conntrack --ctexpire {}",
    Field.CT_ORIGINAL_SPORT: "conntrack --ctorigsrcport {}",
    Field.CT_ORIGINAL_DPORT: "conntrack --ctorigdstport {}",
    Field.CT_REPLY_SPORT: "conntrack --ctreplsrcport {}",
    Field.CT_REPLY_DPORT: "conntrack --ctrepldstport {}",
}
_EACH = {
    Field.ETHER_SADDR: ("mac", "--mac-source"),
    Field.META_CPU: ("cpu", "--cpu"),
    Field.META_CGROUP: ("cgroup", "--cgroup"),
    Field.CT_ORIGINAL_PROTOCOL: ("conntrack", "--ctproto"),
}
_PACKET_TYPES = ("unicast", "broadcast", "multicast")
_OTHER = len(_PACKET_TYPES)
_DIRECTIONS = ("ORIGINAL", "REPLY")


def one_value(match: FieldMatch) -> Words:
    return module(_SINGLE[match.field].format(sign(match), pair(match)[0]))


_BYTES = {Field.IP_DSCP: 2, Field.IP6_DSCP: 2, Field.IP_ECN: 0, Field.IP6_ECN: 0}
"""Where the field begins in the byte that `-m tos` asks under a mask."""


def split_byte(match: FieldMatch) -> Alternatives:
    """Values that are those of some bits are one option, others one each."""
    if match.negated and len(match.values.ranges) == 1 and pair(match)[0] == pair(match)[1]:
        # Every packet of the family has both.
        return Alternatives((match,))
    values = left(match)
    if match.mask is None and mask_of(values, FIELDS[match.field].highest):
        return Alternatives((FieldMatch(match.field, values),))
    return by_value(match)


def in_byte(match: FieldMatch) -> Words:
    highest, shift = FIELDS[match.field].highest, _BYTES[match.field]
    mask = mask_of(match.values, highest)
    if mask == highest:
        return one_value(match)
    return module(f"tos --tos 0x{match.values.ranges[0][0] << shift:02x}/0x{mask << shift:02x}")


def mask_of(values: Intervals, highest: int) -> int:
    """The bits that all values agree in, where these are all the values that do; 0: they are not, or agree in none."""
    numbers = [number for low, high in values.ranges for number in range(low, high + 1)]
    if not numbers:
        return 0
    differ = 0
    for number in numbers:
        differ |= number ^ numbers[0]
    return highest & ~differ if len(numbers) == 1 << differ.bit_count() else 0


def one_range(match: FieldMatch) -> Words:
    return module(_RANGES[match.field].format(colon(match)))


def length(match: FieldMatch) -> Words:
    return module(f"length {sign(match)}--length {colon(match)}")


def mss(match: FieldMatch) -> Words:
    return Words((service.protocol(TCP), *module(f"tcpmss --mss {colon(match)}").pieces))


def each(match: FieldMatch) -> Words:
    """One value, or with ``!`` one after the other: what lacks the field meets neither (net/netfilter/xt_mac.c,
    mac_mt; xt_conntrack.c, conntrack_mt; xt_cgroup.c, cgroup_mt_v0), and every packet is on a CPU.
    """
    sign = "! " if match.negated else ""
    name, option = _EACH[match.field]
    values = (value for low, high in match.values.ranges for value in range(low, high + 1))
    texts = (value.to_bytes(6, "big").hex(":") if match.field is Field.ETHER_SADDR else value for value in values)
    return Words(tuple(piece for one in texts for piece in module(f"{name} {sign}{option} {one}").pieces))


def split_packet_type(match: FieldMatch) -> Alternatives:
    """Packets for others have no word, and are those that are none of the rest; a negated option leaves out each value.

    Values above are of link layers' own kinds, which the kernel hands to no firewall (uapi/linux/if_packet.h).
    """
    wanted = left(match)
    types = [number for number in range(_OTHER + 1) if number in wanted]
    if match.mask is not None or not types:
        return by_range(match, _OTHER)
    if _OTHER not in types:
        return Alternatives(tuple(FieldMatch(match.field, Intervals.single(one)) for one in types))
    rest = Intervals.of((one, one) for one in range(_OTHER) if one not in wanted)
    return Alternatives((FieldMatch(match.field, rest, negated=True),))


def packet_type(match: FieldMatch) -> Words:
    sign = "! " if match.negated else ""
    names = (name for number, name in enumerate(_PACKET_TYPES) if number in match.values)
    return Words(tuple(piece for name in names for piece in module(f"pkttype {sign}--pkt-type {name}").pieces))


def direction(match: FieldMatch) -> Words:
    return module(f"conntrack --ctdir {_DIRECTIONS[pair(match)[0]]}")
