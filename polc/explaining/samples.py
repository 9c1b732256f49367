"""Packets about a rule: one that it decides, and ones that just miss it. Each is tried in the simulator.

A packet is put together from what the rule's matches ask for; where several values would do the first is taken, and for
a near miss the nearest one that would not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from polc.ir.family import Family
from polc.ir.matches import STATEFUL
from polc.ir.protocols import TCP
from polc.ir.ruleset import BaseChain, Hook, Rule, Ruleset
from polc.probing.fit import by_header, fit, in_session, misses, times_of
from polc.simulate.engine import Simulator
from polc.simulate.host import Host
from polc.simulate.packet import SYN, Packet
from polc.simulate.trace import Tried
from polc.source import Span

_MOST_TRIES = 64
_FAR = {Family.IP: 0xC6336409, Family.IP6: 0x20010DB8 << 96 | 0x9 << 64 | 9}
_OTHER = {Family.IP: 0xCB007163, Family.IP6: 0x20010DB8 << 96 | 0x113 << 64 | 0x63}
"""198.51.100.9 and 203.0.113.99, and their like (RFC 5737, RFC 3849)."""


@dataclass(frozen=True, slots=True)
class Sample:
    """``times``: how often in a row it is sent; the last one counts. ``why``: of a miss, what it has instead."""

    packet: Packet
    times: int = 1
    why: str = ""


def decided(ruleset: Ruleset, host: Host, span: Span, rules: Sequence[tuple[BaseChain, Rule]]) -> Sample | None:
    """A packet that meets what was written at ``span``; None: none of those tried does."""
    for base, rule in rules:
        for family in sorted(rule.families, key=lambda one: one.value):
            made = _made(base, rule, family, host)
            if made is not None and _tried(ruleset, host, made, span) is True:
                return made
    return None


def missed(ruleset: Ruleset, host: Host, span: Span, sample: Sample, rule: Rule) -> Iterator[Sample]:
    """Packets that come to the rule as ``sample`` does, but for one thing, and do not meet it."""
    for match in rule.matches:
        for change in misses(match, sample.packet):
            other = replace(sample, packet=change(sample.packet))
            why = _tried(ruleset, host, other, span)
            if isinstance(why, str):
                yield replace(other, why=why)
                break
    if sample.times > 1:
        fewer = replace(sample, times=sample.times - 1)
        why = _tried(ruleset, host, fewer, span)
        if isinstance(why, str):
            yield replace(fewer, why=why)


def around(base: BaseChain, rule: Rule, host: Host) -> Iterator[Packet]:
    """Packets of each family that meet the rule's matches, as far as it is known how, and ones that just miss one of
    them; whatever comes before the rule. A limit is met by as many as it takes, up to a bound.
    """
    for family in sorted(rule.families, key=lambda one: one.value):
        packet = _at_hook(base.hook, family, host)
        times = 1
        for match in by_header(rule.matches):
            if isinstance(match, STATEFUL):
                times = max(times, times_of(match))
            else:
                packet = fit(match, packet) or packet
        packet = in_session(packet)
        yield from (packet for _ in range(min(times, _MOST_TRIES)))
        yield from (change(packet) for match in rule.matches for change in misses(match, packet))


def _tried(ruleset: Ruleset, host: Host, sample: Sample, span: Span) -> bool | str:
    """True: the last packet met a rule from ``span``; a text: it came to such rules alone, and why it met none; False:
    it did not come there.
    """
    simulator = Simulator((ruleset,), host)
    for _ in range(sample.times - 1):
        simulator.send(sample.packet)
    tracer = simulator.tracer()
    simulator.send(sample.packet, tracer)
    tried = [one for one in tracer.events if isinstance(one, Tried) and one.rule.origin.span == span]
    if any(one.missed is None for one in tried):
        return True
    reasons = [
        f"{one.missed.field} is {one.missed.seen or 'otherwise'}, and not {one.missed.wanted}"
        for one in tried
        if one.missed is not None
    ]
    return reasons[-1] if reasons else False


def _made(base: BaseChain, rule: Rule, family: Family, host: Host) -> Sample | None:
    packet = _at_hook(base.hook, family, host)
    times = 1
    for match in by_header(rule.matches):
        if isinstance(match, STATEFUL):
            times = max(times, times_of(match))
            continue
        fitted = fit(match, packet)
        if fitted is None:
            return None
        packet = fitted
    return Sample(in_session(packet), times) if times <= _MOST_TRIES else None


def _at_hook(hook: Hook, family: Family, host: Host) -> Packet:
    names = [one.name for one in host.interfaces if one.name != "lo"] or ["eth0"]
    first, last = names[0], names[-1]
    own = next((at for one in host.interfaces if one.name == first and (at := one.address(family)) is not None), 1)
    packet = Packet(family, TCP, _FAR[family], own, 40000, 9, iif=first, flags=SYN)
    match hook:
        case Hook.FORWARD | Hook.POSTROUTING:
            return replace(packet, daddr=_OTHER[family], oif=last)
        case Hook.OUTPUT:
            return replace(packet, saddr=own, daddr=_FAR[family], iif="", oif=first)
        case _:
            return packet
