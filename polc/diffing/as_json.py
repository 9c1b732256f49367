"""A difference for machines; ``schemas/diff.schema.json`` describes it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from polc.diffing.as_text import sentence
from polc.diffing.model import Difference, Region, Seen
from polc.diffing.shapes import Ends, Service, Values
from polc.diffing.words import ends_text, service_text, zones_text
from polc.ir.addresses import format_range
from polc.ir.matches import CtState
from polc.symbolic.atoms import Names as Interfaces

Json = Any
VERSION = 1


def render(difference: Difference, before: str, after: str) -> str:
    """``before`` and ``after`` are what the sides are called."""
    made: Json = {
        "diff": VERSION,
        "before": before,
        "after": after,
        "same": difference.same,
        "families": [one.nfproto for one in difference.families],
        "total": difference.total,
        "complete": difference.complete,
        "undecided": list(difference.undecided),
        "assumed": list(difference.assumed),
        "regions": [_region(difference, one) for one in difference.regions],
    }
    return json.dumps(made, ensure_ascii=False, indent=2) + "\n"


def _region(difference: Difference, region: Region) -> Json:
    shape, names = region.shape, difference.names
    sources, destinations = ends_text(shape, names)
    witness = region.witness
    return {
        "way": region.road.name,
        "change": region.change.kind.value,
        "before": region.change.before,
        "after": region.change.after,
        "text": sentence(difference, region),
        "zones": zones_text(region, difference.interfaces, names),
        "service": service_text(shape, names),
        "sources": sources,
        "destinations": destinations,
        "packets": {
            "interfaces": [_interfaces(pair, difference.interfaces) for pair in shape.interfaces],
            "services": [_service(one) for one in shape.services],
            "addresses": [_ends(one) for one in shape.ends],
            "states": None if shape.states is None else [
                one.name.lower() for one in CtState if one in shape.states and one.name
            ],
            "conditions": list(shape.conditions),
        },
        "witness": None if witness is None else {
            "packet": witness.packet,
            "given": list(witness.given),
            "before": _seen(witness.before),
            "after": _seen(witness.after),
        },
        "no_witness": region.unshown if witness is None else "",
    }  # fmt: skip


def _ranges(values: Values) -> Json:
    return None if values is None else [list(pair) for pair in values.ranges]


def _interfaces(pair: tuple[Values, Values], interfaces: Interfaces) -> Json:
    """Names of classes: a name that no rule spells out stands for all others of its kind."""
    found: list[Json] = []
    for values in pair:
        if values is None:
            found.append(None)
        else:
            numbers = [at for low, high in values.ranges for at in range(low, high + 1) if at]
            found.append([interfaces.words[at] for at in numbers])
    return {"in": found[0], "out": found[1]}


def _service(one: Service) -> Json:
    return {
        "family": None if one.family is None else one.family.nfproto,
        "protocols": _ranges(one.protocols),
        "sports": _ranges(one.sports),
        "dports": _ranges(one.dports),
        "types": _ranges(one.types),
        "codes": _ranges(one.codes),
        "fragments": one.fragments,
    }


def _ends(one: Ends) -> Json:
    def texts(values: Values) -> Json:
        return None if values is None else [format_range(one.family, low, high) for low, high in values.ranges]

    return {"family": one.family.nfproto, "sources": texts(one.sources), "destinations": texts(one.destinations)}


def _seen(seen: Seen) -> Json:
    return {"verdict": seen.fate, "nat": seen.nat, "rules": [asdict(one) for one in seen.rules]}
