"""A walk of one packet through rules of the IR, and what happens on the way: the meaning that rewrites must keep.

Small and slow on purpose. What matches with a memory answer is drawn beforehand: the n-th to be asked gets
the n-th answer, so that two forms of a ruleset agree only if they ask the same ones in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random

from hypothesis import strategies as st
from strategies import BASES, NAMES

from polc.ir.family import BOTH, FAMILIES, Family
from polc.ir.matches import (
    AddressMatch,
    CtState,
    CtStateMatch,
    Direction,
    ElementMatch,
    Field,
    FieldMatch,
    IcmpTerm,
    InterfaceMatch,
    InterfacePattern,
    Match,
    PortTerm,
    ServiceMatch,
    ServiceTerm,
    SetMatch,
    Side,
)
from polc.ir.protocols import ICMP, ICMPV6, PORT_PROTOCOLS, TCP, UDP
from polc.ir.ruleset import BaseChain, Hook, RegularChain, Rule
from polc.ir.selectors import Conntrack, Element, KeyValue, Selector, Transport
from polc.ir.stateful import Hits, Limit
from polc.ir.statements import Counter, Log, MapMark, UpdateSet
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Nat, Reject, Return, VerdictMap


@dataclass(frozen=True, slots=True)
class Packet:
    """``low`` and ``high`` are source and destination port, or ICMP type and code; an absent interface is ""."""

    family: Family
    iif: str
    oif: str
    saddr: int
    daddr: int
    protocol: int
    low: int
    high: int
    state: CtState
    ttl: int


@dataclass(slots=True)
class Memory:
    """Answers of stateful matches, the members of dynamic sets by name, and the events so far."""

    answers: tuple[bool, ...]
    members: dict[str, set[int]] = field(default_factory=dict)
    events: list[tuple[str, str]] = field(default_factory=list)
    asked: int = 0

    def ask(self, kind: str, name: str) -> bool:
        self.events.append((kind, name))
        self.asked += 1
        return self.answers[(self.asked - 1) % len(self.answers)]

    def ban(self, name: str, address: int) -> None:
        self.events.append(("ban", name))
        self.members.setdefault(name, set()).add(address)


def traffic(hook: Hook, seed: int, number: int = 100) -> list[Packet]:
    """Packets about the values that ``strategies`` draws rules of. From a seed: hypothesis would take far longer."""
    chance = Random(seed)
    return [_packet(hook, chance) for _ in range(number)]


def _packet(hook: Hook, chance: Random) -> Packet:
    family = chance.choice(FAMILIES)
    top = (1 << family.bits) - 1

    def address() -> int:
        return BASES[family] + chance.randint(-1, 42) if chance.random() < 0.8 else chance.randint(0, top)

    icmp = ICMP if family is Family.IP else ICMPV6
    protocol = chance.choice((TCP, TCP, UDP, icmp, icmp, 47, 50, 89))
    low, high = 0, 0
    if protocol in (TCP, UDP):
        low, high = chance.randint(19, 31), chance.randint(19, 31)
    elif protocol == icmp:
        low, high = chance.choice((0, 1, 2, 3, 8, 11, 128, 129, 135)), chance.randint(0, 5)
    names = (*NAMES, "ppp0")
    return Packet(
        family,
        "" if hook is Hook.OUTPUT else chance.choice(names),
        "" if hook in (Hook.INPUT, Hook.PREROUTING) else chance.choice(names),
        address(),
        address(),
        protocol,
        low,
        high,
        chance.choice(list(CtState)),
        chance.choice((1, 64, 254, 255, chance.randint(0, 255))),
    )


SEEDS = st.integers(0, 2**32)


def run(base: BaseChain, chains: Mapping[str, RegularChain], packet: Packet, memory: Memory) -> str:
    """The verdict on a packet: ``accept``, ``drop``, ``reject``."""
    found = _chain(base.rules, chains, packet, memory)
    if found in ("", "return"):
        return "accept" if isinstance(base.policy, Accept) else "drop"
    return found


def _chain(rules: Iterable[Rule], chains: Mapping[str, RegularChain], packet: Packet, memory: Memory) -> str:
    for rule in rules:
        # As in nft, an answer of one family makes the whole rule one for its packets.
        families = rule.families & (rule.verdict.type.families if isinstance(rule.verdict, Reject) else BOTH)
        if packet.family not in families or not all(holds(one, packet, memory) for one in rule.matches):
            continue
        broken_off = False
        for statement in rule.statements:
            match statement:
                case Log(prefix):
                    memory.events.append(("log", prefix))
                case MapMark(_, key, elements):
                    found = [value for element, value in elements if _in(element, key, packet)]
                    broken_off = not found
                    memory.events += [("mark", str(value)) for value in found]
                case UpdateSet((Side() as side,), name):
                    memory.ban(name, address_of(packet, side))
                case Counter():
                    memory.events.append(("count", ""))
            if broken_off:
                break
        if broken_off:
            continue
        verdict = rule.verdict
        if isinstance(verdict, VerdictMap):
            verdict = next((one for element, one in verdict.elements if _in(element, verdict.key, packet)), None)
        match verdict:
            case Accept():
                return "accept"
            case Drop():
                return "drop"
            case Reject():
                return "reject"
            case Return():
                return "return"
            case Goto(name):
                found = _chain(chains[name].rules, chains, packet, memory)
                return "return" if found in ("", "return") else found
            case Jump(name):
                found = _chain(chains[name].rules, chains, packet, memory)
                if found not in ("", "return"):
                    return found
            case Nat():
                raise NotImplementedError("packets are not rewritten here")
            case None:
                pass
    return ""


def holds(match: Match, packet: Packet, memory: Memory) -> bool:
    match match:
        case InterfaceMatch(direction, patterns, negated):
            name = packet.iif if direction is Direction.IN else packet.oif
            return any(_names(one, name) for one in patterns) is not negated
        case AddressMatch(side, addresses, negated):
            return (address_of(packet, side) in addresses.of_family(packet.family)) is not negated
        case ServiceMatch(terms):
            return any(_meets(term, packet) for term in terms)
        case CtStateMatch(states):
            return packet.state in states
        case FieldMatch(kind, values, negated=negated):
            family = Family.IP if kind is Field.TTL else Family.IP6
            return packet.family is family and (packet.ttl in values) is not negated
        case Limit(table=table):
            return memory.ask("limit", table)
        case Hits(table=table):
            return memory.ask("hits", table)
        case SetMatch((Side() as side,), name, negated):
            return (address_of(packet, side) in memory.members.get(name, ())) is not negated
        case ElementMatch(key, elements, negated):
            return _has(key, packet) and any(_in(one, key, packet) for one in elements) is not negated


def _has(key: tuple[Selector, ...], packet: Packet) -> bool:
    """Whether the packet has all parts of a key; an interface that is not there has the empty name."""
    ports = any(one in (Transport.SPORT, Transport.DPORT) for one in key)
    return packet.protocol in PORT_PROTOCOLS or not ports


def _in(element: Element, key: tuple[Selector, ...], packet: Packet) -> bool:
    return _has(key, packet) and all(_part(one, value, packet) for one, value in zip(key, element, strict=True))


def _part(selector: Selector, value: KeyValue, packet: Packet) -> bool:
    if isinstance(value, InterfacePattern):
        return _names(value, packet.iif if selector is Direction.IN else packet.oif)
    match selector:
        case Side():
            return address_of(packet, selector) in value
        case Transport.SPORT:
            return packet.low in value
        case Transport.DPORT:
            return packet.high in value
        case Transport.PROTOCOL:
            return packet.protocol in value
        case Conntrack.STATE:
            return packet.state.value in value
    raise NotImplementedError(selector)


def _names(pattern: InterfacePattern, name: str) -> bool:
    return bool(name) and (name.startswith(pattern.name) if pattern.wildcard else name == pattern.name)


def address_of(packet: Packet, side: Side) -> int:
    return packet.saddr if side is Side.SADDR else packet.daddr


def _meets(term: ServiceTerm, packet: Packet) -> bool:
    if term.protocol != packet.protocol:
        return False
    match term:
        case PortTerm():
            low, high = term.sport, term.dport
            return (low is None or packet.low in low) and (high is None or packet.high in high)
        case IcmpTerm():
            return term.type == packet.low and term.code in (None, packet.high)
