"""From a policy file to the ruleset that it means."""

from __future__ import annotations

from typing import NamedTuple

from polc.diagnostics import Collector
from polc.ir.ruleset import Ruleset
from polc.policy.lower.sections import lower_sections
from polc.policy.lower.symbols import resolve_symbols
from polc.policy.merge import load
from polc.source import SourceFile


class Inspection(NamedTuple):
    """What a policy means, and the texts that say it."""

    ruleset: Ruleset
    sources: tuple[SourceFile, ...]


def read_policy(path: str, collector: Collector) -> Ruleset:
    """Read the policy file ``path`` (``-``: standard input) with all that it includes.

    Everything that is wrong in any of the files goes to the collector.

    Raises:
        Failure: something is wrong: POL0xx to POL2xx.
    """
    return inspect_policy(path, collector).ruleset


def inspect_policy(path: str, collector: Collector) -> Inspection:
    """As ``read_policy``, for those who also look at the policy's text."""
    merged = load(path, collector)
    # Where a file could not be read, names that it would have defined would all be told as unknown.
    if not merged.complete:
        collector.raise_if_errors()
    symbols = resolve_symbols(merged.definitions, merged.broken, collector)
    ruleset = lower_sections(merged.sections, symbols, collector)
    collector.raise_if_errors()
    return Inspection(ruleset, tuple(merged.sources))
