"""What matches of iptables mean: each as nodes, in its own words, or as nothing that a packet can meet."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from importing import import_all, rules, table

from polc.importers.iptables.registry import MATCHES
from polc.ir.addresses import AddressSet, parse_address
from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressMatch,
    AddressType,
    AddressTypeMatch,
    CtState,
    CtStateMatch,
    ElementMatch,
    ExtensionHeader,
    ExtensionHeaderMatch,
    FieldMatch,
    FlagField,
    FlagsMatch,
    IcmpTerm,
    InterfaceMatch,
    Match,
    NameField,
    NameMatch,
    OpaqueMatch,
    OriginalAddressMatch,
    PortTerm,
    ReversePathMatch,
    ServiceMatch,
    Syntax,
    TcpOptionMatch,
    Trait,
    TraitMatch,
)
from polc.ir.ruleset import Rule
from polc.ir.selectors import Direction, InterfacePattern, Side, Transport
from polc.ir.stateful import (
    Amount,
    Connections,
    EveryNth,
    KeyField,
    KeyPart,
    Limit,
    Quota,
    RandomMatch,
    Rate,
    RecentMatch,
    RecentVerb,
    Unit,
)
from polc.ir.verdicts import Drop, Jump, Return

ANY = Intervals(((0, 65535),))


def addresses(*texts: str) -> AddressSet:
    return AddressSet.of(map(parse_address, texts))


def one(value: int) -> Intervals:
    return Intervals.single(value)


def field(
    which: Field, low: int, high: int | None = None, negated: bool = False, mask: int | None = None
) -> FieldMatch:
    return FieldMatch(which, Intervals(((low, low if high is None else high),)), mask, negated)


def tcp(sport: Intervals | None = None, dport: Intervals | None = None, protocol: int = 6) -> ServiceMatch:
    return ServiceMatch((PortTerm(protocol, sport, dport),))


def own(words: str) -> OpaqueMatch:
    return OpaqueMatch(words, Syntax.IPTABLES)


SOURCE = (KeyPart(KeyField.SOURCE),)

IP: list[tuple[str, tuple[Match, ...]]] = [
    ("-s 192.0.2.0/24", (AddressMatch(Side.SADDR, addresses("192.0.2.0/24")),)),
    ("! -d 192.0.2.9/24", (AddressMatch(Side.DADDR, addresses("192.0.2.0/24"), True),)),
    ("-s 10/8", (AddressMatch(Side.SADDR, addresses("10.0.0.0/8")),)),
    ("-s 0.0.0.0/0 -d 0/0", ()),
    ("-s 10.0.0.0/255.254.255.0", (AddressMatch(Side.SADDR, addresses("10.0.0.0/24", "10.1.0.0/24")),)),
    ("-s 10.0.0.5/255.0.0.255", (own('-m u32 --u32 "0xc&0xff0000ff=0xa000005"'),)),
    ("! -d 10.0.0.5/255.0.0.255", (own('-m u32 ! --u32 "0x10&0xff0000ff=0xa000005"'),)),
    ("-i eth0", (InterfaceMatch(Direction.IN, (InterfacePattern("eth0"),)),)),
    ("! -i eth+", (InterfaceMatch(Direction.IN, (InterfacePattern("eth", True),), True),)),
    ("-i +", ()),
    ("-i eth*", (InterfaceMatch(Direction.IN, (InterfacePattern("eth*"),)),)),
    ("-p all", ()),
    ("-p 47", (tcp(protocol=47),)),
    ("! -p udp", (ElementMatch((Transport.PROTOCOL,), ((one(17),),), True),)),
    ("-p icmpv6", (ElementMatch((Transport.PROTOCOL,), ((one(58),),)),)),
    ("-f", (TraitMatch(Trait.FRAGMENT),)),
    ("! -f", (TraitMatch(Trait.FRAGMENT, True),)),
    ("-p tcp --dport 22", (tcp(dport=one(22)),)),
    ("-p tcp --sport 1024: --dport :1023", (tcp(Intervals(((1024, 65535),)), Intervals(((0, 1023),))),)),
    ("-p tcp ! --dport 22", (tcp(dport=Intervals(((0, 21), (23, 65535)))),)),
    ("-p udp -m udp", (tcp(None, ANY, 17),)),
    ("-p tcp --dport 0:65535", (tcp(None, ANY),)),
    ("-p tcp --dport 80 -m multiport --sports 1,2,7", (tcp(Intervals(((1, 2), (7, 7))), one(80)),)),
    ("-p tcp -m multiport ! --dports 80,443", (tcp(dport=Intervals(((0, 79), (81, 442), (444, 65535)))),)),
    ("-p udplite -m multiport --dports 53", (tcp(dport=one(53), protocol=136),)),
    (
        "-p udp -m multiport --ports 53",
        (
            ServiceMatch(
                (PortTerm(17, Intervals(((0, 52), (54, 65535))), one(53)), PortTerm(17, one(53), None)),
            ),
        ),
    ),
    ("-p udp -m multiport ! --ports 53", (tcp(*[Intervals(((0, 52), (54, 65535)))] * 2, 17),)),
    ("-p tcp --syn", (tcp(), FlagsMatch(FlagField.TCP_FLAGS, 0x17, 2))),
    ("-p tcp ! --syn", (tcp(), FlagsMatch(FlagField.TCP_FLAGS, 0x17, 2, True))),
    ("-p tcp --tcp-flags ALL NONE", (tcp(), FlagsMatch(FlagField.TCP_FLAGS, 0x3F, 0))),
    ("-p tcp --dport 1 --tcp-flags SYN,ACK SYN", (tcp(dport=one(1)), FlagsMatch(FlagField.TCP_FLAGS, 0x12, 2))),
    ("-p tcp ! --tcp-option 8", (tcp(), TcpOptionMatch(8, True))),
    ("-p tcp --tcp-option 1", (tcp(), own("-m tcp --tcp-option 1"))),
    ("-p tcp -m tcpmss --mss 5:9", (tcp(), field(Field.TCP_MSS, 5, 9))),
    ("-p icmp --icmp-type 3/4", (ServiceMatch((IcmpTerm(1, 3, 4),)),)),
    ("-p icmp --icmp-type echo-request", (ServiceMatch((IcmpTerm(1, 8),)),)),
    ("-p icmp --icmp-type fragmentation-n", (ServiceMatch((IcmpTerm(1, 3, 4),)),)),
    ("-p icmp --icmp-type any", (tcp(protocol=1), TraitMatch(Trait.FRAGMENT, True))),
    ("-p sctp --dport 9", (tcp(dport=one(9), protocol=132),)),
    (
        "-p sctp --dport 9 ! --chunk-types any DATA:Be,INIT",
        (tcp(dport=one(9), protocol=132), own("-m sctp ! --chunk-types any DATA:Be,INIT")),
    ),
    ("-p dccp --dccp-types REQUEST,SYNC", (tcp(protocol=33), FieldMatch(Field.DCCP_TYPE, Intervals(((0, 0), (8, 8)))))),
    ("-p esp --espspi 5:9", (tcp(protocol=50), field(Field.ESP_SPI, 5, 9))),
    ("-p ah -m ah", (tcp(protocol=51), field(Field.AH_SPI, 0, 0xFFFFFFFF))),
    ("-p 108 -m ipcomp --ipcompspi 18", (tcp(protocol=108), own("-m ipcomp --ipcompspi 18"))),
    ("-m state --state new,Established", (CtStateMatch(CtState.NEW | CtState.ESTABLISHED),)),
    (
        "-m state ! --state NEW",
        (CtStateMatch(CtState.INVALID | CtState.ESTABLISHED | CtState.RELATED | CtState.UNTRACKED),),
    ),
    ("-m conntrack --ctstate DNAT", (FlagsMatch(FlagField.CT_STATUS, 0x20, 0x20),)),
    ("-m conntrack --ctstate SNAT,DNAT", (FlagsMatch(FlagField.CT_STATUS, 0x30, 0, True),)),
    ("-m conntrack --ctstatus ASSURED,CONFIRMED", (FlagsMatch(FlagField.CT_STATUS, 0xC, 0, True),)),
    ("-m conntrack ! --ctstatus ASSURED", (FlagsMatch(FlagField.CT_STATUS, 4, 0),)),
    ("-m conntrack --ctproto udp --ctdir reply", (field(Field.CT_ORIGINAL_PROTOCOL, 17), field(Field.CT_DIRECTION, 1))),
    ("-m conntrack --ctorigsrc 192.0.2.0/24", (OriginalAddressMatch(Side.SADDR, addresses("192.0.2.0/24")),)),
    (
        "-m conntrack ! --ctrepldst 192.0.2.1",
        (OriginalAddressMatch(Side.DADDR, addresses("192.0.2.1"), True, reply=True),),
    ),
    ("-m conntrack --ctorigdstport 5:9", (field(Field.CT_ORIGINAL_DPORT, 5, 9),)),
    ("-m conntrack ! --ctreplsrcport 5", (field(Field.CT_REPLY_SPORT, 5, negated=True),)),
    ("-m conntrack --ctexpire 5:", (field(Field.CT_EXPIRATION, 5, 0xFFFFFFFF),)),
    # Without a flow nothing but the state is asked.
    (
        "-m conntrack --ctstate ESTABLISHED --ctdir ORIGINAL",
        (CtStateMatch(CtState.ESTABLISHED), field(Field.CT_DIRECTION, 0)),
    ),
    ("-m connmark ! --mark 1/3", (field(Field.CT_MARK, 1, negated=True, mask=3),)),
    ("-m mark --mark 0x10", (field(Field.META_MARK, 0x10),)),
    (
        "-m connbytes --connbytes 5 --connbytes-mode bytes --connbytes-dir reply",
        (field(Field.CT_REPLY_BYTES, 5, 2**64 - 1),),
    ),
    (
        "-m connbytes ! --connbytes 5:9 --connbytes-mode avgpkt --connbytes-dir both",
        (field(Field.CT_AVGPKT, 5, 9, negated=True),),
    ),
    ("-m connlimit --connlimit-above 3", (Connections(3, True, SOURCE, "input-1"),)),
    (
        "-m connlimit --connlimit-upto 3 --connlimit-mask 24 --connlimit-daddr",
        (Connections(3, False, (KeyPart(KeyField.DESTINATION, 24),), "input-1"),),
    ),
    ("-m connlimit --connlimit-above 3 --connlimit-mask 0", (Connections(3, True, (), "input-1"),)),
    ("-m limit", (Limit(Rate(3, Unit.HOUR), 5, False, (), "input-1"),)),
    ("-m limit --limit 5/m --limit-burst 7", (Limit(Rate(5, Unit.MINUTE), 7, False, (), "input-1"),)),
    ("-m limit --limit 60/min", (Limit(Rate(1, Unit.SECOND), 5, False, (), "input-1"),)),
    ("-m limit --limit 3000/s", (Limit(Rate(3333, Unit.SECOND), 5, False, (), "input-1"),)),
    (
        "-m hashlimit --hashlimit-above 20/min --hashlimit-burst 20 --hashlimit-mode dstport,srcip "
        "--hashlimit-srcmask 24 --hashlimit-name a --hashlimit-htable-max 9",
        (
            Limit(
                Rate(20, Unit.MINUTE), 20, True, (KeyPart(KeyField.SOURCE, 24), KeyPart(KeyField.DPORT)), "a", 9
            ),
        ),
    ),
    (
        "-m hashlimit ! --hashlimit-upto 20/min --hashlimit-name a",
        (Limit(Rate(20, Unit.MINUTE), 5, True, (), "a"),),
    ),
    # A key is forgotten after one unit of the rate, and the bucket needs longer to be full again.
    (
        "-m hashlimit --hashlimit-upto 1/hour --hashlimit-name a",
        (own("-m hashlimit --hashlimit-upto 1/hour --hashlimit-burst 5 --hashlimit-name a"),),
    ),
    (
        "-m hashlimit --hashlimit-upto 1/hour --hashlimit-name a --hashlimit-htable-expire 18000000",
        (Limit(Rate(1, Unit.HOUR), 5, False, (), "a"),),
    ),
    (
        "-m hashlimit --hashlimit-upto 4kb/s --hashlimit-name a",
        (own("-m hashlimit --hashlimit-upto 4kb/s --hashlimit-name a"),),
    ),
    ("-m quota --quota 5", (Quota(5, False, "input-1"),)),
    ("-m quota ! --quota 5", (Quota(5, True, "input-1"),)),
    ("-m statistic --mode random --probability 0.5", (RandomMatch(2**30),)),
    ("-m statistic --mode random ! --probability .25", (RandomMatch(2**29, True),)),
    ("-m statistic --mode nth --every 3 --packet 1", (EveryNth(3, 1),)),
    ("-m statistic --mode nth --every 1 --packet 0", ()),
    ("-m recent --set", (RecentMatch(RecentVerb.SET, "DEFAULT", SOURCE[0]),)),
    (
        "-m recent ! --rcheck --seconds 60 --hitcount 4 --rttl --name x --mask 255.255.255.0 --rdest",
        (RecentMatch(RecentVerb.RCHECK, "x", KeyPart(KeyField.DESTINATION, 24), 60, 4, True, False, True),),
    ),
    ("-m recent --update --reap --seconds 9", (RecentMatch(RecentVerb.UPDATE, "DEFAULT", SOURCE[0], 9, reap=True),)),
    ("-m recent --remove --name x", (RecentMatch(RecentVerb.REMOVE, "x", SOURCE[0]),)),
    ("-m recent --set --mask 255.0.255.0", (own("-m recent --set --name DEFAULT --mask 255.0.255.0 --rsource"),)),
    (
        "-m addrtype --dst-type LOCAL,BROADCAST",
        (AddressTypeMatch(Side.DADDR, (AddressType.LOCAL, AddressType.BROADCAST)),),
    ),
    (
        "-m addrtype ! --src-type local --limit-iface-in",
        (AddressTypeMatch(Side.SADDR, (AddressType.LOCAL,), True, Direction.IN),),
    ),
    ("-m addrtype --src-type UNSPEC", (own("-m addrtype --src-type UNSPEC"),)),
    ("-m iprange --src-range 192.0.2.1-192.0.2.9", (AddressMatch(Side.SADDR, addresses("192.0.2.1-192.0.2.9")),)),
    ("-m iprange ! --dst-range 192.0.2.9-192.0.2.1", ()),
    ("-m mac --mac-source 0:1:2:3:4:f", (field(Field.ETHER_SADDR, 0x00010203040F),)),
    ("-m pkttype ! --pkt-type bcast", (field(Field.META_PKTTYPE, 1, negated=True),)),
    ("-m length --length :99", (field(Field.META_LENGTH, 0, 99),)),
    ("-m ttl --ttl-lt 5", (field(Field.TTL, 0, 4),)),
    ("-m ttl ! --ttl-eq 5", (field(Field.TTL, 5, negated=True),)),
    ("-m dscp --dscp-class af11", (field(Field.IP_DSCP, 10),)),
    ("-m ecn --ecn-ip-ect 2", (field(Field.IP_ECN, 2),)),
    ("-p tcp -m ecn ! --ecn-tcp-cwr", (tcp(), FlagsMatch(FlagField.TCP_FLAGS, 0x80, 0))),
    ("-m tos --tos 0x10", (field(Field.IP_DSCP, 4), field(Field.IP_ECN, 0))),
    (
        "-m tos --tos Minimize-Delay",
        (FieldMatch(Field.IP_DSCP, Intervals(((4, 4), (20, 20), (36, 36), (52, 52)))), field(Field.IP_ECN, 0)),
    ),
    ("-m tos --tos 0x20/0xfc", (field(Field.IP_DSCP, 8),)),
    ("-m devgroup --src-group 5/0xf", (field(Field.META_IIFGROUP, 5, mask=15),)),
    ("-m realm --realm 7", (field(Field.META_RTCLASSID, 7),)),
    ("-m cpu ! --cpu 1", (field(Field.META_CPU, 1, negated=True),)),
    ("-m helper --helper ftp", (NameMatch(NameField.CT_HELPER, "ftp"),)),
    ("-p tcp -m osf --genre Linux", (tcp(), NameMatch(NameField.OSF_NAME, "Linux"))),
    ("-p tcp -m osf --genre Linux --log 0", (tcp(), own("-m osf --genre Linux --log 0"))),
    ("-m policy --dir in --pol none", (TraitMatch(Trait.IPSEC, True),)),
    ("-m policy --dir in --pol ipsec --proto esp", (own("-m policy --dir in --pol ipsec --proto esp"),)),
    ("-m socket --nowildcard --transparent", (TraitMatch(Trait.SOCKET),)),
    ("-m socket --transparent", (own("-m socket --transparent"),)),
    ("-m time", ()),
    ("-m time --timestart 08:00 --timestop 17:30", (field(Field.META_HOUR, 8 * 3600, 17 * 3600 + 1800),)),
    (
        "-m time --timestart 23:00 --timestop 01:00 --datestop 2038-01-19T03:14:07",
        (FieldMatch(Field.META_HOUR, Intervals(((0, 3600), (82800, 86399)))),),
    ),
    ("-m time --weekdays Mo,7", (FieldMatch(Field.META_DAY, Intervals(((0, 1),))),)),
    ("-m time ! --weekdays Sun", (field(Field.META_DAY, 1, 6),)),
    ("-m time --kerneltz", (own("-m time --kerneltz"),)),
    ("-m time --datestart 2024-12-24", (own("-m time --datestart 2024-12-24T00:00:00"),)),
    ('-m string --algo bm --string "a b"', (own('-m string --string "a b" --algo bm'),)),
    ("-m u32 --u32 0=1", (own('-m u32 --u32 "0x0=0x1"'),)),
    ('-m bpf --bytecode "1,6 0 0 1"', (own('-m bpf --bytecode "1,6 0 0 1"'),)),
    ("-m physdev --physdev-in eth+", (own("-m physdev --physdev-in eth+"),)),
    ("-m ipvs ! --ipvs --vport 80", (own("-m ipvs ! --ipvs --vport 80"),)),
    ("-m connlabel --label 3 --set", (own('-m connlabel --label "3" --set'),)),
    ("-m nfacct --nfacct-name web", (own("-m nfacct --nfacct-name web"),)),
    (
        "-m rateest --rateest a --rateest-gt --rateest-pps 5",
        (own("-m rateest --rateest a --rateest-gt --rateest-pps 5"),),
    ),
    (
        "-m cluster --cluster-total-nodes 2 --cluster-local-node 1 --cluster-hash-seed 1",
        (
            own(
                "-m cluster --cluster-local-nodemask 0x00000001 --cluster-total-nodes 2 --cluster-hash-seed 0x00000001"
            ),
        ),
    ),
    ("-m set --match-set nowhere src,dst", (own("-m set --match-set nowhere src,dst"),)),
]  # fmt: skip

IP6: list[tuple[str, tuple[Match, ...]]] = [
    ("-s 2001:db8::1/64", (AddressMatch(Side.SADDR, addresses("2001:db8::/64")),)),
    ("-s ::/0", ()),
    ("-p icmpv6 --icmpv6-type router-adv", (ServiceMatch((IcmpTerm(58, 134),)),)),
    ("-p ipv6-icmp -m icmp6 --icmpv6-type 1/0", (ServiceMatch((IcmpTerm(58, 1, 0),)),)),
    ("-p icmp", (ElementMatch((Transport.PROTOCOL,), ((one(1),),)),)),
    ("-m hl --hl-gt 254", (field(Field.HOPLIMIT, 255),)),
    ("-m hbh", (ExtensionHeaderMatch(ExtensionHeader.HBH),)),
    ("-m hbh --hbh-len 8", (own("-m hbh --hbh-len 8"),)),
    ("-m dst", (ExtensionHeaderMatch(ExtensionHeader.DST),)),
    ("-m rt", (ExtensionHeaderMatch(ExtensionHeader.RT),)),
    ("-m rt --rt-type 0 --rt-segsleft 0", (own("-m rt --rt-type 0 --rt-segsleft 0"),)),
    ("-m frag", (ExtensionHeaderMatch(ExtensionHeader.FRAG),)),
    ("-m frag --fragfirst", (own("-m frag --fragfirst"),)),
    (
        "-m ipv6header ! --header frag,route --soft",
        (ExtensionHeaderMatch(ExtensionHeader.FRAG, True), ExtensionHeaderMatch(ExtensionHeader.RT, True)),
    ),
    ("-m ipv6header --header frag", (own("-m ipv6header --header ipv6-frag"),)),
    ("-p mh -m mh --mh-type bu:7", (tcp(protocol=135), field(Field.MH_TYPE, 5, 7))),
    ("-m ah --ahspi 5", (field(Field.AH_SPI, 5, 5),)),
    ("-m ah --ahlen 24 --ahres", (own("-m ah --ahlen 24 --ahres"),)),
    ("-p tcp -m ah --ahspi 5", (tcp(), own("-m ah --ahspi 5"))),
    ("-m srh --srh-tag 0", (own("-m srh --srh-tag 0"),)),
    ("-m eui64", (own("-m eui64"),)),
    ("-m dscp ! --dscp 8", (field(Field.IP6_DSCP, 8, negated=True),)),
    ("-m addrtype --dst-type LOCAL", (AddressTypeMatch(Side.DADDR, (AddressType.LOCAL,)),)),
    # The kernel tells these by the address alone.
    ("-m addrtype --dst-type MULTICAST", (AddressMatch(Side.DADDR, addresses("ff00::/8")),)),
    (
        "-m addrtype --src-type UNICAST",
        (AddressMatch(Side.SADDR, addresses("ff00::/8", "::", "::ffff:0:0/96"), True),),
    ),
    ("-m recent --set --mask ffff:ffff::", (RecentMatch(RecentVerb.SET, "DEFAULT", KeyPart(KeyField.SOURCE, 32, 32)),)),
    ("-m connlimit --connlimit-above 3 --connlimit-mask 56",
     (Connections(3, True, (KeyPart(KeyField.SOURCE, 32, 56),), "input-1"),)),
]  # fmt: skip


@pytest.mark.parametrize(("words", "expected"), IP, ids=[words for words, _ in IP])
def test_matches_of_iptables(words: str, expected: tuple[Match, ...]) -> None:
    (rule,) = rules(f"-A INPUT {words} -j DROP")
    assert _bare(rule) == Rule(expected, Drop(), (), frozenset({Family.IP}))
    _reasons(rule)


@pytest.mark.parametrize(("words", "expected"), IP6, ids=[words for words, _ in IP6])
def test_matches_of_ip6tables(words: str, expected: tuple[Match, ...]) -> None:
    (rule,) = rules(f"-A INPUT {words} -j DROP", family=Family.IP6)
    assert _bare(rule) == Rule(expected, Drop(), (), frozenset({Family.IP6}))
    _reasons(rule)


def _bare(rule: Rule) -> Rule:
    """The rule without what its opaque matches are elsewhere."""
    matches = (replace(one, nft=None, nearest=None) if isinstance(one, OpaqueMatch) else one for one in rule.matches)
    return replace(rule, matches=tuple(matches))


IN_NFT: list[tuple[str, str, Family]] = [
    ("-m rt --rt-type 0 ! --rt-segsleft 1:3 --rt-len 24", "rt type 0 rt seg-left != 1-3 rt hdrlength 2", Family.IP6),
    ("-m frag --fragid 3:9 --fragfirst --fragmore", "frag id 3-9 frag frag-off 0 frag more-fragments 1", Family.IP6),
    ("-m frag --fragres --fraglast", "frag reserved 0 frag reserved2 0 frag more-fragments 0", Family.IP6),
    ("-m hbh ! --hbh-len 8", "hbh hdrlength != 0", Family.IP6),
    ("-m rt ! --rt-type 256 ! --rt-len 12", "exthdr rt exists exthdr rt exists", Family.IP6),
    ("-m rt --rt-segsleft 9:300", "rt seg-left 9-255", Family.IP6),
    ("-m hbh --hbh-len 2056", "hbh hdrlength 0 hbh hdrlength 1", Family.IP6),
    ("-s 10.1.0.9/255.0.0.255", "ip saddr & 255.0.0.255 == 10.0.0.9", Family.IP),
    ("! -d 2001:db8::9/ffff::ff", "ip6 daddr & ffff::ff != 2001::9", Family.IP6),
    ("-m connlabel --label 40", "ct label 40", Family.IP),
    ("-m dst --dst-len 2048", "dst hdrlength 255", Family.IP6),
    ("-m ah --ahspi 5 ! --ahlen 24 --ahres", "ah hdrlength != 4 ah reserved 0", Family.IP6),
    ("-p ipcomp -m ipcomp --ipcompspi 18:33", "comp cpi 18-33", Family.IP),
    # 2024-12-24 00:00:00 and 2024-12-25 18:00:00 UTC
    (
        "-m time --datestart 2024-12-24 --datestop 2024-12-25T18",
        "meta time >= 1734998400 meta time < 1735149601",
        Family.IP,
    ),
]
NOT_IN_NFT = [
    "-m rt --rt-type 0 --rt-0-res",
    "-m frag --fraglen 8",
    "-m dst --dst-opts 5",
    "-m ah --ahlen 10",
]


@pytest.mark.parametrize(("words", "expected", "family"), IN_NFT, ids=[words for words, *_ in IN_NFT])
def test_what_polc_has_no_node_for_and_nft_words(words: str, expected: str, family: Family) -> None:
    (rule,) = rules(f"-A INPUT {words} -j DROP", family=family)
    (opaque,) = (one for one in rule.matches if isinstance(one, OpaqueMatch))
    assert opaque.nft is not None
    assert opaque.nft.text == expected


@pytest.mark.parametrize("words", NOT_IN_NFT)
def test_what_nft_has_no_words_for(words: str) -> None:
    (rule,) = rules(f"-A INPUT {words} -j DROP", family=Family.IP6)
    assert [one.nft for one in rule.matches if isinstance(one, OpaqueMatch)] == [None]


NEAREST: list[tuple[str, str, tuple[Match, ...]]] = [
    (
        "-m hashlimit --hashlimit-above 10/sec --hashlimit-burst 20 --hashlimit-mode srcip --hashlimit-name a",
        "hashlimit-memory",
        (Limit(Rate(10, Unit.SECOND), 20, True, SOURCE, "a"),),
    ),
    (
        "-m hashlimit --hashlimit-upto 4kb/s --hashlimit-burst 9000 --hashlimit-name a",
        "hashlimit-bytes",
        (Limit(Rate(4096, Unit.SECOND, Amount.BYTES), 4 * 4096, False, (), "a"),),
    ),
    ("-m time --kerneltz --timestart 08:00", "time-in-utc", (field(Field.META_HOUR, 28800, 86399),)),
]


@pytest.mark.parametrize(("words", "name", "expected"), NEAREST, ids=[words for words, *_ in NEAREST])
def test_what_comes_near(words: str, name: str, expected: tuple[Match, ...]) -> None:
    (rule,) = rules(f"-A INPUT {words} -j DROP")
    (opaque,) = rule.matches
    assert isinstance(opaque, OpaqueMatch)
    assert opaque.nearest is not None
    assert (opaque.nearest.name, opaque.nearest.matches) == (name, expected)
    assert opaque.nft is None


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    evening, morning = rules(
        "-A INPUT -m time --contiguous --timestart 23:00 --timestop 01:00 --weekdays Sa -j DROP", chain="input"
    )
    assert evening.matches == (field(Field.META_HOUR, 82800, 86399), field(Field.META_DAY, 6, 6))
    assert morning.matches == (field(Field.META_HOUR, 0, 3600), field(Field.META_DAY, 0, 0))


def _reasons(rule: Rule) -> None:
    for match in rule.matches:
        if isinstance(match, OpaqueMatch):
            assert match.reason
            assert not match.reason.endswith(".")


def test_a_line_is_read_the_same_whatever_stands_before_it() -> None:
    """Shapes and values that were seen are known again."""
    lines = [f"-A INPUT {words} -j DROP" for words, _ in IP]
    alone = [rule for line in lines for rule in rules(line, chain="input")]
    for together in (lines, lines[::-1], [*lines, *lines]):
        found = rules(*together, chain="input")
        expected = alone * (len(found) // len(alone)) if together[0] == lines[0] else alone[::-1]
        assert [_nameless(rule) for rule in found] == [_nameless(rule) for rule in expected]


def _nameless(rule: Rule) -> list[str]:
    """What is counted has the rule's number in its name."""
    return [re.sub(r"input-\d+", "", repr(match)) for match in rule.matches]


