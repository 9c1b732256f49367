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
    HookDefinition,
    LimitDefinition,
    MapDefinition,
    OpaqueDefinition,
    QuotaDefinition,
    RuleDefinition,
    SetDefinition,
    TableDefinition,
    TimeoutDefinition,
)
from polc.backends.nft.statements import SetElement
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
    filled = _filled(table)
    for one in table.definitions:
        head, body = _definition(one, dynamic=one.name in filled)
        yield [f"{head} {one.name} {{", *(f"\t{line}" for line in body), "}"]
    for chain in table.chains:
        yield [f"chain {chain.name} {{", *(f"\t{line}" for line in _chain(chain)), "}"]


def _filled(table: TableDefinition) -> frozenset[str]:
    """The sets that rules fill: JSON marks them by itself, text wants it written."""
    statements = (one for chain in table.chains for rule in chain.rules for one in rule.statements)
    return frozenset(one.set_name for one in statements if isinstance(one, SetElement))


def _definition(one: Definition, *, dynamic: bool) -> tuple[str, list[str]]:
    """The kind of an object, and the lines within its braces; ``dynamic``: a set that rules fill."""
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
            # nft 0.9.8 has no quotes in lists of devices.
            hook = f"hook ingress priority {priority}; devices = {{ {', '.join(devices)} }};"
            return "flowtable", [hook, *(f"flags {flag};" for flag in flags)]
        case SetDefinition():
            return "set", [*_set(one, dynamic=dynamic)]
        case MapDefinition(_, types, kind, pairs):
            parts = f"type {' . '.join(types)} : {' . '.join(kind)}"
            return "map", [parts, "flags interval", f"elements = {{ {mapped(pairs)} }}"]
        case OpaqueDefinition():
            raise AssertionError("words of JSON, which the lowering refuses here")
        case _:
            assert_never(one)


def _set(one: SetDefinition, *, dynamic: bool) -> Iterator[str]:
    yield f"type {' . '.join(one.types)}"
    if one.size is not None:
        yield f"size {one.size}"
    marks = (("interval", one.interval), ("dynamic", dynamic), ("timeout", one.timed))
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
        yield f"type {hook.type} hook {hook.hook}{_at(hook)} priority {hook.priority}; policy {hook.policy};"
    yield from (_rule(rule) for rule in chain.rules)


def _at(hook: HookDefinition) -> str:
    match hook.devices:
        case ():
            return ""
        case (name,):
            return f' device "{name}"'
        case _:
            return f" devices = {{ {', '.join(hook.devices)} }}"


def _rule(rule: RuleDefinition) -> str:
    words = [statement(one) for one in rule.statements]
    return " ".join([*words, f'comment "{rule.comment}"'] if rule.comment else words)
