"""Statements and verdicts: from the IR to nft's words."""

from __future__ import annotations

from typing import assert_never

from polc.backends.features import Feature
from polc.backends.nft import maps
from polc.backends.nft.context import Along, Context
from polc.backends.nft.definitions import CounterDefinition, HelperDefinition, TimeoutDefinition
from polc.backends.nft.elements import key
from polc.backends.nft.expressions import (
    Addresses,
    Bits,
    Ct,
    Meta,
    Numbers,
    Payload,
    Replaced,
    RouteMtu,
    TcpOption,
    TwoMarks,
)
from polc.backends.nft.marks import WHOLE, masks, source
from polc.backends.nft.names import check_device, check_name
from polc.backends.nft.refused import Refused
from polc.backends.nft.reject_types import reject_with
from polc.backends.nft.statements import (
    AddFlow,
    Assign,
    Call,
    Compare,
    CopyTo,
    Count,
    Handshake,
    LogLine,
    ObjectKind,
    QueueTo,
    ResetOption,
    RuleStatement,
    SetElement,
    SetOperation,
    ToSocket,
    Translate,
    UseObject,
    Verbatim,
    Word,
)
from polc.ir.addresses import format_address
from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.matches import OpaqueMatch, Syntax
from polc.ir.protocols import PROTOCOL_NAMES, TCP, UDP
from polc.ir.statements import (
    AssignHelper,
    AssignTimeout,
    AssignZone,
    ClampMss,
    CopyMark,
    Counter,
    Duplicate,
    HopChange,
    Log,
    LogFlag,
    MapMark,
    MarkField,
    Native,
    Notrack,
    Offload,
    Omission,
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

_LONGEST_PREFIX = 127  # NF_LOG_PREFIXLEN is 128, its last byte NUL (uapi/linux/netfilter/nf_log.h)


_MARKS: dict[MarkField, Meta | Ct] = {MarkField.META: Meta("mark"), MarkField.CT: Ct("mark")}
_HOPS = {Family.IP: ("ip", "ttl"), Family.IP6: ("ip6", "hoplimit")}

# Only a SYN announces a segment size (RFC 9293, 3.7.1); the kernel lowers it and never raises it
# (net/netfilter/nft_exthdr.c, nft_exthdr_tcp_set_eval).
SYN = Compare(Bits(Payload("tcp", "flags"), 0x06), Numbers(Intervals.single(0x02)))


def statement(one: Statement, family: Family | None, context: Context, along: Along) -> tuple[RuleStatement, ...]:
    """``family`` is the rule's, None for both.

    Raises:
        Refused: nft has no words for it.
    """
    match one:
        case Counter(name, packets, size):
            if name is None:
                return (Count(None, packets, size),)
            check_name("counter", name)
            along.definitions.append(CounterDefinition(name, packets, size))
            return (Count(name),)
        case Log():
            return (_log(one),)
        case AssignHelper():
            along.definitions.append(helper(one))
            return (UseObject(ObjectKind.HELPER, helper(one).name),)
        case AssignTimeout():
            along.definitions.append(_timeout(one, context))
            return (UseObject(ObjectKind.TIMEOUT, one.name),)
        case AssignZone(zone, direction):
            return (Assign(Ct("zone", direction.value if direction else ""), zone),)
        case Offload(name):
            if name not in context.flowtables:
                raise Refused(f"nft has no form for the flowtable `{name}`")
            return (AddFlow(name),)
        case UpdateSet():
            return (_update(one, family, context),)
        case Notrack():
            return (Word.NOTRACK,)
        case SetMark(field, value, mask):
            return (Assign(_MARKS[field], changed(_MARKS[field], value, mask)),)
        case CopyMark():
            return (_copy(one, context),)
        case MapMark(field):
            return (Assign(_MARKS[field], maps.look_up_mark(one, family, context, along)),)
        case SetPriority(value):
            return (Assign(Meta("priority"), value),)
        case SetHops(value, change):
            if change is not HopChange.SET:
                raise Refused(f"nft can set a number of hops and not {change.value} it", "the number that it is to be")
            return (Assign(Payload(*_HOPS[_one(family, "a number of hops")]), value),)
        case Trace():
            return (Assign(Meta("nftrace"), 1),)
        case Duplicate():
            return (_duplicate(one, context),)
        case StripTcpOptions(kinds):
            return tuple(ResetOption(kind) for kind in kinds)
        case ClampMss(size):
            return (Assign(TcpOption("maxseg", "size"), RouteMtu() if size is None else size),)
        case SetDscp(value):
            return (Assign(Payload(_one(family, "a code point").value, "dscp"), value),)
        case Tproxy(port, of, number):
            text = "" if of is None or number is None else format_address(of, number)
            return (ToSocket(of if text else None, text, port),)
        case Synproxy():
            flags = (("timestamp", one.timestamp), ("sack-perm", one.sack_perm))
            return (Handshake(one.mss, one.wscale, tuple(name for name, there in flags if there)),)
        case Native(nft, nft_json):
            return (Verbatim(nft or "", nft_json or ""),)
        case OpaqueStatement(syntax=Syntax.IPTABLES, omission=Omission(name, message, instead)):
            along.differences.append((name, message, ""))
            return () if instead is None else (Verbatim(instead.text, instead.json),)
        case OpaqueStatement():
            return (opaque(one, context),)
        case _:
            assert_never(one)


def opaque(one: OpaqueStatement | OpaqueMatch, context: Context) -> Verbatim:
    """Raises:
    Refused: its words are not those of the format to come.
    """
    if isinstance(one, OpaqueMatch) and one.nft is not None:
        return Verbatim(one.nft.text, one.nft.json)
    if one.syntax is Syntax.IPTABLES:
        raise Refused(f"nft has no form for `{one.words}`{f': {one.reason}' if one.reason else ''}")
    if not context.json:
        raise Refused(f"this is known in nft's JSON alone: `{one.words}`", "`--format json`")
    return Verbatim("", f"[{one.words}]")


def changed(field: Meta | Ct, value: int, mask: int) -> int | Replaced:
    """What a mark is set to: ``(mark & ~mask) ^ value``."""
    return value if mask == WHOLE else Replaced(field, WHOLE & ~mask, value)


def _copy(one: CopyMark, context: Context) -> Assign:
    """What is left of the rest after ``marks.bit_by_bit``."""
    to, other = _MARKS[one.to], _MARKS[source(one)]
    cleared, copied = masks(one)
    if cleared == WHOLE:
        return Assign(to, other if copied == WHOLE else Bits(other, copied))
    context.need(Feature.MARK_FROM_MARK)
    return Assign(to, TwoMarks(to, WHOLE & ~cleared, other, copied))


def _update(one: UpdateSet, family: Family | None, context: Context) -> SetElement:
    target = context.set(one.set_name)
    if target.intervals:
        raise Refused(f"rules of nft cannot change the set `{one.set_name}`, which has ranges", "a set without ranges")
    of = next(iter(target.families)) if len(target.families) == 1 else family
    return SetElement(SetOperation(one.operation.value), one.set_name, key(one.key, of), one.timeout)


def _timeout(one: AssignTimeout, context: Context) -> TimeoutDefinition:
    if one.protocol not in (TCP, UDP):
        raise Refused("nft sets timeouts of TCP and UDP flows alone", "a service of those")
    if context.json:
        context.need(Feature.CT_TIMEOUT_JSON)
    check_name("conntrack timeout", one.name)
    family = "" if one.family is None else one.family.value
    return TimeoutDefinition(one.name, PROTOCOL_NAMES[one.protocol], one.policy, family)


def _duplicate(one: Duplicate, context: Context) -> CopyTo:
    if context.table.value != one.family.value:
        raise Refused(f"nft copies packets in tables of the family {one.family.value} alone, and this is none")
    if one.device is not None:
        check_device(one.device, quoted=True)
    return CopyTo(format_address(one.family, one.address), one.device or "")


def _one(family: Family | None, what: str) -> Family:
    if family is None:
        raise Refused(f"{what} is set in a rule of one family", "a rule for each")
    return family


def _log(one: Log) -> LogLine:
    _check_prefix(one.prefix)
    if one.group is not None and one.flags:
        raise Refused("a log of a group has no flags in nft", "the rule without `group` or without flags")
    if one.group is None and (one.snaplen is not None or one.queue_threshold is not None):
        raise Refused("nft sends parts of packets, and several at once, to a group alone", "a `group`")
    flags = tuple(flag.value for flag in LogFlag if flag in one.flags)
    return LogLine(one.prefix, one.level.name.lower(), one.group, flags, one.snaplen, one.queue_threshold)


def _check_prefix(prefix: str) -> None:
    if len(prefix.encode()) > _LONGEST_PREFIX:
        raise Refused(f"a log prefix has at most {_LONGEST_PREFIX} bytes on nft", "a shorter prefix")
    for bad, why in (
        ('"', "ends the text there"),
        ("$", "begins a variable there"),
        ("\\", "is no safe character there"),
    ):
        if bad in prefix:
            raise Refused(f"a log prefix on nft cannot have `{bad}`, which {why}", f"a prefix without `{bad}`")
    if not prefix.isprintable():
        raise Refused("a log prefix on nft cannot have control characters", "a prefix without them")


def helper(one: AssignHelper) -> HelperDefinition:
    """The object that the statement uses.

    Raises:
        Refused: a transport protocol that nft knows no helpers for.
    """
    if one.protocol not in (TCP, UDP):
        raise Refused("nft assigns conntrack helpers to TCP and UDP flows alone", "a service of those")
    protocol = PROTOCOL_NAMES[one.protocol]
    if '"' in one.helper or not one.helper.isprintable():
        raise Refused(f"`{one.helper}` is not the name of a conntrack helper")
    name = f"{one.helper}-{protocol}"
    check_name("conntrack helper", name)
    return HelperDefinition(name, one.helper, protocol)


def verdict(one: Verdict, family: Family | None, context: Context, along: Along) -> RuleStatement:
    """Raises:
    Refused: an address range that is not one range.
    """
    match one:
        case Accept():
            return Word.ACCEPT
        case Drop():
            return Word.DROP
        case Return():
            return Word.RETURN
        case Reject(type):
            return reject_with(type, context.table)
        case Jump(chain):
            return Call("jump", chain)
        case Goto(chain):
            return Call("goto", chain)
        case Nat():
            return _translate(one)
        case NatMap():
            return maps.translate_by(one, family)
        case VerdictMap():
            return maps.decide(one, family, context, along)
        case Queue(first, last):
            flags = tuple(name for name, there in (("bypass", one.bypass), ("fanout", one.fanout)) if there)
            return QueueTo(Numbers(Intervals(((first, last),))), flags)
        case _:
            assert_never(one)


def _translate(nat: Nat) -> Translate:
    for values, what in ((nat.addresses, "addresses"), (nat.ports, "ports")):
        if values is not None and len(values.ranges) != 1:
            raise Refused(f"a NAT rule of nft takes {what} from one range")
    addresses = None
    if nat.addresses is not None:
        if nat.family is None:
            raise Refused("a NAT rule of nft with addresses needs their family")
        addresses = Addresses(nat.family, nat.addresses)
    marked = (("random", nat.random), ("fully-random", nat.fully_random), ("persistent", nat.persistent))
    flags = tuple(name for name, there in marked if there)
    ports = None if nat.ports is None else Numbers(nat.ports)
    if nat.kind in (NatKind.NETMAP_SOURCE, NatKind.NETMAP_DESTINATION):
        if flags or ports or addresses is None:
            raise Refused("a netmap of nft takes a prefix alone", "the rule without a port, random and persistent")
        return Translate(nat.kind.value.split()[0], addresses, None, prefix=True)
    return Translate(nat.kind.value, addresses, ports, flags)
