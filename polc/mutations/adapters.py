"""Changes of rules, and of single parts of rules, as changes of chains."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from polc.ir.matches import Match
from polc.ir.ruleset import Chain, Rule
from polc.ir.statements import Statement
from polc.ir.verdicts import Verdict
from polc.mutations.model import Changed

Changes = Callable[[Chain], Iterator[Changed]]


def in_rules(change: Callable[[Rule], Iterator[Rule]]) -> Changes:
    """Of each rule what ``change`` makes of it, and nothing that is as it was."""

    def changes(chain: Chain) -> Iterator[Changed]:
        for number, rule in enumerate(chain.rules):
            for other in change(rule):
                if other != rule:
                    rules = (*chain.rules[:number], other, *chain.rules[number + 1 :])
                    yield Changed(replace(chain, rules=rules), number)

    return changes


def in_matches(change: Callable[[Match], Iterator[Match | None]]) -> Changes:
    """Of each match of each rule; None: the match is lost."""

    def changed(rule: Rule) -> Iterator[Rule]:
        for at, match in enumerate(rule.matches):
            for other in change(match):
                kept = () if other is None else (other,)
                yield replace(rule, matches=(*rule.matches[:at], *kept, *rule.matches[at + 1 :]))

    return in_rules(changed)


def in_statements(change: Callable[[Statement], Iterator[Statement | None]]) -> Changes:
    """Of each statement of each rule; None: the statement is lost."""

    def changed(rule: Rule) -> Iterator[Rule]:
        for at, statement in enumerate(rule.statements):
            for other in change(statement):
                kept = () if other is None else (other,)
                yield replace(rule, statements=(*rule.statements[:at], *kept, *rule.statements[at + 1 :]))

    return in_rules(changed)


def in_verdicts(change: Callable[[Verdict], Iterator[Verdict | None]]) -> Changes:
    """Of each verdict; None: the rule has none any more."""

    def changed(rule: Rule) -> Iterator[Rule]:
        if rule.verdict is not None:
            for other in change(rule.verdict):
                yield replace(rule, verdict=other)

    return in_rules(changed)
