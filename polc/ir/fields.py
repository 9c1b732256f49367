"""The header and metadata fields that rules match, and the facts about each.

A field is named as nft names it (nft(8), PAYLOAD, META and CONNTRACK EXPRESSIONS). Values are integers:
addresses, names and flags have node kinds of their own in ``polc.ir.matches``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from polc.ir.family import Family
from polc.ir.protocols import DCCP, PROTOCOLS, TCP


class Field(Enum):
    """Integer fields. The value is the field's name in ``where``."""

    TTL = "ip ttl"
    IP_DSCP = "ip dscp"
    IP_ECN = "ip ecn"
    IP_LENGTH = "ip length"
    HOPLIMIT = "ip6 hoplimit"
    IP6_DSCP = "ip6 dscp"
    IP6_ECN = "ip6 ecn"
    TCP_MSS = "tcp option maxseg size"
    META_MARK = "meta mark"
    META_LENGTH = "meta length"
    META_SKUID = "meta skuid"
    META_SKGID = "meta skgid"
    META_IIFGROUP = "meta iifgroup"
    META_OIFGROUP = "meta oifgroup"
    META_CGROUP = "meta cgroup"
    META_PKTTYPE = "meta pkttype"
    META_DAY = "meta day"
    META_HOUR = "meta hour"
    CT_MARK = "ct mark"
    CT_ZONE = "ct zone"
    CT_DIRECTION = "ct direction"
    CT_EXPIRATION = "ct expiration"
    CT_BYTES = "ct bytes"
    CT_PACKETS = "ct packets"
    CT_ORIGINAL_SPORT = "ct original proto-src"
    CT_ORIGINAL_DPORT = "ct original proto-dst"
    CT_ORIGINAL_PROTOCOL = "ct original protocol"
    CT_ORIGINAL_BYTES = "ct original bytes"
    CT_ORIGINAL_PACKETS = "ct original packets"
    CT_ORIGINAL_AVGPKT = "ct original avgpkt"
    CT_REPLY_SPORT = "ct reply proto-src"
    CT_REPLY_DPORT = "ct reply proto-dst"
    CT_REPLY_BYTES = "ct reply bytes"
    CT_REPLY_PACKETS = "ct reply packets"
    CT_REPLY_AVGPKT = "ct reply avgpkt"
    CT_AVGPKT = "ct avgpkt"
    ETHER_SADDR = "ether saddr"
    ETHER_DADDR = "ether daddr"
    ETHER_TYPE = "ether type"
    VLAN_ID = "vlan id"
    META_CPU = "meta cpu"
    META_PRIORITY = "meta priority"
    META_RTCLASSID = "meta rtclassid"
    META_PROTOCOL = "meta protocol"
    AH_SPI = "ah spi"
    ESP_SPI = "esp spi"
    DCCP_TYPE = "dccp type"
    MH_TYPE = "mh type"


@dataclass(frozen=True, slots=True)
class FieldFact:
    """``bits`` wide (values 0..2**bits - 1); only packets of ``family`` and ``protocol`` have it (None: all do).

    ``names`` are the words that stand for values; ``maskable`` fields may be matched under a mask.
    """

    bits: int
    family: Family | None = None
    protocol: int | None = None
    maskable: bool = False
    names: tuple[tuple[str, int], ...] = ()

    @property
    def highest(self) -> int:
        return (1 << self.bits) - 1


# RFC 2474, 2597, 3246, 5865 and 8622, as in iproute2's rt_dsfield table and nft's DSCP symbols.
_DSCP = (
    ("cs0", 0), ("cs1", 8), ("cs2", 16), ("cs3", 24), ("cs4", 32), ("cs5", 40), ("cs6", 48), ("cs7", 56),
    ("af11", 10), ("af12", 12), ("af13", 14), ("af21", 18), ("af22", 20), ("af23", 22),
    ("af31", 26), ("af32", 28), ("af33", 30), ("af41", 34), ("af42", 36), ("af43", 38), ("va", 44), ("ef", 46),
    ("df", 0), ("be", 0), ("lephb", 1),
)  # fmt: skip
_ECN = (("not-ect", 0), ("ect1", 1), ("ect0", 2), ("ce", 3))  # RFC 3168, 5
_PKTTYPE = (("unicast", 0), ("host", 0), ("broadcast", 1), ("multicast", 2), ("other", 3))  # uapi/linux/if_packet.h
_DIRECTION = (("original", 0), ("reply", 1))  # uapi/linux/netfilter/nf_conntrack_tuple_common.h
_DAYS = (
    ("sunday", 0), ("monday", 1), ("tuesday", 2), ("wednesday", 3), ("thursday", 4), ("friday", 5), ("saturday", 6),
)  # fmt: skip  # net/netfilter/nft_meta.c, nft_meta_weekday
_ETHER_TYPES = (
    # uapi/linux/if_ether.h; names as nft's
    ("ip", 0x0800), ("arp", 0x0806), ("ip6", 0x86DD), ("vlan", 0x8100), ("8021q", 0x8100), ("8021ad", 0x88A8),
)  # fmt: skip
_DCCP_TYPES = (
    # RFC 4340, 5.1; names as nft's
    ("request", 0), ("response", 1), ("data", 2), ("ack", 3), ("dataack", 4), ("closereq", 5), ("close", 6),
    ("reset", 7), ("sync", 8), ("syncack", 9),
)  # fmt: skip
_MH_TYPES = (
    # IANA, Mobility Header Types (RFC 6275, 5568, 5142, 5096); names as nft's
    ("binding-refresh-request", 0), ("home-test-init", 1), ("careof-test-init", 2), ("home-test", 3),
    ("careof-test", 4), ("binding-update", 5), ("binding-acknowledgement", 6), ("binding-error", 7),
    ("fast-binding-update", 8), ("fast-binding-acknowledgement", 9), ("fast-binding-advertisement", 10),
    ("experimental-mobility-header", 11), ("home-agent-switch-message", 12),
)  # fmt: skip
_PRIORITIES = (("none", 0), ("root", 0xFFFFFFFF))  # uapi/linux/pkt_sched.h, TC_H_UNSPEC and TC_H_ROOT

