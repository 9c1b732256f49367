"""Where the kernel takes extensions: the tables and the hooks of their registration (net/netfilter/x_tables.c)."""

from __future__ import annotations

from collections.abc import Iterable

from polc.diagnostics import Collector
from polc.importers.iptables.draft import Draft
from polc.importers.iptables.extension import GOING
from polc.importers.iptables.graph import origins
from polc.importers.iptables.problem import WRONG_PLACE
from polc.importers.iptables.state import Table
from polc.ir.statements import ClampMss
from polc.source import Span


def check_places(table: Table, collector: Collector) -> None:
    """Extensions in chains from which the kernel would not take them. A chain that nothing jumps to has no hook."""
    reached = origins(table)
    for chain in table.chains.values():
        for rule in chain.rules:
            if rule.placed or rule.statements:
                _check(rule, table.name, reached[chain.name], collector)


def _check(rule: Draft, table: str, chains: frozenset[str], collector: Collector) -> None:
    for one in rule.placed:
        shown = f"`{one.shown}`"
        if one.tables and table not in one.tables:
            where = " and ".join(sorted(one.tables))
            collector.error(WRONG_PLACE, f"{shown} is for table {where}, and this is table {table}", one.span)
        elif one.chains:
            _check_chains(shown, one.chains, chains, one.span, collector)
    if rule.origin.span and ClampMss() in rule.statements:
        # The MTU is that of the route, which is not known before it is chosen (net/netfilter/xt_TCPMSS.c).
        _check_chains("`--clamp-mss-to-pmtu`", GOING, chains, rule.origin.span, collector)


def _check_chains(
    shown: str, allowed: frozenset[str], chains: frozenset[str], span: Span, collector: Collector
) -> None:
    wrong = sorted(chains - allowed)
    if wrong:
        listed = _listed(sorted(allowed))
        collector.error(WRONG_PLACE, f"{shown} works in {listed}, and packets of {wrong[0]} come here", span)


def _listed(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
