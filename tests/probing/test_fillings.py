"""Sets that nothing fills are filled for packets, so that rules that ask for members have some."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from test_plan import abouts, compiled, of

from polc.backends.iptables import fill as fill_iptables
from polc.backends.iptables.extensions.words import Refused
from polc.backends.nft import fill as fill_nft
from polc.ir.family import Family
from polc.ir.filling import Filling, assigned, filled
from polc.ir.intervals import Intervals
from polc.ir.ruleset import DynamicSet, Ruleset
from polc.ir.selectors import Element, InterfacePattern, KeyType
from polc.probing.contents import with_fillings
from polc.probing.make import plan, planned
from polc.probing.model import Reason
from polc.probing.watch import Way
from polc.probing.wish import Wish
from polc.simulate.engine import Simulator
from polc.simulate.hooks import Loaded
from polc.simulate.steps import Send
from tests.probing.filled import GROUPS

FILLED = Path(__file__).parents[1] / "golden" / "filled.yaml"


def single(*numbers: int) -> Element:
    return tuple(map(Intervals.single, numbers))


def table(*sets: DynamicSet, name: str = "polc") -> Ruleset:
    return Ruleset((), sets, name)


def addresses(name: str = "banned", **changes: object) -> DynamicSet:
    return replace(DynamicSet(name, (KeyType.IPV4_ADDR,), None, None), **changes)  # type: ignore[arg-type]


def filling(*elements: Element, name: str = "banned", of: str = "inet polc") -> Filling:
    return Filling(of, name, (KeyType.IPV4_ADDR,), elements)


def test_rules_that_ask_for_members_have_packets() -> None:
    ruleset = compiled(GROUPS)
    made = plan((Loaded(ruleset),))
    assert not made.unreached
    assert {one.name for scene in made.scenes for one in scene.fillings} == {one.name for one in ruleset.sets}
    banned = abouts(made, 9, ruleset)
    assert banned["what it asks for"] is True
    assert banned["saddr elsewhere"] is False
    assert any(about.endswith("one before") and not decides for about, decides in banned.items())
    nets = abouts(made, 10, ruleset)
    assert any(about.startswith("saddr ") and about.endswith("last") and decides for about, decides in nets.items())
    assert any(about.startswith("saddr ") and about.endswith("behind") for about in nets)
    friends = abouts(made, 11, ruleset)
    assert friends["what it asks for"] is True
    assert any(
        about.startswith("saddr ") and about.endswith("first") and not decides for about, decides in friends.items()
    )
    both = abouts(made, 12, ruleset)
    assert {both["saddr elsewhere"], both["daddr elsewhere"]} == {False}


@pytest.mark.parametrize("seed", range(3))
def test_they_do_what_they_are_for(seed: int) -> None:
    loaded = (Loaded(compiled(GROUPS)),)
    for scene in plan(loaded, wish=Wish(seed=seed, gaps=True)).scenes:
        simulator = Simulator(with_fillings(loaded, scene.fillings), scene.host)
        for probe in scene.probes:
            way = Way()
            for packet in probe.packets:
                way = Way()
                simulator.do(Send(packet), way)
            assert (probe.place in way.met()) is probe.decides, probe


def test_what_rules_fill_or_policies_is_left_alone() -> None:
    made = plan((Loaded(of(FILLED)),))
    assert {one.name for scene in made.scenes for one in scene.fillings} == {"nets-v6"}
    assert any(not scene.fillings for scene in made.scenes)
    assert not made.unreached


def test_contents_that_go_against_each_other_have_hosts_of_their_own() -> None:
    """Whoever is to be met by the second rule is no member of the first one's group."""
    rules = "    - drop to @banned\n    - drop udp/9 from @nets to @banned\n    - accept udp/9 from @nets\n"
    ruleset = compiled(GROUPS.split("    - drop")[0] + rules)
    made = plan((Loaded(ruleset),))
    unmet = {ruleset.chains[0].rules[one.place[1]].origin.span.line: one.why for one in made.unreached}  # type: ignore[union-attr]
    assert unmet in ({}, {10: Reason.PROVEN})


def test_rules_behind_one_that_takes_who_is_in_no_set() -> None:
    rules = "input: {default: drop, rules: [drop from not @friends, accept tcp/22, jump more from @friends]}\n"
    chains = "chains: {more: [accept tcp/80]}\n"
    made = plan((Loaded(compiled(f"polc: 1\naddresses: {{friends: {{dynamic: true}}}}\n{chains}{rules}")),))
    assert not made.unreached
    assert any(not scene.fillings for scene in made.scenes)


