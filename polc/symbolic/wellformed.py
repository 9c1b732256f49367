"""Which points of a space are packets that can come to a hook: what the kernel itself makes sure of."""

from __future__ import annotations

from collections.abc import Iterator

from polc.ir.family import Family
from polc.ir.fields import CT_STATUS_BITS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FlagField
from polc.ir.protocols import ICMP, ICMPV6, MOBILITY, TCP
from polc.ir.ruleset import DEVICE_HOOKS, Hook
from polc.symbolic.diagram import HOLDS
from polc.symbolic.segments import of_flows
from polc.symbolic.services import of_services
from polc.symbolic.space import ESTABLISHED, INVALID, NEW, RELATED, UNTRACKED, Of, Set, Space
from polc.symbolic.translation import pools

_SHORTEST = {Family.IP: 20, Family.IP6: 40}  # RFC 791, 3.1; RFC 8200, 3
_LONGEST = {Family.IP: 0xFFFF, Family.IP6: 0x10000}
"""RFC 791, 3.1; of IPv6 what loopback has room for (drivers/net/loopback.c), less than RFC 8200 allows."""

# net/netfilter/nf_conntrack_proto_icmp.c: valid_new, invmap, and the errors of nf_conntrack_icmpv4_error;
# nf_conntrack_proto_icmpv6.c: valid_new, invmap, noct_valid_new, and the errors and redirects of its error handler.
_BEGINS = {Family.IP: (8, 13, 15, 17), Family.IP6: (128, 139)}
_GOES_ON = {Family.IP: (0, 8, 13, 14, 15, 16, 17, 18), Family.IP6: (128, 129, 139, 140)}
_ERRORS = {Family.IP: ((3, 5), (11, 12)), Family.IP6: ((0, 127), (137, 137))}
NOT_TRACKED = (130, 131, 132, 133, 134, 135, 136, 143, 151, 152)

_COMES_IN = {
    # include/linux/netfilter.h, nf_hook_state: which devices are there; net/ipv4/ip_output.c, ip_output, gives
    # postrouting the device where a forwarded packet came in, since Linux 5.7.
    Hook.INGRESS: True, Hook.PREROUTING: True, Hook.INPUT: True, Hook.FORWARD: True, Hook.OUTPUT: False,
}  # fmt: skip
_GOES_OUT = {
    Hook.INGRESS: False, Hook.PREROUTING: False, Hook.INPUT: False, Hook.FORWARD: True, Hook.OUTPUT: True,
    Hook.POSTROUTING: True, Hook.EGRESS: True,
}  # fmt: skip
_NOT_YET: dict[Hook, tuple[str, ...]] = {
    Hook.INGRESS: ("snat", "dnat"), Hook.PREROUTING: ("snat", "dnat"), Hook.OUTPUT: ("snat", "dnat"), Hook.EGRESS: (),
}  # fmt: skip
"""What NAT cannot have changed of a flow whose first packet comes to a hook; elsewhere it is the source."""

_SENT = frozenset({Hook.OUTPUT, Hook.POSTROUTING, Hook.EGRESS})
BEHIND_ROUTING = frozenset({Hook.FORWARD, Hook.POSTROUTING, Hook.EGRESS})
"""Hooks at which a packet that came in has one hop less than it came with."""


def valid(space: Space, hook: Hook | None = None, *, arriving: bool = False, translates: bool = False) -> Set:
    """The packets that can be, at a hook where one is given. Where there is NAT ask once functions are made: only
    what the kernel chooses by then is held to anything. ``arriving``: they are as they come in, hops and all.
    ``translates``: what NAT there is, is known; else some other table may have it.
    """
    return space.manager.all_of(_laws(space, hook, arriving, translates))


