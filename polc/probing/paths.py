"""How packets come to a hook, and what they are like before anything is asked of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from polc.ir.family import FAMILIES, Family
from polc.ir.matches import ElementMatch, InterfaceMatch, InterfacePattern
from polc.ir.protocols import TCP
from polc.ir.ruleset import BaseChain, Hook, Rule, Ruleset
from polc.ir.selectors import Element
from polc.ir.statements import MapMark
from polc.ir.verdicts import NatMap, VerdictMap
from polc.probing.fit import FIRST_PORT, name_in
from polc.probing.linked import dressed
from polc.simulate.host import LOOPBACK, Host, Route
from polc.simulate.packet import SYN, Packet

SPARE = ("polc0", "polc1")
"""Interfaces that no rule names."""

_LONGEST_NAME = 15
_PORTS = 20000


class Path(Enum):
    """INPUT: from a link to the host; FORWARD: through it; OUTPUT: from it to a link; LOOP: from it to itself."""

    INPUT = "input"
    FORWARD = "forward"
    OUTPUT = "output"
    LOOP = "loop"


PATHS: dict[Hook, tuple[Path, ...]] = {
    Hook.INGRESS: (Path.INPUT, Path.FORWARD),
    Hook.PREROUTING: (Path.INPUT, Path.FORWARD, Path.LOOP),
    Hook.INPUT: (Path.INPUT, Path.LOOP),
    Hook.FORWARD: (Path.FORWARD,),
    Hook.OUTPUT: (Path.OUTPUT, Path.LOOP),
    Hook.POSTROUTING: (Path.FORWARD, Path.OUTPUT, Path.LOOP),
    Hook.EGRESS: (Path.FORWARD, Path.OUTPUT),
}
"""The paths that lead to a hook, the usual one first."""


@dataclass(frozen=True, slots=True)
class Links:
    """The interfaces that packets of probes use, ``lo`` not among them."""

    names: tuple[str, ...]
    host: Host

    def packet(self, path: Path, family: Family, serial: int, iif: str = "", oif: str = "") -> Packet:
        """A TCP SYN on its path, one of its own for each ``serial``: by the first interface in, by the last one out,
        unless others are named.
        """
        into, out = iif or self.names[0], oif or self.names[-1]
        if path is Path.FORWARD and into == out and not (iif and oif):
            other = next((one for one in self.names if one != into), into)
            into, out = (into, other) if iif or not oif else (other, out)
        sport = FIRST_PORT + serial % _PORTS
        packet = Packet(family, TCP, 0, 0, sport, 9, flags=SYN)
        match path:
            case Path.INPUT:
                return replace(packet, saddr=self.far(into, family, serial), daddr=self.own(into, family), iif=into)
            case Path.FORWARD:
                saddr, daddr = self.far(into, family, serial), self.far(out, family, serial + 1)
                return replace(packet, saddr=saddr, daddr=daddr, iif=into, oif=out)
            case Path.OUTPUT:
                return replace(packet, saddr=self.own(out, family), daddr=self.far(out, family, serial), oif=out)
            case Path.LOOP:
                own = 0x7F000001 if family is Family.IP else 1
                return replace(packet, saddr=own, daddr=own, oif=LOOPBACK)

    def own(self, name: str, family: Family) -> int:
        """The host's own address on an interface."""
        interface = self.host.interface(name)
        found = None if interface is None else interface.address(family)
        return 0 if found is None else found

    def far(self, name: str, family: Family, serial: int) -> int:
        """One of the addresses behind an interface."""
        own = self.own(name, family)
        return own - own % 256 + 2 + (own + serial) % 250

    def others(self, name: str) -> Iterator[str]:
        """Other interfaces: the spare ones first."""
        yield from (one for one in SPARE if one != name and one in self.names)
        yield from (one for one in self.names if one != name and one not in SPARE)


def links_of(rulesets: Sequence[Ruleset], host: Host | None = None) -> Links:
    """The interfaces that rules name, and spare ones, on a host with invented addresses; or those of a host that
    somebody has described.
    """
    if host is not None and host.described:
        return Links(tuple(one.name for one in host.interfaces if one.name != LOOPBACK), host)
    names: dict[str, None] = {}
    for ruleset in rulesets:
        for chain in ruleset.chains:
            if isinstance(chain, BaseChain):
                names.update(dict.fromkeys(chain.devices))
            for rule in chain.rules:
                for one in _patterns(rule):
                    names[name_in(one)] = None
    real = [one for one in names if is_name(one) and one not in SPARE]
    made = tuple(dict.fromkeys((*real, *SPARE)))
    routes = tuple(Route(family, 0, 0, made[-1]) for family in FAMILIES)
    # What no packet shows is behind the last interface.
    return Links(made, dressed(replace(Host.assumed(made), routes=routes), rulesets))


def _patterns(rule: Rule) -> Iterator[InterfacePattern]:
    """The interfaces that a rule asks for, or looks up."""
    for match in rule.matches:
        if isinstance(match, InterfaceMatch):
            yield from match.patterns
    elements: list[Element] = [
        one for match in rule.matches if isinstance(match, ElementMatch) for one in match.elements
    ]
    for one in (rule.verdict, *rule.statements):
        if isinstance(one, VerdictMap | NatMap | MapMark):
            elements += [element for element, _ in one.elements]
    yield from (value for element in elements for value in element if isinstance(value, InterfacePattern))


def is_name(name: str) -> bool:
    """Whether an interface beside ``lo`` can be called so (net/core/dev.c, dev_valid_name)."""
    return (
        0 < len(name.encode()) <= _LONGEST_NAME
        and name not in (".", "..", "all", "default", LOOPBACK)
        and not any(one in "/:" or one.isspace() for one in name)
    )
