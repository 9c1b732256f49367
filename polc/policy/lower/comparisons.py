"""One comparison of ``where`` to matches."""

from __future__ import annotations

import re

from polc.diagnostics import Failure
from polc.diagnostics.suggest import did_you_mean
from polc.ir.addresses import AddressSet, parse_address
from polc.ir.family import Family
from polc.ir.fields import CT_STATUS_BITS, FIELDS, TCP_FLAG_BITS, TCP_OPTION_KINDS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressMatch,
    AddressType,
    AddressTypeMatch,
    Direction,
    ElementMatch,
    ExtensionHeader,
    ExtensionHeaderMatch,
    FieldMatch,
    FlagField,
    FlagsMatch,
    Match,
    NameField,
    NameMatch,
    OriginalAddressMatch,
    ReversePathMatch,
    Side,
    TcpOptionMatch,
)
from polc.ir.protocols import PROTOCOLS
from polc.ir.selectors import Transport
from polc.policy.document import Comparison, Names, Word
from polc.policy.lower import values
from polc.policy.lower.endpoints import static_addresses
from polc.policy.lower.field_values import field_values
from polc.policy.lower.places import check_field
from polc.policy.lower.scope import Scope

Ways = tuple[tuple[Match, ...], ...]

_FLAGS = {FlagField.TCP_FLAGS.value: FlagField.TCP_FLAGS, FlagField.CT_STATUS.value: FlagField.CT_STATUS}
_BITS = {FlagField.TCP_FLAGS: TCP_FLAG_BITS, FlagField.CT_STATUS: CT_STATUS_BITS}
_NAMES = {one.value: one for one in NameField}
_FIELDS = {one.value: one for one in Field}
_SIDES = {"saddr": Side.SADDR, "daddr": Side.DADDR}
_EVERY = {"ip": AddressSet.of([parse_address("0.0.0.0/0")]), "ip6": AddressSet.of([parse_address("::/0")])}
EVERY = tuple(_EVERY.values())
"""The addresses of each family, all of them: a match on these asks for the family."""
_SET_ALONE = {
    "ct timeout": "it is given by `ct timeout set NAME`, without `where`",
    **{f"ct {one} zone": "`ct zone` is that of the packet" for one in ("original", "reply")},
}
"""Fields that clauses set and that cannot be asked for -> what to write instead."""
_LONGEST_NAME = 31
"""Bytes: NF_CT_HELPER_NAME_LEN and MAXGENRELEN (uapi/linux/netfilter) keep a NUL too."""


def compare(test: Comparison, negated: bool, scope: Scope) -> Ways:
    """The matches that say it, or, ``negated``, the opposite for packets that have the field.

    Raises:
        Failure: POL116, POL202, POL242 or POL243: the words do not go together.
    """
    name = test.field.text
    if name in _FIELDS:
        return _field(_FIELDS[name], test, negated, scope)
    if name in _FLAGS:
        check_field(name, test.field.span, scope)
        return ((_flags(_FLAGS[name], test, negated),),)
    if name in _NAMES:
        check_field(name, test.field.span, scope)
        return _names(_NAMES[name], test, negated)
    if name in _SET_ALONE:
        raise _wrong(test.field, f"`{name}` is set, and cannot be compared", _SET_ALONE[name])
    if name == "meta nfproto":
        return ((_nfproto(test, negated),),)
    if name == "meta l4proto":
        return ((_l4proto(test, negated),),)
    if name.startswith(("ct original", "ct reply")):
        check_field(name, test.field.span, scope)
        return _original(test, negated, scope)
    if name.startswith("fib"):
        return _address_type(test, negated, scope)
    if name.startswith("exthdr"):
        exists = _word(test, {"exists": True, "missing": False})
        return ((ExtensionHeaderMatch(ExtensionHeader(name.removeprefix("exthdr ")), exists is negated),),)
    if name.startswith("rpfilter"):
        check_field("rpfilter", test.field.span, scope)
        passes = _word(test, {"passes": True, "fails": False})
        return ((ReversePathMatch(name.endswith("loose"), passes is not negated),),)
    return _option(test, negated)


def _wrong(word: Word, message: str, hint: str = "") -> Failure:
    return Failure.of("POL243", message, word.span, help=hint)


