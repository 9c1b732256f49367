"""A table in nft's own language (nft(8))."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import assert_never

from polc.backends.nft.definitions import ChainDefinition, RuleDefinition, SetDefinition, TableDefinition
from polc.backends.nft.expressions import (
    Addresses,
    AtLeast,
    Bits,
    Concat,
    Ct,
    CtState,
    Exists,
    Fib,
    Field,
    Fingerprint,
    Flags,
    Fragment,
    Hardware,
    Left,
    Masked,
    Meta,
    Names,
    Numbers,
    Payload,
    Protocol,
    Replaced,
    Right,
    RouteMtu,
    SetReference,
    Socket,
    TcpOption,
    Turn,
    WholeSeconds,
    Words,
)
from polc.backends.nft.hardware import format_mac
from polc.backends.nft.keys import mask
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
from polc.ir.addresses import format_address, format_range
from polc.ir.family import Family


def print_text(table: TableDefinition) -> str:
    """The file for ``nft -f`` that replaces the table as a whole; see ``print_json``.

    Names and texts hold neither quotes nor line breaks: ``names`` and the lowering see to that.
    """
    lines = [f"add table inet {table.name}", f"delete table inet {table.name}", f"table inet {table.name} {{"]
    first = True
    for block in _blocks(table):
        lines += ([] if first else [""]) + [f"\t{line}" for line in block]
        first = False
    return "\n".join([*lines, "}", ""])


def _blocks(table: TableDefinition) -> Iterator[list[str]]:
    updated = _updated(table)
    for counter in table.counters:
        yield [f"counter {counter.name} {{", "}"]
    for helper in table.helpers:
        yield [f"ct helper {helper.name} {{", f'\ttype "{helper.type}" protocol {helper.protocol};', "}"]
    for one in table.sets:
        yield [f"set {one.name} {{", *(f"\t{line}" for line in _set(one, dynamic=one.name in updated)), "}"]
    for chain in table.chains:
        yield [f"chain {chain.name} {{", *(f"\t{line}" for line in _chain(chain)), "}"]


def _updated(table: TableDefinition) -> frozenset[str]:
    """The sets that rules add elements to: JSON marks them by itself, text wants it written."""
    statements = (one for chain in table.chains for rule in chain.rules for one in rule.statements)
    return frozenset(one.set_name for one in statements if isinstance(one, SetElement))


def _set(one: SetDefinition, *, dynamic: bool) -> Iterator[str]:
    yield f"type {' . '.join(one.types)}"
    yield f"size {one.size}"
    flags = (*(("dynamic",) if dynamic else ()), *(("timeout",) if one.timed else ()))
    if flags:
        yield f"flags {','.join(flags)}"
    if one.timeout is not None:
        yield f"timeout {one.timeout}s"


def _chain(chain: ChainDefinition) -> Iterator[str]:
    if chain.hook is not None:
        hook = chain.hook
        yield f"type {hook.type} hook {hook.hook} priority {hook.priority}; policy {hook.policy};"
    yield from (_rule(rule) for rule in chain.rules)


def _rule(rule: RuleDefinition) -> str:
    words = [_statement(one) for one in rule.statements]
    return " ".join([*words, f'comment "{rule.comment}"'] if rule.comment else words)


def _statement(statement: RuleStatement) -> str:
    match statement:
        case Compare(left, right, negated):
            equal = "== " if isinstance(left, Bits | Turn) or _is_tcp_flags(left) else ""
            return f"{_left(left)} {'!= ' if negated else equal}{_right(right)}"
        case RateLimit():
            return _limit(statement)
        case ConnectionCount(count, over):
            return f"ct count {'over ' if over else ''}{count}"
        case ByteQuota(size, over):
            return f"quota {'over ' if over else ''}{size} bytes"
        case Meter(name, size, key, timeout, limit):
            life = "" if timeout is None else f" timeout {timeout}s"
            return f"meter {name} size {size} {{ {_left(key)}{life} {_statement(limit)} }}"
        case SetElement():
            return _element(statement)
        case Count(name):
            return "counter" if name is None else f'counter name "{name}"'
        case LogLine(prefix, level, group):
            where = f"level {level}" if group is None else f"group {group}"
            return f'log prefix "{prefix}" {where}' if prefix else f"log {where}"
        case UseHelper(name):
            return f'ct helper set "{name}"'
        case RejectWith(type, code):
            # nft 0.9.8 takes no code without the word `type` before it.
            return f"reject with {type} type {code}" if code else f"reject with {type}"
        case Word():
            return statement.value
        case Call(word, chain):
            return f"{word} {chain}"
        case Translate():
            return _translation(statement)
        case Assign(field, value):
            return f"{_left(field)} set {_value(value)}"
        case ToSocket(family, address, port):
            place = f"[{address}]" if ":" in address and port is not None else address
            to = f"{place}:{port}" if port is not None else place
            return f"tproxy to {to}" if family is None else f"tproxy {family.value} to {to}"
        case Handshake(mss, wscale, flags):
            return " ".join((f"synproxy mss {mss} wscale {wscale}", *flags))
        case Verbatim(text):
            return text
        case _:
            assert_never(statement)


def _value(value: int | Field | Replaced | RouteMtu) -> str:
    match value:
        case int():
            return str(value)
        case Replaced(field, mask, bits):
            return f"{_left(field)} & {mask} | {bits}"
        case RouteMtu():
            return "rt mtu"
        case _:
            return _left(value)


_TCP_FLAGS = Payload("tcp", "flags")


def _is_tcp_flags(left: Left) -> bool:
    """Without an operator nft would ask for one of the flags."""
    return left == _TCP_FLAGS


def _left(left: Left) -> str:
    match left:
        case Meta(key):
            return f"meta {key}"
        case CtState():
            return "ct state"
        case Payload(protocol, field):
            return f"{protocol} {field}"
        case Masked(payload, family, length):
            return f"{_left(payload)} & {mask(family, length)}"
        case Concat(parts):
            return " . ".join(_left(part) for part in parts)
        case Ct(key, direction):
            return f"ct {direction} {key}" if direction else f"ct {key}"
        case Bits(inner, bits):
            return f"{_left(inner)} & {bits}"
        case TcpOption(name, field):
            return f"tcp option {name} {field}".rstrip()
        case Fragment():
            return "frag frag-off"
        case Fib(result, flags):
            return f"fib {' . '.join(flags)} {result}"
        case Socket():
            return "socket transparent"
        case Fingerprint():
            return "osf name"
        case Turn(modulus):
            return f"numgen inc mod {modulus}"
        case _:
            assert_never(left)


def _right(right: Right) -> str:
    match right:
        case Numbers(values):
            return _one_or_set([_interval(low, high, str) for low, high in values.ranges])
        case Addresses(family, values):
            return _one_or_set([format_range(family, low, high) for low, high in values.ranges])
        case Names(names):
            return _one_or_set([f'"{name}"' for name in names])
        case Flags(names):
            return ",".join(names)
        case Protocol(family):
            return family.nfproto
        case SetReference(name):
            return f"@{name}"
        case AtLeast(number):
            return f">= {number}"
        case Hardware(values):
            return _one_or_set([_interval(low, high, format_mac) for low, high in values.ranges])
        case WholeSeconds(values):
            return _one_or_set([f"{low}s-{high}s999ms" for low, high in values.ranges])
        case Words(words):
            return _one_or_set([*words])
        case Exists(there):
            return "exists" if there else "missing"
        case _:
            assert_never(right)


def _one_or_set(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{{ {', '.join(items)} }}"


def _interval(low: int, high: int, form: Callable[[int], str]) -> str:
    return form(low) if low == high else f"{form(low)}-{form(high)}"


def _limit(limit: RateLimit) -> str:
    over = "over " if limit.over else ""
    if limit.bytes:
        return f"limit rate {over}{limit.count} bytes/{limit.unit} burst {limit.burst} bytes"
    return f"limit rate {over}{limit.count}/{limit.unit} burst {limit.burst} packets"


def _element(element: SetElement) -> str:
    timeout = "" if element.timeout is None else f" timeout {element.timeout}s"
    limit = "" if element.limit is None else f" {_statement(element.limit)}"
    return f"{element.operation.value} @{element.set_name} {{ {_left(element.key)}{timeout}{limit} }}"


def _translation(nat: Translate) -> str:
    target, family = "", ""
    if nat.addresses is not None:
        ((low, high),) = nat.addresses.values.ranges
        bracketed = nat.addresses.family is Family.IP6 and nat.ports is not None
        one = nat.addresses.family

        def form(number: int) -> str:
            text = format_address(one, number)
            return f"[{text}]" if bracketed else text

        target, family = _interval(low, high, form), f" {one.value}"
        if nat.prefix:
            target, family = format_range(one, low, high), f" {one.value} prefix"
    if nat.ports is not None:
        target += f":{_right(nat.ports)}"
    words = f"{nat.word}{family} to {target}" if target else nat.word
    return f"{words} {','.join(nat.flags)}" if nat.flags else words