FIELDS: dict[Field, FieldFact] = {
    Field.TTL: FieldFact(8, Family.IP),  # RFC 791, 3.1
    Field.IP_DSCP: FieldFact(6, Family.IP, names=_DSCP),  # RFC 2474, 3
    Field.IP_ECN: FieldFact(2, Family.IP, names=_ECN),
    Field.IP_LENGTH: FieldFact(16, Family.IP),
    Field.HOPLIMIT: FieldFact(8, Family.IP6),  # RFC 8200, 3
    Field.IP6_DSCP: FieldFact(6, Family.IP6, names=_DSCP),
    Field.IP6_ECN: FieldFact(2, Family.IP6, names=_ECN),
    Field.TCP_MSS: FieldFact(16, protocol=TCP),  # RFC 9293, 3.2
    Field.META_MARK: FieldFact(32, maskable=True),
    Field.META_LENGTH: FieldFact(32),
    Field.META_SKUID: FieldFact(32),
    Field.META_SKGID: FieldFact(32),
    Field.META_IIFGROUP: FieldFact(32),
    Field.META_OIFGROUP: FieldFact(32),
    Field.META_CGROUP: FieldFact(32),
    Field.META_PKTTYPE: FieldFact(8, names=_PKTTYPE),
    Field.META_DAY: FieldFact(8, names=_DAYS),
    Field.META_HOUR: FieldFact(32),
    Field.CT_MARK: FieldFact(32, maskable=True),
    Field.CT_ZONE: FieldFact(16),
    Field.CT_DIRECTION: FieldFact(8, names=_DIRECTION),
    Field.CT_EXPIRATION: FieldFact(32),
    Field.CT_BYTES: FieldFact(64),
    Field.CT_PACKETS: FieldFact(64),
    Field.CT_ORIGINAL_SPORT: FieldFact(16),
    Field.CT_ORIGINAL_DPORT: FieldFact(16),
    Field.CT_ORIGINAL_PROTOCOL: FieldFact(8, names=tuple(PROTOCOLS.items())),
    Field.CT_ORIGINAL_BYTES: FieldFact(64),
    Field.CT_ORIGINAL_PACKETS: FieldFact(64),
    Field.CT_ORIGINAL_AVGPKT: FieldFact(64),
    Field.CT_REPLY_SPORT: FieldFact(16),
    Field.CT_REPLY_DPORT: FieldFact(16),
    Field.CT_REPLY_BYTES: FieldFact(64),
    Field.CT_REPLY_PACKETS: FieldFact(64),
    Field.CT_REPLY_AVGPKT: FieldFact(64),
    Field.CT_AVGPKT: FieldFact(64),
    Field.ETHER_SADDR: FieldFact(48),  # IEEE 802.3, 3.2.3
    Field.ETHER_DADDR: FieldFact(48),
    Field.ETHER_TYPE: FieldFact(16, names=_ETHER_TYPES),
    Field.VLAN_ID: FieldFact(12),  # IEEE 802.1Q, 9.6
    Field.META_CPU: FieldFact(32),
    Field.META_PRIORITY: FieldFact(32, names=_PRIORITIES),
    Field.META_RTCLASSID: FieldFact(32, maskable=True),
    Field.META_PROTOCOL: FieldFact(16, names=_ETHER_TYPES),
    Field.AH_SPI: FieldFact(32, protocol=51),  # RFC 4302, 2.4
    Field.ESP_SPI: FieldFact(32, protocol=50),  # RFC 4303, 2.1
    Field.DCCP_TYPE: FieldFact(4, protocol=DCCP, names=_DCCP_TYPES),
    Field.MH_TYPE: FieldFact(8, Family.IP6, names=_MH_TYPES),  # RFC 6275, 6.1.1
}

TCP_FLAG_BITS: dict[str, int] = {
    # RFC 9293, 3.1; names as nft's
    "fin": 0x01, "syn": 0x02, "rst": 0x04, "psh": 0x08, "ack": 0x10, "urg": 0x20, "ecn": 0x40, "cwr": 0x80,
}  # fmt: skip

CT_STATUS_BITS: dict[str, int] = {
    # uapi/linux/netfilter/nf_conntrack_common.h, enum ip_conntrack_status; names as nft's
    "expected": 0x1, "seen-reply": 0x2, "assured": 0x4, "confirmed": 0x8, "snat": 0x10, "dnat": 0x20, "dying": 0x200,
}  # fmt: skip

TCP_OPTION_KINDS: dict[str, int] = {
    # IANA's registry of TCP option kinds (RFC 9293, 7323, 2018, 7413, 8684); names as nft's
    "maxseg": 2, "window": 3, "sack-perm": 4, "sack": 5, "timestamp": 8, "md5sig": 19, "mptcp": 30, "fastopen": 34,
}  # fmt: skip
