"""Witnesses of the symbolic engine as packets of the simulator: each says of the other whether it is right."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import assert_never

from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressType,
    AddressTypeMatch,
    CtState,
    ExtensionHeader,
    Match,
    ReversePathMatch,
    Trait,
)
from polc.ir.protocols import ICMP_FAMILY, TCP
from polc.ir.ruleset import BaseChain, Hook, Ruleset
from polc.ir.selectors import Conntrack, Direction, Element, InterfacePattern, Selector, Side, Transport
from polc.ir.stateful import Connections
from polc.ir.statements import CopyMark, MapMark, MarkField, SetMark
from polc.ir.verdicts import Queue, Reject
from polc.simulate.assumed import assumed_host
from polc.simulate.engine import NEVER_COMES, OF_A_VLAN, Simulator
from polc.simulate.hooks import CONNTRACK_DROPS
from polc.simulate.hooks import Loaded as SimulatedRuleset
from polc.simulate.outcome import Fate
from polc.simulate.outcome import Outcome as Simulated
from polc.simulate.packet import Packet, Presumed
from polc.symbolic.answers import normal
from polc.symbolic.diagram import Node
from polc.symbolic.hooks import Hooks
from polc.symbolic.outcome import Outcome, Stolen, Unknown
from polc.symbolic.space import SOCKET, Of, Variable
from polc.symbolic.states import Counting
from polc.symbolic.ways import HOOKS, Course, Ways
from polc.symbolic.wellformed import BEHIND_ROUTING
from polc.symbolic.witness import Witness

_DAY = 86_400
_FLOW_STATES = frozenset({CtState.NEW, CtState.ESTABLISHED, CtState.RELATED})
_NO_PRESUMPTION = frozenset(
    one for one in Field if one.value.startswith("ct ") and one not in (Field.CT_MARK, Field.CT_DIRECTION)
) | {Field.META_IIFGROUP, Field.META_OIFGROUP}
"""Fields of flows and of interfaces that a packet cannot presume."""

COUNTED = _NO_PRESUMPTION - {Field.META_IIFGROUP, Field.META_OIFGROUP}
"""Of those, what conntrack counts, or knows since a flow began."""

_FIRST: Mapping[Field, Callable[[Witness], int | None]] = {
    Field.CT_ORIGINAL_SPORT: lambda witness: witness.sport,
    Field.CT_ORIGINAL_DPORT: lambda witness: witness.dport,
    Field.CT_ORIGINAL_PROTOCOL: lambda witness: witness.protocol,
    Field.CT_REPLY_SPORT: lambda witness: witness.dport,
    Field.CT_REPLY_DPORT: lambda witness: witness.sport,
    Field.CT_ORIGINAL_PACKETS: lambda witness: 1,
    Field.CT_PACKETS: lambda witness: 1,
    **dict.fromkeys((Field.CT_REPLY_PACKETS, Field.CT_REPLY_BYTES, Field.CT_REPLY_AVGPKT), lambda witness: 0),
    Field.CT_ZONE: lambda witness: 0,
}
"""What conntrack knows itself of the first packet of a flow."""


class NoReplay(Exception):
    """The simulator cannot be brought to where the witness is; why, fit for a diagnostic."""


class _Answers:
    """Says what stateful matches, routes and kinds of addresses answer, as the witness at hand presumes."""

    def __init__(self, hooks: Hooks, witness: Witness) -> None:
        self.hooks = hooks
        self.rulesets: dict[int, Ruleset] = {}
        self._asks: dict[tuple[int, str, int], bool] = {}
        self.about(witness)

    def about(self, witness: Witness) -> None:
        """From here on it is about another packet."""
        self.witness = witness
        self._asked: dict[object, int] = {}
        self._known = {(one.state, one.match, one.turn): one.holds for one in witness.answers}
        self._routes = dict(witness.routes)
        self._types: dict[tuple[str, str | None], AddressType | None] = dict(witness.types)

    def presume(self, ruleset: Ruleset, chain: str, number: int, at: int, match: Match) -> bool | None:
        match match:
            case ReversePathMatch(loose, passes):
                known = self._routes.get("loose" if loose else "strict")
                return None if known is None or self.witness.iif == "lo" else known is passes
            case AddressTypeMatch(side, types, negated, interface):
                key = (side.value, interface.value if interface else None)
                return None if key not in self._types else (self._types[key] in types) is not negated
            case _ if isinstance(match, Counting):
                return self._answer(self.rulesets[id(ruleset)], chain, number, at, match)
            case _:
                return None

    def _answer(self, ruleset: Ruleset, chain: str, number: int, at: int, match: Counting) -> bool | None:
        if isinstance(match, Connections) and self.witness.fragment:
            # Nobody can be asked about it.
            return None
        chains = self.hooks.chains(ruleset)
        place = (id(ruleset), chain, number)
        if place not in self._asks:
            self._asks[place] = chains.asks(chains.chain(chain), number)
        if not self._asks[place]:
            return False
        state = chains.state(chain, number, at, match)
        turn = 0
        if state.most > 1:
            turn = self._asked.get(state.name, 0)
            self._asked[state.name] = turn + 1
        wanted, turned = normal(match)
        holds = self._known.get((state.name, wanted, turn))
        return None if holds is None else holds is not turned


class Replay:
    """Sends witnesses at some hooks through the simulator; the base chains of other hooks are left out.

    One simulator serves as many as it can: what packets leave behind in it is of flows that no other packet presumes.
    """

    def __init__(self, hooks: Hooks, at: Sequence[Hook], targets: Iterable[int] = ()) -> None:
        self.hooks = hooks
        self.at = at
        self._targets = tuple(targets)
        self._made: tuple[Simulator, _Answers, float] | None = None

    def send(self, witness: Witness) -> Simulated:
        """What the simulator says of it.

        Raises:
            NoReplay: something of the witness cannot be presumed.
        """
        packet = packet_of(witness, self.at[0])
        if _is_error(witness) and any(_changes_flows(one.ruleset) for one in self.hooks.loaded):
            raise NoReplay("of an ICMP error nothing of its flow can be presumed")
        needs = _start(witness)
        # Packets change sets: where it counts what is in one, each begins anew.
        if self._made is not None and self._made[2] == needs and not witness.members:
            found = self._sent(packet, witness, *self._made[:2])
            if found.decision is not None and found.fate is not Fate.UNKNOWN:
                return found
            # What others have shown of the host may be why: this one begins anew.
        simulator, answers = self._simulator(witness)
        found = self._sent(packet, witness, simulator, answers)
        self._made = None if found.fate is Fate.UNKNOWN or found.decision is None else (simulator, answers, needs)
        return found

    def _sent(self, packet: Packet, witness: Witness, simulator: Simulator, answers: _Answers) -> Simulated:
        answers.about(witness)
        for address in self._targets:
            # An address to which a rule sends packets is where the witness says that they go.
            simulator.routing.learn(witness.family, address, witness.oif or witness.iif, own=not witness.oif)
        return simulator.send(packet)

    def _simulator(self, witness: Witness) -> tuple[Simulator, _Answers]:
        answers = _Answers(self.hooks, witness)
        loaded = []
        for one in self.hooks.loaded:
            alone = _alone(one.ruleset, self.at, witness)
            answers.rulesets[id(alone)] = one.ruleset
            loaded.append(SimulatedRuleset(alone, one.flavour))
        words = [name for name in self.hooks.space.interfaces.words if name]
        host = assumed_host([one.ruleset for one in loaded], words)
        return Simulator(loaded, host, start=_start(witness), presume=answers.presume), answers


def replay(hooks: Hooks, hook: Hook, witness: Witness, using: Replay | None = None) -> Simulated:
    """What the simulator says of a witness at one hook; ``using``: a ``Replay`` of the hook that serves for several.

    Raises:
        NoReplay: something of the witness cannot be presumed, or routing ends its way before the hook.
    """
    told = _told(hooks, hooks.outcomes(hook), witness)
    found = (using or Replay(hooks, (hook,))).send(told)
    if hook in (Hook.FORWARD, Hook.POSTROUTING) and found.hook is Hook.INPUT:
        raise NoReplay("routing delivers it to the host")
    if found.fate is Fate.UNKNOWN and found.decision is None:
        raise NoReplay(found.reason)
    if found.fate is Fate.DROP and found.decision is None:
        # Routing has its own reasons; a hook before it was passed.
        passed = found.reason not in (NEVER_COMES, OF_A_VLAN, CONNTRACK_DROPS)
        if hook is Hook.PREROUTING and found.hook is Hook.PREROUTING and passed:
            return replace(found, fate=Fate.ACCEPT)
        raise NoReplay(found.reason)
    return found


def follow(
    ways: Ways, course: Course, witness: Witness, using: Replay | None = None, *, chosen: bool = False
) -> Simulated:
    """What the simulator says of a witness on a whole way; ``using``: what ``follower`` made for it. ``chosen``: what
    the kernel chooses may be another than the witness presumes.

    Raises:
        NoReplay: something of the witness cannot be presumed, or routing has reasons of its own.
    """
    told = _told(ways.hooks, ways.outcomes(course), witness, chosen=chosen)
    found = (using or follower(ways, course)).send(told)
    if found.decision is None and found.fate is not Fate.ACCEPT:
        raise NoReplay(found.reason)
    if found.hook not in HOOKS[course]:
        raise NoReplay(f"routing takes it to {found.hook.value}")
    return found


def follower(ways: Ways, course: Course) -> Replay:
    """For several witnesses on one way."""
    return Replay(ways.hooks, HOOKS[course], _targets(ways.hooks))


def _told(hooks: Hooks, function: Node, witness: Witness, *, chosen: bool = False) -> Witness:
    """The witness with what the function asks of it: nothing else has to be presumed."""
    asked = _asked(hooks, function, witness)
    if not chosen and hangs_on_choice(hooks, function, witness):
        raise NoReplay(CHOSEN)
    return asked_of(witness, asked)


CHOSEN = "what the kernel chooses cannot be presumed"


def hangs_on_choice(hooks: Hooks, function: Node, witness: Witness) -> bool:
    """Whether the function asks what the kernel chooses."""
    return any(one.of is Of.LATE for one in _asked(hooks, function, witness))


def _asked(hooks: Hooks, function: Node, witness: Witness) -> list[Variable]:
    return [hooks.space.variables[number] for number in hooks.space.manager.asked(function, dict(witness.point))]


def asked_of(witness: Witness, asked: Collection[Variable]) -> Witness:
    """The witness as some variables alone tell it, as far as it is about fields and about what conntrack knows."""
    kinds = {one.of for one in asked}
    details = {(one.of, one.detail) for one in asked}
    if (Of.FIELD, Field.META_PRIORITY) in details:
        # What is forwarded has its class from there.
        details.add((Of.FIELD, Field.IP_DSCP))
    marked = any(one.of is Of.BITS and isinstance(one.detail, tuple) and Field.CT_MARK in one.detail for one in asked)
    return replace(
        witness,
        status=witness.status if kinds & {Of.STATUS, Of.BOUND} else None,
        ct_mark=witness.ct_mark if marked else None,
        original=tuple(one for one in witness.original if (Of.ORIGINAL, one[0]) in details),
        fields=tuple(
            one for one in witness.fields if (Of.FIELD, one[0]) in details or (one[0] in SOCKET and Of.OWNER in kinds)
        ),
    )


def _targets(hooks: Hooks) -> list[int]:
    """The single addresses to which destinations are changed."""
    manager = hooks.space.manager
    values = (one for hook in (Hook.PREROUTING, Hook.OUTPUT) for one in manager.values(hooks.outcomes(hook)))
    bindings = (binding for one in values if isinstance(one, Outcome) for binding in one.nat)
    return [one.addresses[0] for one in bindings if one.addresses and not one.source and len(set(one.addresses)) == 1]


def agree(said: Outcome, simulated: Simulated) -> bool:
    """Whether the engine and the simulator say the same of where a packet goes."""
    if isinstance(said.verdict, Unknown) or any(isinstance(one, Queue) for one in said.effects):
        return simulated.fate is Fate.UNKNOWN
    if isinstance(said.verdict, Stolen):
        return simulated.fate is Fate.STOLEN
    if isinstance(said.verdict, Reject):
        decision = simulated.decision
        return simulated.fate is Fate.REJECT and decision is not None and decision.verdict == said.verdict
    return simulated.fate is (Fate.ACCEPT if said.accepted else Fate.DROP)


def _alone(ruleset: Ruleset, hooks: Sequence[Hook], witness: Witness) -> Ruleset:
    """The ruleset with the base chains of some hooks, and sets that hold the packet's key where it is presumed."""
    chains = tuple(one for one in ruleset.chains if not isinstance(one, BaseChain) or one.hook in hooks)
    inside = {
        name: tuple(_element(one.key, witness) for one in witness.members if one.set_name == name and one.holds)
        for name in {one.set_name for one in witness.members}
    }
    sets = tuple(replace(one, elements=inside[one.name]) if one.name in inside else one for one in ruleset.sets)
    return replace(ruleset, chains=chains, sets=sets)


