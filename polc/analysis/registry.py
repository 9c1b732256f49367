"""All lints, in the order of their codes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from polc.analysis import (
    correlated,
    counts_established,
    cut_discovery,
    cut_loopback,
    cut_off,
    cut_replies,
    default_size,
    empty_lists,
    fails_open,
    helper_unattached,
    idle_members,
    keeps_for_good,
    lock_out,
    log_flood,
    never_reached,
    redundant,
    related_alone,
    shadowed,
    unreachable,
    unused_names,
)
from polc.analysis.exact import Exact
from polc.analysis.model import ExactLint, Lint, Wanted
from polc.diagnostics import Diagnostic, Severity
from polc.ir.family import BOTH, Family
from polc.ir.ruleset import Chain, Ruleset
from polc.policy.read import Inspection
from polc.symbolic.diagram import OverBudget

LINTS: tuple[Lint, ...] = (
    counts_established.LINT,
    cut_replies.LINT,
    cut_loopback.LINT,
    cut_discovery.LINT,
    never_reached.LINT,
    lock_out.LINT,
    related_alone.LINT,
    fails_open.LINT,
    unused_names.LINT,
    keeps_for_good.LINT,
    default_size.LINT,
    log_flood.LINT,
    helper_unattached.LINT,
    empty_lists.LINT,
)

EXACT_LINTS: tuple[ExactLint, ...] = (
    *shadowed.LINTS,
    *redundant.LINTS,
    *unreachable.LINTS,
    *correlated.LINTS,
    *idle_members.LINTS,
    *cut_off.LINTS,
)
"""Lints that ask the symbolic engine: about any ruleset, not only of policies."""


def exact_findings(exact: Exact, wanted: Wanted | None = None) -> Iterator[Diagnostic]:
    """What they find; POL329 where the ruleset is too large to say."""
    wanted = wanted or Wanted()
    for lint in EXACT_LINTS:
        if not any(wanted.asks(code, named=lint.asked_for) for code in lint.codes):
            continue
        try:
            yield from list(lint.check(exact))
        except OverBudget:
            codes = " and ".join(lint.codes)
            yield Diagnostic(
                "POL329",
                f"the ruleset is too large to say whether there is anything for {codes}: that takes more than "
                f"{exact.budget} nodes",
                severity=Severity.NOTE,
            )


def findings(policy: Inspection, wanted: Wanted | None = None) -> Iterator[Diagnostic]:
    """What the lints find in a policy.

    To them, a rule of the one family that a policy is about is a rule of all packets.
    """
    told = Exact(policy.ruleset, policy=policy)
    yield from exact_findings(told, wanted)
    if policy.settings.family:
        policy = policy._replace(ruleset=_of_all(policy.ruleset, policy.settings.families))
    for lint in LINTS:
        yield from lint.check(policy)


def _of_all(ruleset: Ruleset, families: frozenset[Family]) -> Ruleset:
    def in_chain(chain: Chain) -> Chain:
        rules = (replace(rule, families=BOTH) if rule.families == families else rule for rule in chain.rules)
        return replace(chain, rules=tuple(rules))

    return replace(ruleset, chains=tuple(in_chain(chain) for chain in ruleset.chains))
