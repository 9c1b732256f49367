"""Rules in a target's own words: one rule stays one rule, and what is not said for a target is refused there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from policies import errors, policy, read

from polc.compiler import compile_policy
from polc.diagnostics import Failure
from polc.ir.family import BOTH, Family
from polc.ir.statements import Native


def native(**words: object) -> str:
    return policy("{native: " + json.dumps(words) + "}")


@pytest.mark.parametrize(
    ("key", "text", "reason"),
    [
        ("nft", "accept; drop", "`;` ends"),
        ("nft", "accept # all", "`#` ends"),
        ("nft", "accept \\", "`\\` ends"),
        ("nft", "accept\ndrop", "line ends"),
        ("nft", "tcp dport { 1, 2", "`}` is missing"),
        ("nft", "accept }", "`}` closes nothing"),
        ("nft", "meta iifname (1 }", "`}` closes nothing"),
        ("nft", 'log prefix "a', "a quote is open"),
        ("iptables", "-p tcp\n-A INPUT -j ACCEPT", "line ends"),
        ("iptables", '-m comment --comment "a -j DROP', "a quote is open"),
        ("iptables", "-A INPUT -j ACCEPT", "`-A`"),
        ("iptables", "tcp", "begin with an option"),
        ("nft", "  ", "there are none"),
        ("iptables", "  ", "begin with an option"),
    ],
)
def test_words_that_are_not_one_rule(key: str, text: str, reason: str) -> None:
    (one,) = (found for found in errors(native(**{key: text})) if found.code != "POL251")
    assert one.code == "POL249"
    assert reason in one.message
    assert one.span is not None


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("nft", 'log prefix "a; b # {" accept'),
        ("nft", "tcp dport . ip saddr { 22 . 192.0.2.1 } accept"),
        ("iptables", '! -s 192.0.2.1 -m string --string "a \\" b" --algo bm -j DROP'),
    ],
)
def test_words_of_one_rule(key: str, text: str) -> None:
    (chain,) = read(native(**{key: text})).chains
    (statement,) = chain.rules[0].statements
    assert isinstance(statement, Native)
    assert {"nft": statement.nft, "iptables": statement.iptables}[key] == text
    assert chain.rules[0].families == BOTH


def test_of_one_family() -> None:
    (chain,) = read(native(nft="accept", family="ip6")).chains
    assert chain.rules[0].families == {Family.IP6}


@pytest.mark.parametrize(
    ("words", "target", "form"),
    [
        ({"nft": "accept"}, "iptables", None),
        ({"nft": "accept"}, "nft", "json"),
        ({"nft_json": [{"accept": None}]}, "nft", "text"),
        ({"iptables": "-j ACCEPT"}, "nft", "text"),
    ],
)
def test_a_target_without_words_refuses(
    words: dict[str, object], target: str, form: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(native(**words))
    with pytest.raises(Failure) as failure:
        compile_policy(str(path), target, form)
    (one,) = failure.value.diagnostics
    assert one.code == "POL402"
    assert one.span is not None
    assert one.span.line == 5


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("-p tcp -m tcp --dport 1 -j ACCEPT", '-p tcp -m tcp --dport 1 -m comment --comment "policy.yaml:5" -j ACCEPT'),
        ("-j ACCEPT", '-m comment --comment "policy.yaml:5" -j ACCEPT'),
        ("-p tcp", '-p tcp -m comment --comment "policy.yaml:5"'),
        (
            '-m string --string " -j x" --algo bm -g away',
            '-m string --string " -j x" --algo bm -m comment --comment "policy.yaml:5" -g away',
        ),
    ],
)
def test_the_comment_stands_before_the_target(text: str, line: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(native(iptables=text))
    for file in compile_policy(str(path), "iptables").files:
        assert [one for one in file.text.splitlines() if one.startswith("-A")] == [f"-A INPUT {line}"]


def test_it_has_no_place_in_nat() -> None:
    found = errors('polc: 1\nnat: [{native: {nft: "masquerade"}}]\n')
    assert [one.code for one in found] == ["POL241"]
