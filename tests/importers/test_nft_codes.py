"""Each code of nft's JSON is documented, triggered by its example, and not by a near miss."""

from __future__ import annotations

import pytest

from polc.diagnostics import Collector, Failure, Severity
from polc.diagnostics.codes import Code
from polc.diagnostics.codes.nft_import import NFT_IMPORT_CODES
from polc.importers.nft_json import read_nft_json
from polc.source import SourceFile

OURS = {code.code: code for code in NFT_IMPORT_CODES}
WITH_EXAMPLE = {name: code for name, code in OURS.items() if code.example}


def _rule(*statements: str) -> str:
    place = '"family": "inet", "table": "t"'
    return (
        f'{{"nftables": [{{"table": {{"family": "inet", "name": "t"}}}}, {{"chain": {{{place}, "name": "c"}}}},'
        f' {{"chain": {{{place}, "name": "d"}}}},'
        f' {{"rule": {{{place}, "chain": "c", "expr": [{", ".join(statements)}]}}}}]}}'
    )


_PORT = '{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 22}}'
_NAME = '{"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "eth0"}}'
_LO = '{"match": {"op": "==", "left": {"meta": {"key": "iif"}}, "right": "lo"}}'

NEAR_MISSES: dict[str, tuple[str, ...]] = {
    "POL530": ('{"nftables": []}', ' {"nftables": [{"metainfo": {"json_schema_version": 1}}]}\n'),
    "POL531": (_rule('{"accept": null}'),),
    "POL532": (_rule('{"jump": {"target": "d"}}'),),
    "POL533": (_rule(_PORT, '{"accept": null}'),),
    "POL534": (_rule('{"accept": null}'),),
    "POL535": (_rule(_NAME, '{"accept": null}'), _rule(_LO, '{"accept": null}')),
}


def codes(text: str) -> list[str]:
    collector = Collector()
    try:
        read_nft_json(SourceFile("ruleset.json", text), collector)
    except Failure as failure:
        return [one.code for one in failure.diagnostics]
    assert all(one.severity is Severity.WARNING for one in collector)
    return [one.code for one in collector]


@pytest.mark.parametrize("code", OURS.values(), ids=OURS)
def test_is_documented(code: Code) -> None:
    for text in (code.title, code.what, code.why, code.instead):
        assert text
        assert not text.endswith(".")


@pytest.mark.parametrize("code", WITH_EXAMPLE.values(), ids=WITH_EXAMPLE)
def test_is_triggered_by_its_example(code: Code) -> None:
    assert codes(code.example) == [code.code]


@pytest.mark.parametrize("code", WITH_EXAMPLE.values(), ids=WITH_EXAMPLE)
def test_a_near_miss_is_none(code: Code) -> None:
    for text in NEAR_MISSES[code.code]:
        assert codes(text) == []
