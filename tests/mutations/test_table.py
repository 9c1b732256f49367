"""The table of mutations: each kind makes something of some golden, and all mutants are different."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from polc.compiler import read
from polc.ir.addresses import AddressSet
from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressMatch,
    CtState,
    CtStateMatch,
    ElementMatch,
    FlagField,
    FlagsMatch,
    PortTerm,
    ServiceMatch,
)
from polc.ir.ruleset import RegularChain, Rule, Ruleset
from polc.ir.selectors import Side, Transport
from polc.mutations import matches
from polc.mutations.intervals import narrowed, off_by_one, widened
from polc.mutations.table import MUTATIONS, mutants

ROOT = Path(__file__).parents[2]
FILES = [*sorted((ROOT / "examples").glob("*.yaml")), *sorted((ROOT / "tests" / "golden").glob("*.yaml"))]


@cache
def rulesets() -> tuple[Ruleset, ...]:
    return tuple(read(str(one)) for one in FILES)


def test_names_are_unique() -> None:
    names = [one.name for one in MUTATIONS]
    assert len(set(names)) == len(names)


def test_each_kind_makes_something() -> None:
    key = (Side.SADDR, Transport.DPORT)
    elements = tuple((Intervals.single(one), Intervals.single(22)) for one in (1, 2))
    looked_up = Ruleset(
        (RegularChain("c", (Rule((ElementMatch(key, elements),), None, families=frozenset({Family.IP})),)),)
    )
    made = {one.mutation for ruleset in (*rulesets(), looked_up) for one in mutants(ruleset)}
    assert {one.name for one in MUTATIONS} - made == set()


@pytest.mark.parametrize("number", range(0, len(FILES), 5), ids=lambda number: FILES[number].stem)
def test_mutants_are_different(number: int) -> None:
    ruleset = rulesets()[number]
    made = [one.ruleset for one in mutants(ruleset)]
    assert ruleset not in made
    assert len(set(map(repr, made))) == len(made)
    assert [one.ruleset for one in mutants(ruleset)] == made


def test_one_chain_is_changed() -> None:
    ruleset = rulesets()[0]
    for one in mutants(ruleset):
        changed = [a.name for a, b in zip(ruleset.chains, one.ruleset.chains, strict=True) if a != b]
        assert changed == [one.chain]


def test_numbers() -> None:
    prefix = Intervals(((0xC0000200, 0xC00002FF),))
    assert [*widened(prefix, 32)] == [Intervals(((0xC0000200, 0xC00003FF),))]
    assert [*narrowed(prefix, 32)] == [Intervals(((0xC0000200, 0xC000027F),))]
    assert [*widened(Intervals(((0, 2),)), 32)] == []
    assert [*off_by_one(Intervals.single(22), 65535)] == [Intervals.single(23)]
    assert [*off_by_one(Intervals.single(65535), 65535)] == []
    assert {one.ranges[0] for one in off_by_one(Intervals(((5, 9),)), 65535)} == {(5, 10), (5, 8), (4, 9), (6, 9)}


def test_matches() -> None:
    flags = FlagsMatch(FlagField.TCP_FLAGS, 0b11, 0b11)
    assert FlagsMatch(FlagField.TCP_FLAGS, 0b11, 0, True) in [*matches.flag_bits(flags)]
    assert CtStateMatch(CtState.NEW) in [*matches.state_lost(CtStateMatch(CtState.NEW | CtState.RELATED))]
    port = ServiceMatch((PortTerm(6, None, Intervals.single(22)),))
    assert [*matches.protocol(port)] == [ServiceMatch((PortTerm(17, None, Intervals.single(22)),))]
    assert [*matches.side(port)] == [ServiceMatch((PortTerm(6, Intervals.single(22), None),))]
    source = AddressMatch(Side.SADDR, AddressSet(Intervals(((16, 31),))), True)
    assert [*matches.negation_lost(source)] == [AddressMatch(Side.SADDR, source.addresses)]
    assert [*matches.negation_added(source)] == []
