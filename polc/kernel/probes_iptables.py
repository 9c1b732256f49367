"""What is loaded to find out whether this host's kernel has a module of xtables, or a type of ipset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from polc.backends.features import Feature
from polc.ir.family import Family

SET: Final = "polc-probe"
"""A set of addresses that is there before the lines are loaded."""


@dataclass(frozen=True, slots=True)
class Line:
    """A rule of ``chain`` of ``table``: ``words`` without ``-A CHAIN``; a second one may stand on a line of its own."""

    words: str
    table: str = "filter"
    chain: str = "INPUT"
    family: Family = Family.IP


def _ip6(words: str, table: str = "filter", chain: str = "INPUT") -> Line:
    return Line(words, table, chain, Family.IP6)


def _both(words: str, table: str = "filter", chain: str = "INPUT") -> tuple[Line, Line]:
    """For what has an option of its own for each family."""
    return Line(words, table, chain), _ip6(words, table, chain)


def _match(words: str) -> tuple[Line]:
    return (Line(words),)


def _mangle(words: str, chain: str = "PREROUTING") -> tuple[Line]:
    return (Line(words, "mangle", chain),)


LINES: dict[Feature, tuple[Line, ...]] = {
    Feature.XT_ADDRTYPE: _match("-m addrtype --dst-type LOCAL"),
    Feature.XT_AH: _both("-p ah -m ah --ahspi 1"),
    Feature.XT_BPF: _match('-m bpf --bytecode "1,6 0 0 0"'),
    Feature.XT_CGROUP: _match("-m cgroup --cgroup 1"),
    Feature.XT_CLUSTER: _match("-m cluster --cluster-total-nodes 2 --cluster-local-node 1 --cluster-hash-seed 1"),
    Feature.XT_COMMENT: _match("-m comment --comment x"),
    Feature.XT_CONNBYTES: _match("-m connbytes --connbytes 1 --connbytes-mode packets --connbytes-dir both"),
    Feature.XT_CONNLABEL: _match("-m connlabel --label 1"),
    Feature.XT_CONNLIMIT: _match("-m connlimit --connlimit-above 1"),
    Feature.XT_CONNMARK: _match("-m connmark --mark 1"),
    Feature.XT_CONNTRACK: _match("-m conntrack --ctstate NEW"),
    Feature.XT_CPU: _match("-m cpu --cpu 0"),
    Feature.XT_DCCP: _match("-p dccp -m dccp --dport 1"),
    Feature.XT_DEVGROUP: _match("-m devgroup --src-group 1"),
    Feature.XT_DSCP: _match("-m dscp --dscp 1"),
    Feature.XT_DST: (_ip6("-m dst --dst-len 8"),),
    Feature.XT_ECN: _match("-p tcp -m ecn --ecn-tcp-cwr"),
    Feature.XT_ESP: _match("-p esp -m esp --espspi 1"),
    Feature.XT_EUI64: (_ip6("-m eui64"),),
    Feature.XT_FRAG: (_ip6("-m frag --fragid 1"),),
    Feature.XT_HASHLIMIT: _match("-m hashlimit --hashlimit-upto 1/sec --hashlimit-mode srcip --hashlimit-name x"),
    Feature.XT_HBH: (_ip6("-m hbh --hbh-len 8"),),
    Feature.XT_HELPER: _match("-m helper --helper ftp"),
    Feature.XT_HL: (_ip6("-m hl --hl-eq 1"),),
    Feature.XT_IPCOMP: _match("-p ipcomp -m ipcomp --ipcompspi 1"),
    Feature.XT_IPRANGE: _match("-m iprange --src-range 192.0.2.1-192.0.2.9"),
    Feature.XT_IPV6HEADER: (_ip6("-m ipv6header --header frag --soft"),),
    Feature.XT_LENGTH: _match("-m length --length 1:100"),
    Feature.XT_LIMIT: _match("-m limit --limit 1/sec"),
    Feature.XT_MAC: _match("-m mac --mac-source 02:00:00:00:00:01"),
    Feature.XT_MARK: _match("-m mark --mark 1"),
    Feature.XT_MH: (_ip6("-p ipv6-mh -m mh --mh-type 1"),),
    Feature.XT_MULTIPORT: _match("-p tcp -m multiport --dports 1,2"),
    Feature.XT_OSF: _match("-p tcp -m osf --genre Linux"),
    Feature.XT_OWNER: (Line("-m owner --uid-owner 0", chain="OUTPUT"),),
    Feature.XT_PHYSDEV: _match("-m physdev --physdev-in lo"),
    Feature.XT_PKTTYPE: _match("-m pkttype --pkt-type unicast"),
    Feature.XT_POLICY: _match("-m policy --dir in --pol none"),
    Feature.XT_QUOTA: _match("-m quota --quota 1"),
    Feature.XT_RATEEST: _match(
        "-j RATEEST --rateest-name x --rateest-interval 250ms --rateest-ewmalog 500ms\n-m rateest --rateest x "
        "--rateest-gt --rateest-pps1 1"
    ),
    Feature.XT_REALM: _match("-m realm --realm 1"),
    Feature.XT_RECENT: _match("-m recent --name x --set"),
    Feature.XT_RPFILTER: _both("-m rpfilter", "mangle", "PREROUTING"),
    Feature.XT_RT: (_ip6("-m rt --rt-type 0"),),
    Feature.XT_SCTP: _match("-p sctp -m sctp --dport 1"),
    Feature.XT_SET: _match(f"-m set --match-set {SET} src"),
    Feature.XT_SOCKET: _mangle("-m socket --transparent"),
    Feature.XT_STATISTIC: _match("-m statistic --mode nth --every 2 --packet 0"),
    Feature.XT_STRING: _match("-m string --algo bm --string x"),
    Feature.XT_TCPMSS: _match("-p tcp -m tcpmss --mss 1:100"),
    Feature.XT_TIME: _match("-m time --weekdays Mon"),
    Feature.XT_TTL: _match("-m ttl --ttl-eq 1"),
    Feature.XT_U32: _match('-m u32 --u32 "0=1"'),
    Feature.XT_AUDIT: _match("-j AUDIT --type accept"),
    Feature.XT_CHECKSUM: _mangle("-p udp -j CHECKSUM --checksum-fill"),
    Feature.XT_CLASSIFY: _mangle("-j CLASSIFY --set-class 1:1", "POSTROUTING"),
    Feature.XT_CONNMARK_TARGET: _mangle("-j CONNMARK --save-mark"),
    Feature.XT_CT: (Line("-j CT --notrack", "raw", "PREROUTING"),),
    Feature.XT_DNAT: (
        Line("-j DNAT --to-destination 192.0.2.1", "nat", "PREROUTING"),
        _ip6("-j DNAT --to-destination 2001:db8::1", "nat", "PREROUTING"),
    ),
    Feature.XT_DSCP_TARGET: _mangle("-j DSCP --set-dscp 1"),
    Feature.XT_HL_TARGET: (_ip6("-j HL --hl-set 1", "mangle", "PREROUTING"),),
    Feature.XT_LOG: _both("-j LOG"),
    Feature.XT_MARK_TARGET: _mangle("-j MARK --set-xmark 1"),
    Feature.XT_MASQUERADE: _both("-j MASQUERADE", "nat", "POSTROUTING"),
    Feature.XT_NETMAP: (Line("-j NETMAP --to 192.0.2.0/24", "nat", "PREROUTING"),),
    Feature.XT_NFLOG: _match("-j NFLOG --nflog-group 1"),
    Feature.XT_NFQUEUE: _match("-j NFQUEUE --queue-num 1"),
    Feature.XT_RATEEST_TARGET: _match("-j RATEEST --rateest-name y --rateest-interval 250ms --rateest-ewmalog 500ms"),
    Feature.XT_REDIRECT: (Line("-p tcp -j REDIRECT --to-ports 1", "nat", "PREROUTING"),),
    Feature.XT_REJECT: _both("-j REJECT"),
    Feature.XT_SET_TARGET: _match(f"-j SET --add-set {SET} src"),
    Feature.XT_SNAT: (
        Line("-j SNAT --to-source 192.0.2.1", "nat", "POSTROUTING"),
        _ip6("-j SNAT --to-source 2001:db8::1", "nat", "POSTROUTING"),
    ),
    Feature.XT_SYNPROXY: _both("-p tcp -j SYNPROXY --mss 1460"),
    Feature.XT_TCPMSS_TARGET: _mangle("-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1000", "FORWARD"),
    Feature.XT_TCPOPTSTRIP: _mangle("-p tcp -j TCPOPTSTRIP --strip-options 8"),
    Feature.XT_TEE: _mangle("-j TEE --gateway 192.0.2.1"),
    Feature.XT_TPROXY: _mangle("-p tcp -j TPROXY --on-port 1 --tproxy-mark 1"),
    Feature.XT_TRACE: (Line("-j TRACE", "raw", "PREROUTING"),),
    Feature.XT_TTL_TARGET: _mangle("-j TTL --ttl-set 1"),
}

_MORE: Final = {Feature.IPSET_BITMAP_PORT: "range 1-9"}

CREATES: dict[Feature, str] = {
    feature: f"{feature.value.partition(' ')[2]} {_MORE.get(feature, '')}".rstrip()
    for feature in Feature
    if feature.value.startswith("ipset ")
}
"""What stands behind ``create NAME`` of ipset."""
