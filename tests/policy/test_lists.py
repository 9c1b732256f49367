"""The sections of one list a hook, `raw`, `mangle` and `nat`, and definitions of several files."""

from __future__ import annotations

from pathlib import Path

import pytest
from policies import errors, read

from polc.diagnostics import Collector, Diagnostic, Failure
from polc.ir.ruleset import BaseChain, ChainType, Hook, RegularChain, Ruleset
from polc.ir.verdicts import Accept
from polc.policy import read_policy


def test_all_of_them_in_netfilters_order() -> None:
    text = (
        "polc: 1\n"
        "nat: [masquerade to 192.0.2.0/24, redirect tcp/1]\n"
        "output: {default: accept}\ninput: {default: accept}\nforward: {default: accept}\n"
        "mangle: {postrouting: [counter], output: [counter], forward: [counter], input: [counter],"
        " prerouting: [counter]}\n"
        "raw: {output: [notrack], prerouting: [notrack]}\n"
    )
    chains = [one for one in read(text).chains if isinstance(one, BaseChain)]
    assert [(one.name, one.type, one.hook, one.priority) for one in chains] == [
        ("raw-prerouting", ChainType.FILTER, Hook.PREROUTING, -300),
        ("raw-output", ChainType.FILTER, Hook.OUTPUT, -300),
        ("mangle-prerouting", ChainType.FILTER, Hook.PREROUTING, -150),
        ("mangle-input", ChainType.FILTER, Hook.INPUT, -150),
        ("mangle-forward", ChainType.FILTER, Hook.FORWARD, -150),
        # A changed mark may mean another route.
        ("mangle-output", ChainType.ROUTE, Hook.OUTPUT, -150),
        ("mangle-postrouting", ChainType.FILTER, Hook.POSTROUTING, -150),
        ("input", ChainType.FILTER, Hook.INPUT, 0),
        ("forward", ChainType.FILTER, Hook.FORWARD, 0),
        ("output", ChainType.FILTER, Hook.OUTPUT, 0),
        ("nat-prerouting", ChainType.NAT, Hook.PREROUTING, -100),
        ("nat-postrouting", ChainType.NAT, Hook.POSTROUTING, 100),
    ]
    assert {one.policy for one in chains} == {Accept()}


def test_what_has_no_rules() -> None:
    found = read("polc: 1\nraw: {output: []}\nmangle: {}\nnat: []\n").chains
    assert [one.name for one in found] == ["raw-output"]


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("raw: {forward: [accept]}", "POL101", "forward"),
        ("mangle: {ingress: [accept]}", "POL101", "ingress"),
        ("mangle: {input: accept}", "POL102", "accept"),
        ("mangle: [accept]", "POL102", "[accept]"),
        ("nat: {forward: [masquerade]}", "POL101", "forward"),
        ("nat: {prerouting: [masquerade]}", "POL241", "masquerade"),
        ("nat: masquerade", "POL102", "masquerade"),
        ("raw: {output: [notrack, notrak]}", "POL110", "notrak"),
        ("nat: [masqerade]", "POL110", "masqerade"),
        ("mangle: {input: [{id: x, rule: counter}, {id: x, rule: counter}]}", "POL210", "x"),
        ("raw: {output: [{id: x, rule: counter}]}\nnat: [{id: x, rule: masquerade}]", "POL210", "x"),
    ],
)
def test_what_is_wrong(text: str, code: str, place: str) -> None:
    assert [(one.code, one.span and one.span.text) for one in errors(f"polc: 1\n{text}\n")] == [(code, place)]


def test_rules_beside_one_that_breaks_the_schema_are_looked_at() -> None:
    text = "polc: 1\nraw: {output: [7, notrak]}\nnat: [8, masqerade]\n"
    assert [(one.code, one.span and one.span.text) for one in errors(text)] == [
        ("POL102", "7"), ("POL110", "notrak"), ("POL102", "8"), ("POL110", "masqerade"),
    ]  # fmt: skip


def write(folder: Path, **texts: str) -> str:
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(f"polc: 1\n{text}\n")
    return str(folder / "main.yaml")


def of_files(folder: Path, **texts: str) -> Ruleset:
    return read_policy(write(folder, **texts), Collector())


