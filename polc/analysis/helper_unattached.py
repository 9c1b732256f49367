"""POL313: a service with a helper that no rule attaches."""

from __future__ import annotations

from collections.abc import Iterator

from polc.analysis.model import Lint, warning
from polc.diagnostics import Diagnostic
from polc.policy.document import RuleDocument
from polc.policy.lower.parts import accepts
from polc.policy.lower.symbols import service_definition
from polc.policy.read import Inspection
from polc.policy.uses import Name, names_in, uses_of


def _check(policy: Inspection) -> Iterator[Diagnostic]:
    services = policy.merged.definitions["services"].items()
    helpers = {name: found.helper for name, entry in services if (found := service_definition(entry)).helper}
    if not helpers:
        return
    uses = uses_of(policy.merged, policy.written)
    attaching = (rule for rule in policy.written.rules() if isinstance(rule, RuleDocument) and _attaches(rule))
    attached = uses.reach(frozenset(name for rule in attaching for name in names_in(rule.service)))
    # What nothing names at all is said of already.
    idle = uses.reach(uses.roots) - attached
    for name, helper in helpers.items():
        if Name("services", name) in idle and policy.own(helper.span):
            yield warning(
                "POL313",
                f"the helper `{helper.text}` is attached to no flow: no rule accepts `{name}`",
                helper.span,
                help=f"`accept {name}` attaches it",
            )


def _attaches(rule: RuleDocument) -> bool:
    return rule.verdict is None or accepts(rule.verdict)


LINT = Lint("POL313", _check)