def _sense(test: Comparison, *allowed: str) -> bool:
    """Whether the operator is `!=`; ``allowed`` beside `==`, `in` and none.

    Raises:
        Failure: another operator, or a mask where there can be none.
    """
    name = test.field.text
    if test.operator.text not in ("", "==", "in", "!=", *allowed):
        raise _wrong(test.operator, f"`{name}` cannot be compared by `{test.operator.text}`")
    if test.bits or test.mask:
        raise _wrong((*test.bits, *test.mask)[0], f"`{name}` has no bits that a mask could pick")
    return test.operator.text == "!="


def _field(field: Field, test: Comparison, negated: bool, scope: Scope) -> Ways:
    check_field(field, test.field.span, scope)
    fact = FIELDS[field]
    mask: int | None = None
    words = test.values
    operator = test.operator.text
    if fact.maskable and (test.bits or "/" in words[0].text or test.mask):
        mask, words = _masked(test, fact.highest)
        sense = operator == "!="
    else:
        sense = _sense(test, "<", "<=", ">", ">=")
    found = field_values(field, words)
    if operator[:1] in "<>" and operator:
        found = _ordered(operator, found, test, fact.highest)
    if mask is not None and any(low & ~mask or high & ~mask for low, high in found.ranges):
        raise _wrong(words[0], "this value has bits outside the mask: it can never match")
    if found.covers(0, fact.highest):
        raise _wrong(words[0], f"every value of `{field.value}` is among these")
    return ((FieldMatch(field, found, mask, sense is not negated),),)


def _ordered(operator: str, found: Intervals, test: Comparison, highest: int) -> Intervals:
    ((low, high), *more) = found.ranges
    if more or low != high:
        raise _wrong(test.values[0], f"`{operator}` takes one value")
    bounds = {
        "<": (0, low - 1), "<=": (0, low), ">": (low + 1, highest), ">=": (low, highest),
    }[operator]  # fmt: skip
    if bounds[0] > bounds[1]:
        raise _wrong(test.values[0], f"`{test.field.text}` is 0 to {highest}: this can never match")
    return Intervals.of((bounds,))


def _masked(test: Comparison, highest: int) -> tuple[int, tuple[Word, ...]]:
    """The mask, and the values: ``meta mark & 0xff == 0x1``, ``meta mark 0x1/0xff``."""
    if test.operator.text not in ("", "==", "!="):
        raise _wrong(test.operator, "under a mask, values are compared by `==` or `!=`")
    written, words = (*test.bits, *test.mask), test.values
    if not written and len(words) == 1:
        value, _, mask = words[0].text.partition("/")
        written, words = (Word(mask, words[0].span),), (Word(value, words[0].span),)
    if len(written) != 1 or len(words) != 1:
        raise _wrong(words[0], "under a mask there is one value, as in `meta mark & 0xff == 0x1`")
    return _number(written[0], highest), words


def _number(word: Word, highest: int) -> int:
    try:
        return values.number(word.text, highest)
    except ValueError as error:
        raise _wrong(word, str(error)) from None


def _flags(field: FlagField, test: Comparison, negated: bool) -> FlagsMatch:
    operator = test.operator.text
    if operator not in ("", "==", "!="):
        raise _wrong(test.operator, f"`{field.value}` cannot be compared by `{operator}`")
    value = _bits(field, test.values)
    if test.bits or test.mask:
        mask = _bits(field, test.bits or test.mask)
        if value & ~mask:
            raise _wrong(test.values[0], "this value has bits outside the mask: it can never match")
        return FlagsMatch(field, mask, value, (operator == "!=") is not negated)
    if operator:
        if field is FlagField.CT_STATUS:
            hint = f"`ct status {test.values[0].text}` is whether the bit is set, `not ct status ...` whether not"
            raise _wrong(test.operator, "all bits of `ct status` together say nothing", hint)
        return FlagsMatch(field, 0xFF, value, (operator == "!=") is not negated)
    if not value:
        raise _wrong(test.values[0], "no bit is named", "`tcp flags == 0` is a packet without any flag")
    # As nft has it: without an operator, one of the bits must be set.
    return FlagsMatch(field, value, 0, not negated)


def _bits(field: FlagField, words: tuple[Word, ...]) -> int:
    known = _BITS[field]
    found = 0
    for word in words:
        # `syn,ack/fin`: the lexer takes what has a `/` in it as one word.
        if "/" in word.text:
            raise _wrong(word, f"`{word.text}` is one word", "write white space around `/`")
        if word.text in known:
            found |= known[word.text]
        elif word.text[:1].isdigit():
            found |= _number(word, 0xFF if field is FlagField.TCP_FLAGS else 0xFFFFFFFF)
        else:
            hint = did_you_mean(word.text, known) or f"the bits are {', '.join(known)}"
            raise Failure.of("POL242", f"`{word.text}` is no bit of `{field.value}`", word.span, help=hint)
    return found