LOCAL = [
    ("-m owner --uid-owner 5-9", field(Field.META_SKUID, 5, 9)),
    ("-m owner --gid-owner root", field(Field.META_SKGID, 0)),
    ("-m owner --socket-exists", own("-m owner --socket-exists")),
    ("-m owner --gid-owner 5 --suppl-groups", own("-m owner --gid-owner 5 --suppl-groups")),
    ("-m cgroup ! --cgroup 5", field(Field.META_CGROUP, 5, negated=True)),
    ("-m cgroup --path system.slice", own('-m cgroup --path "system.slice"')),
]


@pytest.mark.parametrize(("words", "expected"), LOCAL, ids=[words for words, _ in LOCAL])
def test_matches_of_local_sockets(words: str, expected: Match) -> None:
    (rule,) = rules(f"-A OUTPUT {words} -j DROP")
    assert rule.matches == (expected,)


def test_reverse_paths() -> None:
    for words, expected in (
        ("", ReversePathMatch(False, True)),
        (" --loose --invert", ReversePathMatch(True, False)),
        (" --validmark", own("-m rpfilter --validmark")),
    ):
        (rule,) = rules(f"-A PREROUTING -m rpfilter{words} -j DROP", name="raw")
        assert _bare(rule).matches == (expected,)


def test_every_match_is_tried() -> None:
    tried = " ".join(words for words, _ in (*IP, *IP6, *LOCAL)) + " -m rpfilter -m comment"
    implied = {"tcp", "udp", "sctp", "dccp", "esp", "icmp"}
    assert {name for name in MATCHES if f"-m {name}" not in tried} <= implied


