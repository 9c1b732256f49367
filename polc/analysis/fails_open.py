"""POL308: a per-source limit whose table, when full, stops limiting on nft."""

from __future__ import annotations

from collections.abc import Iterator

from polc.analysis.model import Lint, note, place
from polc.diagnostics import Diagnostic
from polc.ir.matches import AddressMatch
from polc.ir.ruleset import Rule
from polc.ir.stateful import Hits, Limit
from polc.ir.verdicts import Drop, Reject
from polc.policy.read import Inspection


def _check(policy: Inspection) -> Iterator[Diagnostic]:
    for chain in policy.ruleset.chains:
        for rule in chain.rules:
            size = _size(rule)
            if size and isinstance(rule.verdict, Drop | Reject) and not _few_sources(rule):
                yield note(
                    "POL308",
                    f"with more than {size} sources at a time this lets the others through on nft",
                    place(rule),
                    help="a key such as `per source/24,/64` has fewer values; `polc explain limits` says more",
                )


def _size(rule: Rule) -> int:
    """The most keys that the rule keeps, 0 where it keeps none."""
    return max((match.size for match in rule.matches if isinstance(match, Hits | Limit) and match.key), default=0)


def _few_sources(rule: Rule) -> bool:
    return any(isinstance(match, AddressMatch) and not match.negated for match in rule.matches)


LINT = Lint("POL308", _check)
