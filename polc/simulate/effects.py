"""Statements as functions: what a rule does to a packet that meets it.

An effect gives None where the rule goes on, ``LEAVE`` where it is broken off there and the packet goes on to the next
rule, or a verdict of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from polc.ir.protocols import TCP, UDP
from polc.ir.statements import (
    AssignHelper,
    AssignTimeout,
    AssignZone,
    ClampMss,
    CopyMark,
    Counter,
    CtDirection,
    Duplicate,
    HopChange,
    Log,
    MapMark,
    MarkField,
    Native,
    Notrack,
    Offload,
    Omission,
    OpaqueStatement,
    SetDscp,
    SetHops,
    SetMark,
    SetOperation,
    SetPriority,
    Statement,
    StripTcpOptions,
    Synproxy,
    Tproxy,
    Trace,
    UpdateSet,
)
from polc.ir.verdicts import Drop, Verdict
from polc.simulate.conntrack.flow import CONFIRMED, NAT_CLASH, SECOND
from polc.simulate.conntrack.tcp import ES, Tcp
from polc.simulate.conntrack.track import refresh
from polc.simulate.elements import Lookup, NamedSet
from polc.simulate.ends import LEAVE, Leave, Stolen
from polc.simulate.fields import key_of
from polc.simulate.flight import INVALID, UNTRACKED, Flight, Template
from polc.simulate.packet import ACK, FIN, MAXSEG, RST, SYN
from polc.simulate.settings import Flavour
from polc.simulate.unknown import OnlyKernelKnows
from polc.simulate.world import World

_LONGEST = 0xFFFF
_DEFAULT_MSS = 536
"""include/net/tcp.h, TCP_MSS_DEFAULT."""

Effect = Callable[[Flight], "Verdict | Stolen | Leave | None"]

_TCP_NAMES = {"retrans": "max_retrans", "unack": "unacknowledged"}
"""nft's names of timeouts that the sysctls call otherwise."""


