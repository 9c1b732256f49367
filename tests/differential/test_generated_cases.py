"""Random cases: the same for a seed, valid or refused with diagnostics, and of nearly every construct."""

from __future__ import annotations

from collections import Counter

import pytest

from polc.backends.registry import BACKENDS
from polc.compiler import emit
from polc.diagnostics import Collector, Failure
from polc.firewalls import firewall_of
from polc.fuzzing import coverage
from polc.fuzzing.case import Case, Kind
from polc.fuzzing.generate import GENERATORS, drawn, generate
from polc.fuzzing.policy_rules import CLAUSES, HEADS, NAT_HEADS
from polc.ir.ruleset import Ruleset
from polc.passes import pipeline
from polc.source import SourceFile

CASES = range(1, 301)


def read(case: Case) -> Ruleset:
    firewall = firewall_of(SourceFile(case.kind.value, case.text), Collector())
    (ruleset,) = firewall.rulesets
    return pipeline.run(ruleset)


def test_a_seed_and_a_number_are_a_case() -> None:
    assert [drawn(7, number) for number in range(1, 30)] == [drawn(7, number) for number in range(1, 30)]
    assert drawn(7, 3) != drawn(8, 3)
    assert drawn(7, 3) != drawn(7, 4)
    assert generate(7, 3) == generate(7, 3)


@pytest.mark.parametrize("of", GENERATORS)
def test_cases_of_one_kind_alone(of: str) -> None:
    kinds = {generate(1, number, (of,)).kind for number in range(1, 15)}
    assert kinds == ({Kind.POLICY} if of == "policy" else {Kind.SAVED, Kind.SAVED6})


def test_all_are_valid_or_refused_with_diagnostics() -> None:
    """What is drawn is refused often, what is generated seldom; nothing but a diagnostic refuses it."""
    refused: Counter[str] = Counter()
    codes: set[str] = set()
    for number in CASES:
        for name, case in (("drawn", drawn(1, number)), ("generated", generate(1, number))):
            try:
                ruleset = read(case)
                for target in BACKENDS:
                    emit(ruleset, target)
            except Failure as failure:
                refused[name] += 1
                codes |= {one.code[:3] for one in failure.diagnostics}
    assert codes == {"POL"}
    assert 0 < refused["generated"] < refused["drawn"] / 1.5
    assert refused["generated"] < len(CASES) / 2


def test_nearly_all_constructs_are_there() -> None:
    there: set[str] = set()
    for number in CASES:
        try:
            there |= coverage.constructs(read(generate(2, number)))
        except Failure:
            continue
    known = coverage.universe()
    assert there <= known
    assert len(there) > 0.6 * len(known), sorted(known - there)
    assert {"Reject", "Jump", "Goto", "VerdictMap", "Limit", "RecentMatch", "AddressMatch negated", "Nat"} <= there
    assert {"Hook.FORWARD", "CtState.INVALID", "Field.CT_MARK", "Notrack", "RejectType.TCP_RESET"} <= there


def test_the_place_of_a_rule_is_found_by_its_line() -> None:
    for number in range(1, 60):
        case = drawn(3, number)
        lines = case.text.splitlines()
        found = [case.rule_of(at) for at in range(1, len(lines) + 1)]
        assert len([one for one in found if one is not None]) == case.rules
        for line, place in zip(lines, found, strict=True):
            if place is not None and case.kind is not Kind.POLICY:
                assert line.endswith(str(case.blocks[place[0]].lines[place[1]]).rstrip())


def test_entries_have_a_place() -> None:
    assert all(one.at is None or one.at for one in (*HEADS, *NAT_HEADS, *CLAUSES))
