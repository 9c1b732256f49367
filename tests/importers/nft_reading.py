"""Reading nft's JSON in tests."""

from __future__ import annotations

import json

from polc.diagnostics import Collector, Diagnostic, Failure
from polc.importers.nft_json import read_nft_json
from polc.importers.nft_json.json_value import Json, Object
from polc.ir.ruleset import Rule, Ruleset
from polc.source import SourceFile


def read_all(text: str) -> tuple[tuple[Ruleset, ...], list[Diagnostic]]:
    """The rulesets of a document, and what is said of it."""
    collector = Collector()
    return read_nft_json(SourceFile("ruleset.json", text), collector), collector.in_order()


def errors(text: str) -> tuple[Diagnostic, ...]:
    """What is wrong with a document."""
    try:
        found, _ = read_all(text)
    except Failure as failure:
        return failure.diagnostics
    raise AssertionError(f"accepted: {found}")


def error(text: str) -> Diagnostic:
    """The one thing that is wrong with a document."""
    (found,) = errors(text)
    return found


def document(*items: Json) -> str:
    return json.dumps({"nftables": list(items)})


def place(family: str = "inet") -> Object:
    return {"family": family, "table": "t"}


def table(*objects: Object, family: str = "inet") -> list[Json]:
    """A table with objects, given as kind and content; the rest of where they belong is filled in."""
    found: list[Json] = [{"table": {"family": family, "name": "t"}}]
    for one in objects:
        ((kind, inside),) = one.items()
        assert isinstance(inside, dict)
        found.append({kind: {**place(family), **inside}})
    return found


def chain(*rules: list[Json], family: str = "inet", declared: tuple[Object, ...] = ()) -> str:
    """A table with a chain of these rules, one `other` to jump to, and what else is declared."""
    chains: list[Object] = [{"chain": {"name": "c"}}, {"chain": {"name": "other"}}]
    written: list[Object] = [{"rule": {"chain": "c", "expr": one}} for one in rules]
    return document(*table(*declared, *chains, *written, family=family))


def ruleset(*rules: list[Json], family: str = "inet", declared: tuple[Object, ...] = ()) -> Ruleset:
    """As ``chain``, read; nothing is worth a word."""
    (found,), notes = read_all(chain(*rules, family=family, declared=declared))
    assert not notes, notes
    return found


def rules(*given: list[Json], family: str = "inet", declared: tuple[Object, ...] = ()) -> tuple[Rule, ...]:
    """The rules of the chain."""
    return ruleset(*given, family=family, declared=declared).chains[0].rules


def match(left: Object, right: Json, op: str = "==") -> Object:
    return {"match": {"op": op, "left": left, "right": right}}


def payload(protocol: str, field: str) -> Object:
    return {"payload": {"protocol": protocol, "field": field}}


def meta(key: str) -> Object:
    return {"meta": {"key": key}}


SADDR, DADDR = payload("ip", "saddr"), payload("ip", "daddr")
DPORT = payload("tcp", "dport")
SSH = match(DPORT, 22)
ACCEPT: Object = {"accept": None}
DROP: Object = {"drop": None}
COUNTER: Object = {"counter": {"packets": 0, "bytes": 0}}