@dataclass(slots=True)
class Effects:
    """Makes the effects of one ruleset."""

    world: World
    flavour: Flavour
    sets: dict[str, NamedSet]

    def effect(self, statement: Statement) -> Effect:
        match statement:
            case Counter(name, packets, size):
                return self._counter(name, packets, size)
            case Log():
                logs = self.world
                return lambda flight: logs.logs.append(statement)
            case AssignHelper(helper, protocol):
                return self._helper(helper, protocol)
            case AssignTimeout(protocol=protocol, policy=policy):
                return self._timeout(protocol, policy)
            case AssignZone(zone, direction):
                return self._zone(zone, direction)
            case Offload(flowtable):
                return _offload(flowtable)
            case UpdateSet():
                return self._update(statement)
            case SetMark(field, value, mask):
                return _set_mark(field, value, mask)
            case CopyMark(to, mask, from_mask):
                return _copy_mark(to, mask, mask if from_mask is None else from_mask)
            case MapMark():
                return self._map_mark(statement)
            case SetPriority(value):
                return _set_priority(value)
            case SetHops(value, change):
                return _set_hops(value, change)
            case Trace():
                return lambda flight: None
            case Duplicate():
                copies = self.world
                return lambda flight: copies.copies.append(statement)
            case StripTcpOptions(kinds):
                return _strip(frozenset(kinds))
            case Notrack():
                return self._notrack
            case ClampMss(size):
                return self._clamp(size)
            case SetDscp(value):
                return _set_dscp(value)
            case Tproxy():
                return _tproxy
            case Synproxy():
                return _synproxy(self.flavour)
            case Native():
                return _only_kernel("a rule in a target's own words")
            case OpaqueStatement(omission=Omission()):
                return lambda flight: None
            case OpaqueStatement(words):
                return _only_kernel(f"`{words}` is done to the packet")
            case _:
                assert_never(statement)

    def _counter(self, name: str | None, packets: int, size: int) -> Effect:
        if name is None:
            return lambda flight: None
        counter = self.world.counters.setdefault(name, [packets, size])

        def effect(flight: Flight) -> None:
            counter[0] += 1
            counter[1] += flight.length

        return effect

    def _notrack(self, flight: Flight) -> None:
        """nft_ct.c, nft_notrack_eval; xt_CT.c: nothing of answers."""
        if flight.flow is None and not (flight.attached and self.flavour is Flavour.IPTABLES):
            flight.state = UNTRACKED

    def _may_template(self, flight: Flight) -> bool:
        """Whether iptables' CT target says something of the flow to come."""
        return self.flavour is Flavour.IPTABLES and flight.state == INVALID and not flight.attached

    def _zone(self, zone: int, direction: CtDirection | None) -> Effect:
        """nft_ct.c, nft_ct_set_zone_eval: nothing of a packet that has a flow; xt_CT.c: nor of answers."""
        directions = {None: 3, CtDirection.ORIGINAL: 1, CtDirection.REPLY: 2}[direction]
        answers = self.flavour is Flavour.NFT

        def effect(flight: Flight) -> None:
            if flight.flow is None and flight.state != UNTRACKED and (answers or not flight.attached):
                template = _template(flight)
                template.zone, template.zone_directions = zone, directions

        return effect

    def _helper(self, helper: str, protocol: int) -> Effect:
        """net/netfilter/nft_ct.c, nft_ct_helper_obj_eval; before conntrack iptables' CT target says it of the flow to
        come (xt_CT.c), and nft says nothing.
        """

        def effect(flight: Flight) -> None:
            flow = flight.flow
            if flow is None:
                if self._may_template(flight) and flight.protocol == protocol:
                    _template(flight).helper = helper
                return
            if not flow.status & CONFIRMED and flow.protocol == protocol and not flow.helper_set:
                flow.helper, flow.helper_set = helper, True

        return effect

    def _timeout(self, protocol: int, policy: tuple[tuple[str, int], ...]) -> Effect:
        """nft_ct.c, nft_ct_timeout_obj_eval; xt_CT.c."""
        settings = self.world.settings
        given = {_TCP_NAMES.get(name, name): seconds for name, seconds in policy}
        timeouts = {**settings.tcp_timeouts, **given} if protocol == TCP else given
        first = timeouts["syn_sent"] if protocol == TCP else timeouts.get("unreplied", settings.udp_timeout)
        table = self.world.table

        def effect(flight: Flight) -> None:
            flow = flight.flow
            if flow is None:
                if self._may_template(flight) and flight.protocol == protocol:
                    _template(flight).timeout = timeouts
                return
            if flow.protocol == protocol and not flow.status & CONFIRMED:
                flow.timeouts = timeouts
                refresh(table, flow, first * SECOND)

        return effect

    def _update(self, statement: UpdateSet) -> Effect:
        key, named, table = key_of(statement.key, self.world), self.sets[statement.set_name], self.world.table
        timeout = None if statement.timeout is None else statement.timeout * SECOND
        # A set of nft that is full, and a part that the packet lacks, break the rule off; iptables goes on.
        broken = LEAVE if self.flavour is Flavour.NFT else None
        operation = statement.operation

        def effect(flight: Flight) -> Leave | None:
            found = key(flight)
            if found is None:
                return broken
            if operation is SetOperation.DELETE:
                named.remove(found)
                return None
            placed = named.add(found, table.now, timeout, renew=operation is SetOperation.UPDATE)
            return None if placed else broken

        return effect

    def _map_mark(self, statement: MapMark) -> Effect:
        key, lookup = key_of(statement.key, self.world), Lookup(statement.elements)

        def effect(flight: Flight) -> Leave | None:
            found = key(flight)
            value = None if found is None else lookup.get(found)
            if value is None:
                return LEAVE
            _write(flight, statement.field, value)
            return None

        return effect

    def _clamp(self, size: int | None) -> Effect:
        """xt_TCPMSS.c; nft_rt.c, get_tcpmss: without a size what the route allows, and for iptables the way back too.
        nft takes what no header can say, as of IPv6 on the loopback interface, for nothing.
        """
        routing, both_ways = self.world.routing, self.flavour is Flavour.IPTABLES

        def effect(flight: Flight) -> None:
            if flight.protocol != TCP or flight.flags & (SYN | RST) != SYN or flight.mss is None:
                return
            most = size
            if most is None:
                names = [flight.oif] + ([flight.iif] if both_ways and flight.iif else [])
                mtu, headers = min(routing.interface(name).mtu for name in names), 60 if flight.six else 40
                mtu = mtu if flight.six else min(mtu, _LONGEST)
                most = mtu - headers if both_ways or headers < mtu <= _LONGEST else _DEFAULT_MSS
            flight.mss = min(flight.mss, most)

        return effect


