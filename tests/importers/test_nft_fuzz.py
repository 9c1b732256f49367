"""Whatever a document holds, it is read, or it is wrong in a way that can be told: never a traceback."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st
from node_samples import SAMPLES
from test_nft_law import emitted

from polc.backends.model import Options
from polc.backends.nft.backend import NftBackend
from polc.diagnostics import Collector, Diagnostic, Failure
from polc.diagnostics.text import render
from polc.importers.nft_json import read_nft_json
from polc.importers.nft_json.json_value import Json
from polc.ir.canonical import differences
from polc.ir.ruleset import Ruleset
from polc.passes import pipeline
from polc.source import SourceFile

ALLOWED = {"POL003", "POL007", "POL008", "POL010", "POL011", *(f"POL53{digit}" for digit in range(6))}
DOCUMENTS: list[Json] = [
    json.loads(text)["nftables"] for sample in SAMPLES.values() if (text := emitted(sample.ruleset())) is not None
]
SCRAPS: list[Json] = [
    None, True, False, 0, 1, -1, 65536, 1 << 64, 1.5, "", "@", "@s", "*", "0x1f", "192.0.2.1", "::1", "eth*", "tcp",
    "new", [], {}, ["syn", "ack"], {"set": []}, {"set": [1, {"range": [5, 3]}]}, {"range": [1, 2]}, {"concat": [1]},
    {"prefix": {"addr": "192.0.2.1", "len": 33}}, {"elem": {"val": 1, "timeout": "1h"}}, {"&": [1, 2]}, {"|": []},
    {"payload": {"protocol": "ip", "field": "saddr"}}, {"meta": {"key": "mark"}}, {"map": {"key": 1, "data": "@m"}},
    {"jump": {"target": "base"}}, {"accept": None},
]  # fmt: skip


def check(text: str) -> None:
    collector = Collector()
    said: Iterable[Diagnostic] = collector
    found: tuple[Ruleset, ...] = ()
    try:
        found = read_nft_json(SourceFile("ruleset.json", text), collector)
    except Failure as failure:
        said = failure.diagnostics
    assert {one.code for one in said} <= ALLOWED
    render(said)
    for one in found:
        NftBackend().emit(pipeline.run(one), Options("json"))
        assert differences(one, one) == ()


@settings(max_examples=300, deadline=None)
@given(
    st.text()
    | st.sampled_from(DOCUMENTS)
    .map(json.dumps)
    .flatmap(lambda text: st.integers(0, len(text)).map(lambda end: text[:end]))
)
def test_any_text(text: str) -> None:
    check(text)


_KEYS = st.sampled_from(("nftables", "add", "rule", "chain", "table", "family", "name", "expr", "set", "elem", "match"))
_JSON: st.SearchStrategy[Json] = st.recursive(
    st.sampled_from(SCRAPS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(_JSON)
def test_any_json(value: Json) -> None:
    check(json.dumps(value))
    check(json.dumps({"nftables": value}))


def _places(value: Json) -> list[tuple[Json, str | int]]:
    """Where a part of a document could be another."""
    found: list[tuple[Json, str | int]] = []
    todo: list[Json] = [value]
    while todo:
        one = todo.pop()
        inside = one.items() if isinstance(one, dict) else enumerate(one) if isinstance(one, list) else ()
        for key, inner in inside:
            found.append((one, key))
            todo.append(inner)
    return found


@settings(max_examples=1500, deadline=None)
@given(st.data())
def test_any_change_of_a_document(data: st.DataObject) -> None:
    items = copy.deepcopy(data.draw(st.sampled_from(DOCUMENTS)))
    for _ in range(data.draw(st.integers(1, 3))):
        inside, key = data.draw(st.sampled_from(_places(items)))
        other = copy.deepcopy(data.draw(st.sampled_from(SCRAPS)))
        match inside, key:
            case dict(), str():
                if data.draw(st.booleans()):
                    inside[key] = other
                elif data.draw(st.booleans()):
                    inside[data.draw(_KEYS)] = inside.pop(key)
                else:
                    del inside[key]
            case list(), int():
                inside[key] = other
            case _:
                raise AssertionError
    check(json.dumps({"nftables": items}))
