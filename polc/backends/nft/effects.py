"""Statements and verdicts: from the IR to nft's words."""

from __future__ import annotations

from typing import assert_never

from polc.backends.nft.definitions import HelperDefinition
from polc.backends.nft.expressions import Addresses, Ct, Meta, Numbers, Payload, TcpOption
from polc.backends.nft.keys import ALL_BITS, address
from polc.backends.nft.names import check_name
from polc.backends.nft.refused import Refused
from polc.backends.nft.reject_types import REJECT_TYPES
from polc.backends.nft.statements import (
    Assign,
    Call,
    Combined,
    Count,
    LogLine,
    RouteMtu,
    RuleStatement,
    SetElement,
    SetOperation,
    SynproxyWith,
    TproxyTo,
    Translate,
    UseHelper,
    Word,
)
from polc.ir.addresses import prefix_length
from polc.ir.family import Family
from polc.ir.protocols import PROTOCOL_NAMES, TCP, UDP
from polc.ir.ruleset import DynamicSet
from polc.ir.statements import (
    AssignHelper,
    ClampMss,
    CopyMark,
    Counter,
    Log,
    MarkField,
    Notrack,
    SetDscp,
    SetMark,
    Statement,
    Synproxy,
    Tproxy,
    UpdateSet,
)
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Nat, NatKind, Reject, Return, Verdict

_LONGEST_PREFIX = 127  # NF_LOG_PREFIXLEN is 128, its last byte NUL (uapi/linux/netfilter/nf_log.h)


_MARKS: dict[MarkField, Meta | Ct] = {MarkField.META: Meta("mark"), MarkField.CT: Ct("mark")}
_PREFIXES = {NatKind.NETMAP_SOURCE: "snat", NatKind.NETMAP_DESTINATION: "dnat"}


def statement(one: Statement, sets: dict[str, DynamicSet], family: Family | None) -> RuleStatement:
    """What a rule of packets of ``family`` (None: of both) does.

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
            if group is not None and not 0 <= group <= 0xFFFF:
                raise Refused(f"{group} is not a log group: it has 16 bits")
            return LogLine(prefix, level.name.lower(), group)
        case AssignHelper():
            return UseHelper(helper(one).name)
        case UpdateSet(side, set_name, timeout):
            return SetElement(SetOperation.UPDATE, set_name, address(side, sets[set_name].family), timeout)
        case SetMark(field, value, mask):
            mark = _MARKS[field]
            # nft itself writes a bit that is set both ways into the mask; so both read alike.
            keep = (~mask & ALL_BITS) | value
            return Assign(mark, value if mask == ALL_BITS else Combined(mark, keep, value))
        case CopyMark(to, mask):
            if mask != ALL_BITS:
                raise Refused(
                    "nft cannot copy a part of a mark: to join bits of both marks takes kernel 6.13",
                    "the whole mark, or a rule for each value",
                )
            source = MarkField.CT if to is MarkField.META else MarkField.META
            return Assign(_MARKS[to], _MARKS[source])
        case Notrack():
            return Word.NOTRACK
        case ClampMss(size):
            # The kernel's own rule: it never raises the option (net/netfilter/nft_exthdr.c).
            return Assign(TcpOption("maxseg", "size"), RouteMtu.RT_MTU if size is None else size)
        case SetDscp(value):
            if family is None:
                raise Refused("nft sets the code point of one family's header")
            return Assign(Payload(family.value, "dscp"), value)
        case Tproxy(port, only, address_of):
            if port is None and address_of is None:
                raise Refused("tproxy of nft needs an address or a port", "a port")
            return TproxyTo(family if only is None else only, address_of, port)
        case Synproxy(mss, wscale, timestamp, sack_perm):
            flags = (("timestamp", timestamp), ("sack-perm", sack_perm))
            return SynproxyWith(mss, wscale, tuple(word for word, wanted in flags if wanted))
        case _:
            assert_never(one)


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
    flags = tuple(word for word, wanted in (("random", nat.random), ("persistent", nat.persistent)) if wanted)
    if nat.kind in _PREFIXES:
        if addresses is None or nat.ports is not None:
            raise Refused("netmap of nft takes a prefix and no port")
        ((low, high),) = addresses.values.ranges
        if prefix_length(addresses.family, low, high) is None:
            raise Refused("netmap of nft takes a prefix")
        return Translate(_PREFIXES[nat.kind], addresses, None, flags, prefix=True)
    return Translate(nat.kind.value, addresses, None if nat.ports is None else Numbers(nat.ports), flags)
