"""Service words to terms."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from polc.diagnostics import Collector
from polc.diagnostics.suggest import did_you_mean
from polc.ir.intervals import Intervals
from polc.ir.matches import IcmpTerm, PortTerm, ServiceTerm
from polc.ir.protocols import ICMP_FAMILY, ICMP_TYPES, PORT_PROTOCOLS, PROTOCOL_NAMES, PROTOCOLS
from polc.policy.document import ServiceWord, SourcePorts, Word
from polc.policy.lower.scope import Part, Service
from polc.policy.lower.values import decimal, ports, protocol

Lookup = Callable[[Word], Service | None]
"""The service of a name; None when there is none, which has then been recorded as an error."""


def resolve_services(
    words: Iterable[ServiceWord], sport: SourcePorts | None, lookup: Lookup, collector: Collector
) -> Service | None:
    """The parts that the words stand for, or None when one is wrong, which is recorded.

    A number goes on with the protocol of the word before it (``tcp/80,443``), and so does an ICMP type after an
    ICMP word (``icmp/echo-request,echo-reply``), even where a service has the same name.
    """
    parts: list[Part] = []
    sound = True
    protocol: int | None = None
    for one in words:
        found: Service | None
        text = one.word.text
        if one.protocol:
            found, protocol = _protocol(one.word, collector), None
        elif "/" in text:
            protocol, found = _spelled_out(one.word, collector)
        elif protocol is not None and (text[0].isdigit() or text in ICMP_TYPES.get(protocol, ())):
            found = _of_protocol(protocol, one.word, text, collector)
        elif text[0].isdigit():
            collector.error("POL230", f"`{text}` has no protocol", one.word.span, help=f"write `tcp/{text}`")
            found = None
        else:
            found, protocol = lookup(one.word), None
        sound &= found is not None
        parts += found or ()
    if not sound:
        return None
    return tuple(parts) if sport is None else _from_ports(parts, sport, collector)


_ICMPV6 = dict.fromkeys(("icmp6", "ipv6-icmp", "icmp-v6"), "icmpv6")
"""What it is called elsewhere; `icmp` is nearer, and another protocol."""


def _protocol(word: Word, collector: Collector) -> Service | None:
    number = protocol_number(word, collector)
    return None if number is None else (Part(PortTerm(number)),)


def protocol_number(word: Word, collector: Collector) -> int | None:
    """``gre``, ``47``; an unknown one is recorded."""
    number = protocol(word.text)
    if number is None:
        hint = (
            did_you_mean(_ICMPV6.get(word.text, word.text), PROTOCOLS)
            or "a protocol is a name such as `gre` or a number from 0 to 255"
        )
        collector.error("POL208", f"unknown protocol `{word.text}`", word.span, help=hint)
    return number


def _spelled_out(word: Word, collector: Collector) -> tuple[int | None, Service | None]:
    name, _, rest = word.text.partition("/")
    number = PROTOCOLS.get(name)
    if number is None:
        known = [PROTOCOL_NAMES[one] for one in (*PORT_PROTOCOLS, *ICMP_FAMILY)]
        from polc.policy.foreign_words import service

        meant = service(word.text)
        hint = (
            did_you_mean(_ICMPV6.get(name, name), known) or f"a service is spelled out as in `{meant or f'tcp/{rest}'}`"
        )
        collector.error("POL208", f"unknown protocol `{name}`", word.span, help=hint)
        return None, None
    if number not in PORT_PROTOCOLS and number not in ICMP_FAMILY:
        collector.error("POL230", f"`{name}` has no ports", word.span, help=f"write `proto {name}`")
        return None, None
    return number, _of_protocol(number, word, rest, collector)


def _of_protocol(protocol: int, word: Word, text: str, collector: Collector) -> Service | None:
    term: ServiceTerm
    if protocol in ICMP_FAMILY:
        found = _icmp(protocol, word, text, collector)
        if found is None:
            return None
        term = found
    else:
        try:
            term = PortTerm(protocol, dport=Intervals.of((ports(text),)))
        except ValueError as error:
            collector.error("POL115", str(error) if text else "ports are missing after `/`", word.span)
            return None
    return (Part(term),)


def _icmp(protocol: int, word: Word, text: str, collector: Collector) -> IcmpTerm | None:
    """``echo-request``, ``3``, ``3/4``, ``destination-unreachable/4``."""
    name, slash, code_text = text.partition("/")
    types = ICMP_TYPES[protocol]
    kind = types.get(name, decimal(name, 0, 255))
    if kind is None:
        hint = did_you_mean(name, types) or f"the types are {', '.join(types)}, or a number from 0 to 255"
        collector.error("POL209", f"unknown {PROTOCOL_NAMES[protocol]} type `{name}`", word.span, help=hint)
        return None
    code = decimal(code_text, 0, 255) if slash else None
    if slash and code is None:
        collector.error("POL209", f"`{code_text}` is not an ICMP code from 0 to 255", word.span)
        return None
    return IcmpTerm(protocol, kind, code)


def source_ports(sport: SourcePorts, collector: Collector) -> Intervals | None:
    """The ports of a ``sport`` clause, or None when one is wrong, which is recorded."""
    found: list[tuple[int, int]] = []
    sound = True
    for word in sport.words:
        try:
            found.append(ports(word.text))
        except ValueError as error:
            collector.error("POL115", str(error), word.span)
            sound = False
    return Intervals.of(found) if sound else None


def _from_ports(parts: list[Part], sport: SourcePorts, collector: Collector) -> Service | None:
    wanted = source_ports(sport, collector)
    if wanted is None:
        return None
    narrowed: list[Part] = []
    for part in parts:
        term = part.term
        if not isinstance(term, PortTerm) or term.protocol not in PORT_PROTOCOLS:
            name = PROTOCOL_NAMES.get(term.protocol, str(term.protocol))
            collector.error("POL223", f"`sport` needs a protocol with ports, and `{name}` has none", sport.span)
            return None
        both = wanted if term.sport is None else _common(wanted, term.sport)
        if not both:
            collector.error("POL220", "the service's own source ports are others: this can never match", sport.span)
            return None
        narrowed.append(Part(PortTerm(term.protocol, both, term.dport), part.helper))
    return tuple(narrowed)


def _common(one: Intervals, other: Intervals) -> Intervals:
    outside = one.complement(0, 65535).union(other.complement(0, 65535))
    return outside.complement(0, 65535)