def _template(flight: Flight) -> Template:
    if flight.template is None:
        flight.template = Template()
    return flight.template


def _offload(flowtable: str) -> Effect:
    """net/netfilter/nft_flow_offload.c, nft_flow_offload_eval: established TCP, and UDP that was answered."""

    def effect(flight: Flight) -> None:
        flow = flight.flow
        if flow is None or not flow.status & CONFIRMED or flow.helper or flow.status & NAT_CLASH:
            return
        if flow.protocol == TCP:
            established = isinstance(flow.proto, Tcp) and flow.proto.state == ES
            if not established or flight.flags & (FIN | RST):
                return
        elif flow.protocol != UDP:
            return
        flow.offloaded = flowtable

    return effect


def _write(flight: Flight, field: MarkField, value: int) -> None:
    if field is MarkField.META:
        flight.mark = value
    elif flight.flow is not None:
        flight.flow.mark = value


def _set_mark(field: MarkField, value: int, mask: int) -> Effect:
    if field is MarkField.META:

        def of_packet(flight: Flight) -> None:
            flight.mark = flight.mark & ~mask ^ value

        return of_packet

    def of_flow(flight: Flight) -> None:
        if flight.flow is not None:
            flight.flow.mark = flight.flow.mark & ~mask ^ value

    return of_flow


def _copy_mark(to: MarkField, mask: int, from_mask: int) -> Effect:
    def effect(flight: Flight) -> None:
        flow = flight.flow
        if flow is None:
            return
        if to is MarkField.CT:
            flow.mark = flow.mark & ~mask ^ flight.mark & from_mask
        else:
            flight.mark = flight.mark & ~mask ^ flow.mark & from_mask

    return effect


def _set_priority(value: int) -> Effect:
    def effect(flight: Flight) -> None:
        flight.priority = value

    return effect


def _set_hops(value: int, change: HopChange) -> Effect:
    """xt_HL.c, ttl_tg."""

    def effect(flight: Flight) -> None:
        match change:
            case HopChange.SET:
                flight.ttl = value
            case HopChange.INCREASE:
                flight.ttl = min(flight.ttl + value, 255)
            case HopChange.DECREASE:
                flight.ttl = max(flight.ttl - value, 0)
            case _:
                assert_never(change)

    return effect


def _strip(kinds: frozenset[int]) -> Effect:
    def effect(flight: Flight) -> None:
        flight.stripped |= kinds
        if MAXSEG in kinds:
            flight.mss = None

    return effect


def _set_dscp(value: int) -> Effect:
    def effect(flight: Flight) -> None:
        flight.dscp = value

    return effect


def _tproxy(flight: Flight) -> Verdict | None:
    """xt_TPROXY.c, tproxy_tg4. That the packet is then delivered is routing's doing, by the mark that the rule sets."""
    if flight.protocol not in (TCP, UDP):
        return Drop()
    if not flight.packet.socket:
        return Drop()
    flight.tproxied = True
    return None


_ENDS = SYN | ACK | FIN | RST
"""The flags by which xt_SYNPROXY tells segments apart."""


def _synproxy(flavour: Flavour) -> Effect:
    """nft_synproxy.c: a SYN is answered here, the ACK that ends the handshake is taken in, and the server's comes of
    it. Whether that ACK carries a cookie that was given out, only the kernel knows; other packets go on, and those
    with a wrong sum are dropped. ipt_SYNPROXY.c, synproxy_tg4: neither has another flag that begins or ends a flow.
    """
    asked = (SYN, ACK) if flavour is Flavour.NFT else (_ENDS, _ENDS)

    def effect(flight: Flight) -> Stolen | Drop | None:
        if flight.protocol != TCP:
            return None
        if flight.packet.bad_checksum:
            return Drop()
        if flight.flags & asked[0] == SYN:
            return Stolen()
        if flight.flags & asked[1] == ACK:
            raise OnlyKernelKnows("whether the packet ends a handshake that synproxy began")
        return None

    return effect


def _only_kernel(reason: str) -> Effect:
    def effect(flight: Flight) -> Verdict | None:
        raise OnlyKernelKnows(reason)

    return effect
