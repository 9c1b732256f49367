"""Rulesets of nft as JSON (libnftables-json(5)) to IR: listings (``nft -j list ruleset``) and commands alike.

What the IR has words for is read exactly; the rest keeps nft's own, as opaque matches, statements and declarations that
the nft target writes as they came. Nothing is left out without a diagnostic.
"""

from __future__ import annotations

from polc.diagnostics import Collector
from polc.importers.nft_json.commands import carry_out
from polc.importers.nft_json.json_text import read_items
from polc.importers.nft_json.problems import Reporter
from polc.importers.nft_json.table import ruleset
from polc.ir.ruleset import Ruleset
from polc.source import SourceFile


def read_nft_json(source: SourceFile, collector: Collector) -> tuple[Ruleset, ...]:
    """The tables of a document that are awake, each as a ruleset; warnings go to the collector.

    Raises:
        Failure: with all errors of the document: it is no JSON, or none of libnftables (POL530 to POL532).
    """
    reporter = Reporter(collector)
    tables = carry_out(read_items(source), reporter)
    found = [ruleset(table, reporter) for table in tables.values()]
    collector.raise_if_errors()
    return tuple(one for one in found if one is not None)
