"""All extensions: each node of the IR has its line here, and one that lacks it does not pass the type check."""

from __future__ import annotations

from typing import assert_never

from polc.backends.cascade import Alternatives
from polc.backends.iptables.extensions import (
    address,
    classify,
    conntrack,
    counts,
    ct,
    ctstatus,
    exthdr,
    fields,
    hashlimit,
    hops,
    interface,
    limit,
    log,
    marking,
    names_of,
    nat,
    native,
    opaque,
    original,
    queue,
    recent,
    reject,
    rewriting,
    routing,
    service,
    sets,
    strip,
    tcpflags,
    tee,
    trait,
)
from polc.backends.iptables.extensions.context import Context
from polc.backends.iptables.extensions.words import Difference, Refused, Target, Words
from polc.ir.family import Family
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
    NameMatch,
    OpaqueMatch,
    OriginalAddressMatch,
    ReversePathMatch,
    ServiceMatch,
    SetMatch,
    TcpOptionMatch,
    TraitMatch,
)
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
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Nat, NatMap, Queue, Reject, Return, Verdict, VerdictMap


def split(match: Match, context: Context) -> Alternatives:
    """The match as options that one rule can hold each."""
    match match:
        case InterfaceMatch():
            return interface.split(match)
        case AddressMatch():
            return address.split(match, context)
        case ServiceMatch():
            return service.split(match)
        case FieldMatch():
            return fields.split(match, context.family)
        case FlagsMatch(FlagField.TCP_FLAGS):
            return tcpflags.split(match)
        case FlagsMatch():
            return ctstatus.split(match)
        case TraitMatch():
            return trait.split(match)
        case OriginalAddressMatch():
            return original.split(match, context.family)
        case ExtensionHeaderMatch():
            return exthdr.split(match)
        case TcpOptionMatch():
            return Alternatives((match,), slot="--tcp-option")
        case (
            CtStateMatch()
            | NameMatch()
            | ReversePathMatch()
            | AddressTypeMatch()
            | SetMatch()
            | ElementMatch()
            | EveryNth()
            | RandomMatch()
            | RecentMatch()
            | Limit()
            | Hits()
            | Connections()
            | Quota()
            | OpaqueMatch()
        ):
            return Alternatives((match,))
        case _:
            assert_never(match)


def words(match: Match, context: Context) -> Words:
    """A match that ``split`` gave, in iptables' words. ``Hits`` are in the state where they have been recorded.

    Raises:
        Refused: iptables cannot say it.
    """
    found = _words(match, context)
    if isinstance(match, Limit | Connections | Quota) and match.both:
        return Words(found.pieces, (*found.differences, _PER_FAMILY))
    return found


_PER_FAMILY = Difference(
    "limit-per-family",
    "packets of IPv4 and IPv6 are counted together, and iptables counts those of each by themselves: all of it up to "
    "twice as often",
    "a rule for each family where that is what is meant",
)


def _words(match: Match, context: Context) -> Words:
    match match:
        case InterfaceMatch():
            return interface.words(match)
        case AddressMatch():
            return address.words(match, context)
        case ServiceMatch():
            return service.words(match)
        case CtStateMatch():
            return conntrack.words(match)
        case FieldMatch():
            return fields.words(match, context.family)
        case FlagsMatch(FlagField.TCP_FLAGS):
            return tcpflags.words(match)
        case FlagsMatch():
            return ctstatus.words(match)
        case NameMatch():
            return names_of.words(match, context.family)
        case ReversePathMatch():
            return routing.reverse_path(match)
        case AddressTypeMatch():
            return routing.address_type(match, context.family)
        case TraitMatch():
            return trait.words(match, context.family)
        case OriginalAddressMatch():
            return original.words(match, context.family)
        case TcpOptionMatch():
            return tcpflags.option(match)
        case ExtensionHeaderMatch():
            return exthdr.words(match)
        case EveryNth():
            return counts.every_nth(match)
        case RandomMatch():
            return counts.random(match)
        case Connections():
            return counts.connections(match, context)
        case Quota():
            return counts.quota(match, context)
        case Limit() if limit.fits(match) and match.table not in context.shared:
            return limit.words(match)
        case Limit():
            return hashlimit.words(match, context)
        case Hits():
            return recent.check(match, context)
        case RecentMatch():
            return recent.listed(match, context)
        case SetMatch():
            return sets.words(match, context)
        case ElementMatch():
            return sets.elements(match, context)
        case OpaqueMatch():
            return opaque.words(match)
        case _:
            assert_never(match)


def statement(one: Statement, context: Context) -> Target | None:
    """The target that does what a statement does; None where every rule does it anyway, or nothing is to be done.

    Raises:
        Refused: iptables cannot say it.
    """
    match one:
        case Counter(None):
            return None
        case Counter():
            raise Refused("named-counter", f"iptables counts each rule by itself, so there is no counter `{one.name}`")
        case Log():
            return Target(log.target(one))
        case AssignHelper():
            return Target(ct.target(one), (one.protocol,))
        case AssignZone():
            chain = context.zones.get(one)
            return Target(f"-j {chain}" if chain else ct.target(None, one))
        case AssignTimeout():
            raise Refused(
                "ct-timeout",
                f"iptables names timeouts that another program, nfct, keeps in the kernel; it makes no `{one.name}`",
            )
        case Offload():
            raise Refused("flowtable", "iptables has no flowtables: every packet of a flow goes the whole way")
        case SetMark():
            return Target(marking.assign(one))
        case CopyMark():
            return Target(marking.copy(one))
        case SetPriority():
            return Target(classify.target(one))
        case SetHops():
            return hops.target(one, context.family)
        case Trace():
            return Target("-j TRACE")
        case Duplicate():
            return Target(tee.target(one, context.family))
        case StripTcpOptions():
            return strip.target(one)
        case Notrack():
            return Target("-j CT --notrack")
        case ClampMss():
            return rewriting.clamp(one)
        case SetDscp():
            return rewriting.dscp(one)
        case Tproxy():
            return rewriting.tproxy(one, context.family)
        case Synproxy():
            return rewriting.synproxy(one)
        case UpdateSet():
            return Target(sets.update(one, context))
        case Native():
            return native.target(one)
        case OpaqueStatement():
            return opaque.target(one)
        case MapMark():
            raise AssertionError("a map is made lines before")
        case _:
            assert_never(one)


def verdict(one: Verdict, family: Family) -> str:
    """The target of a verdict; chains are named as in the ruleset."""
    match one:
        case Accept():
            return "-j ACCEPT"
        case Drop():
            return "-j DROP"
        case Reject():
            return reject.target(one, family)
        case Jump():
            return f"-j {one.chain}"
        case Goto():
            return f"-g {one.chain}"
        case Return():
            return "-j RETURN"
        case Nat():
            return nat.target(one, family)
        case Queue():
            return queue.target(one)
        case NatMap() | VerdictMap():
            raise AssertionError("a map is made lines before")
        case _:
            assert_never(one)
