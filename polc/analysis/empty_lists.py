"""POL314: chains and macros without a rule."""

from __future__ import annotations

from collections.abc import Iterator

from polc.analysis.model import Lint, warning
from polc.diagnostics import Diagnostic
from polc.policy.nodes import Sequence
from polc.policy.read import Inspection


def _check(policy: Inspection) -> Iterator[Diagnostic]:
    for kind, what in (("chains", "chain"), ("macros", "macro")):
        for name, entry in policy.merged.definitions[kind].items():
            if (kind, name) in policy.merged.replaced:
                continue  # of a host or a group that shall not have the rules of a file
            if isinstance(entry.value, Sequence) and not entry.value.items:
                yield warning("POL314", f"the {what} `{name}` has no rules", entry.key.span)


LINT = Lint("POL314", _check)