def _laws(space: Space, hook: Hook | None, arriving: bool, translates: bool) -> Iterator[Set]:
    manager = space.manager

    def implies(condition: Set, held: Set) -> Set:
        return manager.over(manager.complement(condition), held)

    def numbers(of: Of, *values: int | tuple[int, int]) -> Set:
        pairs = [one if isinstance(one, tuple) else (one, one) for one in values]
        return manager.within(space.variable(of).number, Intervals.of(pairs))

    if hook in _COMES_IN:
        yield numbers(Of.IIF, 0) if not _COMES_IN[hook] else manager.complement(numbers(Of.IIF, 0))
    if hook in _GOES_OUT:
        yield numbers(Of.OIF, 0) if not _GOES_OUT[hook] else manager.complement(numbers(Of.OIF, 0))
    if space.has(Of.OWNER) and hook is not None:
        # Sockets own what they send; a packet that came in has none (net/core/sock.c, skb_orphan).
        own = numbers(Of.OWNER, 0)
        yield implies(manager.complement(numbers(Of.IIF, 0)), own) if hook in _SENT else own
    if space.has(Of.FIELD, Field.VLAN_ID) and hook is not None and hook not in DEVICE_HOOKS:
        # net/core/dev.c, __netif_receive_skb_core: it is taken off, and goes to the VLAN's own interface or nowhere.
        tag = space.field(Field.VLAN_ID)
        yield space.within(tag, tag.highest)
    # nf_conntrack_core.c, ipv4_get_l4proto: of a later fragment conntrack makes nothing.
    fragment, untracked = numbers(Of.FRAGMENT, 1), numbers(Of.CT, INVALID, UNTRACKED)
    yield implies(fragment, untracked)
    if hook is Hook.INPUT and space.family is Family.IP:
        # net/ipv4/ip_input.c, ip_local_deliver: there they are whole again.
        yield manager.complement(fragment)
    own, foreign = (ICMP, ICMPV6) if space.family is Family.IP else (ICMPV6, ICMP)
    icmp = manager.where(numbers(Of.PROTOCOL, own), numbers(Of.FRAGMENT, 0))
    yield implies(manager.where(icmp, numbers(Of.CT, NEW)), numbers(Of.TYPE, *_BEGINS[space.family]))
    yield implies(manager.where(icmp, numbers(Of.CT, ESTABLISHED)), numbers(Of.TYPE, *_GOES_ON[space.family]))
    # nf_conntrack_icmp_packet and nf_conntrack_icmpv6_packet make nothing of it in the other family.
    yield implies(numbers(Of.PROTOCOL, foreign), untracked)
    yield implies(manager.where(icmp, numbers(Of.CT, RELATED)), numbers(Of.TYPE, *_ERRORS[space.family]))
    if space.family is Family.IP6:
        yield implies(manager.where(icmp, numbers(Of.TYPE, *NOT_TRACKED)), untracked)
    # nf_conntrack_core.c, resolve_normal_ct: a packet of the reply direction is established, and so is any once one
    # was seen; before that the first packets are related where the flow was expected, and else new.
    first = manager.over(numbers(Of.CT, NEW), manager.minus(numbers(Of.CT, RELATED), icmp))
    if space.has(Of.FLAGS):
        segment = manager.where(numbers(Of.PROTOCOL, TCP), numbers(Of.FRAGMENT, 0))
        bits, flags = space.flags[FlagField.TCP_FLAGS], space.variable(Of.FLAGS).number
        for states, unanswered in (((ESTABLISHED,), False), ((NEW, RELATED), True)):
            taken = manager.within(flags, of_flows(bits, first=unanswered))
            yield implies(manager.where(segment, numbers(Of.CT, *states)), taken)
    if space.has(Of.FIELD, Field.CT_DIRECTION):
        onward = space.within(space.field(Field.CT_DIRECTION), 0)
        yield implies(first, onward)
        # A flow of ICMP begins with what asks: the types tell which direction it is.
        talk, asks = manager.where(icmp, numbers(Of.CT, ESTABLISHED)), numbers(Of.TYPE, *_BEGINS[space.family])
        yield implies(manager.where(talk, asks), onward)
        yield implies(manager.where(talk, onward), asks)
    if space.has(Of.STATUS):
        yield implies(first, manager.complement(status_set(space, "seen-reply")))
        yield implies(numbers(Of.CT, NEW), manager.complement(status_set(space, "expected")))
        yield implies(manager.minus(numbers(Of.CT, RELATED), icmp), status_set(space, "expected"))
        for name in ("seen-reply", "confirmed"):
            yield implies(numbers(Of.CT, ESTABLISHED), status_set(space, name))
        # NAT changes the destination behind prerouting or at output, and the source at the last hook.
        begins = manager.minus(first, status_set(space, "confirmed"))
        yet = ("snat", "dnat") if arriving else _NOT_YET.get(hook, ("snat",)) if hook is not None else ()
        for name in yet if translates else ():
            if space.has(Of.BOUND, name):
                yield implies(begins, space.within(space.variable(Of.BOUND, name), 0))
    if space.has(Of.HELPER):
        # A flow has a master because it was expected (init_conntrack): it is not new.
        helped = manager.complement(numbers(Of.HELPER, 0))
        yield implies(helped, manager.complement(numbers(Of.CT, NEW)))
        if space.has(Of.STATUS):
            yield implies(helped, status_set(space, "expected"))
    if space.family is Family.IP6:
        # net/ipv6/exthdrs_core.c, ipv6_find_hdr: a header of mobility is a protocol, behind which none is looked for.
        mobile = manager.where(numbers(Of.PROTOCOL, MOBILITY), numbers(Of.FRAGMENT, 0))
        there = []
        if space.has(Of.HEADER, "mh"):
            there.append(space.within(space.variable(Of.HEADER, "mh"), 1))
        if space.has(Of.FIELD, Field.MH_TYPE):
            kind = space.field(Field.MH_TYPE)
            there.append(space.within(kind, 0, kind.highest - 1))
        for one in there:
            yield implies(one, mobile)
            yield implies(mobile, one)
    if space.has(Of.SYSTEM):
        yield manager.complement(numbers(Of.SYSTEM, 0))
    if space.has(Of.ROUTE, "loose") and space.has(Of.ROUTE, "strict"):
        strict, loose = (space.within(space.variable(Of.ROUTE, one), 1) for one in ("strict", "loose"))
        yield implies(strict, loose)
    hops = Field.TTL if space.family is Family.IP else Field.HOPLIMIT
    if hook in BEHIND_ROUTING and space.has(Of.FIELD, hops):
        # net/ipv4/ip_forward.c, net/ipv6/ip6_output.c: one hop less than it came with, and none is not forwarded.
        left = space.within(space.field(hops), 1 + arriving, 254 + arriving)
        yield implies(manager.complement(numbers(Of.IIF, 0)), left)
    if hook is Hook.FORWARD and not arriving and space.family is Family.IP and space.has(Of.FIELD, Field.META_PRIORITY):
        given = space.field(Field.META_PRIORITY)
        for value, members in of_services(space):
            yield implies(members, space.within(given, value))
    yield from pools(space)
    if space.has(Of.FIELD, Field.META_LENGTH):
        length = space.field(Field.META_LENGTH)
        yield space.within(length, _SHORTEST[space.family], _LONGEST[space.family])
    yield HOLDS


def status_set(space: Space, name: str) -> Set:
    """Packets of flows whose status has a bit that NAT does not set."""
    bit = CT_STATUS_BITS[name]
    classes = space.flags[FlagField.CT_STATUS].matching(bit, bit)
    return space.manager.within(space.variable(Of.STATUS).number, classes)
