"""The `ban` clauses of a policy."""

from __future__ import annotations

from collections.abc import Iterator

from polc.policy.document import Ban, RuleDocument
from polc.policy.read import Inspection


def bans(policy: Inspection) -> Iterator[Ban]:
    """Those of all rules, in chains and macros."""
    for rule in policy.written.rules():
        found = rule.find(Ban) if isinstance(rule, RuleDocument) else None
        if found:
            yield found
