"""Policies of several files."""

from __future__ import annotations

from pathlib import Path

import pytest

from polc.diagnostics import Collector, Diagnostic, Failure
from polc.ir.ruleset import Ruleset
from polc.policy import read_policy


def write(folder: Path, **texts: str) -> str:
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return str(folder / "main.yaml")


def read(path: str) -> Ruleset:
    return read_policy(path, Collector())


def errors(path: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(Failure) as caught:
        read_policy(path, Collector())
    return caught.value.diagnostics


def section(*rules: str, default: str = "") -> str:
    return f"input: {{{f'default: {default}, ' if default else ''}rules: [{', '.join(rules)}]}}\n"


def test_rules_of_included_files_come_first(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        main="polc: 1\ninclude: [sub/a.yaml, b.yaml]\n" + section("accept tcp/3 from z", default="drop"),
        sub__a="polc: 1\ninclude: [../c.yaml]\n" + section("accept tcp/1"),
        b="polc: 1\ninclude: [c.yaml]\nzones: {z: eth0}\n" + section("accept tcp/2"),
        c="polc: 1\n" + section("accept tcp/0"),
    )
    (chain,) = read(path).chains
    places = [(rule.origin.span.source.path, rule.origin.span.text) for rule in chain.rules if rule.origin.span]
    assert [text for _, text in places] == ["accept tcp/0", "accept tcp/1", "accept tcp/2", "accept tcp/3 from z"]
    assert places[1][0] == str(tmp_path / "sub/a.yaml")


def test_cycle(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        main="polc: 1\ninclude: [a.yaml]\n",
        a="polc: 1\ninclude: [b.yaml]\n",
        b="polc: 1\ninclude: [a.yaml]\n",
    )
    (only,) = errors(path)
    assert only.code == "POL015"
    assert [(label.span.source.path[-6:], label.span.text) for label in only.labels] == [
        ("b.yaml", "a.yaml"),
        ("a.yaml", "b.yaml"),
    ]


def test_itself(tmp_path: Path) -> None:
    (only,) = errors(write(tmp_path, main="polc: 1\ninclude: [main.yaml]\n"))
    assert only.code == "POL015"


def test_what_cannot_be_included(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "empty.yaml").write_text("")
    include = "[none.yaml, d, /etc/passwd, a.yaml, ./a.yaml, empty.yaml, '-']"
    path = write(tmp_path, main=f"polc: 1\ninclude: {include}\n", a="polc: 1\n")
    found = [(one.code, one.span.text if one.span else "") for one in errors(path)]
    assert found == [
        ("POL004", ""),
        ("POL001", "none.yaml"),
        ("POL001", "d"),
        ("POL016", "/etc/passwd"),
        ("POL016", "./a.yaml"),
        ("POL001", "'-'"),
    ]


def test_names_defined_in_two_files(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        main="polc: 1\ninclude: [a.yaml]\nzones: {wan: eth0}\nservices: {s: tcp/1}\n",
        a="polc: 1\nzones: {wan: eth1}\naddresses: {s: 192.0.2.1}\n",
    )
    (only,) = errors(path)
    assert only.code == "POL210"
    assert [label.span.source.path[-7:] for label in only.labels] == ["in.yaml", "/a.yaml"]


def test_defaults(tmp_path: Path) -> None:
    main = "polc: 1\ninclude: [a.yaml]\n"
    path = write(tmp_path, main=main + "input: {default: drop}\n", a="polc: 1\ninput: {default: accept}\n")
    (only,) = errors(path)
    assert (only.code, len(only.labels)) == ("POL213", 2)
    read(write(tmp_path, main=main + "input: {default: drop}\n", a="polc: 1\ninput: {default: drop}\n"))
    assert [one.code for one in errors(write(tmp_path, main=main, a="polc: 1\n" + section("accept ssh")))] == ["POL214"]


def test_errors_of_all_files(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        main="polc: 1\ninclude: [a.yaml, b.yaml]\n" + section("accept shh", default="drop"),
        a="polc: 1\nzonse: {}\n",
        b="polc: 1\n" + section("acept ssh"),
    )
    assert [one.code for one in errors(path)] == ["POL101", "POL110", "POL203"]
