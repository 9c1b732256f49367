"""What must not be proven, and what must: state that is asked twice, marks, sets, NAT, effects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polc.compiler import read
from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.matches import InterfacePattern, SetMatch, Side
from polc.ir.ruleset import BaseChain, ChainType, DynamicSet, Hook, Rule, Ruleset
from polc.ir.selectors import KeyType
from polc.ir.verdicts import Accept, Drop
from polc.symbolic.atoms import Names, runs
from polc.symbolic.diagram import NONE
from polc.symbolic.hooks import Hooks, Loaded
from polc.symbolic.outcome import Derived, Operation, Outcome, Watch
from polc.symbolic.regions import regions
from polc.symbolic.space import Of, Space
from polc.symbolic.trace import deciding
from polc.symbolic.ways import Course, Ways
from polc.symbolic.witness import pick, witness_of

HEAD = "polc: 1\nzones: {wan: eth0, lan: eth1}\n"


class Compared:
    """Rulesets of policies, in one space of IPv4."""

    def __init__(self, directory: Path, *policies: str, watch: Watch = Watch.NOTHING) -> None:
        self.rulesets: list[Ruleset] = []
        for number, policy in enumerate(policies):
            path = directory / f"{number}.yaml"
            path.write_text(HEAD + policy)
            self.rulesets.append(read(str(path)))
        self.space = Space(Family.IP, self.rulesets)
        self.hooks = [Hooks(self.space, [Loaded(one)], watch) for one in self.rulesets]

    def different(self, hook: Hook) -> int:
        """The packets of which the first two say different things."""
        functions = [one.outcomes(hook) for one in self.hooks]
        manager = self.space.manager
        return manager.where(self.hooks[0].valid(hook), manager.differs(*functions))

    def verdicts(self, hook: Hook) -> set[object]:
        manager = self.space.manager
        found = manager.where(self.hooks[0].valid(hook), self.hooks[0].outcomes(hook))
        return {one.verdict for one in manager.values(found) if isinstance(one, Outcome)}


def rules(*lines: str, default: str = "drop", more: str = "", chain: str = "input") -> str:
    return f"{more}{chain}:\n  default: {default}\n  rules:\n" + "".join(f"    - {line}\n" for line in lines)


def test_a_bucket_that_is_asked_twice_may_answer_twice(tmp_path: Path) -> None:
    more = "chains:\n  slow:\n    - accept tcp limit 5/second\n"
    once = rules("jump slow", more=more)
    twice = rules("jump slow", "jump slow", more=more)
    # The second answer can be another one than the first: these are not equal.
    assert Compared(tmp_path, once, twice).different(Hook.INPUT) != NONE
    assert Compared(tmp_path, twice, twice).different(Hook.INPUT) == NONE


def test_equal_state_asked_about_other_packets_is_seen_where_it_is_watched(tmp_path: Path) -> None:
    few = rules("accept tcp/22 from lan limit 5/second", "accept tcp/22 from wan")
    policies = (few, few.replace("from lan limit", "limit"))
    assert Compared(tmp_path, *policies, watch=Watch.STATE).different(Hook.INPUT) != NONE
    assert Compared(tmp_path, few, few, watch=Watch.STATE).different(Hook.INPUT) == NONE


def test_marks_are_seen_by_later_rules(tmp_path: Path) -> None:
    marking = ("mark set 0x1/0xff tcp/22", "mark set 0x2/0xff tcp/22 from wan")
    marked = rules(*marking, "accept where meta mark & 0xff == 2")
    with_service = rules("accept tcp/22 from wan", "drop tcp/22", "accept where meta mark & 0xff == 2")
    assert Compared(tmp_path, marked, with_service).different(Hook.INPUT) == NONE
    watched = Compared(tmp_path, marked, with_service, watch=Watch.MARK)
    assert watched.different(Hook.INPUT) != NONE


def test_a_mark_that_is_there_already_is_no_change(tmp_path: Path) -> None:
    one = rules("mark set 7 where meta mark 7", "accept")
    assert Compared(tmp_path, one, rules("accept"), watch=Watch.MARK).different(Hook.INPUT) == NONE


def test_effects_are_compared_on_request(tmp_path: Path) -> None:
    one, other = rules('log "a" tcp/22', "accept"), rules("accept")
    assert Compared(tmp_path, one, other).different(Hook.INPUT) == NONE
    logged = Compared(tmp_path, one, other, watch=Watch.LOG)
    point = pick(logged.space, logged.different(Hook.INPUT))
    assert point is not None
    assert witness_of(logged.space, point).dport == 22


def test_counting_drops_what_has_no_connection_whatever_the_rule_does(tmp_path: Path) -> None:
    counting = rules("counter tcp connections over 5", "accept", default="accept", chain="forward")
    for watch in (Watch.NOTHING, Watch.EVERYTHING):
        compared = Compared(tmp_path, counting, watch=watch)
        assert Drop() in compared.verdicts(Hook.FORWARD)


def test_a_fragment_has_no_port(tmp_path: Path) -> None:
    ports, any_port = (("accept tcp/0-65535", "drop tcp"), ("accept tcp",))
    compared = Compared(tmp_path, rules(*ports, chain="forward"), rules(*any_port, chain="forward"))
    found = compared.different(Hook.FORWARD)
    point = pick(compared.space, found)
    assert point is not None
    assert witness_of(compared.space, point).fragment
    assert all({"protocol tcp", "fragment"} <= set(one.texts) for one in regions(compared.space, found))
    # The host itself gets none (net/ipv4/ip_input.c, ip_local_deliver).
    assert Compared(tmp_path, rules(*ports), rules(*any_port)).different(Hook.INPUT) == NONE


def test_what_established_is_new_is_nothing(tmp_path: Path) -> None:
    policy = rules("accept where ct status seen-reply state new")
    assert Compared(tmp_path, policy).verdicts(Hook.INPUT) == {Drop()}


def test_a_later_chain_sees_the_target_of_nat(tmp_path: Path) -> None:
    policy = (
        "forward:\n  default: drop\n  rules:\n    - accept tcp/80 from wan to 192.0.2.10\n"
        "nat:\n  - dnat tcp/8080 from wan to 203.0.113.5 -> 192.0.2.10:80\n"
    )
    compared = Compared(tmp_path, policy)
    space, ways = compared.space, Ways(compared.hooks[0])
    function, manager = ways.outcomes(Course.FORWARDED), space.manager
    new = manager.all_of([
        ways.valid(Course.FORWARDED), space.within(space.variable(Of.CT), 3),
        space.within(space.variable(Of.DADDR), 0xCB007105), space.within(space.variable(Of.DPORT), 8080),
        space.within(space.variable(Of.PROTOCOL), 6), space.within(space.variable(Of.FRAGMENT), 0),
        space.within(space.variable(Of.IIF), space.interfaces.place("eth0")),
    ])  # fmt: skip
    outcomes = manager.values(manager.where(new, function))
    assert [type(one.verdict) for one in outcomes if isinstance(one, Outcome)] == [Accept]
    assert all(isinstance(one, Outcome) and one.nat[0].addresses == (0xC000020A, 0xC000020A) for one in outcomes)


def test_sets_of_one_name_that_begin_differently_are_different(tmp_path: Path) -> None:
    compared = Compared(tmp_path, rules("accept"))
    elements = ((Intervals.single(0xC0000201),),), ((Intervals.single(0xC0000202),),)
    one, other, equal = (
        replace(
            compared.rulesets[0],
            sets=(DynamicSet("known", (KeyType.IPV4_ADDR,), None, None, elements=those),),
            chains=(_looking_up("known"),),
        )
        for those in (*elements, elements[0])
    )
    space = Space(Family.IP, [one, other, equal])
    functions = [Hooks(space, [Loaded(each)]).outcomes(Hook.INPUT) for each in (one, other, equal)]
    assert functions[0] != functions[1]
    assert functions[0] == functions[2]


def _looking_up(name: str) -> BaseChain:
    rule = Rule((SetMatch((Side.SADDR,), name),), Accept(), families=frozenset({Family.IP}))
    return BaseChain("input", ChainType.FILTER, Hook.INPUT, 0, Drop(), (rule,))


def test_two_rulesets_of_one_host_share_no_state(tmp_path: Path) -> None:
    compared = Compared(tmp_path, rules("accept tcp/22 limit 5/second"))
    both = Hooks(compared.space, [Loaded(compared.rulesets[0]), Loaded(replace(compared.rulesets[0], table="other"))])
    alone, twice = compared.hooks[0].outcomes(Hook.INPUT), both.outcomes(Hook.INPUT)
    # A packet that the first bucket lets through may find the second empty.
    assert compared.space.manager.where(both.valid(Hook.INPUT), compared.space.manager.differs(alone, twice)) != NONE


def test_who_decides_is_told(tmp_path: Path) -> None:
    compared = Compared(tmp_path, rules("accept tcp/22", "accept tcp"), rules("accept tcp"))
    hooks, manager = compared.hooks[0], compared.space.manager
    accepted = manager.chosen(hooks.outcomes(Hook.INPUT), lambda one: isinstance(one, Outcome) and one.accepted)
    ssh = manager.where(accepted, compared.space.within(compared.space.variable(Of.DPORT), 22))
    point = pick(compared.space, manager.where(hooks.valid(Hook.INPUT), ssh))
    assert point is not None
    who = deciding(hooks, Hook.INPUT, point)
    assert who is not None
    assert (who.chain.name, who.number) == ("input", 0)


def test_a_space_refuses_what_it_does_not_tell_apart(tmp_path: Path) -> None:
    compared = Compared(tmp_path, rules("accept tcp/22"), rules("accept tcp/22 from lan"))
    alone = Space(Family.IP, compared.rulesets[:1])
    with pytest.raises(ValueError, match="eth1"):
        Hooks(alone, [Loaded(compared.rulesets[1])]).outcomes(Hook.INPUT)


def test_names_are_told_apart_by_patterns_alone() -> None:
    patterns = [
        InterfacePattern("eth0"),
        InterfacePattern("eth", wildcard=True),
        InterfacePattern("eth1", wildcard=True),
    ]
    names = Names.of_interfaces(patterns)
    kinds = [tuple(one.covers(InterfacePattern(word)) for one in patterns) for word in names.words[1:]]
    assert sorted(kinds) == [(False, False, False), (False, True, False), (False, True, True), (True, True, False)]
    assert Names.of_interfaces([InterfacePattern("", wildcard=True)]).words[1:]


@given(st.lists(st.integers(0, 255)))
def test_runs_of_bits_are_whole_within_masks(masks: list[int]) -> None:
    parts = runs(8, masks)
    assert sum(width for _, width in parts) == 8
    for low, width in parts:
        bits = ((1 << width) - 1) << low
        assert all(mask & bits in (0, bits) for mask in masks)


operations = st.lists(
    st.one_of(
        st.tuples(st.just(Operation.ADD), st.integers(-20, 20)), st.tuples(st.just(Operation.LEAST), st.integers(0, 20))
    ),
    max_size=3,
).map(tuple)


@given(operations, st.integers(0, 15), st.integers(0, 15))
def test_what_leads_to_a_value_is_what_becomes_it(steps: tuple, one: int, other: int) -> None:
    derived, low, high = Derived(0, steps, 15), min(one, other), max(one, other)
    there = derived.leading_to(low, high)
    assert [value in there for value in range(16)] == [low <= derived.of(value) <= high for value in range(16)]
    assert isinstance(there, Intervals)
