"""All lints, in the order of their codes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from polc.analysis import (
    counts_established,
    cut_discovery,
    cut_loopback,
    cut_replies,
    default_size,
    empty_lists,
    fails_open,
    helper_unattached,
    keeps_for_good,
    lock_out,
    log_flood,
    never_reached,
    related_alone,
    unused_names,
)
from polc.analysis.model import Lint
from polc.diagnostics import Diagnostic
from polc.ir.family import BOTH, Family
from polc.ir.ruleset import Chain, Ruleset
from polc.policy.read import Inspection

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


def findings(policy: Inspection) -> Iterator[Diagnostic]:
    """What the lints find in a policy.

    To them, a rule of the one family that a policy is about is a rule of all packets.
    """
    if policy.settings.family:
        policy = policy._replace(ruleset=_of_all(policy.ruleset, policy.settings.families))
    for lint in LINTS:
        yield from lint.check(policy)


def _of_all(ruleset: Ruleset, families: frozenset[Family]) -> Ruleset:
    def in_chain(chain: Chain) -> Chain:
        rules = (replace(rule, families=BOTH) if rule.families == families else rule for rule in chain.rules)
        return replace(chain, rules=tuple(rules))

    return replace(ruleset, chains=tuple(in_chain(chain) for chain in ruleset.chains))
