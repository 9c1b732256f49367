"""Splitting by family changes nothing for any packet, and leaves what backends count on."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import CHAINS, rules
from walk import SEEDS, Memory, Packet, run, traffic

from polc.ir.addresses import AddressSet, parse_address
from polc.ir.family import BOTH, FAMILIES, Family
from polc.ir.fields import FIELDS
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    STATEFUL,
    AddressMatch,
    CtState,
    CtStateMatch,
    ElementMatch,
    Field,
    FieldMatch,
    IcmpTerm,
    OpaqueMatch,
    OriginalAddressMatch,
    PortTerm,
    ServiceMatch,
    Side,
    Syntax,
)
from polc.ir.protocols import ICMP, ICMP_FAMILY, ICMPV6, TCP
from polc.ir.ruleset import BaseChain, ChainType, Hook, RegularChain, Rule, Ruleset
from polc.ir.selectors import Transport
from polc.ir.stateful import KeyField, KeyPart, Limit, RandomMatch, Rate, Unit
from polc.ir.statements import MapMark, MarkField
from polc.ir.verdicts import Accept, Drop, Reject, RejectType
from polc.passes.split_families import split_families, split_rule

EVERY = AddressSet.of([parse_address("0.0.0.0/0"), parse_address("::/0")])


@st.composite
def unsplit(draw: st.DrawFn) -> Ruleset:
    def some(below: tuple[str, ...]) -> tuple[Rule, ...]:
        drawn = draw(st.lists(rules(Hook.FORWARD, below=below, sets=False), max_size=4))
        return tuple(one if draw(st.integers(0, 5)) else _with_every(one, draw(st.booleans())) for one in drawn)

    policy = draw(st.sampled_from((Accept(), Drop())))
    base = BaseChain("forward", ChainType.FILTER, Hook.FORWARD, 0, policy, some(CHAINS))
    return Ruleset((base, RegularChain(CHAINS[0], some(CHAINS[1:])), RegularChain(CHAINS[1], some(()))))


def _with_every(rule: Rule, negated: bool) -> Rule:
    return replace(rule, matches=(AddressMatch(Side.SADDR, EVERY, negated), *rule.matches))


def walked(ruleset: Ruleset, packet: Packet, answers: tuple[bool, ...]) -> object:
    base = ruleset.chains[0]
    assert isinstance(base, BaseChain)
    memory = Memory(answers)
    named = {one.name: one for one in ruleset.chains if isinstance(one, RegularChain)}
    return run(base, named, packet, memory), memory.events


@given(
    unsplit(),
    SEEDS,
    st.lists(st.booleans(), min_size=1, max_size=4),
)
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_packet_sees_a_difference(ruleset: Ruleset, seed: int, answers: list[bool]) -> None:
    split = split_families(ruleset)
    for packet in traffic(Hook.FORWARD, seed):
        assert walked(split, packet, tuple(answers)) == walked(ruleset, packet, tuple(answers))


@given(unsplit())
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_holds_afterwards(ruleset: Ruleset) -> None:
    split = split_families(ruleset)
    assert split_families(split) == split
    for rule in (rule for chain in split.chains for rule in chain.rules):
        if any(isinstance(match, STATEFUL) for match in rule.matches):
            assert len(rule.families) == 1
        for match in rule.matches:
            for family in rule.families:
                if isinstance(match, AddressMatch):
                    assert match.addresses.families == rule.families == {family}
                elif isinstance(match, FieldMatch):
                    assert rule.families == {FIELDS[match.field].family}
                elif isinstance(match, ServiceMatch):
                    assert all(ICMP_FAMILY.get(term.protocol, family) is family for term in match.terms)


def _split(*matches: object, verdict: object = None, families: frozenset[Family] = BOTH) -> list[frozenset[Family]]:
    rule = Rule(tuple(matches), verdict or Accept(), families=families)  # type: ignore[arg-type]
    return [one.families for one in split_families(Ruleset((RegularChain("one", (rule,)),))).chains[0].rules]


IP, IP6 = ({family} for family in FAMILIES)
V4 = AddressSet.of([parse_address("192.0.2.0/24")])


def test_a_plain_rule_stays_one() -> None:
    assert _split(ServiceMatch((PortTerm(TCP),))) == [BOTH]


def test_addresses_of_one_family_make_the_rule_its() -> None:
    assert _split(AddressMatch(Side.SADDR, V4)) == [IP]


def test_negated_addresses_still_speak_of_the_other_family() -> None:
    assert _split(AddressMatch(Side.SADDR, V4, negated=True)) == [IP, IP6]


def test_no_packet_is_outside_everything() -> None:
    assert _split(AddressMatch(Side.SADDR, EVERY, negated=True)) == []
    assert _split(AddressMatch(Side.SADDR, EVERY)) == [BOTH]


def test_an_address_of_a_flow_asks_for_a_flow_where_every_address_would_do() -> None:
    def matches(one: OriginalAddressMatch) -> list[object]:
        return [rule.matches for rule in split_rule(Rule((one,), Accept()), {})]

    tracked = CtStateMatch(CtState.NEW | CtState.ESTABLISHED | CtState.RELATED)
    only = OriginalAddressMatch(Side.SADDR, V4, negated=True)
    assert matches(only) == [(only,), (tracked,)]
    assert matches(OriginalAddressMatch(Side.SADDR, EVERY)) == [(tracked,)]
    assert matches(OriginalAddressMatch(Side.SADDR, EVERY, negated=True)) == []


def test_icmp_goes_by_family() -> None:
    assert _split(ServiceMatch((IcmpTerm(ICMP, 8), IcmpTerm(ICMPV6, 128)))) == [IP, IP6]
    assert _split(ServiceMatch((IcmpTerm(ICMPV6, 128),))) == [IP6]


def test_state_is_kept_by_family() -> None:
    assert _split(Limit(Rate(1, Unit.SECOND), 5, False, (), "one")) == [IP, IP6]


def test_fields_and_answers_bring_their_family() -> None:
    assert _split(FieldMatch(Field.HOPLIMIT, Intervals.single(255))) == [IP6]
    assert _split(verdict=Reject(RejectType.POLICY_FAIL)) == [IP6]
    assert _split(verdict=Reject(RejectType.POLICY_FAIL), families=frozenset(IP)) == []


def test_chance_and_words_nobody_knows_are_no_families() -> None:
    assert _split(RandomMatch(1 << 30)) == [BOTH]
    assert _split(OpaqueMatch("-m u32", Syntax.IPTABLES)) == [BOTH]


def test_fields_in_keys_bring_their_family() -> None:
    key = (Field.HOPLIMIT, Transport.DPORT)
    element = (Intervals.single(255), Intervals.single(80))
    assert _split(ElementMatch(key, (element,), negated=True)) == [IP6]
    mark = Rule((), None, (MapMark(MarkField.META, key, ((element, 1),)),))
    assert [rule.families for rule in split_rule(mark, {})] == [frozenset(IP6)]


def test_state_of_other_packets_stays_theirs_too() -> None:
    """In a table of bridges a rule of each family would leave out the packets of neither."""
    limit = Limit(Rate(1, Unit.SECOND), 5, False, (), "one")
    by_source = replace(limit, key=(KeyPart(KeyField.SOURCE),))
    by_port = replace(limit, key=(KeyPart(KeyField.DPORT),))
    counts = {one.key: len(split_rule(Rule((one,), Accept()), {}, others=True)) for one in (limit, by_source, by_port)}
    assert counts == {limit.key: 1, by_source.key: 2, by_port.key: 1}
