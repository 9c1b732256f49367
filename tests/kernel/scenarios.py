"""Random scenarios: flows through a gateway, in step and out of step, for whoever judges what becomes of each packet.

``group(seed)`` gives a policy and several scenarios, which concern different hosts, so that they can be played one
after the other on one gateway. The packets are about the borders of what conntrack knows: answers before questions,
ends that go on after a reset, errors about packets that there never were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

HOST = "eth0 203.0.113.1/24 2001:db8:113::1/64, eth1 192.0.2.1/24 2001:db8:2::1/64, 0.0.0.0/0 via eth0, ::/0 via eth0"
HEAD = "polc: 1\nzones: {wan: eth0, lan: eth1}\nservices: {ftp: {ports: tcp/21, helper: ftp}}\n"
POLICIES = (
    """
input: {default: drop, rules: [use stateful, accept tcp/22 state new, accept udp/53, reject tcp]}
forward: {default: drop, rules: [use stateful, accept from lan to wan]}
""",
    """
input:
  default: drop
  rules: [accept state established, accept tcp/22 state new, reject with tcp-reset tcp, reject udp]
forward: {default: drop, rules: [accept state established, accept from lan to wan state new]}
nat: [masquerade from lan to wan]
""",
    """
input: {default: accept, rules: [drop state invalid, drop state related]}
forward: {default: accept, rules: [drop state invalid]}
nat: ['dnat tcp/80 from wan to 203.0.113.1 -> 192.0.2.80:8080', 'dnat udp/53 from wan to 203.0.113.1 -> 192.0.2.53']
""",
    """
raw: {prerouting: [notrack udp/53, notrack tcp/23]}
input:
  default: drop
  rules: [accept state untracked, accept state established, accept tcp/22, accept icmp, accept icmpv6]
forward:
  default: drop
  rules: [accept state established, 'accept from wan to lan where ct status seen-reply', accept from lan]
""",
    """
input: {default: drop, rules: [use stateful, accept ftp state new, accept tcp/22 limit 1/hour burst 3]}
forward:
  default: drop
  rules: [use stateful, accept ftp state new, 'accept tcp/22 state new limit 1/hour burst 2 per source', accept udp]
""",
    """
input:
  default: drop
  rules: ['drop udp where ct status assured', accept udp, 'accept tcp where ct direction reply', accept tcp/22]
output: {default: accept, rules: ['drop where ct status assured', drop state invalid]}
forward: {default: accept, rules: [accept tcp/443, 'drop state new over 1/hour burst 4 per source']}
nat: [masquerade from lan to wan, 'redirect tcp/8022 from wan -> :22']
""",
)
TCP = (
    "syn", "syn,ack", "ack", "ack", "psh,ack", "fin,ack", "rst", "rst,ack", "fin", "none", "syn,fin", "fin,psh,urg",
    "syn,rst",
)  # fmt: skip


@dataclass(frozen=True)
class Scenario:
    name: str
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Way:
    """Who talks to whom: the words of a packet, for a protocol and ports, there and what the far end would say."""

    there: Callable[[str, str, str], str]
    six: bool


def ways(number: int) -> tuple[Way, ...]:
    """From the world and from the network, to the gateway, through it, and from it; for the ``number``th scenario."""

    def way(source: str, destination: str, place: str, *, six: bool = False) -> Way:
        def words(protocol: str, sport: str, dport: str) -> str:
            return f"{protocol} {source.format(sport)} -> {destination.format(dport)} {place}"

        return Way(words, six)

    world, inside = f"198.51.100.{number + 10}{{}}", f"192.0.2.{number + 10}{{}}"
    world6, inside6 = f"[2001:db8:9::{number + 10:x}]{{}}", f"[2001:db8:2::{number + 10:x}]{{}}"
    return (
        way(world, "203.0.113.1{}", "in eth0"),
        way(inside, "192.0.2.1{}", "in eth1"),
        way(inside, world, "in eth1 out eth0"),
        way(world, inside, "in eth0 out eth1"),
        way("203.0.113.1{}", world, "out eth0"),
        way(world6, "[2001:db8:113::1]{}", "in eth0", six=True),
        way(inside6, world6, "in eth1 out eth0", six=True),
    )


def group(seed: int, count: int = 10) -> tuple[str, list[Scenario]]:
    """A policy, and ``count`` scenarios of 5 to 12 packets each."""
    chance = Random(seed)
    policy = HEAD + chance.choice(POLICIES).lstrip()
    return policy, [scenario(Random(f"{seed}/{number}"), number) for number in range(count)]


def scenario(chance: Random, number: int) -> Scenario:
    way = chance.choice(ways(number))
    kind = chance.choice((tcp, tcp, tcp, udp, udp, icmp))
    steps = list(kind(chance, way))
    while len(list(_answerable(steps))) < 5:
        steps += kind(chance, way)
    return Scenario(f"{kind.__name__} {number}", tuple(_answerable(steps))[:12])


def _answerable(steps: list[str]) -> Iterator[str]:
    """Without answers to ICMP packets that nothing answers."""
    before = ""
    for step in steps:
        # Of ICMP only the packet of an echo is answered, and once.
        silent = "icmp" in before and not ("echo-request" in before and "about" not in before)
        if not (step.startswith("reply") and (silent or not before)):
            yield step
            before = "icmp" if step == "reply" and "icmp" in before else step


def tcp(chance: Random, way: Way) -> Iterator[str]:
    port = chance.choice(("22", "80", "8022", "21", "23", "443"))
    there = way.there("tcp", f":{chance.randint(30000, 60000)}", f":{port}")
    if chance.random() < 0.7:
        yield f"{there} flags syn"
        if chance.random() < 0.8:
            yield "reply"
        if chance.random() < 0.8:
            yield f"{there} flags ack"
    for _ in range(chance.randint(3, 7)):
        match chance.randint(0, 5):
            case 0 | 1:
                yield f"{there} flags {chance.choice(TCP)}"
            case 2 | 3:
                yield f"reply flags {chance.choice(TCP)}"
            case 4:
                yield f'{there} flags psh,ack payload "hello\\r\\n"'
            case _:
                yield error(chance, way)


def udp(chance: Random, way: Way) -> Iterator[str]:
    there = way.there("udp", f":{chance.randint(30000, 60000)}", f":{chance.choice(('53', '123', '5000'))}")
    yield there
    for _ in range(chance.randint(4, 7)):
        yield chance.choice((there, there, "reply", "reply", "reply", error(chance, way)))


def icmp(chance: Random, way: Way) -> Iterator[str]:
    name = "icmpv6" if way.six else "icmp"
    there = way.there(f"{name}/echo-request", "", "") + f" id {chance.randint(1, 9)}"
    yield there
    for _ in range(chance.randint(4, 6)):
        strange = way.there(f"{name}/echo-reply", "", "") + f" id {chance.randint(1, 9)}"
        yield chance.choice((there, "reply", strange, there))


def error(chance: Random, way: Way) -> str:
    """An ICMP error about the packet before, or, more rarely, one about a packet that there never was."""
    name, kinds = ("icmpv6", ("1/4", "3/0")) if way.six else ("icmp", ("3/3", "3/1", "11/0"))
    if chance.random() < 0.8:
        return f"reply {name}/{chance.choice(kinds)}"
    never = way.there("udp", ":1111", ":2222").partition(" in ")[0].partition(" out ")[0]
    return way.there(f"{name}/{chance.choice(kinds)}", "", "") + f" about {never}"
