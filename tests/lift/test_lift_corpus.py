"""Real rulesets as policies."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "importers"))

from corpus import NEEDED, saved
from law import read_back, tried, unlike

from polc.analysis.registry import findings
from polc.diagnostics import Collector, Severity
from polc.importers.iptables.read import Input, Kind, read
from polc.ir.family import Family
from polc.ir.matches import OpaqueMatch
from polc.ir.ruleset import Ruleset
from polc.ir.statements import OpaqueStatement
from polc.lift import Lifted, lift
from polc.policy.format.printer import print_text
from polc.policy.format.tree import read_text
from polc.simulate import Fate, Flavour
from polc.source import SourceFile

pytestmark = NEEDED
EACH = pytest.mark.parametrize("path", saved(), ids=lambda path: path.name)
LARGE = 1000
"""Rules: above that the canonical form alone is judge, and packets where that differs."""


@cache
def lifted(path: Path) -> tuple[Ruleset, Lifted]:
    family = Family.IP6 if ".v6." in path.name else Family.IP
    (found,) = read([Input(SourceFile(path.name, path.read_text()), Kind.RESTORE, family)], Collector())
    return found, lift(found)


def size(ruleset: Ruleset) -> int:
    return sum(len(chain.rules) for chain in ruleset.chains)


@EACH
def test_it_is_the_ruleset(path: Path) -> None:
    ruleset, policy = lifted(path)
    assert not policy.refused
    wrong = unlike(ruleset, policy)
    if wrong or size(ruleset) < LARGE:
        trial = tried(ruleset, policy, most=200, flavour=Flavour.IPTABLES)
        assert trial.packets
        assert not trial.different, "\n".join((*wrong[:3], *trial.different[:3]))
        assert trial.packets > trial.fates[Fate.UNKNOWN] or policy.natives


@EACH
def test_natives_are_the_rules_that_nobody_knows(path: Path) -> None:
    ruleset, policy = lifted(path)
    opaque = [
        rule
        for chain in ruleset.chains
        for rule in chain.rules
        if any(isinstance(one, OpaqueMatch | OpaqueStatement) for one in (*rule.matches, *rule.statements))
    ]
    assert [one.span for one in policy.natives] == [rule.origin.span for rule in opaque]
    assert all(one.reason for one in policy.natives)


CLUMSY = {"POL310", "POL311", "POL313"}
"""Lints of what lifting itself would have made: groups kept for good or of an unchosen size, unattached helpers."""


@EACH
def test_what_is_wrong_with_it_was_wrong_before(path: Path) -> None:
    _, policy = lifted(path)
    found = list(findings(read_back(policy)))
    assert not [one for one in found if one.severity is Severity.ERROR]
    assert not [one.message for one in found if one.code in CLUMSY]
    # Chains may lie idle in the original; zones, groups and services are there because a rule names them.
    unused = [one.message for one in found if one.code == "POL309" and "the chain" not in one.message]
    assert not unused


@EACH
def test_it_is_written_as_fmt_writes_it(path: Path) -> None:
    ruleset, policy = lifted(path)
    if size(ruleset) < LARGE:
        assert print_text(read_text(SourceFile("lifted.yaml", policy.text))) == policy.text


@EACH
def test_it_is_readable(path: Path) -> None:
    """No rule is longer than what it says: words for ports, names for many addresses."""
    ruleset, policy = lifted(path)
    assert len(policy.text) < len(path.read_text()) + 500
    assert policy.text.count("meta nfproto") == 0
    assert size(ruleset) * 3 > len(policy.text.splitlines()) - 60
