"""Names of tables, chains, sets and objects that both of nft's languages can say."""

from __future__ import annotations

import re

from polc.backends.nft.refused import Refused

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]{0,126}\Z", re.ASCII)

# Words that nft's scanner never reads as a name, and that cannot be quoted there (nftables, src/scanner.l;
# of all versions from 0.9.8 on, whether special everywhere or in some places alone).
_WORDS = """
accept ackseq add addr ah all and arp auto-merge avgpkt bridge burst bypass bytes cfi cgroup cgroupv2 chain chains
checksum classid code comment comp constant continue cookie count counter counters cpi cpu create ct daddr day dccp
define delete describe destroy device devices dnat doff dport drop dscp dst dup dynamic echo ecn egress element
elements eol eq esp ether event exists expectation expiration expires export exthdr fanout fib flags flow flowlabel
flowtable flowtables flush frag frag-off fully-random fwd gateway gc-interval ge geneve get goto gre gretap group gt
handle hbh hdrlength helper helpers hlen hook hooks hoplimit hour htype ibridgename ibriport ibrname ibrpvid ibrvproto
icmp icmpv6 icmpx id igmp iif iifgroup iifname iiftype import in inc include index inet init insert interval ip ip6
ipsec jhash json jump kind l3proto label last last-entry lastbytes lastuse le left length level limit limits list ll
log lshift lsrr lt mac mangle map maps mark masquerade max-delay maxseg md5sig memory meta meter meters mh microsecond
millisecond minute missing mod mode monitor more-fragments mptcp mrt mss mtu name nanosecond ne netdev netlink netmap
never nexthdr nexthop nftrace nh noop not notrack num numgen obriport obrname offload offset oif oifgroup oifname
oiftype op operation option options or original osf out over owner packets packet param-problem pcp performance
persist persistent pkttype plen policy port position prefix priority proto-dst proto-src protocol ptr ptype queue
queue-threshold quota quotas ra random rate rawpayload redefine redirect reject rename replace reply reqid reserved
reserved2 reset return right router-alert rr rshift rt rt0 rt2 rt4 rtclassid rule rules ruleset sack sack-perm
sack-permitted sack0 sack1 sack2 sack3 saddr sctp sctpchunk secmark secmarks second seed seg-left seq sequence set
sets sid size skgid skuid snaplen snat socket spi spnum sport srh ssrr state status stop string symhash synproxy
synproxys table tables tag tcp tcpopt th time timeout timeouts timestamp to tproxy trace transparent transport tsecr
tsval ttl tunnel type typeof udp udplite undefine until update urgptr used value version vlan vmap vni vtag vxlan week
wildcard window with wscale xml xor zone
"""
_KEYWORDS = frozenset(_WORDS.split())


def is_name(name: str) -> bool:
    return name not in _KEYWORDS and _IDENTIFIER.match(name) is not None


def check_name(kind: str, name: str) -> None:
    """Raises:
    Refused: nft cannot take this name.
    """
    if name in _KEYWORDS:
        raise Refused(f"`{name}` is a word of nft's own language, so no {kind} can be named so", "another name")
    if not _IDENTIFIER.match(name):
        raise Refused(
            f"`{name}` cannot be the name of a {kind}",
            "a name of at most 127 ASCII letters, digits, `_`, `-`, `.` and `/` that begins with a letter",
        )


def check_device(name: str, *, quoted: bool = False) -> None:
    """``quoted``: not in a list, where nft 0.9.8 has no quotes.

    Raises:
        Refused: nft cannot take this interface.
    """
    plain = name.isprintable() and not {*'"\\ /'} & {*name} if quoted else is_name(name)
    if not plain or not 1 <= len(name.encode()) <= _LONGEST_DEVICE:
        where = "be named as a device" if quoted else "stand in a list of devices"
        raise Refused(f"`{name}` cannot {where}", "an interface of another name")


_LONGEST_DEVICE = 15  # IFNAMSIZ is 16, its last byte NUL (linux/if.h)


class FreshNames:
    """Gives names that nothing else has yet."""

    def __init__(self, taken: frozenset[str]) -> None:
        self._taken = set(taken)

    def like(self, wanted: str) -> str:
        """``wanted``, as nft can spell it, or it with the first free number behind."""
        spelled = _spelled(wanted)
        name, number = spelled, 2
        while name in self._taken:
            name, number = f"{spelled[: _LONGEST_NAME - len(str(number)) - 1]}-{number}", number + 1
        self._taken.add(name)
        return name


def _spelled(name: str) -> str:
    """The name with `_` where nft has no such letter, and behind a word of its language."""
    if is_name(name):
        return name
    found = _NO_LETTER.sub("_", name)[:_LONGEST_NAME]
    if not found or not (found[0].isalpha() or found[0] == "_"):
        found = f"_{found}"[:_LONGEST_NAME]
    return f"{found}_" if found in _KEYWORDS else found


_LONGEST_NAME = 127  # as _IDENTIFIER has it
_NO_LETTER = re.compile(r"[^A-Za-z0-9_./-]")
