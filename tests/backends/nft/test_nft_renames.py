"""Chains and sets that nft cannot call by their names."""

from __future__ import annotations

import pytest

from polc.backends.model import Fidelity, Options, Output
from polc.backends.nft.backend import NftBackend
from polc.compiler import describe, hold
from polc.diagnostics import Severity
from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.matches import OpaqueMatch, PortTerm, ServiceMatch, SetMatch, Syntax
from polc.ir.protocols import TCP
from polc.ir.ruleset import BaseChain, ChainType, DynamicSet, Hook, RegularChain, Rule, Ruleset
from polc.ir.selectors import Conntrack, Side
from polc.ir.statements import SetOperation, UpdateSet
from polc.ir.verdicts import Accept, Drop, Goto, Jump, VerdictMap


def table(*rules: Rule, chains: tuple[RegularChain, ...] = (), sets: tuple[DynamicSet, ...] = ()) -> Ruleset:
    base = BaseChain("input", ChainType.FILTER, Hook.INPUT, 0, Accept(), rules)
    return Ruleset((base, *chains), sets)


def emit(ruleset: Ruleset, format: str = "text") -> Output:
    return NftBackend().emit(ruleset, Options(format))


def drop(name: str) -> RegularChain:
    return RegularChain(name, (Rule((ServiceMatch((PortTerm(TCP),)),), Drop()),))


def lines(ruleset: Ruleset) -> list[str]:
    return [line.strip() for line in emit(ruleset).files[0].text.splitlines()]


def test_jumps_follow_and_no_two_names_are_one() -> None:
    states = VerdictMap(
        (Conntrack.STATE,),
        (((Intervals.single(8),), Jump("reject")), ((Intervals.single(1),), Goto("a~b"))),
    )
    ruleset = table(
        Rule((), Jump("reject")),
        Rule((), Goto("a~b")),
        Rule((), Jump("a_b")),
        Rule((), states),
        chains=tuple(map(drop, ("reject", "a~b", "a_b", "a%b", "9", "reject_"))),
    )
    found = lines(ruleset)
    names = [line.split()[1] for line in found if line.startswith("chain ")]
    assert sorted(names) == sorted(["input", "reject_-2", "a_b-2", "a_b", "a_b-3", "_9", "reject_"])
    assert "jump reject_-2" in found
    assert "goto a_b-2" in found
    assert "jump a_b" in found
    assert any("vmap" in line and "jump reject_-2" in line and "goto a_b-2" in line for line in found)


def test_it_is_told_and_no_error() -> None:
    output = emit(table(Rule((), Jump("in")), chains=(drop("in"),)))
    (told,) = output.deviations
    assert (told.fidelity, told.message) == (
        Fidelity.EXACT,
        "the chain `in` is called `in_`, because nft cannot spell its name",
    )
    hold(output, "nft", frozenset())
    note = describe(told, "nft")
    assert (note.code, note.severity) == ("POL403", Severity.NOTE)


def test_sets_too() -> None:
    one = DynamicSet.of_addresses("%NOW", Family.IP, 9, 60)
    four = frozenset({Family.IP})
    ruleset = table(
        Rule((SetMatch((Side.SADDR,), "%NOW"),), Drop(), (), four),
        Rule((), None, (UpdateSet((Side.SADDR,), "%NOW", 60, SetOperation.ADD),), four),
        sets=(one,),
    )
    found = lines(ruleset)
    assert "set _NOW {" in found
    assert "ip saddr @_NOW drop" in found
    assert any(line.endswith("add @_NOW { ip saddr timeout 60s }") for line in found)
    assert [one.message for one in emit(ruleset).deviations] == [
        "the set `%NOW` is called `_NOW`, because nft cannot spell its name"
    ]


def test_long_names_keep_their_length() -> None:
    long = "x" * 200
    found = lines(table(Rule((), Jump(long)), Rule((), Jump(f"{long}y")), chains=(drop(long), drop(f"{long}y"))))
    assert f"jump {'x' * 127}" in found
    assert f"jump {'x' * 125}-2" in found


@pytest.mark.parametrize("words", ['{"lookup": "@%NOW"}', '{"x": {"jump": "%NOW"}}'])
def test_what_rules_call_in_words_of_nft_keeps_its_name(words: str) -> None:
    opaque = Rule((OpaqueMatch(words, Syntax.NFT_JSON),), Drop())
    ruleset = table(opaque, sets=(DynamicSet.of_addresses("%NOW", Family.IP, 9, 60),))
    (refused,) = emit(ruleset, "json").deviations
    assert refused.fidelity is Fidelity.REFUSED
    assert "`%NOW` cannot be the name of a set" in refused.message
