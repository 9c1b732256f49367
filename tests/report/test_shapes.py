"""What lines of both targets are read as."""

from __future__ import annotations

import json

import pytest

from polc.report import shape_iptables, shape_nft
from polc.report.model import SetReport
from polc.report.shape import Chain, Line, Way, WayKind

ENDS = (Way(WayKind.ENDS),)
STATE = {"ct": {"key": "state"}}
SOURCE = {"payload": {"protocol": "ip", "field": "saddr"}}


def nft(*expr: object, prio: int = 0, type: str = "filter", more: tuple[object, ...] = ()) -> Line:
    place = {"family": "inet", "table": "t"}
    chain = {**place, "name": "c", "type": type, "hook": "prerouting", "prio": prio, "policy": "drop"}
    rule = {**place, "chain": "c", "expr": expr, "comment": "polc-rule-7"}
    commands = [{"metainfo": {}}, {"add": {"chain": chain}}, *more, {"add": {"rule": rule}}]
    found = shape_nft.shape("f", json.dumps({"nftables": commands}))
    return found.chains[0].lines[0]


def matching(left: object, right: object, op: str = "==") -> dict[str, object]:
    return {"match": {"left": left, "op": op, "right": right}}


def test_what_a_line_of_nft_is() -> None:
    line = nft(matching(SOURCE, "192.0.2.1"), {"counter": None}, {"accept": None})
    assert line == Line(7, 0, None, ENDS, None, ENDS, ())
    assert nft({"drop": None}) == Line(7, 0, True, ENDS, True, ENDS, ())
    assert nft({"counter": None}).ways == ()


@pytest.mark.parametrize(
    ("right", "op", "established"),
    [
        (["established", "related"], "in", True),
        ("established", "==", True),
        ({"set": ["established"]}, "==", True),
        ("new", "==", False),
        (["established", "related"], "!=", False),
        ("new", "!=", True),
        (8, "==", None),
    ],
)
def test_states_of_nft(right: object, op: str, established: bool | None) -> None:
    assert nft(matching(STATE, right, op), {"accept": None}).established is established
    # Before conntrack there is no state.
    assert nft(matching(STATE, right, op), {"accept": None}, prio=-300).established is None


def test_with_another_match_a_state_is_not_enough() -> None:
    other = matching(SOURCE, "192.0.2.1")
    assert nft(matching(STATE, "established"), other).established is None
    assert nft(matching(STATE, "new"), other).established is False


@pytest.mark.parametrize(
    ("statement", "lookups", "construct"),
    [
        (matching(SOURCE, "@bad"), 1, "set bad"),
        (matching(SOURCE, {"set": ["192.0.2.1", "192.0.2.2"]}), 1, "anonymous set"),
        (matching(STATE, {"set": ["new", "related"]}), 0, None),
        (matching({"meta": {"key": "iifname"}}, "eth0"), 0, None),
        ({"set": {"op": "add", "set": "@seen", "elem": SOURCE}}, 1, "set seen"),
        ({"meter": {"name": "m", "size": 9, "key": SOURCE, "stmt": {"limit": {}}}}, 1, "meter m"),
        ({"vmap": {"key": SOURCE, "data": "@ways"}}, 1, "verdict map ways"),
        ({"mangle": {"key": {"meta": {"key": "mark"}}, "value": {"map": {"key": SOURCE, "data": "@m"}}}}, 1, "map m"),
        (
            {"dnat": {"addr": {"map": {"key": SOURCE, "data": {"set": [["192.0.2.1", "192.0.2.2"]]}}}}},
            1,
            "anonymous map",
        ),
        ({"limit": {"rate": 1, "per": "second"}}, 0, "limit"),
        ({"quota": {"val": 1}}, 0, "quota"),
        ({"ct count": {"val": 1}}, 0, "count of connections"),
    ],
)
def test_what_is_looked_up(statement: object, lookups: int, construct: str | None) -> None:
    line = nft(statement)
    assert line.lookups == lookups
    assert line.constructs == ((construct,) if construct else ())


def test_verdict_maps_lead_on() -> None:
    data = [
        ["192.0.2.1", {"jump": {"target": "a"}}],
        ["192.0.2.2", {"goto": {"target": "b"}}],
        ["192.0.2.3", {"drop": None}],
    ]
    ways = (Way(WayKind.JUMPS, "a"), Way(WayKind.GOES, "b"), Way(WayKind.ENDS))
    line = nft({"vmap": {"key": SOURCE, "data": {"set": data}}})
    assert (line.ways, line.applies, line.anonymous) == (ways, None, (3,))
    named = {"add": {"map": {"family": "inet", "table": "t", "name": "m", "type": "ipv4_addr", "elem": data}}}
    assert nft({"vmap": {"key": SOURCE, "data": "@m"}}, more=(named,)).ways == ways


def test_a_map_of_states_has_one_way_for_the_established() -> None:
    data = [["established", {"accept": None}], ["new", {"jump": {"target": "new"}}]]
    line = nft({"vmap": {"key": STATE, "data": {"set": data}}})
    assert line.ways == (Way(WayKind.ENDS), Way(WayKind.JUMPS, "new"))
    assert line.established_ways == ENDS


def test_sets_of_nft() -> None:
    place = {"family": "inet", "table": "t"}
    commands = [
        {"add": {"set": {**place, "name": "s", "type": "ipv4_addr", "size": 9}}},
        {"add": {"set": {**place, "name": "e", "type": "ipv4_addr", "elem": ["192.0.2.1", "192.0.2.2"]}}},
        {"add": {"chain": {**place, "name": "c"}}},
        {"add": {"rule": {**place, "chain": "c", "expr": [{"meter": {"name": "m", "size": 5, "key": SOURCE}}]}}},
    ]
    found = shape_nft.shape("f", json.dumps({"nftables": commands}))
    assert found.sets == (
        SetReport("f", "s", "set", 9, 0), SetReport("f", "e", "set", None, 2), SetReport("f", "m", "meter", 5, 0)
    )  # fmt: skip
    assert found.chains[0].hook == ""


