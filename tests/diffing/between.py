"""Sides and differences from texts, and whether a packet is in a region."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from polc.diagnostics import Collector
from polc.diffing.compare import difference
from polc.diffing.model import Difference, Region
from polc.diffing.shapes import Ends, Service, Values
from polc.diffing.sides import Options, Side
from polc.ir.matches import CtState
from polc.sides import read_side, with_elements
from polc.simulate import Packet
from polc.symbolic.atoms import Names


def side(text: str, name: str = "policy.yaml") -> Side:
    """What a text means as ``polc diff`` reads it; a policy goes without ``polc: 1`` in front."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / name
        path.write_text(f"polc: 1\n{text}" if name.endswith(".yaml") else text)
        return read_side(str(path), Collector())


def between(before: str, after: str, given: Mapping[str, str] | None = None, **options: object) -> Difference:
    left, right = with_elements((side(before), side(after)), given or {})
    return difference(left, right, Options(**options))  # type: ignore[arg-type]


def inside(region: Region, packet: Packet, state: CtState, interfaces: Names) -> bool:
    """Whether a packet, which comes or goes as the region's do, is one of its packets; conditions are not looked at."""
    shape = region.shape
    road = region.road
    if (bool(packet.iif), bool(packet.oif)) != (road.comes_in, road.goes_out):
        return False
    if shape.states is not None and state not in shape.states:
        return False
    return (
        any(_at(pair, packet, interfaces) for pair in shape.interfaces)
        and any(_of(one, packet) for one in shape.services)
        and any(_between(one, packet) for one in shape.ends)
    )


def _in(value: int, values: Values) -> bool:
    return values is None or value in values


def _at(pair: tuple[Values, Values], packet: Packet, interfaces: Names) -> bool:
    for name, values in zip((packet.iif, packet.oif), pair, strict=True):
        if values is not None and name and interfaces.place(name) not in values:
            return False
    return True


def _of(service: Service, packet: Packet) -> bool:
    if service.family not in (None, packet.family) or not _in(packet.protocol, service.protocols):
        return False
    if service.fragments not in (None, packet.fragment):
        return False
    # What a packet does not have is 0 in regions, which may hold packets with and without it.
    icmp = packet.type if packet.is_icmp else 0
    parts = ((packet.sport or 0, service.sports), (packet.dport or 0, service.dports), (icmp, service.types))
    return all(_in(value, values) for value, values in parts)


def _between(ends: Ends, packet: Packet) -> bool:
    return ends.family is packet.family and _in(packet.saddr, ends.sources) and _in(packet.daddr, ends.destinations)
