"""Statements in nft's own language (nft(8), STATEMENTS)."""

from __future__ import annotations

from typing import assert_never

from polc.backends.nft.expressions import (
    Bits,
    Left,
    Lookup,
    Payload,
    Replaced,
    RouteMtu,
    Row,
    SetReference,
    Turn,
    TwoMarks,
)
from polc.backends.nft.statements import (
    AddFlow,
    Assign,
    Assigned,
    ByteQuota,
    Call,
    Compare,
    ConnectionCount,
    CopyTo,
    Count,
    Decide,
    Handshake,
    LogLine,
    Meter,
    ObjectKind,
    QueueTo,
    RateLimit,
    RejectWith,
    ResetOption,
    RuleStatement,
    SetElement,
    ToSocket,
    Translate,
    TranslateBy,
    UseObject,
    Verbatim,
    Word,
)
from polc.backends.nft.text_expressions import left, right, row
from polc.ir.addresses import format_address, format_range
from polc.ir.family import Family


def statement(one: RuleStatement) -> str:
    match one:
        case Compare(one_left, one_right, negated):
            equal = "== " if isinstance(one_left, Bits | Turn) or _is_tcp_flags(one_left) else ""
            return f"{left(one_left)} {'!= ' if negated else equal}{right(one_right)}"
        case RateLimit():
            return f"limit rate {limit(one)}"
        case ConnectionCount(count, over):
            return f"ct count {'over ' if over else ''}{count}"
        case ByteQuota():
            return f"quota {quota(one)}"
        case Meter(name, size, key, timeout, kept):
            life = "" if timeout is None else f" timeout {timeout}s"
            return f"meter {name} size {size} {{ {left(key)}{life} {statement(kept)} }}"
        case SetElement():
            return _element(one)
        case Count(name, packets, size):
            start = f" packets {packets} bytes {size}" if packets or size else ""
            return f"counter{start}" if name is None else f'counter name "{name}"'
        case LogLine():
            return _log(one)
        case UseObject(kind, name):
            verb = "set" if kind in (ObjectKind.HELPER, ObjectKind.TIMEOUT) else "name"
            return f'{kind.value} {verb} "{name}"'
        case AddFlow(name):
            return f"flow add @{name}"
        case RejectWith(type, code):
            # nft 0.9.8 takes no code without the word `type` before it.
            return f"reject with {type} type {code}" if code else f"reject with {type}"
        case Word():
            return one.value
        case Call(word, chain):
            return f"{word} {chain}"
        case Decide(key, pairs):
            return f"{left(key)} vmap {_data(pairs)}"
        case Translate():
            return _translation(one)
        case TranslateBy():
            return _translation_by(one)
        case Assign(field, value):
            return f"{left(field)} set {_value(value)}"
        case ToSocket(family, address, port):
            place = f"[{address}]" if ":" in address and port is not None else address
            to = f"{place}:{port}" if port is not None else place
            return f"tproxy to {to}" if family is None else f"tproxy {family.value} to {to}"
        case Handshake(mss, wscale, flags):
            return " ".join((f"synproxy mss {mss} wscale {wscale}", *flags))
        case CopyTo(address, device):
            return f'dup to {address} device "{device}"' if device else f"dup to {address}"
        case ResetOption(kind):
            return f"reset tcp option {kind}"
        case QueueTo(numbers, flags):
            return f"queue num {right(numbers)} {','.join(flags)}".rstrip()
        case Verbatim(text):
            return text
        case _:
            assert_never(one)


def limit(one: RateLimit) -> str:
    over = "over " if one.over else ""
    if one.bytes:
        return f"{over}{one.count} bytes/{one.unit} burst {one.burst} bytes"
    return f"{over}{one.count}/{one.unit} burst {one.burst} packets"


def quota(one: ByteQuota) -> str:
    return f"{'over ' if one.over else ''}{one.bytes} bytes"


def mapped(pairs: tuple[tuple[Row, Row | Word | Call], ...]) -> str:
    """The elements of a map: rows of keys, each with the row or the verdict that it leads to."""
    return ", ".join(
        f"{row(key)} : {row(value) if isinstance(value, tuple) else statement(value)}" for key, value in pairs
    )


def _data(pairs: tuple[tuple[Row, Row | Word | Call], ...] | SetReference) -> str:
    return right(pairs) if isinstance(pairs, SetReference) else f"{{ {mapped(pairs)} }}"


def _lookup(lookup: Lookup) -> str:
    return f"{left(lookup.key)} map {_data(lookup.pairs)}"


def _value(value: Assigned) -> str:
    match value:
        case int():
            return str(value)
        case Replaced(field, mask, bits):
            kept = left(field) if value.keeps_all else f"{left(field)} & {mask}"
            return f"{kept} {value.word} {bits}"
        case TwoMarks(field, mask, other, other_mask):
            return f"{left(field)} & {mask} ^ {left(other)} & {other_mask}"
        case RouteMtu():
            return "rt mtu"
        case Lookup():
            return _lookup(value)
        case _:
            return left(value)


_TCP_FLAGS = Payload("tcp", "flags")


def _is_tcp_flags(one: Left) -> bool:
    """Without an operator nft would ask for one of the flags."""
    return one == _TCP_FLAGS


def _element(element: SetElement) -> str:
    timeout = "" if element.timeout is None else f" timeout {element.timeout}s"
    kept = "" if element.limit is None else f" {statement(element.limit)}"
    return f"{element.operation.value} @{element.set_name} {{ {left(element.key)}{timeout}{kept} }}"


def _log(line: LogLine) -> str:
    words = ["log"]
    if line.prefix:
        words.append(f'prefix "{line.prefix}"')
    words.append(f"level {line.level}" if line.group is None else f"group {line.group}")
    if line.snaplen is not None:
        words.append(f"snaplen {line.snaplen}")
    if line.queue_threshold is not None:
        words.append(f"queue-threshold {line.queue_threshold}")
    return " ".join((*words, *(f"flags {flag}" for flag in line.flags)))


def _translation(nat: Translate) -> str:
    target, family = "", ""
    if nat.addresses is not None:
        ((low, high),) = nat.addresses.values.ranges
        bracketed = nat.addresses.family is Family.IP6 and nat.ports is not None
        one = nat.addresses.family

        def form(number: int) -> str:
            text = format_address(one, number)
            return f"[{text}]" if bracketed else text

        target, family = form(low) if low == high else f"{form(low)}-{form(high)}", f" {one.value}"
        if nat.prefix:
            target, family = format_range(one, low, high), f" {one.value} prefix"
    if nat.ports is not None:
        target += f":{right(nat.ports)}"
    words = f"{nat.word}{family} to {target}" if target else nat.word
    return f"{words} {','.join(nat.flags)}" if nat.flags else words


def _translation_by(nat: TranslateBy) -> str:
    family = "" if nat.family is None else f" {nat.family.value}"
    both = " addr . port" if nat.ports and family else ""
    port = ":" if nat.family is None else ""
    words = f"{nat.word}{family}{both} to {port}{_lookup(nat.lookup)}"
    return f"{words} {','.join(nat.flags)}" if nat.flags else words
