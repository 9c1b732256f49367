"""`recent`, `nth`, `probability`, how many keys are kept, and native words beside clauses."""

from __future__ import annotations

import json

import pytest
from policies import errors, read

from polc.ir.matches import Match, OpaqueMatch, Syntax
from polc.ir.ruleset import Rule
from polc.ir.stateful import Connections, EveryNth, Hits, KeyField, KeyPart, Limit, RandomMatch, RecentMatch, RecentVerb
from polc.ir.statements import Counter, OpaqueStatement

HEAD = "polc: 1\nchains: {c: [accept tcp]}\ninput:\n  default: drop\n  rules:\n    - "
SOURCE = KeyPart(KeyField.SOURCE)


def rule(written: object) -> Rule:
    (found,) = read(HEAD + json.dumps(written) + "\n").chains[0].rules
    return found


def wrong(written: object) -> list[tuple[str, str]]:
    return [(one.code, one.span.text if one.span else "") for one in errors(HEAD + json.dumps(written) + "\n")]


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ("drop recent set x", RecentMatch(RecentVerb.SET, "x", SOURCE)),
        ("drop recent remove x", RecentMatch(RecentVerb.REMOVE, "x", SOURCE)),
        ("drop recent update x in 5m hitcount 3", RecentMatch(RecentVerb.UPDATE, "x", SOURCE, 300, 3)),
        (
            "drop recent not rcheck x in 1h per destination/24 flags reap, ttl",
            RecentMatch(RecentVerb.RCHECK, "x", KeyPart(KeyField.DESTINATION, 24), 3600, None, True, True, True),
        ),
        ("drop nth 3", EveryNth(3)),
        ("drop nth 3 packet 2", EveryNth(3, 2)),
        ("drop probability 0.5", RandomMatch(1 << 30)),
        ("drop probability 1", RandomMatch(1 << 31)),
    ],
)
def test_words(words: str, match: Match) -> None:
    assert rule(words).matches == (match,)


@pytest.mark.parametrize(
    ("words", "code", "place"),
    [
        ("drop recent sett x", "POL121", "sett"),
        ("drop recent set x in 5m", "POL121", "5m"),
        ("drop recent remove x flags ttl", "POL121", "ttl"),
        ("drop recent rcheck x flags reap", "POL121", "reap"),
        ("drop recent rcheck x in 5m flags tttl", "POL121", "tttl"),
        ("drop recent rcheck x in 5x", "POL114", "5x"),
        ("drop recent rcheck x hitcount 256", "POL113", "256"),
        ("drop recent rcheck x per source,destination", "POL119", "destination"),
        ("drop tcp/22 recent rcheck x per sport", "POL119", "sport"),
        ("drop nth 1", "POL113", "1"),
        ("drop nth 3 packet 3", "POL121", "3"),
        ("drop probability 1.5", "POL121", "1.5"),
        ("drop probability 5", "POL121", "5"),
        ("drop nth 2 nth 3", "POL111", "nth 3"),
        ("drop over 5/minute per source size 0", "POL113", "0"),
    ],
)
def test_what_is_wrong(words: str, code: str, place: str) -> None:
    assert wrong(words) == [(code, place)]


def test_a_name_of_a_list_has_no_slash() -> None:
    ((code, _),) = wrong({"verdict": "drop", "recent": {"verb": "set", "list": "a/b"}})
    assert code == "POL121"
    assert wrong({"verdict": "drop", "limit": {"rate": "5/minute", "size": 5}})[0][0] == "POL112"


def test_how_many_keys_are_kept() -> None:
    limit, hits = (
        rule("drop over 5/minute per source size 9").matches[0],
        rule("drop hits 5 in 1m per source size 9").matches[0],
    )
    connections = rule("drop connections over 5 per source size 9").matches[0]
    assert isinstance(limit, Limit)
    assert isinstance(hits, Hits)
    assert isinstance(connections, Connections)
    assert limit.size == hits.size == connections.size == 9


def test_they_stand_in_one_order() -> None:
    words = "drop nth 2 probability 0.5 recent set x limit 5/minute connections over 5"
    assert [type(one) for one in rule(words).matches] == [Connections, Limit, RecentMatch, EveryNth, RandomMatch]


def test_native_words_beside_a_rule() -> None:
    iptables = '-m string --string "a -m b -j c" --algo bm  -m rt ! --rt-type 0'
    found = rule({"rule": "jump c tcp/80", "native": {"iptables": iptables}})
    own = [one for one in found.matches if isinstance(one, OpaqueMatch)]
    assert [one.words for one in own] == ['-m string --string "a -m b -j c" --algo bm', "-m rt ! --rt-type 0"]
    assert {one.syntax for one in own} == {Syntax.IPTABLES}
    found = rule({"native": {"iptables": "-m rt --rt-type 0 -j AUDIT --type drop"}, "counter": True})
    assert [one.words for one in found.matches if isinstance(one, OpaqueMatch)] == ["-m rt --rt-type 0"]
    assert found.statements[0] == Counter()
    assert isinstance(found.statements[1], OpaqueStatement)
    assert found.statements[1].words == "-j AUDIT --type drop"
    found = rule(
        {"verdict": "drop", "native": {"nft_json": [{"match": {"op": "==", "left": 1, "right": 2}}, {"x": None}]}}
    )
    assert [one.words for one in found.matches if isinstance(one, OpaqueMatch)] == [
        '{"match":{"left":1,"op":"==","right":2}}'
    ]
    assert [one.words for one in found.statements if isinstance(one, OpaqueStatement)] == ['{"x":null}']


@pytest.mark.parametrize(
    ("native", "code"),
    [
        ({"nft": "meta cpu 1"}, "POL112"),
        ({"iptables": "-m rt", "family": "ip"}, "POL112"),
        ({"iptables": "-m rt", "nft_json": [{}]}, "POL112"),
        ({"iptables": "-p tcp -m rt --rt-type 0"}, "POL249"),
        ({"iptables": "--rt-type 0"}, "POL249"),
        ({"iptables": "-j DROP -m rt --rt-type 0"}, "POL249"),
        ({"iptables": '-m string --string "x'}, "POL249"),
        ({"iptables": "-A INPUT"}, "POL249"),
    ],
)
def test_words_that_cannot_stand_there(native: object, code: str) -> None:
    assert [found for found, _ in wrong({"rule": "accept tcp", "native": native})] == [code]


def test_native_goes_with_one_rule() -> None:
    assert [code for code, _ in wrong({"rule": "use stateful", "native": {"iptables": "-m rt"}})] == ["POL112"]