def _names(field: NameField, test: Comparison, negated: bool) -> Ways:
    sense = _sense(test) is not negated
    for word in test.values:
        if not word.text or len(word.text.encode()) > _LONGEST_NAME or not re.fullmatch(r"[ -!#-~]+", word.text):
            raise _wrong(word, f"`{word.text}` is not a name of at most {_LONGEST_NAME} bytes")
    matches = tuple(NameMatch(field, word.text, sense) for word in test.values)
    return (matches,) if sense else tuple((one,) for one in matches)


def _original(test: Comparison, negated: bool, scope: Scope) -> Ways:
    sense = _sense(test) is not negated
    found = static_addresses(Names(test.values), scope)
    if found is None:
        raise Failure(())
    if " ip " in test.field.text:
        found = AddressSet(ip=found.ip)
    elif " ip6 " in test.field.text:
        found = AddressSet(ip6=found.ip6)
    if not found.families:
        raise _wrong(test.values[0], f"no address here is one of `{test.field.text}`")
    reply = test.field.text.startswith("ct reply")
    match = OriginalAddressMatch(_SIDES[test.field.text.split()[-1]], found, sense, reply)
    only = _EVERY.get(test.field.text.split()[2])
    # The negation of a set holds for the other family, which has no such field.
    return ((match,) if only is None or not sense else (match, AddressMatch(Side.SADDR, only)),)


def _nfproto(test: Comparison, negated: bool) -> AddressMatch:
    """The packet's family, as what every one of its packets meets and no other."""
    ip = _word(test, {Family.IP.nfproto: True, Family.IP6.nfproto: False}) is not negated
    return AddressMatch(Side.SADDR, _EVERY["ip" if ip else "ip6"])


def _l4proto(test: Comparison, negated: bool) -> ElementMatch:
    sense = _sense(test) is not negated
    found = []
    for word in test.values:
        number = values.protocol(word.text)
        if number is None:
            hint = did_you_mean(word.text, PROTOCOLS) or "a protocol is a name such as `gre`, or a number from 0 to 255"
            raise Failure.of("POL208", f"unknown protocol `{word.text}`", word.span, help=hint)
        found.append((number, number))
    return ElementMatch((Transport.PROTOCOL,), ((Intervals.of(found),),), sense)


def _address_type(test: Comparison, negated: bool, scope: Scope) -> Ways:
    check_field(test.field.text, test.field.span, scope)
    side, *limited = test.field.text.removeprefix("fib ").removesuffix(" type").split(" . ")
    interface = (Direction.IN if limited[0] == "iif" else Direction.OUT) if limited else None
    sense = _sense(test) is not negated
    known = {one.value: one for one in AddressType}
    found = []
    for word in test.values:
        if word.text not in known:
            hint = did_you_mean(word.text, known) or f"the types are {', '.join(known)}"
            raise Failure.of("POL242", f"`{word.text}` is no type of address", word.span, help=hint)
        found.append(known[word.text])
    return ((AddressTypeMatch(_SIDES[side], tuple(dict.fromkeys(found)), sense, interface),),)


def _option(test: Comparison, negated: bool) -> Ways:
    name = test.field.text.removeprefix("tcp option ")
    kind = TCP_OPTION_KINDS.get(name, values.decimal(name, 2, 255))
    if kind is None:
        hint = did_you_mean(name, TCP_OPTION_KINDS) or f"the options are {', '.join(TCP_OPTION_KINDS)}, or a number"
        raise Failure.of("POL242", f"`{name}` is no TCP option", test.field.span, help=hint)
    exists = _word(test, {"exists": True, "missing": False})
    return ((TcpOptionMatch(kind, exists is negated),),)


def _word(test: Comparison, known: dict[str, bool]) -> bool:
    """The one word that is compared with."""
    sense = _sense(test)
    word = test.values[0]
    if len(test.values) > 1 or word.text not in known:
        either = " or ".join(f"`{test.field.text} {one}`" for one in known)
        raise Failure.of(
            "POL242", f"`{word.text}` says nothing of `{test.field.text}`", word.span, help=f"write {either}"
        )
    return known[word.text] is not sense
