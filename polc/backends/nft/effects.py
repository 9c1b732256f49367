"""Statements and verdicts: from the IR to nft's words."""

from __future__ import annotations

from typing import assert_never

from polc.backends.nft.definitions import HelperDefinition
from polc.backends.nft.expressions import Addresses, Numbers
from polc.backends.nft.keys import address
from polc.backends.nft.names import check_name
from polc.backends.nft.refused import Refused
from polc.backends.nft.reject_types import REJECT_TYPES
from polc.backends.nft.statements import (
    Call,
    Count,
    LogLine,
    RuleStatement,
    SetElement,
    SetOperation,
    Translate,
    UseHelper,
    Word,
)
from polc.ir.protocols import PROTOCOL_NAMES, TCP, UDP
from polc.ir.ruleset import DynamicSet
from polc.ir.statements import AssignHelper, Counter, Log, Statement, UpdateSet
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Nat, Reject, Return, Verdict

_LONGEST_PREFIX = 127  # NF_LOG_PREFIXLEN is 128, its last byte NUL (uapi/linux/netfilter/nf_log.h)


def statement(one: Statement, sets: dict[str, DynamicSet]) -> RuleStatement:
    """Raises:
    Refused: nft has no words for it.
    """
    match one:
        case Counter(name):
            if name is not None:
                check_name("counter", name)
            return Count(name)
        case Log(prefix, level):
            _check_prefix(prefix)
            return LogLine(prefix, level.name.lower())
        case AssignHelper():
            return UseHelper(helper(one).name)
        case UpdateSet(side, set_name, timeout):
            return SetElement(SetOperation.UPDATE, set_name, address(side, sets[set_name].family), timeout)
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
    return Translate(nat.kind.value, addresses, None if nat.ports is None else Numbers(nat.ports))