def test_one_host_alone_has_nothing_in_its_sets() -> None:
    made = plan((Loaded(compiled(GROUPS)),), wish=Wish(scenes=1))
    assert "nothing is in the set `banned-v4`, and no rule fills it: this one host has none" in {
        one.reason for one in made.unreached
    }
    assert not any(scene.fillings for scene in made.scenes)


def test_what_no_packet_meets_whatever_is_in_a_set_is_still_proven() -> None:
    made = plan((Loaded(compiled(GROUPS.replace("    - drop tcp/1", "    - accept tcp\n    - drop tcp/1"))),))
    assert {one.why for one in made.unreached} == {Reason.PROVEN}


def test_a_set_without_room_says_so() -> None:
    ruleset = compiled(GROUPS)
    small = replace(ruleset, sets=tuple(replace(one, size=0) for one in ruleset.sets))
    made = plan((Loaded(small),))
    assert any("there is no room in `banned-v4`" in one.reason for one in made.unreached)


def test_gaps_are_closed_where_sets_are_filled() -> None:
    made = plan((Loaded(of(FILLED)),), wish=Wish(gaps=True))
    assert any(one.place == ("input", 9) for scene in made.scenes if scene.fillings for one in scene.probes)


def test_another_plan_fills_the_sets_that_are_there() -> None:
    made = plan((Loaded(compiled(GROUPS)),))
    other = compiled(
        "polc: 1\naddresses: {banned: {dynamic: true}}\ninput: {default: drop, rules: [drop from @banned]}\n"
    )
    again = planned((Loaded(other),), made.scenes)
    assert {one.name for scene in again.scenes for one in scene.fillings} == {"banned-v4", "banned-v6"}
    assert planned((Loaded(compiled(GROUPS)),), made.scenes).scenes == made.scenes


def test_fillings_are_for_the_table_that_they_name() -> None:
    one, other = table(addresses()), table(addresses(), name="other")
    given = filling(single(9))
    assert [len(some) for some in assigned((one, other), (given,))] == [1, 0]
    # A table of another name has the set: the firewall was translated.
    assert [len(some) for some in assigned((other,), (given,))] == [1]
    assert filled((other,), (given,))[0].sets[0].elements == (single(9),)
    assert filled((other,), (filling(single(9), name="none"),)) == [other]


WRONG: dict[str, tuple[DynamicSet, Element]] = {
    "another type": (addresses(types=(KeyType.IPV6_ADDR,)), single(9)),
    "another count": (addresses(), single(9, 9)),
    "no name": (addresses(), (InterfacePattern("eth0"),)),
    "too large": (addresses(), single(1 << 32)),
    "a range": (addresses(), (Intervals(((8, 9),)),)),
    "no room": (addresses(size=0), single(9)),
    "there already": (addresses(elements=(single(9),)), single(9)),
    "in a network that is there": (
        addresses(intervals=True, elements=((Intervals(((8, 15),)),),)),
        (Intervals(((12, 31),)),),
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_a_set_cannot_have_is_left_out(what: str) -> None:
    one, element = WRONG[what]
    assert assigned((table(one),), (filling(element),)) == [()]


def test_commands_of_both_targets() -> None:
    sets = (
        addresses(elements=(single(0xC6336409),)),
        DynamicSet(
            "both", (KeyType.IPV6_ADDR, KeyType.INET_SERVICE, KeyType.INET_PROTO), 9, 60,
            elements=((Intervals(((16, 19),)), *single(22, 6)),), intervals=True,
        ),
    )  # fmt: skip
    ruleset = table(*(replace(one, elements=()) for one in sets))
    (first, second) = (one["add"]["element"] for one in json.loads(fill_nft.commands(ruleset, sets))["nftables"])
    assert first == {"family": "inet", "table": "polc", "name": "banned", "elem": ["198.51.100.9"]}
    assert second["elem"] == [{"concat": [{"prefix": {"addr": "::10", "len": 126}}, 22, 6]}]
    assert fill_iptables.commands(ruleset, sets) == "add banned 198.51.100.9\nadd both ::10/126,tcp:22\n"


def test_names_are_those_of_the_target() -> None:
    one = addresses("a:b", elements=(single(9),))
    named = json.loads(fill_nft.commands(table(one), (one,)))["nftables"][0]["add"]["element"]["name"]
    assert named != "a:b"


def test_an_ipset_that_is_none() -> None:
    one = DynamicSet("marks", (KeyType.MARK,), None, None, elements=(single(9),))
    with pytest.raises(Refused):
        fill_iptables.commands(table(one), (one,))
    assert one.families == frozenset(Family)
