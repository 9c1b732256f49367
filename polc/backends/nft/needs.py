"""What a rule takes that some hosts do not have.

What depends on how a rule is written (a set, JSON) is asked where that is decided; here is what a rule takes however it
is written. Most of it every version has, and ``--for host`` may still find a kernel that was built without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never

from polc.backends.features import Feature
from polc.ir.fields import Field
from polc.ir.matches import (
    AddressMatch,
    AddressTypeMatch,
    CtStateMatch,
    ElementMatch,
    ExtensionHeaderMatch,
    FieldMatch,
    FlagField,
    FlagsMatch,
    InterfaceMatch,
    Match,
    NameField,
    NameMatch,
    OpaqueMatch,
    OriginalAddressMatch,
    ReversePathMatch,
    ServiceMatch,
    SetMatch,
    TcpOptionMatch,
    Trait,
    TraitMatch,
)
from polc.ir.ruleset import DEVICE_HOOKS, BaseChain, Rule, TableFamily
from polc.ir.selectors import Conntrack, Selector
from polc.ir.stateful import Connections, EveryNth, Hits, Limit, Quota, RandomMatch, RecentMatch
from polc.ir.statements import (
    AssignHelper,
    AssignTimeout,
    AssignZone,
    ClampMss,
    CopyMark,
    Counter,
    Duplicate,
    Log,
    MapMark,
    MarkField,
    Native,
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
    UpdateSet,
)
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Nat, NatKind, NatMap, Queue, Reject, Return, Verdict, VerdictMap

OF_TABLES = {
    TableFamily.BRIDGE: Feature.BRIDGE,
    TableFamily.ARP: Feature.ARP,
    TableFamily.NETDEV: Feature.NETDEV,
}
"""What a table of a family takes."""


def needs(rule: Rule, bases: Iterable[BaseChain]) -> Iterator[Feature]:
    """``bases`` are the base chains from which packets reach the rule."""
    for match in rule.matches:
        yield from _match(match)
    for one in rule.statements:
        yield from _statement(one)
    if rule.verdict is not None:
        yield from _verdict(rule.verdict)
    if isinstance(rule.verdict, Reject) and any(base.hook in DEVICE_HOOKS for base in bases):
        yield Feature.REJECT_INGRESS


def _match(match: Match) -> Iterator[Feature]:
    match match:
        case FieldMatch(field):
            yield from _field(field)
        case SetMatch(key) | ElementMatch(key):
            yield from _key(key)
        case CtStateMatch() | OriginalAddressMatch() | FlagsMatch(FlagField.CT_STATUS) | NameMatch(NameField.CT_HELPER):
            yield Feature.CT
        case ReversePathMatch() | AddressTypeMatch():
            yield Feature.FIB
        case TraitMatch(Trait.SOCKET):
            yield Feature.SOCKET
        case TraitMatch(Trait.IPSEC):
            yield Feature.IPSEC
        case NameMatch(NameField.OSF_NAME):
            yield Feature.OSF
        case Limit() | Hits():
            yield Feature.LIMIT
        case RecentMatch(hits=hits) if hits is not None and hits > 1:
            yield Feature.LIMIT
        case Connections():
            yield Feature.CONNLIMIT
        case Quota():
            yield Feature.QUOTA
        case EveryNth():
            yield Feature.NUMGEN
        case (
            InterfaceMatch()
            | AddressMatch()
            | ServiceMatch()
            | FlagsMatch()
            | NameMatch()
            | TraitMatch()
            | TcpOptionMatch()
            | ExtensionHeaderMatch()
            | OpaqueMatch()
            | RandomMatch()
            | RecentMatch()
        ):
            pass
        case _:
            assert_never(match)


def _field(field: Field) -> Iterator[Feature]:
    if field is Field.CT_MARK:
        yield Feature.CT_MARK
    elif field.value.startswith("ct "):
        yield Feature.CT


def _key(key: tuple[Selector, ...]) -> Iterator[Feature]:
    for one in key:
        if isinstance(one, Conntrack):
            yield Feature.CT
        elif isinstance(one, Field):
            yield from _field(one)


def _statement(one: Statement) -> Iterator[Feature]:
    match one:
        case Log():
            yield Feature.LOG
        case AssignHelper():
            yield Feature.CT_HELPER
        case AssignTimeout():
            yield Feature.CT_TIMEOUT
        case AssignZone():
            yield Feature.CT_ZONE
        case Offload():
            yield Feature.FLOWTABLE
        case UpdateSet(key):
            yield from _key(key)
        case SetMark(MarkField.CT) | CopyMark():
            yield Feature.CT_MARK
        case MapMark(field, key):
            yield from _key(key)
            if field is MarkField.CT:
                yield Feature.CT_MARK
        case Notrack():
            yield Feature.CT
        case Duplicate():
            yield Feature.DUPLICATE
        case StripTcpOptions():
            yield Feature.TCP_OPTION_RESET
        case Tproxy():
            yield Feature.TPROXY
        case Synproxy():
            yield Feature.SYNPROXY
        case (
            Counter()
            | SetMark()
            | SetPriority()
            | SetHops()
            | Trace()
            | ClampMss()
            | SetDscp()
            | Native()
            | OpaqueStatement()
        ):
            pass
        case _:
            assert_never(one)


_NAT = {NatKind.MASQUERADE: Feature.MASQUERADE, NatKind.REDIRECT: Feature.REDIRECT}


def _verdict(verdict: Verdict) -> Iterator[Feature]:
    match verdict:
        case Reject():
            yield Feature.REJECT
        case Nat(kind):
            yield _NAT.get(kind, Feature.NAT)
        case NatMap(kind, key=key):
            yield from _key(key)
            yield _NAT.get(kind, Feature.NAT)
        case Queue():
            yield Feature.QUEUE
        case VerdictMap(key):
            yield from _key(key)
        case Accept() | Drop() | Jump() | Goto() | Return():
            pass
        case _:
            assert_never(verdict)
