"""POL305: rules below one that takes every packet."""

from __future__ import annotations

from collections.abc import Iterator

from polc.analysis.model import Lint
from polc.analysis.reach import is_last
from polc.diagnostics import Diagnostic, Label, Severity
from polc.policy.read import Inspection


def _check(policy: Inspection) -> Iterator[Diagnostic]:
    for chain in policy.ruleset.chains:
        for position, rule in enumerate(chain.rules[:-1]):
            if not is_last(rule, policy.ruleset):
                continue
            # A written `default: reject` is the chain's end, not a rule that somebody expects to be reached.
            later = [one for one in chain.rules[position + 1 :] if one.origin.name != "default"]
            if later and later[0].origin.span and rule.origin.span:
                labels = (Label(later[0].origin.span, "never reached"), Label(rule.origin.span, "takes every packet"))
                count = f"this rule and {len(later) - 1} more are" if len(later) > 1 else "this rule is"
                yield Diagnostic(
                    "POL305",
                    f"{count} never reached",
                    labels,
                    "move the rule that takes everything to the end, or remove what follows it",
                    Severity.WARNING,
                )
            break


LINT = Lint("POL305", _check)
