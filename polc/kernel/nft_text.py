"""Rulesets in nft's own language: what nft makes of them, with the places of rules in the text that the user has."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

from polc.diagnostics import Collector, Diagnostic, Failure
from polc.importers.nft_json import read_nft_json
from polc.ir.origin import Origin
from polc.ir.ruleset import Ruleset
from polc.kernel.nft_text_rules import ChainKey, placed
from polc.kernel.read_nft_text import read_nft_text
from polc.source import SourceFile, Span


def read_nft(source: SourceFile, collector: Collector) -> tuple[Ruleset, ...]:
    """The tables of a text for ``nft -f``, or one that ``nft list ruleset`` printed; warnings go to the collector.

    Raises:
        Failure: POL536, nft does not take the text; POL601 to POL603, this machine cannot tell; and those of
            ``read_nft_json``.
    """
    listing = read_nft_text(source)
    places = placed(source, _rules(listing))
    own = Collector()
    try:
        found = read_nft_json(listing, own)
    except Failure as failure:
        raise Failure(_moved(one, listing, places) for one in failure.diagnostics) from None
    for one in own:
        collector.add(_moved(one, listing, places))
    return tuple(_at_home(one, listing, places) for one in found)


def _rules(listing: SourceFile) -> Iterator[tuple[int, ChainKey]]:
    for number in range(1, len(listing.line_starts) + 1):
        line = listing.line(number).rstrip(",")
        if line.startswith('{"rule"'):
            rule = json.loads(line)["rule"]
            yield number, (rule["family"], rule["table"], rule["chain"])


def _place(span: Span, listing: SourceFile, places: Mapping[int, Span]) -> Span:
    return places.get(span.line, span) if span.source is listing else span


def _moved(one: Diagnostic, listing: SourceFile, places: Mapping[int, Span]) -> Diagnostic:
    labels = tuple(replace(label, span=_place(label.span, listing, places)) for label in one.labels)
    return replace(one, labels=labels)


def _at_home(ruleset: Ruleset, listing: SourceFile, places: Mapping[int, Span]) -> Ruleset:
    def moved(origin: Origin) -> Origin:
        return replace(origin, span=_place(origin.span, listing, places)) if origin.span else origin

    chains = tuple(
        replace(chain, rules=tuple(replace(rule, origin=moved(rule.origin)) for rule in chain.rules))
        for chain in ruleset.chains
    )
    return replace(ruleset, chains=chains)
