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
    FieldMatch,
    FlagField,
    FlagsMatch,
    IcmpTerm,
    InterfaceMatch,
    InterfacePattern,
    Match,
    NameField,
    NameMatch,
    OriginalAddressMatch,
    PortTerm,
    ReversePathMatch,
    ServiceMatch,
    SetMatch,
    Side,
    TcpOptionMatch,
    Trait,
    TraitMatch,
)
from polc.ir.protocols import ICMP, ICMPV6, TCP, UDP
from polc.ir.ruleset import BaseChain, ChainType, DynamicSet, Hook, Priority, RegularChain, Rule, Ruleset
from polc.ir.stateful import Amount, Connections, EveryNth, Hits, KeyField, KeyPart, Limit, Quota, Rate, Unit
from polc.ir.statements import (
    AssignHelper,
    ClampMss,
    CopyMark,
    Counter,
    Log,
    LogLevel,
    MarkField,
    Native,
    Notrack,
    SetDscp,
    SetMark,
    Statement,
    Synproxy,
    Tproxy,
    UpdateSet,
)
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Nat, NatKind, Reject, RejectType, Return, Verdict
from polc.passes import pipeline


@dataclass(frozen=True)
class Place:
    hook: Hook = Hook.INPUT
    priority: Priority = Priority.FILTER
    type: ChainType = ChainType.FILTER


INPUT, FORWARD, OUTPUT = (Place(hook) for hook in (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT))
RAW = Place(Hook.PREROUTING, Priority.RAW)
BEFORE, AFTER = (Place(hook, Priority.MANGLE) for hook in (Hook.PREROUTING, Hook.POSTROUTING))
ROUTE = Place(Hook.OUTPUT, Priority.MANGLE, ChainType.ROUTE)
SECURITY = Place(Hook.INPUT, Priority.SECURITY)
DSTNAT = Place(Hook.PREROUTING, Priority.DSTNAT, ChainType.NAT)
SRCNAT = Place(Hook.POSTROUTING, Priority.SRCNAT, ChainType.NAT)

SETS = (DynamicSet.of_addresses("four", Family.IP, 100, 60), DynamicSet.of_addresses("six", Family.IP6, 100, None))
OTHER = RegularChain("other", (Rule((), Return()),))


@dataclass(frozen=True)
class Sample:
    """A rule and where it stands; ``ruleset`` has gone through the passes."""

    rule: Rule
    place: Place = INPUT

    def ruleset(self) -> Ruleset:
        place, parts = self.place, set(parts_of(self.rule))
        base = BaseChain("base", place.type, place.hook, place.priority.value, Accept(), (self.rule,))
        calls = any(isinstance(one, Jump | Goto) for one in parts)
        sets = any(isinstance(one, SetMatch | UpdateSet) for one in parts)
        return pipeline.run(Ruleset((base, OTHER) if calls else (base,), SETS if sets else ()))


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
_INTERFACES = (InterfacePattern("eth", True), InterfacePattern("lo"))
_FIELD_PLACES = {
    Field.META_SKUID: OUTPUT,
    Field.META_SKGID: OUTPUT,
    Field.META_OIFGROUP: FORWARD,
    Field.META_IIFGROUP: FORWARD,
}
_ADDRESSES = {Family.IP: Intervals.single(0xC0000201), Family.IP6: Intervals.single(0x20010DB8 << 96 | 1)}

_MATCHES: dict[str, tuple[Match, ...]] = {
    **{f"{way.value} interface": (InterfaceMatch(way, _INTERFACES),) for way in Direction},
    "no such interface": (InterfaceMatch(Direction.IN, (InterfacePattern("eth0"),), negated=True),),
    **{f"{side.value} of both": (AddressMatch(side, MIXED),) for side in Side},
    "not among addresses": (AddressMatch(Side.SADDR, MIXED, negated=True),),
    **{f"original {side.value}": (OriginalAddressMatch(side, MIXED),) for side in Side},
    "not the original": (OriginalAddressMatch(Side.SADDR, MIXED, negated=True),),
    "any original": (OriginalAddressMatch(Side.SADDR, _addresses("0.0.0.0/0", "::/0")),),
    "not the original of IPv4": (OriginalAddressMatch(Side.DADDR, _addresses("192.0.2.0/24"), negated=True),),
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
    **{f"{trait.value} {negated}": (TraitMatch(trait, negated),) for trait in Trait for negated in (False, True)},
    "option": (TcpOptionMatch(4),),
    "no option": (TcpOptionMatch(8, negated=True),),
    **{f"set by {side.value}": (SetMatch((side,), "four"), SetMatch((side,), "four", True)) for side in Side},
    "every third": (EveryNth(3, 1),),
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
_MATCH_PLACES = {"oifname interface": OUTPUT, "osf": BEFORE, "socket False": BEFORE, "socket True": BEFORE}

_STATEMENTS: dict[str, tuple[tuple[Match, ...], Statement, Place]] = {
    "counter": ((), Counter(), INPUT),
    "named counter": ((), Counter("web"), INPUT),
    **{f"log {level.name}": ((), Log("x", level), INPUT) for level in LogLevel},
    "log to a group": ((), Log("x", group=3), INPUT),
    "helper": ((HTTP,), AssignHelper("ftp", TCP), INPUT),
    **{f"ban {side.value}": ((), UpdateSet((side,), "four", 60), INPUT) for side in Side},
    "ban without time": ((), UpdateSet((Side.SADDR,), "six"), INPUT),
    **{f"set {mark.value}": ((), SetMark(mark, 0x12), ROUTE) for mark in MarkField},
    **{f"set bits of {mark.value}": ((), SetMark(mark, 0x10, 0xF0), BEFORE) for mark in MarkField},
    **{f"copy to {mark.value}": ((), CopyMark(mark), AFTER) for mark in MarkField},
    "copy bits": ((), CopyMark(MarkField.META, 0xFF), BEFORE),
    "notrack": ((), Notrack(), RAW),
    "clamp": ((HTTP,), ClampMss(), FORWARD),
    "clamp to a size": ((HTTP,), ClampMss(1400), FORWARD),
    "dscp": ((), SetDscp(46), BEFORE),
    "synproxy": ((HTTP,), Synproxy(1460, 7, False, True), INPUT),
    "native": ((), Native("accept", '[{"accept": null}]', "-j ACCEPT"), INPUT),
}
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
_PREFIX = Intervals.of([(0xC0000200, 0xC00002FF)])


def _samples() -> Iterator[tuple[str, Sample]]:
    for name, matches in _MATCHES.items():
        yield name, Sample(Rule(matches, Accept()), _MATCH_PLACES.get(name, INPUT))
    for field in Field:
        place = _FIELD_PLACES.get(field, INPUT)
        beside = (HTTP,) if "proto" in field.value or FIELDS[field].protocol == TCP else ()
        for negated in (False, True):
            match = FieldMatch(field, Intervals.single(1), negated=negated)
            yield f"{field.value} {negated}", Sample(Rule((*beside, match), Accept()), place)
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
