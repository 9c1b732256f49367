"""Each node of the extended IR in its words, loaded and printed back by all four loaders, or refused by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from restore_tools import load

from polc.backends.iptables.backend import IptablesBackend
from polc.backends.model import Fidelity, Options, Output
from polc.ir.addresses import AddressSet, parse_address
from polc.ir.family import BOTH, Family
from polc.ir.fields import CT_STATUS_BITS, FIELDS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    REJECTED,
    AddressType,
    AddressTypeMatch,
    Direction,
    ExtensionHeader,
    ExtensionHeaderMatch,
    FieldMatch,
    FlagField,
    FlagsMatch,
    Match,
    NameField,
    NameMatch,
    OpaqueMatch,
    OriginalAddressMatch,
    PortTerm,
    ReversePathMatch,
    ServiceMatch,
    Side,
    Syntax,
    Trait,
    TraitMatch,
)
from polc.ir.protocols import ICMP, TCP, UDP
from polc.ir.ruleset import BaseChain, ChainType, Hook, RegularChain, Rule, Ruleset
from polc.ir.stateful import Amount, Connections, EveryNth, KeyField, KeyPart, Limit, Quota, RandomMatch, Rate, Unit
from polc.ir.statements import (
    AssignTimeout,
    AssignZone,
    ClampMss,
    CopyMark,
    CtDirection,
    Duplicate,
    HopChange,
    Log,
    LogFlag,
    MarkField,
    Notrack,
    Offload,
    OpaqueStatement,
    SetDscp,
    SetHops,
    SetMark,
    SetPriority,
    Statement,
    StripTcpOptions,
    Synproxy,
    Tproxy,
    Trace,
)
from polc.ir.verdicts import Accept, Drop, Jump, Queue
from polc.passes import pipeline

SYN = FlagsMatch(FlagField.TCP_FLAGS, 0x17, 0x02)
SSH = ServiceMatch((PortTerm(TCP, dport=Intervals.single(22)),))
DNS = ServiceMatch((PortTerm(UDP, dport=Intervals.single(53)),))
SOURCE = (KeyPart(KeyField.SOURCE),)


@dataclass(frozen=True, slots=True)
class Case:
    rule: Rule
    lines: tuple[str, ...]
    hook: Hook = Hook.INPUT
    priority: int = 0
    chains: tuple[RegularChain, ...] = ()

    def output(self) -> Output:
        base = BaseChain("base", ChainType.FILTER, self.hook, self.priority, Accept(), (self.rule,))
        return IptablesBackend().emit(pipeline.run(Ruleset((base, *self.chains))), Options("restore"))


def accepts(*matches: Match, words: str = "", hook: Hook = Hook.INPUT, priority: int = 0) -> Case:
    return Case(
        Rule(matches, Accept()), tuple(f"{one} -j ACCEPT".strip() for one in words.split(" | ")), hook, priority
    )


def does(*statements: Statement, words: str, hook: Hook = Hook.FORWARD, priority: int = -150) -> Case:
    return Case(Rule((), None, statements), tuple(words.split(" | ")), hook, priority)


def field(name: Field, *pairs: tuple[int, int], mask: int | None = None, negated: bool = False) -> FieldMatch:
    return FieldMatch(name, Intervals.of(pairs), mask, negated)


def status(mask: str, value: str = "", negated: bool = False) -> FlagsMatch:
    def bits(names: str) -> int:
        return sum(CT_STATUS_BITS[name] for name in names.split())

    return FlagsMatch(FlagField.CT_STATUS, bits(mask), bits(value), negated)


def original(*texts: str, negated: bool = False) -> OriginalAddressMatch:
    return OriginalAddressMatch(Side.SADDR, AddressSet.of(parse_address(text) for text in texts), negated)


BOTH_FAMILIES = {
    "length": accepts(field(Field.META_LENGTH, (0, 100)), words="-m length --length 0:100"),
    "length above": accepts(field(Field.META_LENGTH, (0, 100), negated=True), words="-m length ! --length 0:100"),
    "mark": accepts(field(Field.META_MARK, (5, 5)), words="-m mark --mark 0x5"),
    "mark masked": accepts(field(Field.META_MARK, (1, 1), mask=0xFF), words="-m mark --mark 0x1/0xff"),
    "mark range": accepts(
        field(Field.CT_MARK, (4, 8)), words="-m connmark --mark 0x4/0xfffffffc | -m connmark --mark 0x8"
    ),
    "not a mark under one bit": accepts(
        field(Field.META_MARK, (0, 0), mask=1, negated=True), words="-m mark ! --mark 0x0/0x1"
    ),
    "not a flow's mark": accepts(field(Field.CT_MARK, (7, 7), negated=True), words="-m connmark ! --mark 0x7"),
    "owner": accepts(field(Field.META_SKUID, (0, 99)), words="-m owner --uid-owner 0-99", hook=Hook.OUTPUT),
    "not a group": accepts(
        field(Field.META_SKGID, (5, 5), negated=True),
        words="-m owner --gid-owner 0-4 | -m owner --gid-owner 6-4294967294",
        hook=Hook.OUTPUT,
    ),
    "group": accepts(field(Field.META_OIFGROUP, (5, 5)), words="-m devgroup --dst-group 0x5", hook=Hook.FORWARD),
    "cgroup": accepts(field(Field.META_CGROUP, (5, 5)), words="-m cgroup --cgroup 5", hook=Hook.OUTPUT),
    "packets for others": accepts(
        field(Field.META_PKTTYPE, (3, 3)),
        words="-m pkttype ! --pkt-type unicast -m pkttype ! --pkt-type broadcast -m pkttype ! --pkt-type multicast",
    ),
    "not for this host": accepts(
        field(Field.META_PKTTYPE, (0, 0), negated=True), words="-m pkttype ! --pkt-type unicast"
    ),
    "any packet": accepts(field(Field.META_PKTTYPE, (0, 255)), words=""),
    "not broadcast": accepts(
        field(Field.META_PKTTYPE, (1, 1), (3, 3), negated=True),
        words="-m pkttype --pkt-type unicast | -m pkttype --pkt-type multicast",
    ),
    "hours": accepts(field(Field.META_HOUR, (28800, 61199)), words="-m time --timestart 08:00:00 --timestop 16:59:59"),
    "over night": accepts(
        field(Field.META_HOUR, (21600, 79199), negated=True),
        words="-m time --timestart 00:00:00 --timestop 05:59:59 | -m time --timestart 22:00:00 --timestop 23:59:59",
    ),
    "one second": accepts(
        field(Field.META_HOUR, (60, 60)),
        words="-m time --timestart 00:00:00 --timestop 00:01:00 -m time --timestart 00:01:00 --timestop 23:59:59",
    ),
    "days": accepts(field(Field.META_DAY, (0, 1)), words="-m time --weekdays Mon,Sun"),
    "direction": accepts(field(Field.CT_DIRECTION, (1, 1)), words="-m conntrack --ctdir REPLY"),
    "expiration": accepts(field(Field.CT_EXPIRATION, (5, 9)), words="-m conntrack --ctexpire 5:9"),
    "bytes": accepts(
        field(Field.CT_BYTES, (0, 7)), words="-m connbytes --connbytes 0:7 --connbytes-mode bytes --connbytes-dir both"
    ),
    "bytes from": accepts(
        field(Field.CT_BYTES, (7, 2**64 - 1)),
        words="-m connbytes --connbytes 7 --connbytes-mode bytes --connbytes-dir both",
    ),
    "so many packets": accepts(
        field(Field.CT_PACKETS, (7, 7)),
        words="-m connbytes --connbytes 7:7 --connbytes-mode packets --connbytes-dir both",
    ),
    "other senders": accepts(
        field(Field.ETHER_SADDR, (0xAA, 0xAB), negated=True),
        words="-m mac ! --mac-source 00:00:00:00:00:aa -m mac ! --mac-source 00:00:00:00:00:ab",
    ),
    "original port": accepts(field(Field.CT_ORIGINAL_DPORT, (80, 90)), words="-m conntrack --ctorigdstport 80:90"),
    "mac": accepts(field(Field.ETHER_SADDR, (0xAA, 0xAA)), words="-m mac --mac-source 00:00:00:00:00:aa"),
    "reply port": accepts(field(Field.CT_REPLY_SPORT, (80, 80)), words="-m conntrack --ctreplsrcport 80"),
    "reply ports": accepts(field(Field.CT_REPLY_DPORT, (80, 90)), words="-m conntrack --ctrepldstport 80:90"),
    "protocol of the flow": accepts(field(Field.CT_ORIGINAL_PROTOCOL, (6, 6)), words="-m conntrack --ctproto 6"),
    "not the protocols of the flow": accepts(
        field(Field.CT_ORIGINAL_PROTOCOL, (6, 6), (17, 17), negated=True),
        words="-m conntrack ! --ctproto 6 -m conntrack ! --ctproto 17",
    ),
    "average size of replies": accepts(
        field(Field.CT_REPLY_AVGPKT, (0, 99)),
        words="-m connbytes --connbytes 0:99 --connbytes-mode avgpkt --connbytes-dir reply",
    ),
    "no reply yet": accepts(
        field(Field.CT_REPLY_PACKETS, (0, 0)),
        words="-m connbytes ! --connbytes 1 --connbytes-mode packets --connbytes-dir reply",
    ),
    "a reply": accepts(
        field(Field.CT_REPLY_PACKETS, (0, 0), negated=True),
        words="-m connbytes --connbytes 1 --connbytes-mode packets --connbytes-dir reply",
    ),
    "bytes one way": accepts(
        field(Field.CT_ORIGINAL_BYTES, (5, 6)),
        words="-m connbytes --connbytes 5:6 --connbytes-mode bytes --connbytes-dir original",
    ),
    "cpu": accepts(field(Field.META_CPU, (2, 3)), words="-m cpu --cpu 2 | -m cpu --cpu 3"),
    "other cpus": accepts(field(Field.META_CPU, (2, 3), negated=True), words="-m cpu ! --cpu 2 -m cpu ! --cpu 3"),
    "spi": accepts(field(Field.ESP_SPI, (1, 9)), words="-p esp -m esp --espspi 1:9"),
    "not a spi": accepts(
        field(Field.ESP_SPI, (5, 5), negated=True),
        words="-p esp -m esp ! --espspi 5",
    ),
    "dccp types": accepts(
        field(Field.DCCP_TYPE, (0, 1), (7, 7)), words="-p 33 -m dccp --dccp-types REQUEST,RESPONSE,RESET"
    ),
    "other dccp types": accepts(
        field(Field.DCCP_TYPE, (0, 1), negated=True), words="-p 33 -m dccp ! --dccp-types REQUEST,RESPONSE"
    ),
    "any dccp type": accepts(field(Field.DCCP_TYPE, (0, 255)), words="-p 33 -m dccp"),
    "local to the interface": accepts(
        AddressTypeMatch(Side.DADDR, (AddressType.LOCAL,), interface=Direction.IN),
        words="-m addrtype --dst-type LOCAL --limit-iface-in",
    ),
    "not local to the interface": accepts(
        AddressTypeMatch(Side.SADDR, (AddressType.LOCAL,), True, Direction.OUT),
        words="-m addrtype ! --src-type LOCAL --limit-iface-out",
        hook=Hook.FORWARD,
    ),
    "chance": accepts(RandomMatch(715827883), words="-m statistic --mode random --probability 0.33333333349"),
    "no chance": accepts(RandomMatch(1, True), words="-m statistic --mode random ! --probability 0.00000000047"),
    "always": accepts(RandomMatch(1 << 31), words="-m statistic --mode random --probability 1.00000000000"),
    "words of iptables": accepts(
        OpaqueMatch("-m string --string abc --algo bm", Syntax.IPTABLES), words="-m string --string abc --algo bm"
    ),
    "mss": accepts(field(Field.TCP_MSS, (0, 500)), words="-p tcp -m tcpmss --mss 0:500"),
    "flags": accepts(SYN, words="-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN"),
    "flags beside a port": accepts(
        FlagsMatch(FlagField.TCP_FLAGS, 3, 0, True), SSH, words="-p tcp -m tcp --dport 22 ! --tcp-flags FIN,SYN NONE"
    ),
    "a flag of ecn": accepts(FlagsMatch(FlagField.TCP_FLAGS, 0x40, 0x40), words="-p tcp -m ecn --ecn-tcp-ece"),
    "not a flag of ecn": accepts(
        FlagsMatch(FlagField.TCP_FLAGS, 0x80, 0x80, True), words="-p tcp -m ecn ! --ecn-tcp-cwr"
    ),
    "all flags": accepts(
        FlagsMatch(FlagField.TCP_FLAGS, 0xFF, 0x42),
        words="-p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG SYN -m ecn --ecn-tcp-ece ! --ecn-tcp-cwr",
    ),
    "any of both NATs": accepts(status("snat dnat", negated=True), words="-m conntrack --ctstate SNAT,DNAT"),
    "not a cgroup": accepts(
        field(Field.META_CGROUP, (5, 5), negated=True), words="-m cgroup ! --cgroup 5", hook=Hook.OUTPUT
    ),
    "all ports but one": accepts(
        ServiceMatch((PortTerm(TCP, sport=Intervals.single(7).complement(0, 65535), dport=Intervals.single(22)),)),
        words="-p tcp -m tcp ! --sport 7 --dport 22",
    ),
    "status": accepts(status("assured", "assured"), words="-m conntrack --ctstatus ASSURED"),
    "nat": accepts(status("dnat", "dnat"), words="-m conntrack --ctstate DNAT"),
    "neither nat nor expected": accepts(
        status("expected dnat"),
        words="-m conntrack ! --ctstatus EXPECTED -m conntrack ! --ctstate INVALID,UNTRACKED,DNAT",
    ),
    "any of two": accepts(
        status("expected dnat", negated=True),
        words="-m conntrack --ctstatus EXPECTED | -m conntrack ! --ctstatus EXPECTED -m conntrack --ctstate DNAT",
    ),
    "helper": accepts(NameMatch(NameField.CT_HELPER, "ftp"), words="-m helper --helper ftp"),
    "another helper": accepts(
        NameMatch(NameField.CT_HELPER, "ftp", True), words='-m helper --helper "" -m helper ! --helper ftp'
    ),
    "helper with a dot": accepts(NameMatch(NameField.CT_HELPER, "Q.931"), words='-m helper --helper "Q.931"'),
    "reverse path": accepts(
        ReversePathMatch(True, False), words="-m rpfilter --loose --invert", hook=Hook.PREROUTING, priority=-300
    ),
    "address types": accepts(
        AddressTypeMatch(Side.DADDR, (AddressType.LOCAL, AddressType.ANYCAST), True),
        words="-m addrtype ! --dst-type LOCAL,ANYCAST",
    ),
    "no ipsec": accepts(TraitMatch(Trait.IPSEC, True), words="-m policy --dir in --pol none"),
    "socket": accepts(TraitMatch(Trait.SOCKET), words="-m socket --transparent --nowildcard"),
    "nth": accepts(EveryNth(3, 1), words="-m statistic --mode nth --every 3 --packet 1"),
    "connections": accepts(
        Connections(5, False, (), "t"), words="-m connlimit --connlimit-upto 5 --connlimit-mask 0 --connlimit-saddr"
    ),
    "quota": accepts(Quota(500, True, "t"), words="-m quota ! --quota 500"),
    "mark set": does(SetMark(MarkField.META, 1, 0xFF), words="-j MARK --set-xmark 0x1/0xff"),
    "mark saved": does(CopyMark(MarkField.CT, 0xFF), words="-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff"),
    "mark restored": does(
        CopyMark(MarkField.META), words="-j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff"
    ),
    "mark toggled": does(SetMark(MarkField.META, 0x101, 0xF0), words="-j MARK --set-xmark 0x101/0xf0"),
    "other bits saved": does(
        CopyMark(MarkField.CT, 0xF0, 0xFF), words="-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xf0"
    ),
    "other bits restored": does(
        CopyMark(MarkField.META, 0xF0, 0xFF), words="-j CONNMARK --restore-mark --nfmask 0xf0 --ctmask 0xff"
    ),
    "zone": does(AssignZone(7), words="-j CT --zone 7", hook=Hook.PREROUTING, priority=-300),
    "zone of replies": does(
        AssignZone(7, CtDirection.REPLY), words="-j CT --zone-reply 7", hook=Hook.PREROUTING, priority=-300
    ),
    "zone of the first": does(
        AssignZone(7, CtDirection.ORIGINAL), words="-j CT --zone-orig 7", hook=Hook.PREROUTING, priority=-300
    ),
    "zone of all": does(AssignZone(0), words="-j CT", hook=Hook.PREROUTING, priority=-300),
    "class": does(SetPriority(0x1000A), words="-j CLASSIFY --set-class 0001:000a"),
    "trace": does(Trace(), words="-j TRACE", hook=Hook.PREROUTING, priority=-300),
    "options taken out": does(StripTcpOptions((8, 2, 8, 30)), words="-p tcp -j TCPOPTSTRIP --strip-options 2,8,30"),
    "queue": Case(Rule((), Queue(3, 3, fanout=True)), ("-j NFQUEUE --queue-num 3",)),
    "queues": Case(
        Rule((), Queue(1, 4, True, True)), ("-j NFQUEUE --queue-balance 1:4 --queue-bypass --queue-cpu-fanout",)
    ),
    "log with all": does(
        Log("x", flags=frozenset(LogFlag)),
        words="-j LOG --log-prefix x --log-tcp-sequence --log-tcp-options --log-ip-options --log-uid --log-macdecode",
    ),
    "log of a beginning": does(
        Log("", group=2, snaplen=64, queue_threshold=7),
        words="-j NFLOG --nflog-group 2 --nflog-size 64 --nflog-threshold 7",
    ),
    "log of nothing": does(Log("", group=0, snaplen=0, queue_threshold=0), words="-j NFLOG --nflog-size 0"),
    "target of iptables": does(
        OpaqueStatement("-j CHECKSUM --checksum-fill", Syntax.IPTABLES), words="-j CHECKSUM --checksum-fill"
    ),
    "notrack": does(Notrack(), words="-j CT --notrack", hook=Hook.PREROUTING, priority=-300),
    "clamp": does(
        ClampMss(),
        words="-p tcp -m tcp --tcp-flags SYN,RST SYN -m tcpmss --mss 0:65535 -j TCPMSS --clamp-mss-to-pmtu",
    ),
    "mss set": does(
        ClampMss(1400),
        words="-p tcp -m tcp --tcp-flags SYN,RST SYN -m tcpmss --mss 1401:65535 -j TCPMSS --set-mss 1400",
    ),
    "dscp set": does(SetDscp(10), words="-j DSCP --set-dscp 0x0a"),
    "synproxy": does(
        Synproxy(1460, 7), words="-p tcp -j SYNPROXY --sack-perm --timestamp --wscale 7 --mss 1460", priority=0
    ),
    "group log": does(Log("a b: ", group=5), words='-j NFLOG --nflog-prefix "a b: " --nflog-group 5'),
}


NOT_THERE = (Field.ETHER_DADDR, Field.ETHER_TYPE, Field.VLAN_ID, Field.META_PRIORITY)


def at_the_edges() -> dict[str, Case]:
    """Every field with ranges that touch the ends of its values, at which iptables-save has words of its own."""
    found = {}
    for one, fact in FIELDS.items():
        if one in (Field.CT_ZONE, Field.META_HOUR, Field.META_PROTOCOL, *NOT_THERE):
            continue
        few = one in (
            Field.ETHER_SADDR,
            Field.META_CGROUP,
            Field.META_DAY,
            Field.META_PKTTYPE,
            Field.CT_DIRECTION,
            Field.META_CPU,
            Field.DCCP_TYPE,
        )
        high = 1 if few else fact.highest
        values = [(0, 0), (1, 1), (0, 1)] if few else [(0, 0), (2, 2), (0, 2), (2, high), (high, high)]
        if one in (Field.CT_BYTES, Field.CT_PACKETS, Field.CT_AVGPKT):
            values.remove((0, 0))
        if one is Field.CT_ORIGINAL_PROTOCOL:
            values = values[1:2]
        if one in (Field.META_LENGTH, Field.META_SKUID, Field.META_SKGID):
            values.remove((high, high))  # no packet has it
        hook = Hook.OUTPUT if one in (Field.META_SKUID, Field.META_SKGID, Field.META_CGROUP) else Hook.INPUT
        hook = Hook.FORWARD if one is Field.META_OIFGROUP else hook
        families = frozenset({Family.IP}) if one is Field.META_RTCLASSID else BOTH
        for low, last in values:
            if not (low == 0 and last == fact.highest):
                rule = Rule((field(one, (low, last)),), Accept(), families=families)
                found[f"{one.value} {low}-{last}"] = Case(rule, (), hook)
    return found


ONE_FAMILY = {
    "dscp": accepts(field(Field.IP_DSCP, (10, 11)), words="-m tos --tos 0x28/0xf8"),
    "ecn": accepts(field(Field.IP_ECN, (3, 3)), words="-m ecn --ecn-ip-ect 3"),
    "not an ecn": accepts(field(Field.IP_ECN, (3, 3), negated=True), words="-m ecn ! --ecn-ip-ect 3"),
    "dscp and ecn": accepts(
        field(Field.IP_DSCP, (46, 46)), field(Field.IP_ECN, (0, 0)), words="-m tos --tos 0xb8/0xff"
    ),
    "dscp without a mask": accepts(field(Field.IP_DSCP, (1, 2)), words="-m dscp --dscp 0x01 | -m dscp --dscp 0x02"),
    "not a single ttl": accepts(field(Field.TTL, (9, 9), negated=True), words="-m ttl ! --ttl-eq 9"),
    "any type of icmp": accepts(
        ServiceMatch((PortTerm(ICMP),)), TraitMatch(Trait.FRAGMENT, True), words="-p icmp -m icmp --icmp-type any"
    ),
    "a proxy with a mark": Case(
        Rule((ServiceMatch((PortTerm(TCP),)),), Accept(), (SetMark(MarkField.META, 1, 1), Tproxy(80))),
        ("-p tcp -j TPROXY --on-port 80 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1",),
        Hook.PREROUTING,
        -150,
    ),
    "not a ttl": accepts(field(Field.TTL, (0, 9), negated=True), words="-m ttl --ttl-gt 9"),
    "original": accepts(original("192.0.2.0/24"), words="-m conntrack --ctorigsrc 192.0.2.0/24"),
    "reply to": accepts(
        OriginalAddressMatch(Side.DADDR, AddressSet.of([parse_address("192.0.2.0/24")]), True, True),
        words="-m conntrack ! --ctrepldst 192.0.2.0/24",
    ),
    "ah": accepts(field(Field.AH_SPI, (1, 9)), words="-p 51 -m ah --ahspi 1:9"),
    "ah of any": accepts(field(Field.AH_SPI, (0, 2**32 - 1)), words="-p 51 -m ah"),
    "ethertype": accepts(field(Field.META_PROTOCOL, (0x0800, 0x0800)), words=""),
    "ttl set": does(SetHops(5), words="-j TTL --ttl-set 5"),
    "ttl more": does(SetHops(1, HopChange.INCREASE), words="-j TTL --ttl-inc 1"),
    "tproxy": Case(
        Rule((ServiceMatch((PortTerm(TCP),)),), Accept(), (Tproxy(80),)),
        ("-p tcp -j TPROXY --on-port 80 --on-ip 0.0.0.0 --tproxy-mark 0x0/0x0", "-p tcp -j ACCEPT"),
        Hook.PREROUTING,
        -150,
    ),
}


OF_IP6 = {
    "rejected": accepts(
        AddressTypeMatch(Side.DADDR, (AddressType.LOCAL, *REJECTED), True),
        words="-m addrtype ! --dst-type LOCAL,UNREACHABLE",
    ),
    "ah": accepts(field(Field.AH_SPI, (1, 9)), words="-m ah --ahspi 1:9"),
    "ah of any": accepts(field(Field.AH_SPI, (0, 2**32 - 1)), words="-m ah"),
    "ethertype": accepts(field(Field.META_PROTOCOL, (0x0800, 0x0800), negated=True), words=""),
    "mh": accepts(field(Field.MH_TYPE, (5, 5)), words="-p 135 -m mh --mh-type 5"),
    "mh of any": accepts(field(Field.MH_TYPE, (0, 255)), words="-p 135 -m mh"),
    **{
        one.value: accepts(ExtensionHeaderMatch(one), words=f"-m ipv6header --header {name} --soft")
        for one, name in (
            (ExtensionHeader.HBH, "hop-by-hop"),
            (ExtensionHeader.FRAG, "ipv6-frag"),
            (ExtensionHeader.DST, "ipv6-opts"),
        )
    },
    "rt": accepts(ExtensionHeaderMatch(ExtensionHeader.RT), words="-m rt"),
    "no header": accepts(
        ExtensionHeaderMatch(ExtensionHeader.RT, True), words="-m ipv6header ! --header ipv6-route --soft"
    ),
    "mobility": accepts(ExtensionHeaderMatch(ExtensionHeader.MH), words="-p 135 -m mh"),
    "hops set": does(SetHops(5), words="-j HL --hl-set 5"),
    "hops fewer": does(SetHops(2, HopChange.DECREASE), words="-j HL --hl-dec 2"),
}


def _lines(output: Output, file: int) -> tuple[str, ...]:
    return tuple(one.split(" ", 2)[2] for one in output.files[file].text.splitlines() if one.startswith("-A"))


@pytest.mark.parametrize("name", BOTH_FAMILIES)
def test_words_of_both_families(name: str) -> None:
    case = BOTH_FAMILIES[name]
    output = case.output()
    assert output.deviations == ()
    assert _lines(output, 0) == _lines(output, 1) == case.lines


@pytest.mark.parametrize("name", ONE_FAMILY)
def test_words_of_ip(name: str) -> None:
    case = ONE_FAMILY[name]
    assert _lines(case.output(), 0) == case.lines


@pytest.mark.parametrize("name", OF_IP6)
def test_words_of_ip6(name: str) -> None:
    case = OF_IP6[name]
    assert _lines(case.output(), 1) == case.lines


@pytest.mark.kernel("iptables-legacy", "iptables-nft")
def test_all_loaders_print_it_back(tmp_path: Path) -> None:
    of_ip6 = {f"{name} of IPv6": one for name, one in OF_IP6.items()}
    cases = {**BOTH_FAMILIES, **ONE_FAMILY, **of_ip6, **at_the_edges()}
    outputs = {name: case.output() for name, case in cases.items()}
    assert not [name for name, output in outputs.items() if output.deviations]
    for name, loaded in zip(outputs, load(list(outputs.values()), tmp_path), strict=True):
        assert not [wrong for one in loaded for wrong in one.wrong], name


REFUSED: dict[str, tuple[str, Rule]] = {
    "a zone": ("conntrack-zone", Rule((field(Field.CT_ZONE, (1, 1)),), Accept())),
    "too many values": ("field-values", Rule((field(Field.ETHER_SADDR, (0, 999)),), Accept())),
    "no such length": ("field-value", Rule((field(Field.META_LENGTH, (70000, 70001)),), Accept())),
    "some lengths beyond": ("field-value", Rule((field(Field.META_LENGTH, (65536, 65540)),), Accept())),
    "too many lengths": (
        "field-values",
        Rule((FieldMatch(Field.META_LENGTH, Intervals(tuple((2 * one, 2 * one) for one in range(300)))),), Accept()),
    ),
    "a masked length": ("field-mask", Rule((field(Field.META_LENGTH, (1, 1), mask=1),), Accept())),
    "owner on the way in": ("node-place", Rule((field(Field.META_SKUID, (1, 1)),), Accept())),
    "flows of protocol 0": ("protocol-zero", Rule((field(Field.CT_ORIGINAL_PROTOCOL, (0, 6)),), Accept())),
    "no bytes": ("field-value", Rule((field(Field.CT_BYTES, (0, 0)),), Accept())),
    "other than ecn and syn": ("tcp-flags", Rule((FlagsMatch(FlagField.TCP_FLAGS, 0x42, 0x42, True),), Accept())),
    "dying": ("ct-status", Rule((status("dying", "dying"),), Accept())),
    "IPv6 fragments": ("ip6-fragment", Rule((TraitMatch(Trait.FRAGMENT),), Accept())),
    "two keys": ("connections-key", Rule((Connections(5, True, SOURCE * 2, "t"),), Accept())),
    "bytes": ("limit-bytes", Rule((Limit(Rate(1, Unit.SECOND, Amount.BYTES), 5, False, (), "t"),), Accept())),
    "notrack in filter": ("node-place", Rule((), None, (Notrack(),))),
    "clamping udp": ("statement-protocol", Rule((DNS,), None, (ClampMss(1400),))),
    "an option of the end, in mangle": ("tcp-option", Rule((), None, (StripTcpOptions((1,)),))),
    "stripping udp, in mangle": ("statement-protocol", Rule((DNS,), None, (StripTcpOptions((4,)),))),
    "dccp types without names": ("dccp-type", Rule((field(Field.DCCP_TYPE, (10, 12)),), Accept())),
    "no dccp type": ("field-value", Rule((field(Field.DCCP_TYPE, (16, 20)),), Accept())),
    "realm of IPv6": ("realm-family", Rule((field(Field.META_RTCLASSID, (1, 1)),), Accept())),
    **{one.value: ("field", Rule((field(one, (1, 1)),), Accept())) for one in NOT_THERE},
    "zone in filter": ("node-place", Rule((), None, (AssignZone(1),))),
    "trace in filter": ("node-place", Rule((), None, (Trace(),))),
    "hops in filter": ("node-place", Rule((), None, (SetHops(1),))),
    "class in input": ("node-place", Rule((), None, (SetPriority(1),))),
    "limit to where it goes": (
        "node-place",
        Rule((AddressTypeMatch(Side.DADDR, (AddressType.LOCAL,), interface=Direction.OUT),), Accept()),
    ),
    "timeout": ("ct-timeout", Rule((SSH,), None, (AssignTimeout("t", TCP, (("close", 1),)),))),
    "flowtable": ("flowtable", Rule((), None, (Offload("f"),))),
    "all queues": ("queues", Rule((), Queue(0, 65535))),
    "words of nft": ("opaque", Rule((OpaqueMatch("{}", Syntax.NFT_JSON, "why"),), Accept())),
    "target of nft": ("opaque", Rule((), None, (OpaqueStatement("{}", Syntax.NFT_JSON),))),
    "two lines": ("opaque", Rule((OpaqueMatch("-m u32 --u32 1\n-A INPUT", Syntax.IPTABLES),), Accept())),
    "no match": ("opaque", Rule((OpaqueMatch("-j ACCEPT", Syntax.IPTABLES),), Accept())),
    "no neighbour": ("tee-family", Rule((), None, (Duplicate(Family.IP, 0),))),
    "size without a group": ("log-group", Rule((), None, (Log("", snaplen=5),))),
    "flags of a group": ("log-group", Rule((), None, (Log("", group=1, flags=frozenset(LogFlag)),))),
    "threshold": ("log-group", Rule((), None, (Log("", group=1, queue_threshold=70000),))),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    reason, rule = REFUSED[name]
    found = (Case(rule, (), Hook.FORWARD, -150) if "mangle" in name else Case(rule, ())).output().deviations
    assert {(one.fidelity, one.name) for one in found} == {(Fidelity.REFUSED, reason)}


@pytest.mark.parametrize("verdict", [None, Drop()])
def test_a_proxy_accepts(verdict: Drop | None) -> None:
    """`-j TPROXY` does itself, whatever stands behind it (net/netfilter/xt_TPROXY.c)."""
    rule = Rule((ServiceMatch((PortTerm(TCP),)),), verdict, (Tproxy(80),))
    found = Case(rule, (), Hook.PREROUTING, -150).output().deviations
    assert [(one.fidelity, one.name) for one in found] == [(Fidelity.REFUSED, "tproxy-verdict")]


IP_ONLY: dict[str, tuple[Match, str]] = {
    "fingerprints": (NameMatch(NameField.OSF_NAME, "Linux"), "-p tcp -m osf --genre Linux"),
    "broadcast": (AddressTypeMatch(Side.DADDR, (AddressType.BROADCAST,)), "-m addrtype --dst-type BROADCAST"),
}


@pytest.mark.parametrize("name", IP_ONLY)
def test_what_no_ipv6_packet_has_is_no_rule_of_ip6(name: str) -> None:
    match, words = IP_ONLY[name]
    output = Case(Rule((match,), Accept()), ()).output()
    assert output.deviations == ()
    assert (_lines(output, 0), _lines(output, 1)) == ((f"{words} -j ACCEPT",), ())


def test_a_rule_that_changes_what_it_asks_goes_on_in_a_chain() -> None:
    rule = Rule((field(Field.META_MARK, (1, 1)),), Accept(), (SetMark(MarkField.META, 2),))
    lines = _lines(Case(rule, ()).output(), 0)
    assert lines == ("-m mark --mark 0x1 -j base-1", "-j MARK --set-xmark 0x2/0xffffffff", "-j ACCEPT")


def test_a_rule_that_changes_what_it_asks_in_several_values_does_so_once() -> None:
    asked = field(Field.META_MARK, (1, 2))
    output = Case(Rule((asked,), None, (SetMark(MarkField.META, 2),)), ()).output()
    assert output.deviations == ()
    assert _lines(output, 0) == (
        "-j base-2",
        "-j MARK --set-xmark 0x2/0xffffffff",
        "-m mark --mark 0x1 -g base-1",
        "-m mark --mark 0x2 -g base-1",
    )


def test_a_packet_that_comes_back_from_a_chain_does_not_meet_the_next_value() -> None:
    there = RegularChain("there", (Rule((), None, (SetMark(MarkField.META, 2),)),))
    rule = Rule((field(Field.META_MARK, (1, 2)),), Jump("there"))
    output = Case(rule, (), chains=(there,)).output()
    assert _lines(output, 0) == (
        "-j base-2",
        "-j MARK --set-xmark 0x2/0xffffffff",
        "-j there",
        "-m mark --mark 0x1 -g base-1",
        "-m mark --mark 0x2 -g base-1",
    )