def restore(*lines: str, table: str = "filter") -> list[Chain]:
    text = f"*{table}\n:INPUT DROP [0:0]\n:own - [0:0]\n" + "".join(f"{line}\n" for line in lines) + "COMMIT\n"
    return list(shape_iptables.chains("rules.v4", text))


def iptables(words: str, table: str = "filter") -> Line:
    return restore(f"-A INPUT {words}", table=table)[0].lines[0]


@pytest.mark.parametrize(
    ("words", "applies", "established", "ways"),
    [
        ("-j ACCEPT", True, True, ENDS),
        ('-m comment --comment "polc-rule-3" -j DROP', True, True, ENDS),
        ('-m comment --comment "-p ! --ctstate NEW" -j DROP', True, True, ENDS),
        ("-p tcp -j ACCEPT", None, None, ENDS),
        ("! -i lo -j ACCEPT", None, None, ENDS),
        ("-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", None, True, ENDS),
        ("-m conntrack --ctstate NEW -j ACCEPT", None, False, ENDS),
        ("-m conntrack ! --ctstate NEW -j ACCEPT", None, True, ENDS),
        ("-m conntrack ! --ctstate RELATED,ESTABLISHED -j ACCEPT", None, False, ENDS),
        ("-m conntrack --ctstate DNAT -j ACCEPT", None, None, ENDS),
        ("-m conntrack --ctstate ESTABLISHED --ctdir ORIGINAL -j ACCEPT", None, None, ENDS),
        ("-p tcp -m conntrack --ctstate NEW -j ACCEPT", None, False, ENDS),
        ("-m socket -j ACCEPT", None, None, ENDS),
        ("-j own", True, True, (Way(WayKind.JUMPS, "own"),)),
        ("-g own", True, True, (Way(WayKind.GOES, "own"),)),
        ("-j RETURN", True, True, (Way(WayKind.RETURNS),)),
        ("-j LOG --log-prefix x", True, True, ()),
        ("-j MARK --set-xmark 0x1/0x1", True, True, ()),
        ("-p tcp -j DNAT --to-destination 192.0.2.1", None, None, ENDS),
        ("", True, True, ()),
    ],
)
def test_what_a_line_of_iptables_is(
    words: str, applies: bool | None, established: bool | None, ways: tuple[Way, ...]
) -> None:
    line = iptables(words)
    assert (line.applies, line.established, line.ways) == (applies, established, ways)


def test_its_rule_is_in_its_comment() -> None:
    assert iptables("-m comment --comment polc-rule-12 -j DROP").rule == 12
    assert iptables("-m comment --comment policy.yaml:3 -j DROP").rule is None


def test_the_raw_table_knows_no_state() -> None:
    words = "-m conntrack --ctstate ESTABLISHED -j ACCEPT"
    assert iptables(words, "raw").established is None


@pytest.mark.parametrize(
    ("words", "lookups", "constructs"),
    [
        ("-m set --match-set bad src -m set ! --match-set good src -j DROP", 2, ("ipset bad", "ipset good")),
        ("-m recent --name x --set", 1, ("recent",)),
        ("-m hashlimit --hashlimit-above 1/sec --hashlimit-name x -j DROP", 1, ("hashlimit",)),
        ("-m connlimit --connlimit-above 1 -j DROP", 1, ("connlimit",)),
        ("-m limit --limit 1/sec -j LOG", 0, ("limit",)),
        ("-j SET --add-set seen src --exist", 1, ("ipset seen",)),
        ("-s 192.0.2.1 -j DROP", 0, ()),
    ],
)
def test_what_iptables_looks_up(words: str, lookups: int, constructs: tuple[str, ...]) -> None:
    line = iptables(words)
    assert (line.lookups, line.constructs) == (lookups, constructs)


def test_chains_of_iptables() -> None:
    base, own = restore("-A INPUT -j own", "-A own -j DROP", "-I INPUT -j ACCEPT")
    assert (base.hook, base.rewrites, own.hook) == ("filter INPUT", False, "")
    assert [line.ways for line in base.lines] == [ENDS, (Way(WayKind.JUMPS, "own"),)]
    assert restore(table="nat")[0].rewrites


def test_counters_stand_before_a_rule() -> None:
    (base, _) = restore("[3:180] -A INPUT -m comment --comment polc-rule-4 -j own")
    assert [(line.rule, line.ways) for line in base.lines] == [(4, (Way(WayKind.JUMPS, "own"),))]


def test_own_chains_beside_those_of_others() -> None:
    text = "*filter\n:polc-INPUT - [0:0]\n-A polc-INPUT -p tcp -j ACCEPT\n-A INPUT -j polc-INPUT\nCOMMIT\n# end\n"
    own, base = shape_iptables.chains("rules.v4", text)
    assert (own.hook, base.hook) == ("", "filter INPUT")
    assert base.lines[0].ways == (Way(WayKind.JUMPS, "polc-INPUT"),)


def test_ipsets() -> None:
    text = (
        "create a hash:ip family inet hashsize 1024 maxelem 9\nadd a 192.0.2.1\nadd a 192.0.2.2 timeout 3\n"
        "create b list:set size 8\n"
    )
    assert list(shape_iptables.sets("sets.ipset", text)) == [
        SetReport("sets.ipset", "a", "ipset hash:ip", 9, 2), SetReport("sets.ipset", "b", "ipset list:set", None, 0)
    ]  # fmt: skip
