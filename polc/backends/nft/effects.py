"""Statements and verdicts: from the IR to nft's words."""

from __future__ import annotations

from typing import assert_never

from polc.backends.nft.definitions import HelperDefinition
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
)
from polc.backends.nft.keys import address
from polc.backends.nft.names import check_name
from polc.backends.nft.refused import Refused
from polc.backends.nft.reject_types import REJECT_TYPES
from polc.backends.nft.statements import (
    Assign,
    Call,
    Compare,
    Count,
    Handshake,
    LogLine,
    RuleStatement,
    SetElement,
    SetOperation,
    ToSocket,
    Translate,
    UseHelper,
    Verbatim,
    Word,
)
from polc.ir.addresses import format_address
from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.protocols import PROTOCOL_NAMES, TCP, UDP
from polc.ir.ruleset import DynamicSet
from polc.ir.selectors import Side
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

_LONGEST_PREFIX = 127  # NF_LOG_PREFIXLEN is 128, its last byte NUL (uapi/linux/netfilter/nf_log.h)


_MARKS: dict[MarkField, Meta | Ct] = {MarkField.META: Meta("mark"), MarkField.CT: Ct("mark")}
_WHOLE = 0xFFFFFFFF

# Only a SYN announces a segment size (RFC 9293, 3.7.1); the kernel lowers it and never raises it
# (net/netfilter/nft_exthdr.c, nft_exthdr_tcp_set_eval).
SYN = Compare(Bits(Payload("tcp", "flags"), 0x06), Numbers(Intervals.single(0x02)))


def statement(one: Statement, sets: dict[str, DynamicSet], family: Family | None) -> RuleStatement:
    """``family`` is the rule's, None for both.

    Raises:
        Refused: nft has no words for it.
    """
    match one:
        case Counter(name):
            if name is not None:
                check_name("counter", name)
            return Count(name)
        case Log(prefix, level, group):
            _check_prefix(prefix)
            return LogLine(prefix, level.name.lower(), group)
        case AssignHelper():
            return UseHelper(helper(one).name)
        case UpdateSet((Side() as side,), set_name, timeout):
            (of,) = sets[set_name].families
            return SetElement(SetOperation.UPDATE, set_name, address(side, of), timeout)
        case Notrack():
            return Word.NOTRACK
        case SetMark(field, value, mask):
            return Assign(_MARKS[field], changed(_MARKS[field], value, mask))
        case CopyMark():
            return _copy(one)
        case ClampMss(size):
            return Assign(TcpOption("maxseg", "size"), RouteMtu() if size is None else size)
        case SetDscp(value):
            if family is None:
                raise Refused("a code point is set in a rule of one family", "a rule for each")
            return Assign(Payload(family.value, "dscp"), value)
        case Tproxy(port, of, number):
            text = "" if of is None or number is None else format_address(of, number)
            return ToSocket(of if text else None, text, port)
        case Synproxy():
            flags = (("timestamp", one.timestamp), ("sack-perm", one.sack_perm))
            return Handshake(one.mss, one.wscale, tuple(name for name, there in flags if there))
        case Native(nft, nft_json):
            return Verbatim(nft or "", nft_json or "")
        case (
            UpdateSet()
            | AssignTimeout()
            | AssignZone()
            | Offload()
            | MapMark()
            | SetPriority()
            | SetHops()
            | Trace()
            | Duplicate()
            | StripTcpOptions()
            | OpaqueStatement()
        ):
            raise Refused(f"nft has no words for {type(one).__name__}")
        case _:
            assert_never(one)


def changed(field: Meta | Ct, value: int, mask: int) -> int | Replaced:
    """What a mark is set to: ``(mark & ~mask) | value``."""
    return value if mask == _WHOLE else Replaced(field, _WHOLE & ~mask, value)


def _copy(one: CopyMark) -> Assign:
    if one.mask != _WHOLE:
        raise Refused(
            "nft copies a mark as a whole: bits of two marks in one value take Linux 6.14",
            "the copy without a mask",
        )
    source = MarkField.META if one.to is MarkField.CT else MarkField.CT
    return Assign(_MARKS[one.to], _MARKS[source])


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


def verdict(one: Verdict) -> RuleStatement:
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
            return REJECT_TYPES[type]
        case Jump(chain):
            return Call("jump", chain)
        case Goto(chain):
            return Call("goto", chain)
        case Nat():
            return _translate(one)
        case NatMap() | Queue() | VerdictMap():
            raise Refused(f"nft has no words for {one.__class__.__name__}")
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
    flags = tuple(name for name, there in (("random", nat.random), ("persistent", nat.persistent)) if there)
    ports = None if nat.ports is None else Numbers(nat.ports)
    if nat.kind in (NatKind.NETMAP_SOURCE, NatKind.NETMAP_DESTINATION):
        if flags or ports or addresses is None:
            raise Refused("a netmap of nft takes a prefix alone", "the rule without a port, random and persistent")
        return Translate(nat.kind.value.split()[0], addresses, None, prefix=True)
    return Translate(nat.kind.value, addresses, ports, flags)