def test_states_or_nat_are_rules_side_by_side() -> None:
    found = rules("-A INPUT -m conntrack --ctstate NEW,DNAT -j DROP")
    rewritten = FlagsMatch(FlagField.CT_STATUS, 0x20, 0x20)
    assert [rule.matches for rule in found] == [
        (CtStateMatch(CtState.NEW),),
        (CtStateMatch(CtState.ESTABLISHED | CtState.RELATED), rewritten),
    ]
    negated = rules("-A INPUT -m conntrack ! --ctstate NEW,DNAT -j DROP")
    assert [rule.matches for rule in negated] == [
        (CtStateMatch(CtState.INVALID | CtState.UNTRACKED),),
        (CtStateMatch(CtState.ESTABLISHED | CtState.RELATED), FlagsMatch(FlagField.CT_STATUS, 0x20, 0)),
    ]


def test_a_state_without_a_flow_is_asked_nothing_else() -> None:
    """conntrack_mt: a packet without a flow that has the state meets the match whatever else it asks."""
    found = rules("-A INPUT -m conntrack --ctstate INVALID,NEW --ctstatus CONFIRMED -j DROP")
    assert [rule.matches for rule in found] == [
        (CtStateMatch(CtState.INVALID),),
        (CtStateMatch(CtState.NEW), FlagsMatch(FlagField.CT_STATUS, 8, 8)),
    ]


