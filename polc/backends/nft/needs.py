"""What rules take of a host that some kernels are built without.

Constructs that depend on a version are asked about where they are chosen; here is what every version has, and what
``--for host`` may still find missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from polc.backends.features import Feature
from polc.backends.nft.definitions import RuleDefinition
from polc.backends.nft.expressions import (
    Bits,
    Concat,
    Ct,
    CtState,
    Fib,
    Field,
    Fingerprint,
    Fragment,
    Left,
    Masked,
    Meta,
    Mixed,
    Payload,
    Replaced,
    RouteMtu,
    Socket,
    TcpOption,
    TcpOptionKind,
    Turn,
)
from polc.backends.nft.refused import Refused
from polc.backends.nft.statements import (
    Assign,
    ByteQuota,
    Call,
    Compare,
    ConnectionCount,
    Count,
    Handshake,
    LogLine,
    Meter,
    RateLimit,
    RejectWith,
    RuleStatement,
    SetElement,
    ToSocket,
    Translate,
    UseHelper,
    Verbatim,
    Word,
)
from polc.backends.profile import Profile


def check_rule(rule: RuleDefinition, profile: Profile) -> None:
    """Raises:
    Refused: the rule has something that is missing on the profile's host.
    """
    if not profile.absent:
        return
    for statement in rule.statements:
        for feature in features(statement):
            if not profile.has(feature):
                raise Refused(*profile.lacks(feature))


def features(statement: RuleStatement) -> Iterator[Feature]:
    """What a statement takes."""
    match statement:
        case Compare(left):
            yield from _of_field(left)
        case RateLimit():
            yield Feature.LIMIT
        case ConnectionCount():
            yield Feature.CONNLIMIT
        case ByteQuota():
            yield Feature.QUOTA
        case Meter(limit=limit):
            yield from features(limit)
        case SetElement(limit=limit):
            if limit is not None:
                yield from features(limit)
        case LogLine():
            yield Feature.LOG
        case UseHelper():
            yield Feature.CT_HELPER
        case RejectWith():
            yield Feature.REJECT
        case Word.NOTRACK:
            yield Feature.CT
        case Translate(word):
            yield _NAT.get(word, Feature.NAT)
        case Assign(field, value):
            yield from _of_field(field)
            match value:
                case Mixed(one, _, other, _):
                    yield from (*_of_field(one), *_of_field(other))
                case Replaced() | RouteMtu() | int():
                    pass
                case _:
                    yield from _of_field(value)
        case ToSocket():
            yield Feature.TPROXY
        case Handshake():
            yield Feature.SYNPROXY
        case Count() | Word() | Call() | Verbatim():
            pass
        case _:
            assert_never(statement)


_NAT = {"masquerade": Feature.MASQUERADE, "redirect": Feature.REDIRECT}


def _of_field(left: Left | Field) -> Iterator[Feature]:
    match left:
        case Ct("mark"):
            yield Feature.CT_MARK
        case Ct() | CtState():
            yield Feature.CT
        case Meta("ipsec"):
            yield Feature.IPSEC
        case Fib():
            yield Feature.FIB
        case Socket():
            yield Feature.SOCKET
        case Fingerprint():
            yield Feature.OSF
        case Turn():
            yield Feature.NUMGEN
        case Bits(inner):
            yield from _of_field(inner)
        case Meta() | Payload() | Masked() | Concat() | TcpOption() | TcpOptionKind() | Fragment():
            pass
        case _:
            assert_never(left)
