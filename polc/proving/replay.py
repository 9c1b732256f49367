"""Witnesses of the symbolic engine as packets of the simulator: each says of the other whether it is right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressType,
    AddressTypeMatch,
    CtState,
    Match,
    ReversePathMatch,
    Trait,
)
from polc.ir.protocols import ICMP_FAMILY, TCP
from polc.ir.ruleset import BaseChain, Hook, Ruleset
from polc.ir.selectors import Conntrack, Direction, Element, InterfacePattern, Selector, Side, Transport
from polc.ir.stateful import Connections
from polc.ir.verdicts import Queue, Reject
from polc.simulate.assumed import assumed_host
from polc.simulate.engine import Simulator
from polc.simulate.hooks import Loaded as SimulatedRuleset
from polc.simulate.outcome import Fate
from polc.simulate.outcome import Outcome as Simulated
from polc.simulate.packet import Packet, Presumed
from polc.symbolic.answers import normal
from polc.symbolic.hooks import Hooks
from polc.symbolic.outcome import Outcome, Stolen, Unknown
from polc.symbolic.space import Of
from polc.symbolic.states import Counting
from polc.symbolic.ways import HOOKS, Course, Ways
from polc.symbolic.witness import Witness

_DAY = 86_400
_FLOW_STATES = frozenset({CtState.NEW, CtState.ESTABLISHED, CtState.RELATED})
_NO_PRESUMPTION = frozenset(
    one for one in Field if one.value.startswith("ct ") and one not in (Field.CT_MARK, Field.CT_DIRECTION)
) | {Field.META_IIFGROUP, Field.META_OIFGROUP}
"""Fields of flows and of interfaces that a packet cannot presume."""

_SOCKET = {Field.META_SKUID, Field.META_SKGID, Field.META_CGROUP}


class NoReplay(Exception):
    """The simulator cannot be brought to where the witness is; why, fit for a diagnostic."""


@dataclass(slots=True)
class _Answers:
    """Says what stateful matches, routes and kinds of addresses answer, as the witness presumes."""

    hooks: Hooks
    witness: Witness
    asked: dict[object, int] = field(default_factory=dict)
    rulesets: dict[int, Ruleset] = field(default_factory=dict)

    def presume(self, ruleset: Ruleset, chain: str, number: int, at: int, match: Match) -> bool | None:
        match match:
            case ReversePathMatch(loose, passes):
                known = dict(self.witness.routes).get("loose" if loose else "strict")
                return None if known is None or self.witness.iif == "lo" else known is passes
            case AddressTypeMatch(side, types, negated, interface):
                kinds: dict[tuple[str, str | None], AddressType | None] = dict(self.witness.types)
                key = (side.value, interface.value if interface else None)
                return None if key not in kinds else (kinds[key] in types) is not negated
            case _ if isinstance(match, Counting):
                return self._answer(self.rulesets[id(ruleset)], chain, number, at, match)
            case _:
                return None

    def _answer(self, ruleset: Ruleset, chain: str, number: int, at: int, match: Counting) -> bool | None:
        chains = self.hooks.chains(ruleset)
        if isinstance(match, Connections) and self.witness.fragment:
            # Nobody can be asked about it.
            return None
        if not chains.asks(chains.chain(chain), number):
            return False
        state = chains.state(chain, number, at, match)
        turn = 0
        if state.most > 1:
            turn = self.asked.get(state.name, 0)
            self.asked[state.name] = turn + 1
        wanted, turned = normal(match)
        for answer in self.witness.answers:
            if (answer.state, answer.match, answer.turn) == (state.name, wanted, turn):
                return answer.holds is not turned
        return None


def replay(hooks: Hooks, hook: Hook, witness: Witness) -> Simulated:
    """What the simulator says of a witness at one hook: the base chains of other hooks are left out.

    Raises:
        NoReplay: something of the witness cannot be presumed, or routing ends its way before the hook.
    """
    asked = hooks.space.manager.support(hooks.outcomes(hook))
    if any(one.of is Of.LATE and one.number in asked for one in hooks.space.variables):
        raise NoReplay("what the kernel chooses cannot be presumed")
    found = _simulator(hooks, witness, (hook,)).send(packet_of(witness, hook))
    if hook is Hook.FORWARD and found.hook is Hook.INPUT:
        raise NoReplay("routing delivers it to the host")
    if found.fate is Fate.UNKNOWN and found.decision is None:
        raise NoReplay(found.reason)
    if found.fate is Fate.DROP and found.decision is None:
        # Routing has its own reasons; a hook before it was passed.
        if hook is Hook.PREROUTING and found.hook is Hook.PREROUTING and found.reason != "conntrack drops it":
            return replace(found, fate=Fate.ACCEPT)
        raise NoReplay(found.reason)
    return found


def follow(ways: Ways, course: Course, witness: Witness) -> Simulated:
    """What the simulator says of a witness on a whole way.

    Raises:
        NoReplay: something of the witness cannot be presumed, or routing has reasons of its own.
    """
    hooks = ways.hooks
    function = ways.outcomes(course)
    asked = hooks.space.manager.support(function)
    if any(one.of is Of.LATE and one.number in asked for one in hooks.space.variables):
        raise NoReplay("what the kernel chooses cannot be presumed")
    simulator = _simulator(hooks, witness, HOOKS[course])
    own = course is Course.RECEIVED
    for address in _targets(hooks):
        # An address to which a rule sends packets is where the witness says that they go.
        simulator.routing.learn(witness.family, address, witness.oif or witness.iif, own=own)
    found = simulator.send(packet_of(witness, HOOKS[course][0]))
    if found.decision is None and found.fate is not Fate.ACCEPT:
        raise NoReplay(found.reason)
    if found.hook not in HOOKS[course]:
        raise NoReplay(f"routing takes it to {found.hook.value}")
    return found


def _targets(hooks: Hooks) -> list[int]:
    """The single addresses to which destinations are changed."""
    values = (
        one for hook in (Hook.PREROUTING, Hook.OUTPUT) for one in hooks.space.manager.values(hooks.outcomes(hook))
    )
    bindings = (binding for one in values if isinstance(one, Outcome) for binding in one.nat)
    return [one.addresses[0] for one in bindings if one.addresses and not one.source and len(set(one.addresses)) == 1]


def _simulator(hooks: Hooks, witness: Witness, at: Sequence[Hook]) -> Simulator:
    answers = _Answers(hooks, witness)
    loaded = []
    for one in hooks.loaded:
        alone = _alone(one.ruleset, at, witness)
        answers.rulesets[id(alone)] = one.ruleset
        loaded.append(SimulatedRuleset(alone, one.flavour))
    names = [name for name in (witness.iif, witness.oif) if name]
    host = assumed_host([one.ruleset for one in loaded], names)
    return Simulator(loaded, host, start=_start(witness), presume=answers.presume)


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


def packet_of(witness: Witness, hook: Hook) -> Packet:
    """The packet that comes to a hook as the witness is.

    Raises:
        NoReplay: something of it cannot be presumed.
    """
    fields = dict(witness.fields)
    for one, value in witness.fields:
        if value and one in _NO_PRESUMPTION and (witness.state in _FLOW_STATES or not one.value.startswith("ct ")):
            raise NoReplay(f"`{one.value} {value}` cannot be presumed")
    if not witness.iif and not witness.owned and _SOCKET & fields.keys():
        raise NoReplay("a packet that no socket sends cannot be presumed")
    six = witness.family is Family.IP6
    ttl = fields.get(Field.HOPLIMIT if six else Field.TTL)
    ttl = 64 if ttl is None else ttl
    flow = witness.state in _FLOW_STATES
    if witness.state is CtState.RELATED and witness.protocol in ICMP_FAMILY and _asks_of_flow(witness):
        raise NoReplay("of an ICMP error nothing of its flow can be presumed")
    presumed = Presumed(
        witness.state,
        witness.status if flow else None,
        witness.ct_mark if flow else None,
        bool(fields.get(Field.CT_DIRECTION)) if flow else None,
        witness.helper if flow else "",
    )
    for (direction, _), _value in witness.original:
        if flow:
            raise NoReplay(f"the {direction} addresses of a flow cannot be presumed one by one")
    segment = witness.protocol == TCP and not witness.fragment
    return Packet(
        witness.family, witness.protocol, witness.saddr, witness.daddr, witness.sport, witness.dport,
        iif=witness.iif, oif=witness.oif, flags=witness.flags if segment else 0,
        options=witness.options, mss=fields.get(Field.TCP_MSS) if witness.protocol == TCP else None,
        type=witness.type, code=witness.code, ttl=ttl + (hook is Hook.FORWARD),
        dscp=fields.get(Field.IP6_DSCP if six else Field.IP_DSCP) or 0,
        ecn=fields.get(Field.IP6_ECN if six else Field.IP_ECN) or 0,
        length=fields.get(Field.META_LENGTH), fragment=witness.fragment,
        ipsec=Trait.IPSEC in witness.traits, socket=Trait.SOCKET in witness.traits, mark=witness.mark,
        uid=fields.get(Field.META_SKUID), gid=fields.get(Field.META_SKGID), cgroup=fields.get(Field.META_CGROUP),
        mac=fields.get(Field.ETHER_SADDR, 0), mac_to=fields.get(Field.ETHER_DADDR, 0), vlan=fields.get(Field.VLAN_ID),
        spi=fields.get(Field.AH_SPI if witness.protocol == 51 else Field.ESP_SPI),
        dccp_type=fields.get(Field.DCCP_TYPE) or 0, mh_type=fields.get(Field.MH_TYPE), headers=witness.headers,
        priority=fields.get(Field.META_PRIORITY) or 0, realm=witness.realm, cpu=fields.get(Field.META_CPU) or 0,
        pkttype=fields.get(Field.META_PKTTYPE), os=witness.system, presumed=presumed,
    )  # fmt: skip