def wrong_files(folder: Path, **texts: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(Failure) as caught:
        read_policy(write(folder, **texts), Collector())
    return caught.value.diagnostics


def texts(ruleset: Ruleset) -> dict[str, list[str]]:
    return {
        chain.name: [one.origin.span.text for one in chain.rules if one.origin.span] for chain in ruleset.chains
    }  # fmt: skip


def test_lists_of_included_files_come_first(tmp_path: Path) -> None:
    found = of_files(
        tmp_path,
        main="include: [a.yaml, b.yaml]\nnat: [masquerade to 192.0.2.3]\nmangle: {input: [mark set 3]}",
        a="nat: [masquerade to 192.0.2.1, redirect tcp/1]\nraw: {output: [notrack tcp/1]}",
        b="nat: [masquerade to 192.0.2.2]\nmangle: {input: [mark set 2]}\nraw: {output: [notrack tcp/2]}",
    )
    assert texts(found) == {
        "raw-output": ["notrack tcp/1", "notrack tcp/2"],
        "mangle-input": ["mark set 2", "mark set 3"],
        "nat-prerouting": ["redirect tcp/1"],
        "nat-postrouting": [f"masquerade to 192.0.2.{number}" for number in (1, 2, 3)],
    }


def test_names_of_other_files_are_known_in_both_directions(tmp_path: Path) -> None:
    found = of_files(
        tmp_path,
        main="include: a.yaml\nmacros: {mine: [jump theirs]}\nchains: {own: [drop from @them]}",
        a="input: {default: drop, rules: [use mine, jump own]}\nchains: {theirs: [drop]}\naddresses: {them: 192.0.2.1}",
    )
    assert texts(found) == {"input": ["use mine", "jump own"], "theirs": ["drop"], "own": ["drop from @them"]}
    assert [one.name for one in found.chains if isinstance(one, RegularChain)] == ["theirs", "own"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("chains", "[drop]"),
        ("macros", "[drop]"),
        ("zones", "eth0"),
        ("addresses", "192.0.2.1"),
        ("addresses", "{dynamic: true}"),
        ("services", "tcp/1"),
    ],
)
def test_a_name_stands_in_one_file(kind: str, value: str, tmp_path: Path) -> None:
    line = f"{kind}: {{x: {value}}}"
    (one,) = wrong_files(tmp_path, main=f"include: a.yaml\n{line}", a=line)
    assert (one.code, one.message) == ("POL210", "`x` is defined twice")
    assert [label.span.source.path.rpartition("/")[2] for label in one.labels] == ["main.yaml", "a.yaml"]
    assert [label.span.text for label in one.labels] == ["x", "x"]


@pytest.mark.parametrize("setting", ["table: x", "management: ssh", "log: {level: info}"])
def test_a_setting_stands_in_one_file(setting: str, tmp_path: Path) -> None:
    line = f"settings: {{{setting}}}"
    (one,) = wrong_files(tmp_path, main=f"include: a.yaml\n{line}", a=line)
    assert (one.code, one.span and one.span.text) == ("POL210", setting.partition(":")[0])


def test_settings_of_several_files_are_joined(tmp_path: Path) -> None:
    found = of_files(tmp_path, main="include: a.yaml\nsettings: {table: fw}", a="settings: {log: {level: info}}")
    assert found.table == "fw"


def test_an_id_stands_once_in_all_files(tmp_path: Path) -> None:
    rule = "{id: x, rule: masquerade}"
    (one,) = wrong_files(tmp_path, main="include: a.yaml\nchains: {c: [{id: x, rule: drop}]}", a=f"nat: [{rule}]")
    assert (one.code, one.message) == ("POL210", "the id `x` is there twice")
    assert [label.span.source.path.rpartition("/")[2] for label in one.labels] == ["main.yaml", "a.yaml"]


def test_a_chain_and_a_circle_over_files(tmp_path: Path) -> None:
    (one,) = wrong_files(tmp_path, main="include: a.yaml\nchains: {x: [jump y]}", a="chains: {y: [jump x]}")
    assert one.code == "POL212"
    assert {label.span.source.path.rpartition("/")[2] for label in one.labels} == {"main.yaml", "a.yaml"}