def _element(key: Iterable[Selector], witness: Witness) -> Element:
    return tuple(_part(one, witness) for one in key)


def _part(selector: Selector, witness: Witness) -> Intervals | InterfacePattern:
    match selector:
        case Side():
            return Intervals.single(witness.saddr if selector is Side.SADDR else witness.daddr)
        case Direction():
            return InterfacePattern(witness.iif if selector is Direction.IN else witness.oif)
        case Transport.PROTOCOL:
            return Intervals.single(witness.protocol)
        case Transport():
            return Intervals.single((witness.sport if selector is Transport.SPORT else witness.dport) or 0)
        case Conntrack():
            return Intervals.single(witness.state.value)
        case Field.META_MARK:
            return Intervals.single(witness.mark)
        case Field.CT_MARK:
            return Intervals.single(witness.ct_mark or 0)
        case Field():
            return Intervals.single(dict(witness.fields).get(selector) or 0)
        case _:
            assert_never(selector)


def _start(witness: Witness) -> float:
    """The time of day: 1 January 1970 was a Thursday, the fourth day of a week that begins with Sunday."""
    fields = dict(witness.fields)
    return (((fields.get(Field.META_DAY) or 0) - 4) % 7) * _DAY + (fields.get(Field.META_HOUR) or 0)


