"""A table in nft's own language (nft(8))."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import assert_never

from polc.backends.nft.definitions import ChainDefinition, RuleDefinition, SetDefinition, TableDefinition
from polc.backends.nft.expressions import (
    Addresses,
    Concat,
    CtState,
    Flags,
    Left,
    Masked,
    Meta,
    Names,
    Numbers,
    Payload,
    Protocol,
    Right,
    SetReference,
)
from polc.backends.nft.keys import mask
from polc.backends.nft.statements import (
    Call,
    Compare,
    Count,
    LogLine,
    Meter,
    RateLimit,
    RejectWith,
    RuleStatement,
    SetElement,
    Translate,
    UseHelper,
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
    yield "flags dynamic,timeout" if dynamic else "flags timeout"
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
            return f"{_left(left)} {'!= ' if negated else ''}{_right(right)}"
        case RateLimit():
            return _limit(statement)
        case Meter(name, size, key, timeout, limit):
            return f"meter {name} size {size} {{ {_left(key)} timeout {timeout}s {_limit(limit)} }}"
        case SetElement():
            return _element(statement)
        case Count(name):
            return "counter" if name is None else f'counter name "{name}"'
        case LogLine(prefix, level):
            return f'log prefix "{prefix}" level {level}' if prefix else f"log level {level}"
        case UseHelper(name):
            return f'ct helper set "{name}"'
        case RejectWith(type, code):
            return f"reject with {type} {code}".rstrip()
        case Word():
            return statement.value
        case Call(word, chain):
            return f"{word} {chain}"
        case Translate():
            return _translation(statement)
        case _:
            assert_never(statement)


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
        case _:
            assert_never(right)


def _one_or_set(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{{ {', '.join(items)} }}"


def _interval(low: int, high: int, form: Callable[[int], str]) -> str:
    return form(low) if low == high else f"{form(low)}-{form(high)}"


def _limit(limit: RateLimit) -> str:
    return f"limit rate {'over ' if limit.over else ''}{limit.count}/{limit.unit} burst {limit.burst} packets"


def _element(element: SetElement) -> str:
    timeout = "" if element.timeout is None else f" timeout {element.timeout}s"
    limit = "" if element.limit is None else f" {_limit(element.limit)}"
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
    if nat.ports is not None:
        target += f":{_right(nat.ports)}"
    return f"{nat.word}{family} to {target}" if target else nat.word
