"""A rule for each kind of node of the IR, and for each member of its enumerations: what every target must know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum, Flag

from polc.ir.addresses import AddressSet, parse_address
from polc.ir.family import Family
from polc.ir.fields import CT_STATUS_BITS, FIELDS, TCP_FLAG_BITS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressMatch,
    AddressType,
    AddressTypeMatch,
    CtState,
    CtStateMatch,
    Direction,
    ElementMatch,
    ExtensionHeader,
    ExtensionHeaderMatch,
    FieldMatch,
    FlagField,
    FlagsMatch,
    IcmpTerm,
    InterfaceMatch,
    InterfacePattern,
    Match,
    NameField,
    NameMatch,
    OpaqueMatch,
    OriginalAddressMatch,
    PortTerm,
    ReversePathMatch,
    ServiceMatch,
    SetMatch,
    Side,
    Syntax,
    TcpOptionMatch,
    Trait,
    TraitMatch,
)
from polc.ir.protocols import ICMP, ICMPV6, TCP, UDP
from polc.ir.ruleset import (
    BaseChain,
    ChainType,
    DynamicSet,
    Flowtable,
    Hook,
    Priority,
    RegularChain,
    Rule,
    Ruleset,
    TableFamily,
)
from polc.ir.selectors import Conntrack, KeyType, Selector, Transport
from polc.ir.stateful import (
    Amount,
    Connections,
    EveryNth,
    Hits,
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
from polc.ir.statements import (
    AssignHelper,
    AssignTimeout,
    AssignZone,
    ClampMss,
    CopyMark,
    Counter,
    CtDirection,
    Duplicate,
    HopChange,
    Log,
    LogFlag,
    LogLevel,
    MapMark,
    MarkField,
    Native,
    Notrack,
    Offload,
    OpaqueStatement,
    SetDscp,
    SetHops,
    SetMark,
    SetOperation,
    SetPriority,
    Statement,
    StripTcpOptions,
    Synproxy,
    Tproxy,
    Trace,
    UpdateSet,
)
from polc.ir.verdicts import (
    Accept,
    Drop,
    Goto,
    Jump,
    Nat,
    NatKind,
    NatMap,
    NatTarget,
    Queue,
    Reject,
    RejectType,
    Return,
    Verdict,
    VerdictMap,
)
from polc.passes import pipeline


@dataclass(frozen=True)
class Place:
    hook: Hook = Hook.INPUT
    priority: Priority = Priority.FILTER
    type: ChainType = ChainType.FILTER
    family: TableFamily = TableFamily.INET
    devices: tuple[str, ...] = ()


INPUT, FORWARD, OUTPUT = (Place(hook) for hook in (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT))
RAW = Place(Hook.PREROUTING, Priority.RAW)
BEFORE, AFTER = (Place(hook, Priority.MANGLE) for hook in (Hook.PREROUTING, Hook.POSTROUTING))
ROUTE = Place(Hook.OUTPUT, Priority.MANGLE, ChainType.ROUTE)
SECURITY = Place(Hook.INPUT, Priority.SECURITY)
DSTNAT = Place(Hook.PREROUTING, Priority.DSTNAT, ChainType.NAT)
SRCNAT = Place(Hook.POSTROUTING, Priority.SRCNAT, ChainType.NAT)

BRIDGE = Place(Hook.FORWARD, family=TableFamily.BRIDGE)
ARP = Place(Hook.INPUT, family=TableFamily.ARP)
DEVICE, LEAVING = (Place(hook, family=TableFamily.NETDEV, devices=("lo",)) for hook in (Hook.INGRESS, Hook.EGRESS))
ARRIVING = Place(Hook.INGRESS, devices=("lo",))

_NET, _PORTS = Intervals.of([(0xC0000200, 0xC00002FF)]), Intervals.of([(8000, 8010)])
SETS = (
    DynamicSet.of_addresses("four", Family.IP, 100, 60),
    DynamicSet.of_addresses("six", Family.IP6, 100, None),
    DynamicSet("pairs", (KeyType.IPV4_ADDR, KeyType.INET_SERVICE), 100, 60),
    DynamicSet("ports", (KeyType.INET_PROTO, KeyType.INET_SERVICE), None, None),
    DynamicSet("listed", (KeyType.IPV4_ADDR,), None, None, elements=((_NET,), (Intervals.single(1),)), intervals=True),
    DynamicSet("single", (KeyType.IPV6_ADDR,), None, None, elements=((Intervals.single(1),),)),
    DynamicSet(
        "nets",
        (KeyType.IPV4_ADDR, KeyType.INET_PROTO, KeyType.INET_SERVICE),
        None,
        None,
        elements=((_NET, Intervals.single(TCP), _PORTS),),
        intervals=True,
    ),
    DynamicSet("links", (KeyType.IFNAME,), None, None, elements=((InterfacePattern("lo"),),)),
    DynamicSet("states", (KeyType.CT_STATE,), None, None, elements=((Intervals.single(8),),)),
    DynamicSet("marks", (KeyType.MARK,), None, None, elements=((Intervals.single(7),),)),
    DynamicSet("macs", (KeyType.ETHER_ADDR,), 100, 60),
)
FLOWTABLES = (Flowtable("fast", ("lo",)),)
OTHER = RegularChain("other", (Rule((), Return()),))


@dataclass(frozen=True)
class Sample:
    """A rule and where it stands; ``ruleset`` has gone through the passes."""

    rule: Rule
    place: Place = INPUT

    def ruleset(self) -> Ruleset:
        place, parts = self.place, set(parts_of(self.rule))
        base = BaseChain(
            "base", place.type, place.hook, place.priority.value, Accept(), (self.rule,), devices=place.devices
        )
        calls = any(isinstance(one, Jump | Goto) for one in parts)
        named = {one.set_name for one in parts if isinstance(one, SetMatch | UpdateSet)}
        offloads = any(isinstance(one, Offload) for one in parts)
        return pipeline.run(
            Ruleset(
                (base, OTHER) if calls else (base,),
                tuple(one for one in SETS if one.name in named),
                family=place.family,
                flowtables=FLOWTABLES if offloads else (),
            )
        )


def parts_of(node: object) -> Iterator[object]:
    """A node, the members of enumerations in it, and all that it holds."""
    if isinstance(node, Flag):
        yield from node
    elif isinstance(node, Enum):
        yield node
    elif isinstance(node, tuple | frozenset):
        for one in node:
            yield from parts_of(one)
    elif is_dataclass(node):
        yield node
        for own in fields(node):
            if own.name != "origin":
                yield from parts_of(getattr(node, own.name))


def _addresses(*texts: str) -> AddressSet:
    return AddressSet.of(map(parse_address, texts))


MIXED = _addresses("192.0.2.0/24", "198.51.100.7", "2001:db8::/32")
SOURCE, SPORT = KeyPart(KeyField.SOURCE, 24, 64), KeyPart(KeyField.SPORT)
HTTP = ServiceMatch((PortTerm(TCP, None, Intervals.single(80)),))
_DNS = ServiceMatch((PortTerm(UDP, None, Intervals.single(53)),))
_INTERFACES = (InterfacePattern("eth", True), InterfacePattern("lo"))
_FIELD_PLACES = {
    Field.META_SKUID: OUTPUT,
    Field.META_SKGID: OUTPUT,
    Field.META_OIFGROUP: FORWARD,
    Field.META_IIFGROUP: FORWARD,
    Field.META_RTCLASSID: FORWARD,
}
_ADDRESSES = {Family.IP: Intervals.single(0xC0000201), Family.IP6: Intervals.single(0x20010DB8 << 96 | 1)}

_IP = frozenset({Family.IP})
_IP6 = frozenset({Family.IP6})


def _one(value: int) -> Intervals:
    return Intervals.single(value)


_SADDR, _DPORT, _PROTOCOL = Side.SADDR, Transport.DPORT, Transport.PROTOCOL
_LISTED: dict[str, Match] = {
    "addresses and ports listed": ElementMatch((_SADDR, _DPORT), ((_one(7), _one(80)), (_one(8), _one(443)))),
    "networks and ports listed": ElementMatch(
        (_SADDR, _PROTOCOL, _DPORT), ((_NET, _one(TCP), _PORTS), (_one(7), _one(UDP), _one(53)))
    ),
    "addresses not listed": ElementMatch((_SADDR, Side.DADDR), ((_one(7), _one(8)),), negated=True),
    "addresses alone listed": ElementMatch((_SADDR,), ((_one(7),), (_one(9),))),
    "pairs in a set": SetMatch((_SADDR, _DPORT), "pairs"),
    "pairs by the other end": SetMatch((Side.DADDR, Transport.SPORT), "pairs", negated=True),
    "ranges in a set": SetMatch((_SADDR,), "listed"),
    "networks in a set": SetMatch((_SADDR, _PROTOCOL, _DPORT), "nets"),
}
"""Matches of IPv4 alone."""
_RECENT = KeyPart(KeyField.SOURCE)

_MATCHES: dict[str, tuple[Match, ...]] = {
    **{f"{way.value} interface": (InterfaceMatch(way, _INTERFACES),) for way in Direction},
    "no such interface": (InterfaceMatch(Direction.IN, (InterfacePattern("eth0"),), negated=True),),
    **{f"{side.value} of both": (AddressMatch(side, MIXED),) for side in Side},
    "not among addresses": (AddressMatch(Side.SADDR, MIXED, negated=True),),
    **{f"original {side.value}": (OriginalAddressMatch(side, MIXED),) for side in Side},
    "not the original": (OriginalAddressMatch(Side.SADDR, MIXED, negated=True),),
    "any original": (OriginalAddressMatch(Side.SADDR, _addresses("0.0.0.0/0", "::/0")),),
    "not the original of IPv4": (OriginalAddressMatch(Side.DADDR, _addresses("192.0.2.0/24"), negated=True),),
    "reply": (OriginalAddressMatch(Side.SADDR, MIXED, reply=True),),
    "not the reply": (OriginalAddressMatch(Side.DADDR, MIXED, negated=True, reply=True),),
    "ports": (ServiceMatch((PortTerm(TCP, Intervals.of([(1, 9)]), Intervals.of([(80, 80), (443, 443)])),)),),
    "protocol": (ServiceMatch((PortTerm(47),)),),
    "types": (ServiceMatch((IcmpTerm(ICMP, 3, 4), IcmpTerm(ICMPV6, 2))),),
    **{f"state {state.name}": (CtStateMatch(state),) for state in CtState},
    **{f"flag {name}": (FlagsMatch(FlagField.TCP_FLAGS, bit, 0, True),) for name, bit in TCP_FLAG_BITS.items()},
    "flags": (FlagsMatch(FlagField.TCP_FLAGS, 0x17, 0x02),),
    **{f"status {name}": (FlagsMatch(FlagField.CT_STATUS, bit, 0, True),) for name, bit in CT_STATUS_BITS.items()},
    "ct helper": (NameMatch(NameField.CT_HELPER, "ftp"),),
    "osf": (NameMatch(NameField.OSF_NAME, "Linux"),),
    **{
        f"{side.value} {kind.value}": (AddressTypeMatch(side, (kind,)),)
        for side, kind in (*((Side.DADDR, kind) for kind in AddressType), (Side.SADDR, AddressType.LOCAL))
    },
    "no broadcast": (AddressTypeMatch(Side.DADDR, (AddressType.BROADCAST, AddressType.MULTICAST), True),),
    **{
        f"local to its {way.value}": (AddressTypeMatch(Side.DADDR, (AddressType.LOCAL,), interface=way),)
        for way in Direction
    },
    "not local to its interface": (AddressTypeMatch(Side.SADDR, (AddressType.LOCAL,), True, Direction.IN),),
    **{f"{trait.value} {negated}": (TraitMatch(trait, negated),) for trait in Trait for negated in (False, True)},
    "option": (TcpOptionMatch(4),),
    "no option": (TcpOptionMatch(8, negated=True),),
    **{f"set by {side.value}": (SetMatch((side,), "four"), SetMatch((side,), "four", True)) for side in Side},
    **{
        f"header {one.value} {negated}": (ExtensionHeaderMatch(one, negated),)
        for one in ExtensionHeader
        for negated in (False, True)
    },
    "ports in a set": (HTTP, SetMatch((_PROTOCOL, _DPORT), "ports")),
    "single ones in a set": (SetMatch((Side.DADDR,), "single", negated=True),),
    "interfaces in a set": (SetMatch((Direction.IN,), "links"),),
    "states in a set": (SetMatch((Conntrack.STATE,), "states"),),
    "marks in a set": (SetMatch((Field.META_MARK,), "marks"),),
    "flows' marks in a set": (SetMatch((Field.CT_MARK,), "marks", negated=True),),
    "MAC addresses in a set": (SetMatch((Field.ETHER_SADDR,), "macs"),),
    "ports listed": (ElementMatch((_PROTOCOL, _DPORT), ((_one(TCP), _one(80)), (_one(UDP), _one(53)))),),
    "links and marks listed": (
        ElementMatch(
            (Direction.IN, Field.META_MARK), ((InterfacePattern("lo"), _one(1)), (InterfacePattern("eth0"), _one(2)))
        ),
    ),
    "states listed": (HTTP, ElementMatch((Conntrack.STATE, Transport.SPORT), ((_one(8), _one(1)),))),
    "every third": (EveryNth(3, 1),),
    "by chance": (RandomMatch(1 << 30),),
    "by no chance": (RandomMatch(1 << 29, negated=True),),
    "on the list now": (RecentMatch(RecentVerb.SET, "seen", _RECENT),),
    "on the list": (RecentMatch(RecentVerb.RCHECK, "seen", _RECENT),),
    "lately on the list": (RecentMatch(RecentVerb.RCHECK, "seen", KeyPart(KeyField.DESTINATION), 60),),
    "on no list": (RecentMatch(RecentVerb.RCHECK, "seen", _RECENT, 60, negated=True),),
    "on the list again": (RecentMatch(RecentVerb.UPDATE, "seen", _RECENT, 60),),
    "often on the list": (RecentMatch(RecentVerb.UPDATE, "seen", _RECENT, 60, 4),),
    "with the TTL of the list": (RecentMatch(RecentVerb.RCHECK, "seen", _RECENT, ttl=True),),
    "on the list, which forgets": (RecentMatch(RecentVerb.RCHECK, "seen", _RECENT, 60, reap=True),),
    "off the list": (RecentMatch(RecentVerb.REMOVE, "seen", _RECENT),),
    "words of iptables": (OpaqueMatch('-m u32 --u32 "0x6&0xff=0x6"', Syntax.IPTABLES, "it reads any bytes"),),
    "words of nft": (
        OpaqueMatch(
            '{"match":{"left":{"meta":{"key":"iiftype"}},"op":"==","right":"loopback"}}', Syntax.NFT_JSON, "not ours"
        ),
    ),
    **{f"limit per {unit.name}": (Limit(Rate(10, unit), 5, False, (), "l"),) for unit in Unit},
    "limit over": (Limit(Rate(10, Unit.SECOND), 5, True, (), "l"),),
    "limit of bytes": (Limit(Rate(10000, Unit.SECOND, Amount.BYTES), 20000, False, (), "l"),),
    "limit of bytes by source": (Limit(Rate(10000, Unit.SECOND, Amount.BYTES), 20000, True, (SOURCE,), "l"),),
    **{
        f"limit by {field.value}": (HTTP, Limit(Rate(10, Unit.SECOND), 5, True, (KeyPart(field),), "l"))
        for field in KeyField
    },
    "hits": (Hits(5, 60, SOURCE, False, "h"),),
    "hits refreshed": (Hits(5, 60, KeyPart(KeyField.DESTINATION), True, "h"),),
    "connections": (Connections(5, True, (), "c"),),
    "connections by source": (Connections(5, False, (SOURCE,), "c"),),
    "quota": (Quota(1000, False, "q"),),
    "quota over": (Quota(1000, True, "q"),),
}  # fmt: skip
_MATCH_PLACES = {
    "oifname interface": OUTPUT,
    "local to its oifname": OUTPUT,
    "osf": BEFORE,
    "socket False": BEFORE,
    "socket True": BEFORE,
}

_STATEMENTS: dict[str, tuple[tuple[Match, ...], Statement, Place]] = {
    "counter": ((), Counter(), INPUT),
    "named counter": ((), Counter("web"), INPUT),
    "counter from a number": ((), Counter(packets=3, bytes=180), INPUT),
    "named counter from a number": ((), Counter("web", 3, 180), INPUT),
    **{f"log with {flag.value}": ((), Log("x", flags=frozenset({flag})), INPUT) for flag in LogFlag},
    "log with all": ((), Log("x", flags=frozenset(LogFlag)), INPUT),
    "log the beginning": ((), Log("x", group=3, snaplen=64), INPUT),
    "log several at once": ((), Log("", group=3, queue_threshold=20), INPUT),
    "timeout": ((HTTP,), AssignTimeout("quick", TCP, (("established", 300), ("close", 4))), INPUT),
    "timeout of IPv4": ((_DNS,), AssignTimeout("short", UDP, (("replied", 10),), Family.IP), INPUT),
    "zone": ((), AssignZone(7), RAW),
    **{f"zone of the {way.value}": ((), AssignZone(7, way), RAW) for way in CtDirection},
    "offload": ((HTTP,), Offload("fast"), FORWARD),
    **{f"log {level.name}": ((), Log("x", level), INPUT) for level in LogLevel},
    "log to a group": ((), Log("x", group=3), INPUT),
    "helper": ((HTTP,), AssignHelper("ftp", TCP), INPUT),
    **{f"ban {side.value}": ((), UpdateSet((side,), "four", 60), INPUT) for side in Side},
    "ban without time": ((), UpdateSet((Side.SADDR,), "six"), INPUT),
    **{f"{one.value} element": ((), UpdateSet((_SADDR,), "four", None, one), INPUT) for one in SetOperation},
    "add a pair": ((HTTP,), UpdateSet((_SADDR, _DPORT), "pairs", None, SetOperation.ADD), INPUT),
    "delete a pair": ((HTTP,), UpdateSet((Side.DADDR, _DPORT), "pairs", None, SetOperation.DELETE), INPUT),
    "update ports": ((HTTP,), UpdateSet((_PROTOCOL, _DPORT), "ports"), INPUT),
    **{f"set {mark.value}": ((), SetMark(mark, 0x12), ROUTE) for mark in MarkField},
    **{f"set bits of {mark.value}": ((), SetMark(mark, 0x10, 0xF0), BEFORE) for mark in MarkField},
    **{f"copy to {mark.value}": ((), CopyMark(mark), AFTER) for mark in MarkField},
    "copy bits": ((), CopyMark(MarkField.META, 0xFF), BEFORE),
    "copy bits of others": ((), CopyMark(MarkField.CT, 0xFF00, 0xFF), BEFORE),
    "copy some bits to all": ((), CopyMark(MarkField.META, from_mask=0xFF), BEFORE),
    "toggle bits": ((), SetMark(MarkField.META, 0x101, 0xF0), BEFORE),
    "toggle bits of the flow": ((), SetMark(MarkField.CT, 0xF, 0), BEFORE),
    **{
        f"map to {mark.value}": ((HTTP,), MapMark(mark, (_DPORT,), (((_one(80),), 1), ((_PORTS,), 2))), BEFORE)
        for mark in MarkField
    },
    "priority": ((), SetPriority(0x10020), AFTER),
    **{f"{one.value} hops": ((), SetHops(1, one), AFTER) for one in HopChange},
    "trace": ((), Trace(), RAW),
    "duplicate": ((), Duplicate(Family.IP, 0xC0000201), BEFORE),
    "duplicate by a device": ((), Duplicate(Family.IP6, 0x20010DB8 << 96 | 1, "lo"), BEFORE),
    "strip options": ((HTTP,), StripTcpOptions((8, 30)), BEFORE),
    "notrack": ((), Notrack(), RAW),
    "clamp": ((HTTP,), ClampMss(), FORWARD),
    "clamp to a size": ((HTTP,), ClampMss(1400), FORWARD),
    "dscp": ((), SetDscp(46), BEFORE),
    "synproxy": ((HTTP,), Synproxy(1460, 7, False, True), INPUT),
    "native": ((), Native("accept", '[{"accept": null}]', "-j ACCEPT"), INPUT),
    "target of iptables": ((), OpaqueStatement("-j CHECKSUM --checksum-fill", Syntax.IPTABLES, "it fills in"), AFTER),
    "statement of nft": ((), OpaqueStatement('{"log":{"level":"audit"}}', Syntax.NFT_JSON, "not ours"), INPUT),
}
_BY_PORT: tuple[Selector, ...] = (_DPORT,)
_VERDICTS: dict[str, tuple[Verdict, Place]] = {
    "accept": (Accept(), SECURITY),
    "drop": (Drop(), INPUT),
    **{f"reject {answer.value}": (Reject(answer), FORWARD) for answer in RejectType if answer.value != "tcp-reset"},
    "jump": (Jump("other"), INPUT),
    "goto": (Goto("other"), INPUT),
    "return": (Return(), INPUT),
    **{
        f"{kind.value} to {family.value}": (Nat(kind, family, _ADDRESSES[family]), place)
        for kind, place in ((NatKind.SNAT, SRCNAT), (NatKind.DNAT, DSTNAT))
        for family in Family
    },
    "random": (Nat(NatKind.MASQUERADE, random=True), SRCNAT),
    "masquerade": (Nat(NatKind.MASQUERADE), SRCNAT),
    "redirect": (Nat(NatKind.REDIRECT), DSTNAT),
    "persistent": (Nat(NatKind.SNAT, Family.IP, Intervals.of([(0xC0000201, 0xC0000209)]), persistent=True), SRCNAT),
}
_BESIDE_MATCHES: dict[str, tuple[tuple[Match, ...], Verdict, Place]] = {
    "queue": ((), Queue(3, 3), INPUT),
    "queues": ((), Queue(1, 4, bypass=True, fanout=True), INPUT),
    "by port": (
        (HTTP,),
        VerdictMap(_BY_PORT, (((_one(80),), Jump("other")), ((_PORTS,), Drop()), ((_one(443),), Goto("other")))),
        INPUT,
    ),
    "by state": ((), VerdictMap((Conntrack.STATE,), (((_one(1),), Drop()), ((_one(2),), Return()))), INPUT),
    "by interfaces": (
        (),
        VerdictMap((Direction.IN, Direction.OUT), (((InterfacePattern("eth0"), InterfacePattern("lo")), Accept()),)),
        FORWARD,
    ),
    "redirect by port": (
        (HTTP,),
        NatMap(NatKind.REDIRECT, _BY_PORT, (((_one(80),), NatTarget(None, _one(8080))),)),
        DSTNAT,
    ),
    "fully random": ((), Nat(NatKind.MASQUERADE, fully_random=True), SRCNAT),
    "fully random to an address": (
        (),
        Nat(NatKind.SNAT, Family.IP, Intervals.of([(0xC0000201, 0xC0000209)]), fully_random=True),
        SRCNAT,
    ),
}
_OF_IPV4: dict[str, tuple[tuple[Match, ...], Verdict, Place]] = {
    "by address": ((), VerdictMap((_SADDR,), (((_NET,), Drop()), ((_one(7),), Accept()))), INPUT),
    "by address and port": (
        (),
        VerdictMap(
            (_SADDR, _PROTOCOL, _DPORT),
            (((_NET, _one(TCP), _PORTS), Drop()), ((_one(7), _one(UDP), _one(53)), Jump("other"))),
        ),
        INPUT,
    ),
    "dnat by port": (
        (HTTP,),
        NatMap(
            NatKind.DNAT,
            _BY_PORT,
            (((_one(80),), NatTarget(_one(7), _one(8080))), ((_one(443),), NatTarget(_one(8), _one(8443)))),
            Family.IP,
        ),
        DSTNAT,
    ),
    "dnat by port to addresses": (
        (HTTP,),
        NatMap(NatKind.DNAT, _BY_PORT, (((_one(80),), NatTarget(_one(7))), ((_PORTS,), NatTarget(_one(8)))), Family.IP),
        DSTNAT,
    ),
    "snat by address": (
        (),
        NatMap(
            NatKind.SNAT,
            (_SADDR,),
            (((_one(7),), NatTarget(_NET)), ((_one(9),), NatTarget(_one(8)))),
            Family.IP,
            True,
            True,
        ),
        SRCNAT,
    ),
}
_OTHER_TABLES: dict[str, tuple[Rule, Place]] = {
    "table of IPv4": (Rule((HTTP,), Drop(), families=_IP), replace(INPUT, family=TableFamily.IP)),
    "table of IPv6": (Rule((HTTP,), Drop(), families=_IP6), replace(INPUT, family=TableFamily.IP6)),
    "bridge": (Rule((HTTP,), Drop()), BRIDGE),
    "bridge of IPv4": (Rule((), Drop(), families=_IP), BRIDGE),
    "arp": (Rule((InterfaceMatch(Direction.IN, (InterfacePattern("lo"),)),), Drop()), ARP),
    "device": (Rule((HTTP,), Drop()), DEVICE),
    "leaving a device": (Rule((), Drop(), families=_IP6), LEAVING),
    "arriving": (Rule((HTTP,), Drop(), families=_IP), ARRIVING),
}
_PREFIX = Intervals.of([(0xC0000200, 0xC00002FF)])


def _samples() -> Iterator[tuple[str, Sample]]:
    for name, matches in _MATCHES.items():
        yield name, Sample(Rule(matches, Accept()), _MATCH_PLACES.get(name, INPUT))
    for field in Field:
        place = _FIELD_PLACES.get(field, INPUT)
        beside = (HTTP,) if "proto-" in field.value or FIELDS[field].protocol == TCP else ()
        for negated in (False, True):
            match = FieldMatch(field, Intervals.single(1), negated=negated)
            yield f"{field.value} {negated}", Sample(Rule((*beside, match), Accept()), place)
    for name, one in _LISTED.items():
        yield name, Sample(Rule((one,), Accept(), families=_IP))
    masked = FieldMatch(Field.META_MARK, Intervals.single(0x10), 0xF0)
    yield "masked", Sample(Rule((masked,), Accept()))
    for loose in (False, True):
        yield f"rpfilter {loose}", Sample(Rule((ReversePathMatch(loose, False),), Drop()), BEFORE)
    yield "rpfilter passes", Sample(Rule((ReversePathMatch(False, True),), Accept()), RAW)
    for name, (matches, statement, place) in _STATEMENTS.items():
        yield name, Sample(Rule(matches, None, (statement,)), place)
    for port, family, address in ((3129, None, None), (None, Family.IP, 0x7F000001), (3129, Family.IP6, 1)):
        yield f"tproxy {port} {family}", Sample(Rule((HTTP,), Accept(), (Tproxy(port, family, address),)), BEFORE)
    for name, (verdict, place) in _VERDICTS.items():
        yield name, Sample(Rule((), verdict), place)
    for name, (matches, verdict, place) in _BESIDE_MATCHES.items():
        yield name, Sample(Rule(matches, verdict), place)
    for name, (matches, verdict, place) in _OF_IPV4.items():
        yield name, Sample(Rule(matches, verdict, families=_IP), place)
    by_address = MapMark(MarkField.META, (_SADDR,), (((_one(7),), 1), ((_one(9),), 2)))
    yield "map of addresses", Sample(Rule((), None, (by_address,), families=_IP), BEFORE)
    for name, (rule, place) in _OTHER_TABLES.items():
        yield name, Sample(rule, place)
    yield "reset", Sample(Rule((HTTP,), Reject(RejectType.TCP_RESET)))
    ports = Nat(NatKind.REDIRECT, ports=Intervals.of([(8000, 8010)]))
    yield "new ports", Sample(Rule((HTTP,), ports), DSTNAT)
    to = replace(ports, kind=NatKind.DNAT, family=Family.IP6, addresses=_ADDRESSES[Family.IP6])
    yield "new address and ports", Sample(Rule((HTTP,), to), DSTNAT)
    for kind, place, side in (
        (NatKind.NETMAP_SOURCE, SRCNAT, Side.SADDR),
        (NatKind.NETMAP_DESTINATION, DSTNAT, Side.DADDR),
    ):
        old = AddressMatch(side, _addresses("203.0.113.0/24"))
        yield kind.value, Sample(Rule((old,), Nat(kind, Family.IP, _PREFIX)), place)
    yield "udp", Sample(Rule((ServiceMatch((PortTerm(UDP),)),), Drop()))


SAMPLES: dict[str, Sample] = dict(_samples())
