"""Documents as listings and as commands, and what is wrong with them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from nft_reading import ACCEPT, COUNTER, DROP, SSH, chain, document, error, errors, place, read_all, table

from polc.importers.nft_json.json_value import Json
from polc.ir.ruleset import BaseChain, ChainType, Hook, Ruleset, TableFamily
from polc.ir.statements import Counter
from polc.ir.verdicts import Accept, Drop


def rule(*statements: Json, **more: Json) -> Json:
    return {"rule": {**place(), "chain": "c", "expr": list(statements), **more}}


HEAD: list[Json] = table({"chain": {"name": "c"}})


def verdicts(*items: Json) -> list[object]:
    """Those of the chain after commands."""
    (found,), _ = read_all(document(*items))
    return [one.verdict for one in found.chains[0].rules]


def test_tables_are_rulesets() -> None:
    found, _ = read_all(
        document({"table": {"family": "ip", "name": "a"}}, {"table": {"family": "bridge", "name": "a"}})
    )
    assert [(one.family, one.table) for one in found] == [(TableFamily.IP, "a"), (TableFamily.BRIDGE, "a")]


def test_a_base_chain() -> None:
    hook: dict[str, Json] = {"type": "filter", "hook": "input", "prio": -5, "policy": "drop", "comment": "first"}
    (found,), _ = read_all(document(*table({"chain": {"name": "in", **hook}})))
    (base,) = found.chains
    assert base == BaseChain("in", ChainType.FILTER, Hook.INPUT, -5, Drop(), ())
    assert base.origin.comment == "first"


@pytest.mark.parametrize(
    ("written", "family", "number"),
    [(0, "inet", 0), ("filter", "inet", 0), ("dstnat - 5", "ip", -105), ("srcnat+1", "ip6", 101),
     ("-300", "inet", -300), ("filter", "bridge", -200), ("out", "bridge", 100)],
)  # fmt: skip
def test_priorities(written: Json, family: str, number: int) -> None:
    one: dict[str, Json] = {"name": "in", "type": "filter", "hook": "input", "prio": written}
    (found,), _ = read_all(document(*table({"chain": one}, family=family)))
    (base,) = found.chains
    assert isinstance(base, BaseChain)
    assert base.priority == number


def test_commands_of_a_whole_ruleset() -> None:
    """Add, delete and add again is how a table is replaced."""
    name: Json = {"table": {"family": "inet", "name": "t"}}
    commands: list[Json] = [{"add": name}, {"delete": name}, *({"add": one} for one in [*HEAD, rule(ACCEPT)])]
    assert verdicts(*commands) == [Accept()]


def test_rules_by_place() -> None:
    assert verdicts(*HEAD, rule(DROP), {"insert": rule(ACCEPT)}) == [Accept(), Drop()]
    assert verdicts(*HEAD, rule(DROP), rule(DROP), {"add": rule(ACCEPT, index=0)}) == [Drop(), Accept(), Drop()]
    assert verdicts(*HEAD, rule(DROP, handle=7), {"insert": rule(ACCEPT, handle=7)}) == [Accept(), Drop()]
    assert verdicts(*HEAD, rule(DROP, handle=7), {"replace": rule(ACCEPT, handle=7)}) == [Accept()]
    gone: Json = {"rule": {**place(), "chain": "c", "handle": 7}}
    assert verdicts(*HEAD, rule(DROP, handle=7), rule(ACCEPT), {"delete": gone}) == [Accept()]
    assert verdicts(*HEAD, rule(DROP), {"flush": {"chain": {**place(), "name": "c"}}}) == []
    assert verdicts(*HEAD, rule(DROP), {"flush": {"table": {"family": "inet", "name": "t"}}}) == []


def test_flush_ruleset() -> None:
    found, _ = read_all(
        document(*HEAD, {"flush": {"ruleset": None}}, {"add": {"table": {"family": "ip", "name": "x"}}})
    )
    assert [one.table for one in found] == ["x"]


def test_elements_come_and_go() -> None:
    ports: Json = {"set": {**place(), "name": "ports", "type": "inet_service", "elem": [22, 80]}}

    def elements(*commands: Json) -> object:
        (found,), _ = read_all(document(*HEAD, ports, *commands))
        ((values,),) = found.sets[0].elements
        return values

    more: Json = {"element": {**place(), "name": "ports", "elem": [443]}}
    gone: Json = {"element": {**place(), "name": "ports", "elem": [22]}}
    assert str(elements({"add": more})).count("443") == 2
    assert "22" not in str(elements({"delete": gone}))


def test_what_is_not_there_can_be_destroyed_and_not_deleted() -> None:
    name: Json = {"table": {"family": "inet", "name": "gone"}}
    assert read_all(document({"destroy": name}))[0] == ()
    assert error(document({"delete": name})).code == "POL532"


@pytest.mark.parametrize("command", ["rename", "reset", "export", "monitor"])
def test_commands_that_are_not_followed(command: str) -> None:
    assert error(document(*HEAD, {command: {"chain": {**place(), "name": "c"}}})).code == "POL531"


def test_a_query_changes_nothing() -> None:
    assert verdicts(*HEAD, rule(ACCEPT), {"list": {"ruleset": None}}) == [Accept()]


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ({}, "POL531"),
        ({"add": None}, "POL531"),
        ({"table": 1}, "POL531"),
        ({"table": {"family": "inet6", "name": "x"}}, "POL531"),
        ({"table": {"family": "inet"}}, "POL531"),
        ({"chain": {"family": "inet", "table": "t", "name": ""}}, "POL531"),
        ({"add": {"chain": {"family": "ip", "table": "t", "name": "x"}}}, "POL532"),
        ({"thing": {"family": "inet", "table": "t", "name": "x"}}, "POL531"),
        ({"rule": {"family": "inet", "table": "t", "chain": "d", "expr": [ACCEPT]}}, "POL532"),
        ({"rule": {"family": "inet", "table": "t", "chain": "c", "expr": []}}, "POL531"),
        ({"rule": {"family": "inet", "table": "t", "chain": "c", "expr": [7]}}, "POL531"),
        ({"rule": {"family": "inet", "table": "t", "chain": "c", "expr": [{"accept": None, "drop": None}]}}, "POL531"),
        ({"rule": {"family": "inet", "table": "t", "chain": "c", "expr": [{"match": {"op": "=="}}]}}, "POL531"),
        ({"rule": {"family": "inet", "table": "t", "chain": "c", "expr": [{"jump": {"target": "x"}}]}}, "POL532"),
        ({"rule": {"family": "inet", "table": "t", "chain": "c", "expr": [{"counter": "x"}]}}, "POL532"),
        ({"chain": {"family": "inet", "table": "t", "name": "x", "hook": "input", "type": "filter"}}, "POL531"),
        ({"chain": {"family": "inet", "table": "t", "name": "x", "hook": "in", "type": "filter", "prio": 0}}, "POL531"),
        ({"chain": {"family": "inet", "table": "t", "name": "x", "hook": "ingress", "type": "filter", "prio": 0}},
         "POL532"),
        ({"create": {"chain": {"family": "inet", "table": "t", "name": "c"}}}, "POL532"),
        ({"metainfo": {"json_schema_version": 2}}, "POL531"),
    ],
)  # fmt: skip
def test_what_is_wrong(item: Json, code: str) -> None:
    assert error(document(*HEAD, item)).code == code


def test_places_and_paths() -> None:
    """The part of an object that is wrong is pointed at, and named by its path."""
    text = document(*HEAD, rule(SSH, {"jump": {"target": "elsewhere"}}))
    found = error(text)
    assert found.span is not None
    assert found.span.text == '"elsewhere"'
    assert "(at `rule.expr[1].jump.target`)" in found.message


def test_all_errors_at_once() -> None:
    assert len(errors(document(*HEAD, rule(7), rule(ACCEPT), rule(8), {"thing": {}}))) == 3


def test_a_rule_knows_its_line() -> None:
    text = chain([SSH, ACCEPT]).replace('{"rule"', '\n{"rule"')
    (found,), _ = read_all(text)
    (one,) = found.chains[0].rules
    assert one.origin.span is not None
    assert (one.origin.span.line, one.origin.span.column) == (2, 1)


def test_a_comment_is_kept() -> None:
    (found,), _ = read_all(document(*HEAD, rule(ACCEPT, comment="CHG-1207")))
    assert found.chains[0].rules[0].origin.comment == "CHG-1207"


def test_a_dormant_table_is_left_out() -> None:
    found, (note,) = read_all(document({"table": {"family": "inet", "name": "t", "flags": "dormant"}}))
    assert found == ()
    assert note.code == "POL533"


@pytest.mark.parametrize("flags", ["dorm", "", "d", ["dormant", "x"]])
def test_flags_that_are_cut_off_are_wrong(flags: Json) -> None:
    """nft before 1.1 lists them so, and a dormant table would be taken for one that is awake."""
    assert error(document({"table": {"family": "inet", "name": "t", "flags": flags}})).code == "POL531"
    found, _ = read_all(document({"table": {"family": "inet", "name": "t", "flags": ["owner"]}}))
    assert len(found) == 1


def test_devices() -> None:
    base: dict[str, Json] = {"name": "x", "type": "filter", "hook": "ingress", "prio": 0}
    for devices in ("eth0", ["eth0"]):
        (found,), _ = read_all(document(*table({"chain": {**base, "dev": devices}}, family="netdev")))
        (one,) = found.chains
        assert isinstance(one, BaseChain)
        assert one.devices == ("eth0",)


def test_counters_begin_where_they_stood() -> None:
    named: Json = {"counter": {**place(), "name": "web", "packets": 7, "bytes": 420}}
    (found,), _ = read_all(document(HEAD[0], named, HEAD[1], rule({"counter": "web"}, COUNTER)))
    assert found.chains[0].rules[0].statements == (Counter("web", 7, 420), Counter())


def test_chains_in_a_circle() -> None:
    def calls(chain: str, target: str) -> dict[str, Json]:
        return {"rule": {"chain": chain, "expr": [{"jump": {"target": target}}]}}

    chains = [{"chain": {"name": name}} for name in "abcd"]
    rules = [calls("a", "b"), calls("b", "c"), calls("b", "d"), calls("c", "d")]
    read_all(document(*table(*chains, *rules)))
    found = error(document(*table(*chains, *rules, calls("d", "b"))))
    assert found.code == "POL531"
    assert "from `b` to" in found.message


def test_a_long_circle_is_told_in_short() -> None:
    names = [f"c{number}" for number in range(10_000)]
    chains: list[dict[str, Json]] = [{"chain": {"name": name}} for name in names]
    for one, other in zip(names, [*names[1:], names[0]], strict=True):
        chains.append({"rule": {"chain": one, "expr": [{"jump": {"target": other}}]}})
    found = error(document(*table(*chains)))
    assert found.code == "POL531"
    assert "to `c7` to 9992 more to `c0`" in found.message


def test_long_ways_are_no_circles() -> None:
    """However many chains lead to each other, and in however many ways."""
    names = [f"c{number}" for number in range(5000)]
    chains: list[dict[str, Json]] = [{"chain": {"name": name}} for name in names]
    for one, other in pairwise(names):
        chains += [{"rule": {"chain": one, "expr": [{"jump": {"target": other}}]}}] * 2
    read_all(document(*table(*chains)))


def test_an_empty_document() -> None:
    found: tuple[Ruleset, ...] = read_all('{"nftables": []}')[0]
    assert found == ()
