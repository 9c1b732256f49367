"""POL311: a group that rules fill, whose size its author did not choose."""

from __future__ import annotations

from collections.abc import Iterator

from polc.analysis.bans import bans
from polc.analysis.model import Lint, note
from polc.diagnostics import Diagnostic
from polc.policy.lower.symbols import DEFAULT_SIZE
from polc.policy.nodes import Mapping
from polc.policy.read import Inspection


def _check(policy: Inspection) -> Iterator[Diagnostic]:
    groups = policy.merged.definitions["addresses"]
    for name in dict.fromkeys(ban.name.text for ban in bans(policy)):
        node = groups[name].value
        if isinstance(node, Mapping) and "size" not in node.entries:
            yield note(
                "POL311",
                f"`{name}` has no size: with {DEFAULT_SIZE} addresses in it, rules that add another fail",
                groups[name].key.span,
                help=f"write `size: {DEFAULT_SIZE}` or another number; `polc explain POL311` says what happens then",
            )


LINT = Lint("POL311", _check)
