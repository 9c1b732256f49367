"""Puts probes onto hosts: which addresses are the host's own and where the others are follows from the probes.

Probes that cannot be sent to one host, because an address is the host's in one and behind a link in the other, come to
different ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from polc.ir.family import Family
from polc.ir.matches import AddressType
from polc.probing.model import Probe
from polc.probing.paths import Links
from polc.simulate.host import LOOPBACK, Host, Interface, InterfaceAddress, Route, Routing
from polc.simulate.packet import Packet

OWN = ""
"""In the place of an interface: the address is the host's."""

Address = tuple[Family, int]
_EVERYBODY, _CLASS_D, _LOOPBACK_NETWORK = 0xFFFFFFFF, 0xE, 127


@dataclass(slots=True)
class Ground:
    """A host in the making. ``where`` says of addresses behind which interface they are; ``at`` has the interfaces of
    the host's own ones.
    """

    links: Links
    where: dict[Address, str] = field(default_factory=dict)
    at: dict[Address, str] = field(default_factory=dict)
    probes: list[Probe] = field(default_factory=list)

    def takes(self, facts: dict[Address, str]) -> bool:
        return all(self.where.get(address, place) == place for address, place in facts.items())

    def add(self, probe: Probe, facts: dict[Address, str]) -> None:
        self.where.update(facts)
        for packet in probe.packets:
            for address in _owned(packet):
                self.at.setdefault(address, _link(packet, self.links))
        self.probes.append(probe)

    def host(self) -> Host:
        host = self.links.host
        own: dict[str, list[InterfaceAddress]] = {}
        routes = list(host.routes)
        routing = Routing(host)
        for (family, address), name in self.where.items():
            if name != OWN:
                hop = routing.lookup(family, address)
                if hop is None or hop.interface != name:
                    routes.append(Route(family, address, family.bits, name))
            elif routing.owner(family, address) == "":
                own.setdefault(self.at[family, address], []).append(InterfaceAddress(family, address, family.bits))
        interfaces = tuple(
            Interface(one.name, (*one.addresses, *own.get(one.name, ())), one.group, one.mtu, one.mac)
            for one in host.interfaces
        )
        return replace(host, interfaces=interfaces, routes=tuple(routes), described=True)


def grounds(probes: Iterable[tuple[Probe, dict[Address, str]]], links: Links, most: int) -> list[Ground]:
    """Each probe on the first host that takes it, at most ``most`` hosts; those that none takes are left out."""
    made: list[Ground] = []
    for probe, facts in probes:
        ground = next((one for one in made if one.takes(facts)), None)
        if ground is None:
            if len(made) == most:
                continue
            ground = Ground(links)
            made.append(ground)
        ground.add(probe, facts)
    return made


def _link(packet: Packet, links: Links) -> str:
    name = packet.iif or packet.oif
    return links.names[0] if name == LOOPBACK else name


def facts_of(packets: Sequence[Packet], leaves: Packet | None, links: Links) -> dict[Address, str] | None:
    """What the packets, and the last one as it ``leaves``, ask of a host; None: they contradict each other, or what is
    known of the host.
    """
    found: dict[Address, str] = {}
    routing = Routing(links.host)
    for packet in packets:
        # Nothing is forwarded by the loopback interface, and there comes in only what the host sends.
        if not {packet.iif, packet.oif} <= {"", *links.names, *(() if packet.iif else (LOOPBACK,))}:
            return None
        for address, place in _asked(packet):
            if found.setdefault(address, place) != place:
                return None
    if leaves is not None and leaves.oif and leaves.oif != LOOPBACK and is_unicast(leaves.family, leaves.daddr):
        address = (leaves.family, leaves.daddr)
        if found.setdefault(address, leaves.oif) != leaves.oif:
            return None
    for (family, number), place in list(found.items()):
        known = routing.owner(family, number) != ""
        if known:
            if place != OWN:
                return None
            del found[family, number]
        elif links.host.described:
            hop = routing.lookup(family, number)
            led = (AddressType.UNICAST, AddressType.BROADCAST)
            if hop is None or place == OWN or (hop.type in led and hop.interface != place):
                return None
            del found[family, number]
    return found


def _asked(packet: Packet) -> Iterator[tuple[Address, str]]:
    family = packet.family
    source, destination = (family, packet.saddr), (family, packet.daddr)
    if packet.iif:
        if is_unicast(family, packet.saddr) and not _is_invented(source):
            yield source, packet.iif
        if is_unicast(family, packet.daddr):
            yield destination, packet.oif or OWN
    else:
        if packet.oif != LOOPBACK and (packet.daddr >> 24 == 127 if family is Family.IP else packet.daddr == 1):
            # It never leaves the host: of no host is this true.
            yield destination, packet.oif
            yield destination, OWN
        if is_unicast(family, packet.saddr):
            yield source, OWN
        if is_unicast(family, packet.daddr):
            yield destination, OWN if packet.oif == LOOPBACK else packet.oif


def _owned(packet: Packet) -> Iterator[Address]:
    return (address for address, place in _asked(packet) if place == OWN)


def _is_invented(address: Address) -> bool:
    """Whether it is known behind which interface it is, whoever sends with it (see ``Host.assumed``)."""
    family, number = address
    return number >> 17 == 0xC612 >> 1 if family is Family.IP else number >> 80 == 0x20010002_0000


def is_unicast(family: Family, address: int) -> bool:
    """Whether a host or a link can have the address: no loopback or multicast one, nor that of all or of nobody. Linux
    takes 0.0.0.1 and 240.0.0.1 for one as any other (include/linux/in.h, ipv4_is_zeronet since 5.3).
    """
    if family is Family.IP:
        return 0 < address < _EVERYBODY and address >> 28 != _CLASS_D and address >> 24 != _LOOPBACK_NETWORK
    return address > 1 and address >> 120 != 0xFF