def _asks_of_flow(witness: Witness) -> bool:
    fields = any(one.value.startswith("ct ") for one, _ in witness.fields)
    return fields or bool(witness.original) or not (witness.status is witness.ct_mark is None)


def _usual(witness: Witness, direction: str, side: str) -> int:
    """The address of the packet's flow, where it goes the way that its first one did and NAT changes nothing."""
    return witness.saddr if (direction == "reply") is not (side == Side.SADDR.value) else witness.daddr


def _is_error(witness: Witness) -> bool:
    """Whether it is an ICMP error about a flow."""
    return witness.state is CtState.RELATED and witness.protocol in ICMP_FAMILY


def _changes_flows(ruleset: Ruleset) -> bool:
    """Whether rules give flows marks, which nobody sees on the flow that an ICMP error is about."""
    return any(
        (isinstance(one, SetMark | MapMark) and one.field is MarkField.CT)
        or (isinstance(one, CopyMark) and one.to is MarkField.CT)
        for chain in ruleset.chains
        for rule in chain.rules
        for one in rule.statements
    )


def packet_of(witness: Witness, hook: Hook) -> Packet:
    """The packet that comes to a hook as the witness is.

    Raises:
        NoReplay: something of it cannot be presumed.
    """
    fields = dict(witness.fields)
    for one, value in witness.fields:
        of_flow = one.value.startswith("ct ")
        if one in _NO_PRESUMPTION and (witness.state in _FLOW_STATES if of_flow else value):
            first = witness.state is CtState.NEW and not fields.get(Field.CT_DIRECTION)
            natural = _FIRST[one](witness) if first and one in _FIRST else None
            if value != natural:
                raise NoReplay(f"`{one.value} {value}` cannot be presumed")
    if not witness.iif and not witness.owned and SOCKET & fields.keys():
        raise NoReplay("a packet that no socket sends cannot be presumed")
    six = witness.family is Family.IP6
    ttl = fields.get(Field.HOPLIMIT if six else Field.TTL)
    ttl = 64 if ttl is None else ttl
    flow = witness.state in _FLOW_STATES
    is_error = _is_error(witness)
    if is_error and (_asks_of_flow(witness) or witness.helper):
        raise NoReplay("of an ICMP error nothing of its flow can be presumed")
    presumed = Presumed(
        witness.state,
        witness.status if flow else None,
        witness.ct_mark if flow else None,
        bool(fields.get(Field.CT_DIRECTION)) if flow else None,
        witness.helper if flow else "",
    )
    for (direction, side), value in witness.original:
        if flow and (presumed.reply or value != _usual(witness, direction, side)):
            raise NoReplay(f"the {direction} addresses of a flow cannot be presumed one by one")
    segment = witness.protocol == TCP and not witness.fragment
    return Packet(
        witness.family, witness.protocol, witness.saddr, witness.daddr, witness.sport, witness.dport,
        iif=witness.iif, oif=witness.oif, flags=witness.flags if segment else 0,
        options=witness.options, mss=fields.get(Field.TCP_MSS) if witness.protocol == TCP else None,
        type=witness.type, code=witness.code, ttl=ttl + (bool(witness.iif) and hook in BEHIND_ROUTING),
        dscp=fields.get(Field.IP6_DSCP if six else Field.IP_DSCP) or 0,
        ecn=fields.get(Field.IP6_ECN if six else Field.IP_ECN) or 0,
        length=fields.get(Field.META_LENGTH), fragment=witness.fragment,
        ipsec=Trait.IPSEC in witness.traits, socket=Trait.SOCKET in witness.traits, mark=witness.mark,
        uid=fields.get(Field.META_SKUID), gid=fields.get(Field.META_SKGID), cgroup=fields.get(Field.META_CGROUP),
        mac=fields.get(Field.ETHER_SADDR, 0), mac_to=fields.get(Field.ETHER_DADDR, 0), vlan=fields.get(Field.VLAN_ID),
        spi=fields.get(Field.AH_SPI if witness.protocol == 51 else Field.ESP_SPI),
        dccp_type=fields.get(Field.DCCP_TYPE) or 0, mh_type=fields.get(Field.MH_TYPE),
        headers=witness.headers - {ExtensionHeader.MH.value},
        priority=fields.get(Field.META_PRIORITY) or 0, realm=witness.realm, cpu=fields.get(Field.META_CPU) or 0,
        pkttype=fields.get(Field.META_PKTTYPE), os=witness.system, presumed=presumed,
    )  # fmt: skip
