"""Regions in words: what stands in the columns of a table, and in one sentence."""

from __future__ import annotations

from collections.abc import Iterable

from polc.diffing.changes import Kind
from polc.diffing.model import Difference, Region
from polc.diffing.names import ALL_BUT, ANY, Names, addresses_text, interfaces_text, listed
from polc.diffing.ranges import size
from polc.diffing.shapes import Service, Shape, Values
from polc.ir.family import FAMILIES, Family
from polc.ir.intervals import Intervals
from polc.ir.matches import CtState, IcmpTerm, PortTerm, ServiceTerm
from polc.ir.protocols import ICMP, ICMP_TYPES, ICMPV6, PORT_PROTOCOLS, PROTOCOL_NAMES
from polc.ir.services import normalise
from polc.symbolic.atoms import Names as Interfaces

HOST = "host"
_UNSAID = frozenset({"input", "forward", "output", "received", "forwarded", "sent"})
"""Ways that are plain from where packets come from and go to."""
FAMILY_WORDS = {Family.IP: "IPv4", Family.IP6: "IPv6"}
_FIRST = CtState.NEW | CtState.UNTRACKED
_MOST_TERMS = 64


def families_text(shape: Shape, families: Iterable[Family], names: Names | None = None) -> str:
    """``IPv4`` where a region is about one family of several, and no address in it says so already."""
    own, names = shape.families, names or Names()
    if own >= set(families) or any(_tells_family(text, own, names) for text in ends_text(shape, names)):
        return ""
    return ", ".join(FAMILY_WORDS[one] for one in FAMILIES if one in own)


def _tells_family(text: str, own: frozenset[Family], names: Names) -> bool:
    """Whether none of the addresses and groups that are named has members of another family."""
    if text == ANY or text.startswith(ALL_BUT):
        return False
    groups = [names.addresses.get(part[1:]) for part in text.split(", ") if part.startswith("@")]
    return all(one is not None and one.families <= own for one in groups)


def zones_text(region: Region, interfaces: Interfaces, names: Names) -> str:
    """``wan -> host``, ``lan -> wan``, ``host -> any``."""
    text = listed([_pair(region, one, interfaces, names) for one in region.shape.interfaces], 4)
    return f"{region.road.name} {text}" if region.road.name not in _UNSAID else text


def _pair(region: Region, pair: tuple[Values, Values], interfaces: Interfaces, names: Names) -> str:
    ends = []
    for values, there in zip(pair, (region.road.comes_in, region.road.goes_out), strict=True):
        if not there:
            ends.append(HOST)
        elif values is None:
            ends.append("any")
        else:
            ends.append(interfaces_text(values, interfaces.words, interfaces.patterns, names) or "any")
    return " -> ".join(ends)


def service_text(shape: Shape, names: Names) -> str:
    """``tcp/22``, ``tcp/80,443 (web)``, ``udp/53, tcp/53``, ``any``."""
    text = listed(_services(shape.services), 10)
    terms = _terms(shape.services)
    if terms:
        wanted = normalise(terms)
        name = next((name for name, one in names.services.items() if one == wanted), None)
        if name is not None and name != text:
            return f"{text} ({name})"
    return text


def _services(services: Iterable[Service]) -> list[str]:
    """What is said of protocols alone of both families stands together."""
    texts = dict.fromkeys(_service(one) for one in services)
    others = [one for one in texts if one.startswith(ALL_BUT) and one.find("/") < 0 and one.find(" ", 8) < 0]
    if len(others) < 2:
        return list(texts)
    left = dict.fromkeys(name for one in others for name in one.removeprefix(ALL_BUT).split(","))
    return [f"{ALL_BUT}{','.join(left)}", *(one for one in texts if one not in others)]


def _service(service: Service) -> str:
    protocols = service.protocols
    if protocols is None:
        text = "any"
    else:
        numbers = [one for low, high in protocols.ranges for one in range(low, high + 1)]
        others = 256 - len(numbers)
        if others < len(numbers):
            left = [one for low, high in protocols.complement(0, 255).ranges for one in range(low, high + 1)]
            text = f"all but {_protocols(left)}"
        else:
            text = _protocols(numbers)
    if service.dports is not None:
        text = f"port {_ports(service.dports)}" if text == "any" else f"{text}/{_ports(service.dports)}"
    if service.types is not None:
        text += f"/{_types(service)}"
    if service.codes is not None:
        text += f" code {_numbers(service.codes, 255)}"
    if service.sports is not None:
        text += f" sport {_ports(service.sports)}"
    # Ports and types are in no later fragment anyway.
    if service.fragments is not None and (service.fragments or text.find("/") < 0):
        text += ", later fragments" if service.fragments else ", no later fragments"
    return text


def _protocols(numbers: list[int]) -> str:
    names = [PROTOCOL_NAMES.get(one, str(one)) for one in numbers]
    return ",".join(names) if len(names) <= 6 else f"{','.join(names[:5])} and {len(names) - 5} more"


