"""Sections to base chains."""

from __future__ import annotations

from collections.abc import Mapping

from polc.diagnostics import Collector, Failure, Label
from polc.ir.origin import Origin
from polc.ir.ruleset import BaseChain, Chain, Hook, Rule, Ruleset
from polc.ir.verdicts import Accept, Drop, Reject
from polc.policy.document import Word
from polc.policy.lower.rules import lower_rule
from polc.policy.lower.scope import Place, Scope, StateTables, Symbols
from polc.policy.merge import SECTIONS, Section
from polc.policy.rule_mapping import read_any_rule


def lower_sections(sections: Mapping[str, Section], symbols: Symbols, collector: Collector) -> Ruleset:
    """The chains of the sections that there are, in netfilter's order; errors of all rules are recorded."""
    tables = StateTables()
    ids: dict[str, Word] = {}
    chains: list[Chain] = []
    for name in SECTIONS:
        section = sections.get(name)
        if section:
            scope = Scope(name, (Place(name, Hook(name)),), symbols, tables, collector)
            chains.append(_chain(section, scope, ids))
    return Ruleset((*chains, *tables.chains))


def _chain(section: Section, scope: Scope, ids: dict[str, Word]) -> BaseChain:
    name = scope.chain
    (place,) = scope.places
    rules: list[Rule] = []
    for node in section.rules:
        try:
            document = read_any_rule(node)
        except Failure as failure:
            scope.collector.diagnostics.extend(failure.diagnostics)
            continue
        rules += lower_rule(document, scope)
        if document.id:
            first = ids.setdefault(document.id.text, document.id)
            if first is not document.id:
                also = (Label(first.span, "first here"),)
                scope.collector.error("POL210", f"the id `{first.text}` is there twice", document.id.span, also=also)
    policy = Accept() if section.default and section.default.value == "accept" else Drop()
    if section.default is None:
        scope.collector.error(
            "POL214",
            f"`{name}` has no `default`",
            section.span,
            help="say what happens to packets that no rule decides: `default: drop` is what most want",
        )
    elif section.default.value == "reject":
        rules.append(Rule((), Reject(), origin=Origin(section.default.span, "default")))
    return BaseChain(name, place.type, place.hook, place.priority.value, policy, tuple(rules), Origin(section.span))
