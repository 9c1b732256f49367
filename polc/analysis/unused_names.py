"""POL309: definitions that nothing uses."""

from __future__ import annotations

from collections.abc import Iterator

from polc.analysis.bans import bans
from polc.analysis.model import Lint
from polc.diagnostics import Diagnostic, Label, Severity
from polc.policy.read import Inspection
from polc.policy.uses import uses_of

_WORDS = {
    "zones": ("the zone", "no rule names it"),
    "addresses": ("the address group", "no rule names it"),
    "services": ("the service", "no rule names it"),
    "macros": ("the macro", "no rule uses it"),
    "timeouts": ("the timeout", "no rule gives it to a flow"),
    "flowtables": ("the flowtable", "no rule adds flows to it"),
    "chains": ("the chain", "no rule leads there"),
}


def _check(policy: Inspection) -> Iterator[Diagnostic]:
    filled = {ban.name.text: ban for ban in bans(policy)}
    for name, entry, user in uses_of(policy.merged, policy.written).unused():
        # What others include as well, they may use.
        if not policy.own(entry.key.span):
            continue
        what, reason = _WORDS[name.kind]
        also: tuple[Label, ...] = ()
        if user:
            reason = f"only `{user.name}` names it, which is not used"
            also = (Label(user.key.span, "not used either"),)
        elif name.kind == "addresses" and name.text in filled:
            reason = "rules add to it, and none asks what is in it"
            also = (Label(filled[name.text].span, "added here"),)
        yield Diagnostic(
            "POL309",
            f"{what} `{name.text}` is not used",
            (Label(entry.key.span, reason), *also),
            "remove it, or name it where it was meant to be",
            Severity.WARNING,
        )


LINT = Lint("POL309", _check)
