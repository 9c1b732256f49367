"""What may stand where: for each verdict, clause and field one place that it has and one that it has not."""

from __future__ import annotations

import pytest
from place_table import DECISIONS, FIELDS, PLACES, RULES, SECTIONS, written
from policies import errors, read

from polc.ir.ruleset import Hook
from polc.policy.document import Decision
from polc.policy.lower import places as table
from polc.policy.lower.scope import Place
from polc.policy.lower.sections import LISTS, NAT_LISTS


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_stands_in_its_places_and_in_no_others(rule: str) -> None:
    refused = []
    for place in PLACES:
        if place in RULES[rule]:
            assert read(written(place, rule)).chains
            continue
        (one,) = errors(written(place, rule))
        refused.append(place)
        section, _, hook = place.partition(".")
        assert one.code == "POL241"
        assert one.message.endswith(f" cannot stand in `{f'{section}-{hook}' if hook else section}`")
        assert one.labels[0].message, "the reason stands beside the words"
        assert one.span
        assert one.span.text in rule
    assert set(refused) == {*PLACES} - {*RULES[rule]}


def test_every_decision_is_here() -> None:
    assert DECISIONS.keys() == {*Decision}


def test_every_demand_has_a_place_that_it_refuses() -> None:
    """What the code restricts stands above with fewer places than there are."""
    for one in table._FIELDS:
        name = one if isinstance(one, str) else one.value
        assert any(condition.startswith(name) for condition in FIELDS), name
        assert all(places != PLACES for condition, places in FIELDS.items() if condition.startswith(name)), name
    for decision, demands in table._DECISIONS.items():
        _, found = DECISIONS[decision]
        assert all(all(demand.fits(place) for demand in demands) is (_name(place) in found) for place in _places()), (
            decision
        )


def _places() -> list[Place]:
    return [*LISTS, *NAT_LISTS, *(Place(one, Hook(one)) for one in SECTIONS), Place("ingress-eth0", Hook.INGRESS)]


def _name(place: Place) -> str:
    return place.name.replace("-", ".", 1)


@pytest.mark.parametrize(
    ("rule", "chain"),
    [
        ("snat -> 192.0.2.1", "nat-postrouting"),
        ("dnat -> 192.0.2.1", "nat-prerouting"),
        ("masquerade", "nat-postrouting"),
        ("redirect tcp/1", "nat-prerouting"),
        ("netmap to 192.0.2.0/28 -> 198.51.100.0/28", "nat-prerouting"),
        ("netmap from 192.0.2.0/28 -> 198.51.100.0/28", "nat-postrouting"),
    ],
)
def test_rules_of_nat_find_their_place(rule: str, chain: str) -> None:
    found, _ = read(written("nat", rule)).chains
    assert found.name == chain


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("dnat tcp/80 where meta oifgroup 1 -> 192.0.2.1", "meta oifgroup"),
        ("masquerade where ether saddr 02:00:5e:00:53:01", "ether saddr"),
        ("snat notrack -> 192.0.2.1", "notrack"),
        ("masquerade dscp set ef", "dscp set ef"),
        ("redirect tcp/80 synproxy mss 1460 wscale 7", "synproxy mss 1460 wscale 7"),
    ],
)
def test_what_cannot_stand_in_rules_of_nat(rule: str, words: str) -> None:
    (one,) = errors(written("nat", rule))
    assert (one.code, one.span and one.span.text) == ("POL241", words)


def test_rules_of_nat_may_ask_for_states_and_marks() -> None:
    for rule in (
        "masquerade state new where ct mark 1",
        "dnat tcp/80 mark set 1 -> 192.0.2.1",
        "masquerade ct mark set 1",
    ):
        assert read(written("nat", rule)).chains


def test_several_wrong_words_of_a_rule_are_all_told() -> None:
    found = errors(written("mangle.forward", "reject notrack where rpfilter fails and meta skuid 0"))
    assert [(one.code, one.span and one.span.text) for one in found] == [
        ("POL241", "reject"), ("POL241", "notrack"), ("POL241", "rpfilter"), ("POL241", "meta skuid"),
    ]  # fmt: skip
