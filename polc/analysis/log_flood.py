"""POL312: a log line for every packet."""

from __future__ import annotations

from collections.abc import Iterator

from polc.analysis.model import Lint, note, place
from polc.diagnostics import Diagnostic
from polc.ir.ruleset import BaseChain, Rule, Ruleset
from polc.ir.stateful import Limit, Quota
from polc.ir.statements import Log
from polc.ir.verdicts import chains_of
from polc.policy.read import Inspection


def _check(policy: Inspection) -> Iterator[Diagnostic]:
    held = _held(policy.ruleset)
    for chain in policy.ruleset.chains:
        for rule in chain.rules:
            logs = any(isinstance(one, Log) for one in rule.statements)
            if logs and chain.name not in held and not _is_bounded(rule):
                yield note(
                    "POL312",
                    "this writes a line for every packet that it matches",
                    place(rule),
                    help='hold the lines to a rate of their own: `log "..." at 5/minute`',
                )


def _is_bounded(rule: Rule) -> bool:
    return any(isinstance(match, Limit | Quota) and not match.over for match in rule.matches)


def _held(ruleset: Ruleset) -> set[str]:
    """The chains to which only rules with a limit lead."""
    callers: dict[str, list[Rule]] = {chain.name: [] for chain in ruleset.chains if not isinstance(chain, BaseChain)}
    for chain in ruleset.chains:
        for rule in chain.rules:
            for name in chains_of(rule.verdict):
                callers[name].append(rule)
    return {name for name, rules in callers.items() if all(map(_is_bounded, rules))}


LINT = Lint("POL312", _check)
