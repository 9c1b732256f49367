"""``-> map``: new addresses and ports that are looked up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from polc.diagnostics import Label
from polc.ir.family import FAMILIES, Family
from polc.ir.intervals import Intervals
from polc.ir.protocols import PORT_PROTOCOLS
from polc.ir.selectors import Element, Transport
from polc.ir.verdicts import NatKind, NatMap, NatTarget
from polc.policy.document import Entry, FullyRandom, Map, Persistent, Random, RuleDocument
from polc.policy.lower.branches import Outcome
from polc.policy.lower.keys import Key, key_of
from polc.policy.lower.maps import elements_of
from polc.policy.lower.points import Point, point_of
from polc.policy.lower.scope import Scope, Service
from polc.policy.lower.values import ports
from polc.policy.lower.verdicts import only_of

_KINDS = {"snat": NatKind.SNAT, "dnat": NatKind.DNAT, "redirect": NatKind.REDIRECT}
_KEPT = {NatKind.SNAT: Transport.SPORT, NatKind.DNAT: Transport.DPORT, NatKind.REDIRECT: Transport.DPORT}
"""Kind -> the port that it changes, which stays what it is where none is written."""


_Elements = tuple[tuple[Element, NatTarget], ...]


class _Row(NamedTuple):
    entry: Entry
    point: Point


def nat_map_outcomes(rule: RuleDocument, mapped: Map, service: Service, scope: Scope) -> tuple[Outcome, ...]:
    """What a rule does that looks up its target, in each family of the targets; errors are recorded."""
    assert rule.verdict is not None
    collector = scope.collector
    kind = _KINDS.get(rule.verdict.decision.value)
    if kind is None:
        message = f"`{rule.verdict.decision.value}` has no map: `snat`, `dnat` and `redirect` have"
        collector.error("POL248", message, mapped.span)
        return ()
    key = key_of(mapped.key, scope)
    rows = list(_rows(mapped, kind, scope))
    fully = rule.find(FullyRandom)
    if fully:
        collector.error("POL248", "`fully-random` does not go with a map", fully.span)
    if key is None or fully or len(rows) < len(mapped.entries):
        return ()
    if any(one.point.ports for one in rows):
        rows = list(_with_ports(rows, key, kind, scope))
        if not only_of(service, PORT_PROTOCOLS):
            message = "a port is changed here, and the rule also speaks of packets that have none"
            collector.error("POL248", message, mapped.span, help="name a service with ports, such as `tcp/80`")
            return ()
    outcomes: list[Outcome] = []
    of = {one.entry: one.point for one in rows}
    for family in FAMILIES if kind is not NatKind.REDIRECT else (None,):
        own = mapped._replace(entries=tuple(one.entry for one in rows if one.point.family is family))
        if not own.entries:
            continue
        families = frozenset({family}) if family else frozenset(FAMILIES)
        found = elements_of(own, key, lambda entry: _target(of[entry]), scope, families)
        outcomes += (Outcome((), _nat(rule, kind, key, one.elements, family), one.families) for one in found)
    return tuple(outcomes)


def _rows(mapped: Map, kind: NatKind, scope: Scope) -> Iterable[_Row]:
    for entry in mapped.entries:
        assert entry.point is not None
        if entry.point.text == "none":
            message = "`none` cannot stand in a map"
            hint = "write a rule before this one, whose whole target is `none`"
            scope.collector.error("POL248", message, entry.point.span, help=hint)
            continue
        point = point_of(entry.point, scope.collector)
        if point is None:
            continue
        if (point.addresses is None) is not (kind is NatKind.REDIRECT):
            redirects = kind is NatKind.REDIRECT
            message = "`redirect` changes the port alone" if redirects else f"`{kind.value}` needs an address"
            scope.collector.error("POL248", message, entry.point.span)
            continue
        yield _Row(entry, point)


def _with_ports(rows: list[_Row], key: Key, kind: NatKind, scope: Scope) -> Iterable[_Row]:
    """Where some have a port all must: one that is written nowhere is that of the packet, which the key may tell."""
    at = key.selectors.index(_KEPT[kind]) if _KEPT[kind] in key.selectors else None
    first = next(one for one in rows if one.point.ports)
    for row in rows:
        if row.point.ports:
            yield row
            continue
        # A word that is no port is told where the elements are read.
        kept = row.entry.place[at].text if at is not None and len(row.entry.place) > at else ""
        if kept.isdigit():
            yield row._replace(point=row.point._replace(ports=ports(kept)))
            continue
        assert row.entry.point is not None
        also = (Label(first.entry.span, "this has one"),)
        scope.collector.error(
            "POL248", "either all targets of a map have ports, or none", row.entry.point.span, also=also
        )


def _target(point: Point) -> NatTarget:
    addresses, ports = (Intervals.of((one,)) if one else None for one in (point.addresses, point.ports))
    return NatTarget(addresses, ports)


def _nat(rule: RuleDocument, kind: NatKind, key: Key, elements: _Elements, family: Family | None) -> NatMap:
    random, persistent = rule.find(Random) is not None, rule.find(Persistent) is not None
    return NatMap(kind, key.selectors, elements, family, random, persistent)
