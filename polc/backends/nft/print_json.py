"""A table as commands of libnftables' JSON (libnftables-json(5)), schema version 1."""

from __future__ import annotations

import json
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
    OpaqueDefinition,
    QuotaDefinition,
    RuleDefinition,
    SetDefinition,
    TableDefinition,
    TimeoutDefinition,
)
from polc.backends.nft.json_expressions import values
from polc.backends.nft.json_statements import limit, mapped, statement
from polc.backends.nft.json_value import Json
from polc.backends.nft.statements import Verbatim


def print_json(table: TableDefinition) -> str:
    """The commands that replace the table as a whole, one a line, in one transaction.

    ``add`` before ``delete`` makes the deletion succeed where there is no table yet; ``destroy`` would
    need nft 1.0.8 and kernel 6.3.
    """
    whole: Json = {"family": table.family, "name": table.name}
    commands: list[Json] = [{"metainfo": {"json_schema_version": 1}}]
    commands += [{"add": {"table": whole}}, {"delete": {"table": whole}}, {"add": {"table": whole}}]
    commands += ({"add": one} for one in _all(table))
    lines = ",\n".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in commands)
    return f'{{"nftables":[\n{lines}\n]}}\n'


def _all(table: TableDefinition) -> Iterator[Json]:
    place: dict[str, Json] = {"family": table.family, "table": table.name}

    def some(*, maps: bool) -> Iterator[Json]:
        for one in table.definitions:
            if _is_map(one) is maps:
                kind, members = _definition(one)
                yield {kind: {**place, **members}}

    yield from some(maps=False)
    # All chains before any rule or map: both may jump to a chain that stands later.
    for chain in table.chains:
        yield {"chain": {**place, **_chain(chain)}}
    yield from some(maps=True)
    for chain in table.chains:
        for rule in chain.rules:
            yield {"rule": {**place, "chain": chain.name, **_rule(rule)}}


def _is_map(one: Definition) -> bool:
    return isinstance(one, MapDefinition) or (isinstance(one, OpaqueDefinition) and one.kind == "map")


def _definition(one: Definition) -> tuple[str, dict[str, Json]]:
    """The kind and the members of an object."""
    match one:
        case CounterDefinition(name, packets, size):
            numbers: dict[str, Json] = {"packets": packets, "bytes": size} if packets or size else {}
            return "counter", {"name": name, **numbers}
        case HelperDefinition(name, type, protocol):
            return "ct helper", {"name": name, "type": type, "protocol": protocol}
        case TimeoutDefinition(name, protocol, policy, family):
            l3proto: dict[str, Json] = {"l3proto": family} if family else {}
            return "ct timeout", {"name": name, "protocol": protocol, **l3proto, "policy": dict(policy)}
        case LimitDefinition(name, rate):
            return "limit", {"name": name, **limit(rate)}
        case QuotaDefinition(name, quota):
            over: dict[str, Json] = {"inv": True} if quota.over else {}
            return "quota", {"name": name, "bytes": quota.bytes, **over}
        case FlowtableDefinition(name, devices, priority, flags):
            some: dict[str, Json] = {"flags": [*flags]} if flags else {}
            return "flowtable", {"name": name, "hook": "ingress", "prio": priority, "dev": [*devices], **some}
        case SetDefinition():
            return "set", _set(one)
        case MapDefinition(name, types, kind, pairs):
            return "map", {
                "name": name,
                "type": _types(types),
                "map": _types(kind),
                "flags": ["interval"],
                "elem": mapped(pairs),
            }
        case OpaqueDefinition(kind, _, words):
            members: dict[str, Json] = json.loads(words)[kind]
            return kind, members
        case _:
            assert_never(one)


def _types(types: tuple[str, ...]) -> Json:
    return types[0] if len(types) == 1 else [*types]


def _set(one: SetDefinition) -> dict[str, Json]:
    found: dict[str, Json] = {"name": one.name, "type": _types(one.types)}
    if one.size is not None:
        found["size"] = one.size
    # Not `dynamic`: JSON of nft before 1.1 refuses that flag, and adds it itself to what a rule updates.
    flags = (*(("interval",) if one.interval else ()), *(("timeout",) if one.timed else ()))
    if flags:
        found["flags"] = [*flags]
    if one.timeout is not None:
        found["timeout"] = one.timeout
    if one.elements is not None:
        found["elem"] = values(one.elements)
    return found


def _chain(chain: ChainDefinition) -> dict[str, Json]:
    if chain.hook is None:
        return {"name": chain.name}
    hook = chain.hook
    devices: dict[str, Json] = {"dev": _types(hook.devices)} if hook.devices else {}
    return {
        "name": chain.name,
        "type": hook.type,
        "hook": hook.hook,
        **devices,
        "prio": hook.priority,
        "policy": hook.policy,
    }


def _rule(rule: RuleDefinition) -> dict[str, Json]:
    comment: dict[str, Json] = {"comment": rule.comment} if rule.comment else {}
    expressions: list[Json] = []
    for one in rule.statements:
        if isinstance(one, Verbatim):
            expressions += json.loads(one.json)
        else:
            expressions.append(statement(one))
    return {**comment, "expr": expressions}
