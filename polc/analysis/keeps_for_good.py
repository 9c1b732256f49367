"""POL310: bans without an end."""

from __future__ import annotations

from collections.abc import Iterator

from polc.analysis.bans import bans
from polc.analysis.model import Lint
from polc.diagnostics import Diagnostic, Label, Severity
from polc.policy.nodes import Mapping
from polc.policy.read import Inspection


def _check(policy: Inspection) -> Iterator[Diagnostic]:
    groups = policy.merged.definitions["addresses"]
    for name, ban in {ban.name.text: ban for ban in bans(policy)}.items():
        node = groups[name].value
        if isinstance(node, Mapping) and "timeout" not in node.entries:
            yield Diagnostic(
                "POL310",
                f"what rules add to `{name}` stays there for good",
                (Label(groups[name].key.span, "has no timeout"), Label(ban.span, "added here")),
                f"as in `{name}: {{dynamic: true, timeout: 1h}}`",
                Severity.WARNING,
            )


LINT = Lint("POL310", _check)
