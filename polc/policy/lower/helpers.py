"""Conntrack helpers: which there are, for which protocols, and the rules that attach them."""

from __future__ import annotations

from collections.abc import Iterable

from polc.diagnostics import Collector
from polc.diagnostics.suggest import did_you_mean
from polc.ir.intervals import Intervals
from polc.ir.matches import PortTerm, ServiceMatch
from polc.ir.protocols import PROTOCOL_NAMES, TCP, UDP
from polc.ir.services import normalise
from polc.ir.statements import AssignHelper
from polc.policy.document import HelperName, Word
from polc.policy.lower.scope import Part, Service
from polc.source import Span

HELPERS: dict[str, tuple[int, ...]] = {
    "amanda": (UDP,),
    "ftp": (TCP,),
    "irc": (TCP,),
    "netbios-ns": (UDP,),
    "pptp": (TCP,),
    "Q.931": (TCP,),
    "RAS": (UDP,),
    "sane": (TCP,),
    "sip": (TCP, UDP),
    "snmp": (UDP,),
    "tftp": (UDP,),
}
"""The kernel's helpers by the names they register, with their protocols (net/netfilter/nf_conntrack_*.c, l4proto)."""


def known_helper(name: Word, collector: Collector) -> str | None:
    """The helper's name, or None when there is no such helper, which is recorded."""
    if name.text in HELPERS:
        return name.text
    hint = did_you_mean(name.text, HELPERS) or f"the kernel has {', '.join(HELPERS)}"
    collector.error("POL205", f"unknown conntrack helper `{name.text}`", name.span, help=hint)
    return None


def protocols_of(helper: str) -> str:
    """``tcp``, ``tcp or udp``."""
    return " or ".join(PROTOCOL_NAMES[number] for number in HELPERS[helper])


def with_helper(parts: Iterable[Part], helper: str) -> Service:
    """The parts, those of the helper's protocols with the helper."""
    return tuple(Part(one.term, helper) if one.term.protocol in HELPERS[helper] else one for one in parts)


def attach(parts: Service, clause: HelperName, collector: Collector) -> Service | None:
    """The parts with a rule's own helper, which must fit every one of them."""
    helper = known_helper(clause.name, collector)
    if helper is None:
        return None
    if not parts or any(one.term.protocol not in HELPERS[helper] for one in parts):
        message = f"the helper `{helper}` reads {protocols_of(helper)} alone: the rule must name a service of that"
        collector.error("POL226", message, clause.span, help=f"as in `{PROTOCOL_NAMES[HELPERS[helper][0]]}/21`")
        return None
    return with_helper(parts, helper)


Group = tuple[AssignHelper | None, ServiceMatch | None]


def groups(parts: Service, span: Span, collector: Collector) -> list[Group]:
    """The service cut by what is attached to its flows, those with a helper first.

    What two groups had in common would be theirs by chance: that is an error (POL228).
    """
    found: dict[AssignHelper | None, list[Part]] = {}
    for part in parts:
        assigned = AssignHelper(part.helper, part.term.protocol) if part.helper else None
        found.setdefault(assigned, []).append(part)
    for assigned, own in found.items():
        for other, theirs in found.items():
            if assigned and other is not assigned and _overlap(own, theirs):
                message = (
                    f"two services of this rule name the same ports, and only one has the helper `{assigned.helper}`"
                )
                collector.error("POL228", message, span)
                return []
    order = sorted(found, key=lambda one: (one is None, one.helper if one else "", one.protocol if one else 0))
    return [(one, normalise(part.term for part in found[one])) for one in order]


def _overlap(own: list[Part], theirs: list[Part]) -> bool:
    return any(
        isinstance(one.term, PortTerm)
        and isinstance(other.term, PortTerm)
        and one.term.protocol == other.term.protocol
        and _meet(one.term.dport, other.term.dport)
        and _meet(one.term.sport, other.term.sport)
        for one in own
        for other in theirs
    )


def _meet(one: Intervals | None, other: Intervals | None) -> bool:
    if one is None or other is None:
        return True
    return any(
        low <= there_high and there_low <= high for low, high in one.ranges for there_low, there_high in other.ranges
    )