def chains(*lines: str, chains: str = "", name: str = "filter") -> dict[str, tuple[Rule, ...]]:
    (found,), _ = import_all(table(*lines, chains=chains, name=name))
    return {chain.name: chain.rules for chain in found.chains}


def test_what_counts_is_asked_once_for_several_alternatives() -> None:
    found = chains("-A INPUT -m conntrack --ctstate NEW,DNAT -m limit -j DROP")
    (new, rewritten), (limited,) = found["input"], found["input-ip"]
    assert new.verdict == rewritten.verdict == Jump("input-ip")
    assert [type(match) for match in limited.matches] == [Limit]


@pytest.mark.parametrize(
    ("words", "chain", "excluded"),
    [
        ("-m owner ! --uid-owner 0", "OUTPUT", (field(Field.META_SKUID, 0),)),
        ("-m helper ! --helper ftp", "INPUT", (NameMatch(NameField.CT_HELPER, "ftp"),)),
        ("-m tos ! --tos 0x10/0xff", "INPUT", (field(Field.IP_DSCP, 4), field(Field.IP_ECN, 0))),
    ],
)
def test_an_exact_not_takes_a_chain(words: str, chain: str, excluded: tuple[Match, ...]) -> None:
    """``!`` of these holds for packets that have nothing of what is asked about, and a negated node does not."""
    found = chains(f"[5:60] -A {chain} -s 192.0.2.1 {words} -m limit -j LOG", f"-A {chain} {words} -j RETURN")
    name = chain.lower()
    jump, kept = found[name]
    assert jump.verdict == Jump(f"{name}-ip")
    assert not jump.statements
    leave, rest = found[f"{name}-ip"]
    assert (leave.matches, leave.verdict) == (excluded, Return())
    assert [type(match) for match in rest.matches] == [Limit]
    # `return` cannot stand in a chain below.
    assert isinstance(kept.matches[0], OpaqueMatch)
    assert kept.matches[0].words == words
    assert kept.verdict == Return()


