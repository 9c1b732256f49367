"""From a policy file to the ruleset that it means."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from polc.diagnostics import Collector
from polc.ir.ruleset import Ruleset
from polc.policy.library import Library
from polc.policy.lower.scope import Settings, Symbols
from polc.policy.lower.sections import Written, lower_sections
from polc.policy.lower.settings import read_settings
from polc.policy.lower.symbols import resolve_symbols
from polc.policy.merge import Merged, Part, load, load_parts, load_source
from polc.policy.variables import Values
from polc.source import SourceFile, Span


class Inspection(NamedTuple):
    """What a policy means, and what it is made of: for those who judge it."""

    ruleset: Ruleset
    merged: Merged
    written: Written
    settings: Settings
    symbols: Symbols

    @property
    def sources(self) -> list[SourceFile]:
        """The texts that say it, the policy's own first."""
        return self.merged.sources

    def own(self, place: Span) -> bool:
        """Whether something stands in the policy's own file, and not in one that others may include as well."""
        return place.source is self.sources[0]


def read_policy(path: str, collector: Collector) -> Ruleset:
    """Read the policy file ``path`` (``-``: standard input) with all that it includes.

    Everything that is wrong in any of the files goes to the collector.

    Raises:
        Failure: something is wrong: POL0xx to POL2xx.
    """
    return inspect_policy(path, collector).ruleset


def inspect_policy(path: str, collector: Collector) -> Inspection:
    """As ``read_policy``, for those who also look at the policy's text."""
    return _inspect(load(path, collector), collector)


def inspect_source(source: SourceFile, collector: Collector) -> Inspection:
    """As ``inspect_policy``, of a text at hand, which its path need not hold; includes are relative to that."""
    return _inspect(load_source(source, collector), collector)


def inspect_parts(
    source: SourceFile, parts: Iterable[Part], values: Values, library: Library, collector: Collector
) -> Inspection:
    """As ``inspect_policy``, of what an inventory puts together (``merge.load_parts``)."""
    return _inspect(load_parts(source, parts, values, library, collector), collector)


def _inspect(merged: Merged, collector: Collector) -> Inspection:
    # Where a file could not be read, names that it would have defined would all be told as unknown.
    if not merged.complete:
        collector.raise_if_errors()
    symbols = resolve_symbols(merged.definitions, merged.broken, collector)
    settings = read_settings(merged.settings, symbols.services, collector)
    ruleset, written = lower_sections(merged, symbols, settings, collector)
    collector.raise_if_errors()
    return Inspection(ruleset, merged, written, settings, symbols)
