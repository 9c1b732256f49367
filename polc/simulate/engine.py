"""The way of a packet through a host: hooks, routing, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import assert_never

from polc.ir.matches import CtState
from polc.ir.protocols import TCP
from polc.ir.ruleset import Hook, Rule, Ruleset
from polc.ir.verdicts import Reject, RejectType
from polc.simulate import nat, ways
from polc.simulate.answers import answer_to, error_about, handshake
from polc.simulate.chains import Decision
from polc.simulate.conntrack.flow import CONFIRMED, SECOND, invert, tuple_of, tuple_of_quoted
from polc.simulate.conntrack.tcp import set_closing
from polc.simulate.ends import Stolen
from polc.simulate.flight import ESTABLISHED, RELATED, Flight
from polc.simulate.hooks import Ended, Hooks, Loaded
from polc.simulate.host import LOOPBACK, Host, Routing
from polc.simulate.outcome import Fate, FlowView, Outcome, Rewrite, view
from polc.simulate.packet import FIN, RST, Packet
from polc.simulate.replies import reply_to
from polc.simulate.settings import Settings
from polc.simulate.steps import Reply, Send, Step, Wait
from polc.simulate.talks import Talks
from polc.simulate.trace import Tracer
from polc.simulate.unknown import OnlyKernelKnows
from polc.simulate.world import Presume, Watcher, World

_STATES = {one.value: one for one in CtState}
_OFFLOAD_SECONDS = 30
NEVER_COMES = "such an address never comes over a network"
OF_A_VLAN = "the tag of its VLAN takes it to another interface"
"""Why a packet comes to no hook."""

_FORGOTTEN = 16 * 7 * 86400
"""Seconds, to the same hour of the same day."""


@dataclass(frozen=True, slots=True)
class RuleHits:
    """How many packets met a rule, the ``number``th from 0 of its chain, in any family."""

    ruleset: Ruleset
    chain: str
    number: int
    rule: Rule
    packets: int


class Simulator:
    """A host with rulesets, from the moment at which they are loaded.

    Packets are put in one after the other with ``send``; what they leave behind (flows, buckets, elements of sets)
    decides with about the next ones. ``wait`` lets time go by. ``start`` is the time of day at which it begins, in
    seconds since 1970, UTC. ``presume`` says what single matches are to answer, for those who ask what would be then.
    """

    def __init__(
        self,
        rulesets: Iterable[Ruleset | Loaded],
        host: Host,
        settings: Settings | None = None,
        *,
        start: float = 0.0,
        presume: Presume | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.routing = Routing(host)
        self._world = World(self.routing, self.settings, start, presume)
        self._loaded = tuple(one if isinstance(one, Loaded) else Loaded(one) for one in rulesets)
        self._hooks = Hooks(self._world, self._loaded)
        self._rewrites: list[Rewrite] = []
        self._talks = Talks()
        self.last: Outcome | None = None

    @property
    def now(self) -> float:
        """Seconds since the rulesets were loaded."""
        return self._world.table.now / SECOND

    @property
    def flows(self) -> tuple[FlowView, ...]:
        """The flows that conntrack knows."""
        made = (view(flow, self._world.table.now) for flow in self._world.table.flows())
        return tuple(one for one in made if one is not None)

    @property
    def counters(self) -> dict[str, tuple[int, int]]:
        """Packets and bytes of named counters."""
        return {name: (packets, size) for name, (packets, size) in self._world.counters.items()}

    @property
    def hits(self) -> Iterator[RuleHits]:
        """What each rule has met so far, in the order of rulesets, chains and rules."""
        for loaded in self._loaded:
            counted: dict[tuple[str, int], int] = {}
            for one, _, code in self._hooks.codes():
                if one is loaded:
                    for made in code.rules:
                        key = (code.chain.name, made.number)
                        counted[key] = counted.get(key, 0) + made.hits[0]
            for chain in loaded.ruleset.chains:
                for number, rule in enumerate(chain.rules):
                    yield RuleHits(loaded.ruleset, chain.name, number, rule, counted.get((chain.name, number), 0))

    def wait(self, seconds: float) -> None:
        """Let time go by."""
        self._world.table.now += round(seconds * SECOND)

    def forget(self) -> None:
        """Let so many weeks go by that no flow and no bucket remembers a packet. What does not end with time is
        forgotten too, and so are doubts.
        """
        table = self._world.table
        for flow, _ in list(table.entries.values()):
            table.kill(flow)
        self._world.doubt = ""
        self.wait(_FORGOTTEN)
        self._hooks.forget()

    def do(self, step: Step, tracer: Watcher | None = None) -> Outcome | None:
        """One step of a scenario; of a wait nothing comes.

        Raises:
            ValueError: a reply to nothing.
        """
        match step:
            case Send(packet):
                return self._speak(packet, tracer)
            case Reply():
                return self._speak(self.answer(step), tracer)
            case Wait(seconds):
                self.wait(seconds)
                return None
            case _:
                assert_never(step)

    def _speak(self, packet: Packet, tracer: Watcher | None) -> Outcome:
        """As ``send``, by ends that number what they say."""
        outcome = self.send(self._talks.numbered(packet), tracer)
        if outcome.leaves is not None:
            self._talks.seen_as(packet, outcome.leaves)
        # Told as it was written: the numbers are what anybody would expect.
        self.last = replace(outcome, packet=packet)
        return self.last

    def answer(self, reply: Reply | None = None) -> Packet:
        """The answer of whoever got the last packet.

        Raises:
            ValueError: there was none, or nothing answers it.
        """
        if self.last is None:
            raise ValueError("there is no packet before it")
        return reply_to(self.last.packet, self.last.leaves, reply or Reply(), described=self.routing.host.described)

    def tracer(self) -> Tracer:
        """Notes the way of one packet: give it to ``send``."""
        return Tracer(self._world)

    def send(self, packet: Packet, tracer: Watcher | None = None) -> Outcome:
        """What becomes of a packet; ``tracer`` is told of its way."""
        self._learn(packet)
        self._world.tracer = tracer
        try:
            outcome = self._send(packet)
        finally:
            self._world.tracer = None
        self.last = outcome
        return outcome

    def _learn(self, packet: Packet) -> None:
        """What a packet shows of a host that nobody has described."""
        routing = self.routing
        if routing.host.described:
            return
        if packet.iif:
            routing.learn(packet.family, packet.saddr, packet.iif, own=False)
            routing.learn(packet.family, packet.daddr, packet.oif or packet.iif, own=not packet.oif)
        else:
            routing.learn(packet.family, packet.daddr, packet.oif, own=packet.oif == LOOPBACK)
            routing.learn(packet.family, packet.saddr, packet.oif, own=True)

    def _send(self, packet: Packet) -> Outcome:
        flight = Flight(packet)
        before = self._before(flight)
        return self._judge(flight, before)

    def _before(self, flight: Flight) -> FlowView | None:
        """The flow that the packet is of, as it is before the packet."""
        table = self._world.table
        of = tuple_of(flight, table.gre_keys)
        if flight.quoted is not None:
            quoted = tuple_of_quoted(flight.quoted)
            of = None if quoted is None else invert(quoted)
        found = None if of is None else table.find(of)
        return None if found is None else view(found[0], table.now)

    def _judge(self, flight: Flight, before: FlowView | None, *, answers: bool = False) -> Outcome:
        world, hooks = self._world, self._hooks
        hooks.accepted = None
        world.logs, world.copies, self._rewrites = [], [], []
        packet = flight.packet
        try:
            if packet.iif:
                found = self._receive(flight)
            else:
                flight.local = not answers
                found = self._emit(flight)
        except OnlyKernelKnows as unknown:
            self._begin_to_doubt(flight)
            return self._outcome(flight, before, Fate.UNKNOWN, unknown.decision, unknown.reason)
        if found is None:
            return self._outcome(flight, before, Fate.ACCEPT, hooks.accepted, "")
        if isinstance(found, Ended):
            outcome = self._outcome(flight, before, Fate.DROP, None, found.reason)
            return outcome if found.error is None else replace(outcome, answer=self._tell(flight, found.error))
        if isinstance(found.verdict, Reject):
            outcome = self._outcome(flight, before, Fate.REJECT, found, "")
            return replace(outcome, answer=self._answer(flight, found.verdict.type))
        if isinstance(found.verdict, Stolen):
            outcome = self._outcome(flight, before, Fate.STOLEN, found, "synproxy answers it for the server")
            return replace(outcome, answer=self._shake(flight))
        return self._outcome(flight, before, Fate.DROP, found, "")

    def _outcome(
        self, flight: Flight, before: FlowView | None, fate: Fate, decision: Decision | None, reason: str
    ) -> Outcome:
        world = self._world
        return Outcome(
            flight.packet, fate, flight.hook, decision, reason, flight.now() if fate is Fate.ACCEPT else None,
            _STATES[flight.state] if flight.tracked else None, flight.reply, before,
            view(flight.flow, world.table.now), tuple(self._rewrites),
            None, tuple(world.logs), tuple(world.copies),
        )  # fmt: skip

    def _begin_to_doubt(self, flight: Flight) -> None:
        """After a packet whose way is not known, neither is what it has left behind: the flow that it began, if it
        did, and what rules behind that point have counted and noted.
        """
        self._world.doubt = "hangs on a packet whose way only the kernel knows"
        flow = flight.flow
        if flow is None or not flow.status & CONFIRMED:
            of = tuple_of(flight, self._world.table.gre_keys) if flow is None else flow.original
            for known in (of, None if flow is None else flow.reply):
                if known is not None:
                    self._hooks.doubtful.add((known[0], known[1], known[2], known[4]))

    # The hooks, one after the other. Each of these gives what ended the packet's way, None where nothing did.

    def _at(self, hook: Hook, flight: Flight) -> Decision | Ended | None:
        flight.hook = hook
        tracer = self._world.tracer
        if tracer is not None:
            tracer.hook(hook, flight)
        for station in self._hooks.stations[flight.family, hook]:
            found = station(flight)
            if found is not None:
                return found
        return None

    def _translated(self, hook: Hook, flight: Flight) -> Decision | Ended | None:
        """A hook at which addresses may change."""
        ends = (flight.saddr, flight.daddr, flight.sport, flight.dport, flight.id)
        found = self._at(hook, flight)
        if ends != (flight.saddr, flight.daddr, flight.sport, flight.dport, flight.id):
            after = flight.now()
            saddr, daddr, sport, dport, number = ends
            was = replace(
                after, saddr=saddr, daddr=daddr, sport=None if sport < 0 else sport,
                dport=None if dport < 0 else dport, id=number,
            )  # fmt: skip
            self._rewrites.append(Rewrite(hook, was, after))
        return found

    def _on_device(self, hook: Hook, flight: Flight, name: str) -> Decision | Ended | None:
        flight.hook = hook
        for station in self._hooks.devices.get((flight.family, hook, name), ()):
            found = station(flight)
            if found is not None:
                return found
        return None

    def _receive(self, flight: Flight) -> Decision | Ended | None:
        """ip_rcv, ipv6_rcv: from an interface to the host itself or through it."""
        if self._hooks.devices:
            found = self._on_device(Hook.INGRESS, flight, flight.iif)
            if found is not None:
                return found
        if self._hooks.flowtables and self._offloaded(flight):
            return None
        if flight.packet.vlan:
            return Ended(OF_A_VLAN)
        if flight.six and flight.iif != LOOPBACK and ways.strays(flight):
            return Ended(NEVER_COMES)
        found = self._translated(Hook.PREROUTING, flight)
        if found is not None:
            return found
        hop = ways.comes_in(self.routing, flight)
        if isinstance(hop, Ended):
            return hop
        if hop.type in ways.LOCAL:
            return ways.incomplete(flight) or self._translated(Hook.INPUT, flight)
        flight.oif = hop.interface
        barred = ways.barred(self.routing, flight)
        if barred is not None:
            return barred
        flight.ttl -= 1
        if not flight.six:
            flight.priority = ways.class_of(flight.dscp)
        found = self._at(Hook.FORWARD, flight)
        return found if found is not None else self._leave(flight)

    def _leave(self, flight: Flight) -> Decision | Ended | None:
        found = self._translated(Hook.POSTROUTING, flight)
        if found is None and flight.six and flight.oif != LOOPBACK and ways.is_of_nobody(flight.daddr):
            # net/ipv6/ip6_output.c, ip6_finish_output2
            return Ended("such a group is of the host alone")
        if found is None and self._hooks.devices:
            found = self._on_device(Hook.EGRESS, flight, flight.oif)
        return found

    def _emit(self, flight: Flight) -> Decision | Ended | None:
        """ip_local_out: a packet of the host itself; one to the host comes back by its loopback interface."""
        out = ways.goes_out(self.routing, flight)
        if isinstance(out, Ended):
            return out
        flight.oif = out
        daddr = flight.daddr
        found = self._translated(Hook.OUTPUT, flight)
        if found is not None:
            return found
        if flight.daddr != daddr:
            # ip_route_me_harder
            hop = ways.look_up(self.routing, flight)
            if isinstance(hop, Ended):
                return hop
            flight.oif = LOOPBACK if hop.type in ways.OWN else hop.interface or flight.oif
        found = self._leave(flight)
        if found is not None or flight.oif != LOOPBACK:
            return found
        flight.iif, flight.oif, flight.local = LOOPBACK, "", False
        found = self._translated(Hook.PREROUTING, flight)
        return found or ways.incomplete(flight) or self._translated(Hook.INPUT, flight)

    def _offloaded(self, flight: Flight) -> bool:
        """net/netfilter/nf_flow_table_ip.c, nf_flow_offload_ip_hook: packets of an offloaded flow skip the hooks."""
        table = self._world.table
        of = tuple_of(flight, table.gre_keys)
        found = None if of is None else table.find(of)
        if found is None or not found[0].offloaded:
            return False
        flow, reply = found
        flowtable = self._hooks.flowtables[flow.offloaded]
        if flight.iif not in flowtable.devices or flight.ttl <= 1:
            return False
        if flow.protocol == TCP and flight.flags & (FIN | RST):
            flow.offloaded = ""
            return False
        flight.flow, flight.reply, flight.state, flight.tracked = flow, reply, CtState.ESTABLISHED.value, True
        nat.rewrite(flight, source=False)
        nat.rewrite(flight, source=True)
        hop = self.routing.lookup(flight.family, flight.daddr)
        flight.oif = flight.packet.oif or (hop.interface if hop else "")
        flight.ttl -= 1
        flow.timeout = max(flow.timeout, table.now + _OFFLOAD_SECONDS * SECOND)
        return True

    def _answer(self, flight: Flight, kind: RejectType) -> Outcome | None:
        """Send what tells the sender that its packet was rejected; it goes through the rules as any packet does."""
        packet = answer_to(flight, kind, self.routing)
        flow = flight.flow
        if packet is None:
            return None
        if kind is RejectType.TCP_RESET and flow is not None:
            set_closing(flow, self._world.table.now, self.settings)
        return self._send_about(flight, packet)

    def _shake(self, flight: Flight) -> Outcome:
        """Answer a SYN for the server; of the flow, if it has one, this is a packet of the other direction
        (net/netfilter/nf_synproxy_core.c, synproxy_send_tcp).
        """
        answer = Flight(handshake(flight.now()))
        if flight.flow is not None:
            answer.flow, answer.reply, answer.state, answer.tracked = flight.flow, True, ESTABLISHED, True
        return self._send_answer(answer)

    def _tell(self, flight: Flight, error: tuple[tuple[int, int], tuple[int, int]]) -> Outcome | None:
        """Send the error with which routing answers."""
        packet = error_about(flight, error[flight.six], self.routing)
        return None if packet is None else self._send_about(flight, packet)

    def _send_about(self, flight: Flight, packet: Packet) -> Outcome:
        """Send an error or a reset: it is related to the flow of what it is about, even to one that does not begin
        (nf_conntrack_attach; net/ipv4/icmp.c, icmp_glue_bits; net/ipv6/icmp.c, icmpv6_getfrag).
        """
        answer = Flight(packet)
        answer.attached = True
        if flight.flow is not None:
            answer.flow, answer.reply, answer.state, answer.tracked = flight.flow, not flight.reply, RELATED, True
        return self._send_answer(answer)

    def _send_answer(self, answer: Flight) -> Outcome:
        saved = self._hooks.accepted, self._world.logs, self._world.copies, self._rewrites
        outcome = self._judge(answer, view(answer.flow, self._world.table.now), answers=True)
        self._hooks.accepted, self._world.logs, self._world.copies, self._rewrites = saved
        return outcome