def test_a_negated_turn_is_taken_once() -> None:
    found = chains("-A INPUT -m statistic --mode nth ! --every 3 --packet 0 -s 192.0.2.1 -j DROP")
    (jump,), (leave, rest) = found["input"], found["input-ip"]
    assert [type(match) for match in jump.matches] == [AddressMatch]
    assert (leave.matches, leave.verdict) == ((EveryNth(3),), Return())
    assert rest == Rule((), Drop(), (), frozenset({Family.IP}))


def test_what_counts_before_it_is_asked_for_more() -> None:
    """`-m limit` in front of a port takes tokens for every port."""
    found = chains(
        "-A INPUT -p tcp -m limit --limit 5/second -m tcp --dport 22 -m connlimit --connlimit-above 3 -j DROP",
        "-A own -m limit -m mark --mark 1 -j RETURN",
        "-A INPUT -j own",
        chains="own",
    )
    first, second = found["input"], found["input-ip"]
    assert [type(match) for match in first[0].matches] == [ServiceMatch, Limit]
    assert first[0].verdict == Jump("input-ip")
    assert [type(match) for match in second[0].matches] == [ServiceMatch, Connections]
    assert second[0].matches[0] == tcp(dport=one(22))
    (kept,) = found["own"]
    assert [type(match) for match in kept.matches] == [Limit, OpaqueMatch]
    assert kept.matches[1] == own("-m mark --mark 0x1")


def test_a_negated_type_of_icmp() -> None:
    (rule,) = rules("-A INPUT -p icmp ! --icmp-type 3/4 -j DROP")
    (match,) = rule.matches
    assert isinstance(match, ServiceMatch)
    assert len(match.terms) == 255 + 255
    assert IcmpTerm(1, 3, 4) not in match.terms
    assert {IcmpTerm(1, 3, 5), IcmpTerm(1, 8)} <= set(match.terms)
