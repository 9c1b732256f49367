"""Regions for machines."""

from __future__ import annotations

from polc.diffing.words import ends_text, families_text, service_text
from polc.proving.differs import verdict_words
from polc.querying.query import Part, Regions
from polc.querying.report_text import states_of, zones_of
from polc.querying.tagged import Decider
from polc.simulate.packet_format import Json


def regions_json(regions: Regions) -> dict[str, Json]:
    """``{"regions": [...], "complete": true, "undecided": []}``."""
    return {
        "regions": [_part(regions, one) for one in regions.parts],
        "complete": not regions.more,
        "undecided": list(regions.undecided),
    }


def _part(regions: Regions, part: Part) -> dict[str, Json]:
    source, destination = ends_text(part.shape, regions.names)
    return {
        "way": part.way.value,
        "verdict": verdict_words(part.verdict),
        "zones": zones_of(regions, part.way, part.shape),
        "service": service_text(part.shape, regions.names),
        "from": source,
        "to": destination,
        "state": states_of(part.shape),
        "families": families_text(part.shape, regions.families, regions.names) or "all",
        "conditions": list(part.shape.conditions),
        "rule": decider_json(part.decider),
    }


def decider_json(decider: Decider | None) -> Json:
    """None: nothing decides."""
    if decider is None:
        return None
    span = decider.origin.span
    return {
        "chain": decider.chain,
        "number": None if decider.number is None else decider.number + 1,
        "file": span.source.path if span else None,
        "line": span.line if span else None,
        "text": " ".join(span.text.split()) if span else None,
        "name": decider.origin.name or None,
    }