def _types(service: Service) -> str:
    assert service.types is not None
    protocols = service.protocols
    known: dict[int, str] = {}
    for protocol in (ICMP, ICMPV6):
        if protocols == Intervals.single(protocol):
            known = {number: name for name, number in ICMP_TYPES[protocol].items()}
    others = service.types.complement(0, 255)
    if size(others) < size(service.types):
        return "all but " + _named(others, known)
    return _named(service.types, known)


def _named(values: Intervals, known: dict[int, str]) -> str:
    numbers = [one for low, high in values.ranges for one in range(low, high + 1)]
    if len(numbers) <= 10:
        return ",".join(known.get(one, str(one)) for one in numbers)
    return _numbers(values, 255)


def _ports(values: Intervals) -> str:
    return _numbers(values, 65535)


def _numbers(values: Intervals, highest: int) -> str:
    others = values.complement(0, highest)
    if others and len(others.ranges) < len(values.ranges):
        return f"all but {_ranges(others)}"
    return _ranges(values)


def _ranges(values: Intervals) -> str:
    parts = [str(low) if low == high else f"{low}-{high}" for low, high in values.ranges]
    return ",".join(parts) if len(parts) <= 8 else f"{','.join(parts[:7])} and {len(parts) - 7} more"


def _terms(services: Iterable[Service]) -> list[ServiceTerm]:
    """The services as terms, where each is one; else none."""
    found: list[ServiceTerm] = []
    for one in services:
        if (
            one.protocols is None
            or one.family is not None
            or size(one.protocols) > _MOST_TERMS
            or one.fragments is True
        ):
            return []
        for protocol in (number for low, high in one.protocols.ranges for number in range(low, high + 1)):
            if one.types is not None:
                if size(one.types) > _MOST_TERMS or one.codes is not None:
                    return []
                found += (IcmpTerm(protocol, kind) for low, high in one.types.ranges for kind in range(low, high + 1))
            elif protocol in PORT_PROTOCOLS or (one.sports is None and one.dports is None):
                found.append(PortTerm(protocol, one.sports, one.dports))
            else:
                return []
    return found


def ends_text(shape: Shape, names: Names) -> tuple[str, str]:
    """Sources and destinations; ``any`` where all are meant.

    What is said of addresses of one family leaves those of the other alone, so that the words for both stand together.
    """
    return _side(shape, "sources", names), _side(shape, "destinations", names)


def _side(shape: Shape, side: str, names: Names) -> str:
    found: list[str] = []
    for one in shape.ends:
        values: Values = getattr(one, side)
        found.append(ANY if values is None else addresses_text(values, one.family, names))
    texts = [one for one in dict.fromkeys(found) if one != ANY]
    if not texts:
        return ANY
    if all(one.startswith(ALL_BUT) for one in texts):
        return ALL_BUT + ", ".join(dict.fromkeys(one.removeprefix(ALL_BUT) for one in texts))
    return ", ".join(texts)


def states_text(shape: Shape, kind: Kind, *, tracked: bool) -> str:
    """Empty for the first packets of flows, which are what one thinks of; ``tracked``: rules ask for states at all."""
    states = shape.states
    if states is None:
        return "in any state" if tracked else ""
    # NAT's rules are asked for the first packets of expected flows too.
    usual = _FIRST | CtState.RELATED if kind is Kind.NAT else _FIRST
    if CtState.NEW in states and not states & ~usual:
        return ""
    return "state " + ", ".join(one.name.lower() for one in CtState if one in states and one.name)


def change_text(region: Region) -> str:
    """``drop -> accept``; for NAT and effects, what is done with accepted packets."""
    before, after = region.change.before, region.change.after
    match region.change.kind:
        case Kind.VERDICT:
            return f"{before} => {after}"
        case Kind.NAT:
            return f"nat: {before} => {after}"
        case _:
            return f"effects: {before} => {after}"


def headline(difference: Difference) -> str:
    """One sentence: how much differs, and in which direction."""
    if difference.same:
        return "no packet is treated differently" + _only(difference)
    if not difference.total:
        return "undecided: " + "; ".join(difference.undecided)
    count = f"{difference.total}" if difference.complete else f"at least {difference.total}"
    noun = "region" if difference.total == 1 else "regions"
    parts = [f"{count} {noun} of packets {'is' if difference.total == 1 else 'are'} treated differently"]
    shown = ", ".join(f"{number} {what}" for what, number in difference.tally if number)
    if shown:
        parts.append(shown)
    return ": ".join(parts) + _only(difference)


def _only(difference: Difference) -> str:
    if len(difference.families) == len(FAMILIES):
        return ""
    return f" (only {', '.join(FAMILY_WORDS[one] for one in difference.families)} is compared)"
