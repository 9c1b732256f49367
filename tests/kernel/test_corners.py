"""Packets of every kind of address to every other, of every protocol, type and flag: simulator and kernel agree on what
becomes of each, also with rules that answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from random import Random

import pytest

from polc.compiler import emit, read
from polc.ir.addresses import is_link_local, parse_address
from polc.ir.family import Family
from polc.ir.matches import AddressType
from polc.ir.protocols import ICMP, ICMPV6, SCTP, TCP, UDP
from polc.kernel.loaders import IptablesLoader, Loader, NftLoader
from polc.probing.certify import certified
from polc.probing.model import Plan, Probe, Scene
from polc.simulate.engine import Simulator
from polc.simulate.host import LOOPBACK, Host, Routing
from polc.simulate.host_text import read_host
from polc.simulate.packet import ACK, FIN, PSH, RST, SYN, Packet
from polc.source import SourceFile

KERNEL = pytest.mark.kernel("nft", "conntrack")

INTERFACES = {
    "eth0": {"addresses": ["198.18.1.1/24", "2001:2:0:1::1/64", "fe80::1/64"]},
    "eth1": {"addresses": ["198.18.2.1/24", "2001:2:0:2::1/64", "fe80::5/64"]},
}
ROUTES = [
    {"to": "0.0.0.0/0", "interface": "eth1"},
    {"to": "::/0", "interface": "eth1"},
    {"to": "198.18.9.0/24", "type": "unreachable"},
    {"to": "3fff::/20", "type": "prohibit"},
    {"to": "100::/64", "type": "blackhole"},
]

ADDRESSES = {
    Family.IP: (
        "0.0.0.0 0.1.2.3 127.0.0.0 127.0.0.1 127.0.0.2 127.255.255.255 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 "
        "255.255.255.254 169.254.1.1 198.18.1.0 198.18.1.1 198.18.1.7 198.18.1.255 198.18.2.0 198.18.2.1 198.18.2.7 "
        "198.18.2.255 198.18.9.9 10.9.9.9"
    ),
    Family.IP6: (
        ":: ::1 ::2 ::1.2.3.4 ::ffff:1.2.3.4 ::ffff:198.18.1.1 fe80:: fe80::1 fe80::5 fe80::9 febf::1 fec0::1 fc00::1 "
        "ff00::1 ff01::1 ff02::1 ff02::2 ff05::1 ff0e::1 ff12::5 ff02::1:ff00:1 2001:2:0:1:: 2001:2:0:1::1 "
        "2001:2:0:1::7 2001:2:0:2:: 2001:2:0:2::1 2001:2:0:2::7 2001:db8::9 2001::5 2002:102:304::1 64:ff9b::1 3fff::1 "
        "200::1 100::1"
    ),
}

RULES = {
    "accept": "accept state new",
    "reject": "reject state new",
    "reset": "reject with tcp-reset tcp",
}
STATES = """\
reject with admin-prohibited state new
reject with no-route state invalid
reject state related
""".splitlines()


def host(rp_filter: int = 0) -> Host:
    tree = {"interfaces": INTERFACES, "routes": ROUTES, "forwarding": True, "rp_filter": rp_filter}
    return read_host(SourceFile("host", json.dumps(tree)))


def policy(directory: Path, *rules: str) -> Path:
    """The same rules for what comes in and what goes through."""
    path = directory / "policy.yaml"
    chain = f"{{default: accept, rules: [{', '.join(rules)}]}}"
    path.write_text(f"polc: 1\ninput: {chain}\nforward: {chain}\n")
    return path


def wrong(path: Path, packets: list[Packet], on: Host, loader: Loader) -> list[str]:
    """What the kernel does otherwise than the simulator, in words."""
    ruleset = read(str(path))
    probes = tuple(Probe(("input", 1), (packet,), False, "corner") for packet in packets)
    made = Plan((Scene(on, probes),), (), frozenset(), (), ())
    found = certified(made, (ruleset,), loader, emit(ruleset, loader.target))
    assert not found.problems
    assert found.packets == len(packets) > 0
    return [f"{one.played.packet}: {one.played.expected}, seen {one.played.seen}" for one in found.disagreements]


def between(family: Family, protocol: int, iif: str) -> Iterator[Packet]:
    """From each address to each."""
    numbers = [parse_address(one)[1] for one in ADDRESSES[family].split()]
    for port, (source, destination) in enumerate(product(numbers, repeat=2), 20_000):
        flags = SYN if protocol == TCP else 0
        yield Packet(family, protocol, source, destination, port, 9, iif=iif, flags=flags)


@KERNEL
@pytest.mark.parametrize("family", Family, ids=lambda family: family.value)
@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("iif", INTERFACES)
def test_addresses(iif: str, name: str, family: Family, tmp_path: Path) -> None:
    packets = list(between(family, TCP if name == "reset" else UDP, iif))
    assert wrong(policy(tmp_path, RULES[name]), packets, host(), NftLoader()) == []


OWN = {
    Family.IP: "127.0.0.1 198.18.1.1 198.18.2.1",
    Family.IP6: "::1 fe80::1 fe80::5 2001:2:0:1::1 2001:2:0:2::1",
}


def sent(family: Family, protocol: int) -> Iterator[Packet]:
    """From each address of the host to each, by the interface to which routing leads; but for what means other things
    to who sends (0.0.0.0 and ``::`` are the host itself), and groups of an interface, which come back.
    """
    routing = Routing(host())
    port = 20_000
    for one, other, oif in product(OWN[family].split(), ADDRESSES[family].split(), ("eth0", "eth1", LOOPBACK)):
        source, destination = parse_address(one)[1], parse_address(other)[1]
        of_link = family is Family.IP6 and is_link_local(source)
        hop = routing.lookup(family, destination, oif)
        if hop is None or other in ("0.0.0.0", "::", "ff01::1"):
            continue
        if of_link and oif not in (LOOPBACK, routing.owner(family, source)):
            continue
        everywhere = oif != LOOPBACK and hop.type in (AddressType.MULTICAST, AddressType.BROADCAST)
        if hop.interface == oif or (everywhere and not hop.interface):
            port += 1
            flags = SYN if protocol == TCP else 0
            yield Packet(family, protocol, source, destination, port, 9, oif=oif, flags=flags)


@KERNEL
@pytest.mark.parametrize("family", Family, ids=lambda family: family.value)
@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("place", ["input", "output"])
def test_addresses_of_its_own(place: str, name: str, family: Family, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(f"polc: 1\n{place}: {{default: accept, rules: [{RULES[name]}]}}\n")
    packets = list(sent(family, TCP if name == "reset" else UDP))
    assert wrong(path, packets, host(), NftLoader()) == []


@KERNEL
@pytest.mark.parametrize("rp_filter", [1, 2])
def test_addresses_with_rp_filter(rp_filter: int, tmp_path: Path) -> None:
    packets = [*between(Family.IP, UDP, "eth0"), *between(Family.IP, UDP, "eth1")]
    assert wrong(policy(tmp_path), packets, host(rp_filter), NftLoader()) == []


_WITH_PORTS = {TCP, UDP, 33, SCTP, 136}
_WITH_HEADERS = {
    Family.IP: _WITH_PORTS,
    Family.IP6: {*_WITH_PORTS, 0, 43, 44, 50, 51, 59, 60, 135, 139, 140},
}
"""Protocols that need more than a number, or that to IPv6 are headers on the way."""


def protocols(family: Family) -> Iterator[dict[str, object]]:
    """All kinds of packets but for their addresses."""
    for protocol in range(256):
        if protocol not in _WITH_HEADERS[family]:
            yield {"protocol": protocol}
            yield {"protocol": protocol, "payload": b"1234"}
    for protocol, type_, code in product((ICMP, ICMPV6), range(256), (0, 1, 255)):
        yield {"protocol": protocol, "type": type_, "code": code, "id": 7}
    for flags in range(256):
        yield {"protocol": TCP, "flags": flags}
    for chunk, tag in product((*range(16), 64, 128, 192, 255), (None, 0, 5)):
        yield {"protocol": SCTP, "chunks": (chunk,), "vtag": tag}
        yield {"protocol": SCTP, "chunks": (chunk, 0), "vtag": tag}
    for kind in range(16):
        yield {"protocol": 33, "dccp_type": kind}
    for protocol, hops in product((UDP, TCP, 136), (0, 1, 2, 255)):
        yield {"protocol": protocol, "ttl": hops}
    for protocol in (TCP, UDP, 33, 47, 132, 136):
        yield {"protocol": protocol, "bad_checksum": True}
        yield {"protocol": protocol, "fragment": True}


@KERNEL
@pytest.mark.parametrize("family", Family, ids=lambda family: family.value)
def test_protocols(family: Family, tmp_path: Path) -> None:
    near = "10.0.0.7 198.18.1.1 198.18.2.7" if family is Family.IP else "2001:2:0:1::7 2001:2:0:1::1 2001:2:0:2::7"
    source, own, other = (parse_address(one)[1] for one in near.split())
    packets = []
    for (number, fields), destination in product(enumerate(protocols(family)), (own, other)):
        if fields["protocol"] in _WITH_PORTS:
            fields = {**fields, "sport": 1000 + number, "dport": 9}
        # Each from a source of its own, since most have no ports to tell flows apart.
        away = number << 32 if family is Family.IP6 else number
        packets.append(Packet(family, saddr=source + away, daddr=destination, iif="eth0", **fields))  # type: ignore[arg-type]
    assert wrong(policy(tmp_path, *STATES), packets, host(), NftLoader()) == []


TABLES = [
    *("rpfilter passes", "rpfilter fails", "rpfilter loose passes"),
    *(f"fib {side} type {kind}" for side in ("saddr", "daddr") for kind in ("local", "anycast", "multicast")),
    *(f"fib {side} type blackhole, unreachable, prohibit" for side in ("saddr", "daddr")),
]


@pytest.mark.kernel("nft", "iptables-nft")
@pytest.mark.parametrize("family", Family, ids=lambda family: family.value)
@pytest.mark.parametrize("words", TABLES)
@pytest.mark.parametrize("loader", [NftLoader(), IptablesLoader("nft")], ids=lambda loader: loader.name)
def test_routing_tables(loader: Loader, words: str, family: Family, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(f'polc: 1\nraw: {{prerouting: ["drop where {words}"]}}\n')
    packets = list(between(family, UDP, "eth0"))
    assert wrong(path, packets, host(), loader) == []


TRANSLATIONS = {
    Family.IP: ("dnat udp -> 198.18.2.7", "dnat udp -> 127.0.0.1", "snat udp -> 198.18.2.200"),
    Family.IP6: ("dnat udp -> 2001:2:0:2::7", "dnat udp -> ::1", "dnat udp -> fe80::5", "snat udp -> 2001:2:0:2::99"),
}


@pytest.mark.kernel("nft", "nat")
@pytest.mark.parametrize(
    ("family", "words"),
    [(family, words) for family in Family for words in ("redirect udp -> :77", "masquerade", *TRANSLATIONS[family])],
)
def test_translations(family: Family, words: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(f'polc: 1\nnat: ["{words}"]\ninput: {{default: accept}}\n')
    packets = [*between(family, UDP, "eth0"), *between(family, UDP, "eth1")]
    packets = [replace(one, sport=20_000 + number) for number, one in enumerate(packets)]
    assert wrong(path, packets, host(), NftLoader()) == []


ERRORS = {
    Family.IP: ((3, 0), (3, 3), (3, 4), (4, 0), (5, 1), (11, 0), (12, 0)),
    Family.IP6: ((1, 0), (1, 4), (2, 0), (3, 0), (4, 0), (137, 0)),
}
NAT = {
    "nothing": "",
    "dnat": {Family.IP: "dnat -> 198.18.2.50", Family.IP6: "dnat -> 2001:2:0:2::50"},
    "masquerade": "masquerade",
    "snat": {Family.IP: "snat -> 198.18.2.60", Family.IP6: "snat -> 2001:2:0:2::60"},
    "redirect": "redirect udp -> :77",
}


def errors(family: Family, on: Simulator) -> Iterator[tuple[Packet, Packet, Packet]]:
    """The first packet of a flow, an error from the way about what became of it, and one about its answer."""
    near = "10.0.0.7 198.18.1.1 198.18.2.7 198.18.2.99"
    if family is Family.IP6:
        near = "2001:2:0:1::7 2001:2:0:1::1 2001:2:0:2::7 2001:2:0:2::99"
    source, own, other, router = (parse_address(one)[1] for one in near.split())
    icmp, asks, answers = (ICMP, 8, 0) if family is Family.IP else (ICMPV6, 128, 129)
    protocols = (TCP, UDP, icmp, SCTP, 33, 47, 89, 136)
    for number, (protocol, to, error) in enumerate(product(protocols, (own, other), ERRORS[family]), 1):
        ports = (20_000 + number, 9) if protocol in _WITH_PORTS else (None, None)
        chunks = (1,) if protocol == SCTP else None
        first = Packet(
            family, protocol, source + number, to, *ports, iif="eth0", flags=SYN if protocol == TCP else 0,
            type=asks if protocol == icmp else 0, id=number if protocol == icmp else 0, chunks=chunks,
        )  # fmt: skip
        became = on.send(first).leaves or first
        about = replace(became, iif="", oif="", mark=0)
        come_back = Packet(
            family, icmp, router, became.saddr, type=error[0], code=error[1], quoted=about,
            iif="eth1" if became.oif == "eth1" else "eth0",
        )  # fmt: skip
        answer = Packet(
            family, protocol, to, first.saddr, ports[1], ports[0], type=answers if protocol == icmp else 0, id=first.id,
            chunks=chunks,
        )  # fmt: skip
        yield first, come_back, replace(come_back, saddr=first.saddr, daddr=to, quoted=answer, iif="eth0")


@pytest.mark.kernel("nft", "conntrack", "nat")
@pytest.mark.parametrize("family", Family, ids=lambda family: family.value)
@pytest.mark.parametrize("name", NAT)
def test_errors_about_flows(name: str, family: Family, tmp_path: Path) -> None:
    words = NAT[name]
    rule = words if isinstance(words, str) else words[family]
    path = policy(tmp_path, "drop state invalid")
    path.write_text(path.read_text() + (f'nat: ["{rule}"]\n' if rule else ""))
    simulator = Simulator((read(str(path)),), host())
    packets = [packet for some in errors(family, simulator) for packet in some]
    assert wrong(path, packets, host(), NftLoader()) == []


CONVERSATIONS: dict[int, tuple[int, ...]] = {
    TCP: (SYN, SYN | ACK, ACK, FIN | ACK, RST, RST | ACK, PSH | ACK),
    SCTP: (*range(12), 14),
    33: tuple(range(10)),
}
"""Flags of TCP, chunks of SCTP (RFC 9260, 3.2), types of DCCP."""
STATE_OF = """\
dscp set 1 state new
dscp set 2 state established
dscp set 3 state related
dscp set 4 state invalid
""".splitlines()


def said(protocol: int, word: int) -> dict[str, object]:
    match protocol:
        case 132:
            return {"chunks": (word,), "vtag": 0 if word == 1 else 1}
        case 33:
            return {"dccp_type": word}
        case _:
            return {"flags": word}


@pytest.mark.kernel("nft", "conntrack")
@pytest.mark.parametrize("protocol", CONVERSATIONS)
def test_conversations(protocol: int, tmp_path: Path) -> None:
    """What conntrack makes of the second and third thing that two hosts say: all pairs, and some of three."""
    path = tmp_path / "policy.yaml"
    rules = "".join(f"    - {one}\n" for one in STATE_OF)
    path.write_text(f"polc: 1\nmangle:\n  forward:\n{rules}")
    first, second = (parse_address(one)[1] for one in ("198.18.1.7", "198.18.2.7"))
    words = list(product((False, True), CONVERSATIONS[protocol]))
    spoken: list[tuple[tuple[bool, int], ...]] = [*product(words, repeat=2)]
    spoken += Random(1).sample([*product(words, repeat=3)], 700)
    packets = []
    for port, talk in enumerate(spoken, 1024):
        for back, word in talk:
            ends = (second, first, 9, port) if back else (first, second, port, 9)
            iif = "eth1" if back else "eth0"
            packets.append(Packet(Family.IP, protocol, *ends, iif=iif, **said(protocol, word)))  # type: ignore[arg-type]
    assert wrong(path, packets, host(), NftLoader()) == []
