"""A table in nft's own language (nft(8))."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from polc.backends.nft.definitions import (
    ChainDefinition,
    CounterDefinition,
    Definition,
    FlowtableDefinition,
    HelperDefinition,
    LimitDefinition,
    MapDefinition,
    QuotaDefinition,
    RuleDefinition,
    SetDefinition,
    TableDefinition,
    TimeoutDefinition,
)
from polc.backends.nft.text_expressions import in_set
from polc.backends.nft.text_statements import limit, mapped, quota, statement


def print_text(table: TableDefinition) -> str:
    """The file for ``nft -f`` that replaces the table as a whole; see ``print_json``.

    Names and texts hold neither quotes nor line breaks: ``names`` and the lowering see to that.
    """
    place = f"{table.family} {table.name}"
    lines = [f"add table {place}", f"delete table {place}", f"table {place} {{"]
    first = True
    for block in _blocks(table):
        lines += ([] if first else [""]) + [f"\t{line}" for line in block]
        first = False
    return "\n".join([*lines, "}", ""])


def _blocks(table: TableDefinition) -> Iterator[list[str]]:
    for one in table.definitions:
        head, body = _definition(one)
        yield [f"{head} {one.name} {{", *(f"\t{line}" for line in body), "}"]
    for chain in table.chains:
        yield [f"chain {chain.name} {{", *(f"\t{line}" for line in _chain(chain)), "}"]


def _definition(one: Definition) -> tuple[str, list[str]]:
    """The kind of an object, and the lines within its braces."""
    match one:
        case CounterDefinition(_, packets, size):
            return "counter", [f"packets {packets} bytes {size}"] if packets or size else []
        case HelperDefinition(_, type, protocol):
            return "ct helper", [f'type "{type}" protocol {protocol};']
        case TimeoutDefinition(_, protocol, policy, family):
            l3proto = [f"l3proto {family};"] if family else []
            states = ", ".join(f"{state} : {seconds}" for state, seconds in policy)
            return "ct timeout", [f"protocol {protocol};", *l3proto, f"policy = {{ {states} }}"]
        case LimitDefinition(_, rate):
            return "limit", [f"rate {limit(rate)}"]
        case QuotaDefinition(_, amount):
            return "quota", [quota(amount)]
        case FlowtableDefinition(_, devices, priority, flags):
            hook = f"hook ingress priority {priority}; devices = {{ {_devices(devices)} }};"
            return "flowtable", [hook, *(f"flags {flag};" for flag in flags)]
        case SetDefinition():
            return "set", [*_set(one)]
        case MapDefinition(_, types, kind, pairs):
            parts = f"type {' . '.join(types)} : {' . '.join(kind)}"
            return "map", [parts, "flags interval", f"elements = {{ {mapped(pairs)} }}"]
        case _:
            assert_never(one)


def _set(one: SetDefinition) -> Iterator[str]:
    yield f"type {' . '.join(one.types)}"
    if one.size is not None:
        yield f"size {one.size}"
    # JSON marks a set that rules fill by itself, text wants it written.
    marks = (("interval", one.interval), ("dynamic", one.filled), ("timeout", one.timed))
    flags = [name for name, there in marks if there]
    if flags:
        yield f"flags {','.join(flags)}"
    if one.timeout is not None:
        yield f"timeout {one.timeout}s"
    if one.elements is not None:
        yield f"elements = {{ {', '.join(in_set(one.elements))} }}"


def _chain(chain: ChainDefinition) -> Iterator[str]:
    if chain.hook is not None:
        hook = chain.hook
        devices = f" devices = {{ {_devices(hook.devices)} }}" if hook.devices else ""
        yield f"type {hook.type} hook {hook.hook}{devices} priority {hook.priority}; policy {hook.policy};"
    yield from (_rule(rule) for rule in chain.rules)


def _devices(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _rule(rule: RuleDefinition) -> str:
    words = [statement(one) for one in rule.statements]
    return " ".join([*words, f'comment "{rule.comment}"'] if rule.comment else words)
