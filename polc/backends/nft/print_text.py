"""A table in nft's own language (nft(8))."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import assert_never

from polc.backends.nft.definitions import ChainDefinition, RuleDefinition, SetDefinition, TableDefinition
from polc.backends.nft.expressions import (
    Addresses,
    Bits,
    Concat,
    Ct,
    Fib,
    Flags,
    FragmentOffset,
    Left,
    Macs,
    Masked,
    Meta,
    Names,
    NumberOf,
    Numbers,
    OsfName,
    Payload,
    Presence,
    Protocol,
    Right,
    Seconds,
    SetReference,
    SocketTransparent,
    Symbols,
    TcpOption,
)
from polc.backends.nft.keys import ALL_BITS, mac, mask
from polc.backends.nft.statements import (
    Assign,
    Call,
    Combined,
    Compare,
    ConnectionCount,
    Count,
    LogLine,
    Meter,
    QuotaBytes,
    QuotaName,
    RateLimit,
    RejectWith,
    RouteMtu,
    RuleStatement,
    SetElement,
    SynproxyWith,
    TproxyTo,
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
    for quota in table.quotas:
        yield [f"quota {quota.name} {{", f"\t{'over ' if quota.over else ''}{quota.bytes} bytes", "}"]
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
            # After a mask the value needs its operator, or nft would read a list of flags.
            equal = "== " if isinstance(left, Bits) else ""
            return f"{_left(left)} {'!= ' if negated else equal}{_right(right)}"
        case RateLimit():
            return _limit(statement)
        case ConnectionCount():
            return _connections(statement)
        case QuotaBytes(bytes, over):
            return f"quota {'over ' if over else ''}{bytes} bytes"
        case QuotaName(name):
            return f'quota name "{name}"'
        case Meter(name, size, key, timeout, limit):
            lifetime = "" if timeout is None else f"timeout {timeout}s "
            inner = _limit(limit) if isinstance(limit, RateLimit) else _connections(limit)
            return f"meter {name} size {size} {{ {_left(key)} {lifetime}{inner} }}"
        case SetElement():
            return _element(statement)
        case Count(name):
            return "counter" if name is None else f'counter name "{name}"'
        case LogLine(prefix, level, group):
            target = f"level {level}" if group is None else f"group {group}"
            return f'log prefix "{prefix}" {target}' if prefix else f"log {target}"
        case UseHelper(name):
            return f'ct helper set "{name}"'
        case Assign(left, value):
            return f"{_left(left)} set {_assigned(value)}"
        case TproxyTo():
            return _tproxy(statement)
        case SynproxyWith(mss, wscale, flags):
            return " ".join(("synproxy mss", str(mss), "wscale", str(wscale), *flags))
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
        case Ct(key, original):
            return f"ct original {key}" if original else f"ct {key}"
        case TcpOption(name, field):
            return f"tcp option {name} {field}".rstrip()
        case Fib(result, flags):
            return f"fib {' . '.join(flags)} {result}"
        case SocketTransparent():
            return "socket transparent"
        case OsfName():
            return "osf name"
        case FragmentOffset():
            return "frag frag-off"
        case NumberOf(modulus):
            return f"numgen inc mod {modulus}"
        case Bits(inner, bits):
            return f"{_left(inner)} & {bits:#x}"
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
        case Macs(values):
            return _one_or_set([_interval(low, high, mac) for low, high in values.ranges])
        case Seconds(values):
            return _one_or_set([f"{low}s-{high}s999ms" for low, high in values.ranges])
        case Presence(exists):
            return "exists" if exists else "missing"
        case Symbols(names, quoted):
            return _one_or_set([f'"{name}"' if quoted else name for name in names])
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
    over = "over " if limit.over else ""
    if limit.bytes:
        return f"limit rate {over}{limit.count} bytes/{limit.unit} burst {limit.burst} bytes"
    return f"limit rate {over}{limit.count}/{limit.unit} burst {limit.burst} packets"


def _connections(limit: ConnectionCount) -> str:
    return f"ct count {'over ' if limit.over else ''}{limit.count}"


def _assigned(value: int | Meta | Ct | Combined | RouteMtu) -> str:
    match value:
        case int():
            return str(value)
        case Meta() | Ct():
            return _left(value)
        case RouteMtu():
            return f"rt {value.value}"
        case Combined(left, keep, bits):
            kept = _left(left) if keep == ALL_BITS else f"{_left(left)} & {keep:#x}"
            return f"{kept} | {bits:#x}" if bits else kept
        case _:
            assert_never(value)


def _tproxy(to: TproxyTo) -> str:
    address, family = "", ""
    if to.family is not None:
        family = f" {to.family.value}"
        if to.address is not None:
            address = format_address(to.family, to.address)
            if to.family is Family.IP6:
                address = f"[{address}]"
    port = "" if to.port is None else f":{to.port}"
    return f"tproxy{family} to {address}{port}"


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

        target = format_range(one, low, high) if nat.prefix else _interval(low, high, form)
        family = f" {one.value} prefix" if nat.prefix else f" {one.value}"
    if nat.ports is not None:
        target += f":{_right(nat.ports)}"
    words = f"{nat.word}{family} to {target}" if target else nat.word
    return f"{words} {','.join(nat.flags)}" if nat.flags else words
