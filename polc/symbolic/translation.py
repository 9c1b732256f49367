"""What NAT makes of addresses and ports, for the chains that see packets behind it.

One address and one port are known. A pool, an address of the host and what the kernel chooses are variables of their
own; so is what a packet that is not its flow's first is changed to, as its flow was bound before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from polc.ir.intervals import Intervals
from polc.ir.protocols import TRACKED_PORTS
from polc.ir.ruleset import Hook
from polc.ir.selectors import Side, Transport
from polc.ir.verdicts import NatKind
from polc.symbolic.outcome import Binding, Change, Changes, Derived, sorted_changes
from polc.symbolic.space import Of, Set, Space, Variable

_HOST = frozenset({NatKind.MASQUERADE, NatKind.REDIRECT})
_NETMAP = frozenset({NatKind.NETMAP_SOURCE, NatKind.NETMAP_DESTINATION})
_PORTS = Intervals.of((one, one) for one in TRACKED_PORTS)


def bound(space: Space, binding: Binding, members: Sequence[Variable]) -> list[tuple[Set, Changes]]:
    """What a binding changes: for packets with ports and for others, and for those that it surely changes and others
    where rules ask whether it did, as (which packets, changes). ``members`` are the variables of membership in sets
    that there are.
    """
    side = Of.SADDR if binding.source else Of.DADDR
    port = Of.SPORT if binding.source else Of.DPORT
    changes: dict[int, Change] = {}
    if binding.addresses is not None and binding.addresses[0] == binding.addresses[1] and binding.kind not in _NETMAP:
        changes[space.variable(side).number] = binding.addresses[0]
    elif binding.addresses is not None or binding.kind in _HOST:
        changes[space.variable(side).number] = _chosen(space, side, binding)
    if changes:
        changes |= _answered(space, side, changes[space.variable(side).number])
        changes |= _hanging_on(space, side, binding, members)
    ports = dict(changes)
    if binding.ports is not None and binding.ports[0] == binding.ports[1]:
        ports[space.variable(port).number] = binding.ports[0]
    elif binding.ports is not None or binding.source:
        # Where the source's own port is taken, the kernel takes another one (nf_nat_l4proto_unique_tuple).
        ports[space.variable(port).number] = _chosen(space, port, binding)
    ports |= _hanging_on(space, port, binding, members)
    having = space.manager.within(space.variable(Of.PROTOCOL).number, _PORTS)
    return [
        *_told(space, binding, having, ports),
        *_told(space, binding, space.manager.complement(having), changes),
    ]


def _told(space: Space, binding: Binding, packets: Set, changes: dict[int, Change]) -> Iterator[tuple[Set, Changes]]:
    """nf_nat_core.c, nf_nat_setup_info: the flow's status tells whether anything is another than it was."""
    name = "snat" if binding.source else "dnat"
    if not changes or not space.has(Of.BOUND, name):
        yield packets, sorted_changes(changes)
        return
    manager, bit = space.manager, space.variable(Of.BOUND, name).number
    kept = packets
    for of, pool in zip(_SIDES[binding.source], (binding.addresses, binding.ports), strict=True):
        variable = space.variable(of)
        if pool is not None and variable.number in changes:
            kept = manager.where(kept, space.within(variable, *pool))
    yield manager.minus(packets, kept), sorted_changes({**changes, bit: 1})
    if any(isinstance(one, Derived) for one in changes.values()):
        late = space.variable(Of.LATE, (Of.BOUND, binding))
        yield kept, sorted_changes({**changes, bit: Derived(late.number)})
    else:
        yield kept, sorted_changes(changes)


_ANSWERED = {Of.SADDR: ("reply", Side.DADDR.value), Of.DADDR: ("reply", Side.SADDR.value)}


def _answered(space: Space, side: Of, change: Change) -> dict[int, Change]:
    """Answers come from where the flow goes now, and go to where it comes from."""
    if not space.has(Of.ORIGINAL, _ANSWERED[side]):
        return {}
    return {space.variable(Of.ORIGINAL, _ANSWERED[side]).number: change}


def begun(space: Space) -> Changes:
    """The addresses of a flow that begins are those of its first packet (nf_conntrack_core.c, init_conntrack)."""
    changes: dict[int, Change] = {}
    for side, detail in ((Of.SADDR, ("original", Side.SADDR.value)), (Of.DADDR, ("original", Side.DADDR.value))):
        for one in (detail, _ANSWERED[side]):
            if space.has(Of.ORIGINAL, one):
                variable = space.variable(side)
                changes[space.variable(Of.ORIGINAL, one).number] = Derived(variable.number, (), variable.highest)
    return sorted_changes(changes)


def as_before(space: Space, hook: Hook, members: Sequence[Variable]) -> Changes:
    """What a packet of a flow that was bound before may be changed to."""
    source = hook in (Hook.INPUT, Hook.POSTROUTING)
    changes: dict[int, Change] = {}
    for of in _SIDES[source]:
        changes[space.variable(of).number] = _chosen(space, of, hook)
        changes |= _hanging_on(space, of, hook, members)
    return sorted_changes(changes)


def pools(space: Space) -> list[Set]:
    """That what the kernel chooses is from the pool that a rule gives it."""
    found = []
    for one in space.variables:
        if one.of is Of.LATE and isinstance(one.detail, tuple) and isinstance(one.detail[-1], Binding):
            binding = one.detail[-1]
            pool = binding.addresses if one.detail[0] in (Of.SADDR, Of.DADDR) else binding.ports
            if pool is not None and one.detail[0] in (Of.SADDR, Of.DADDR, Of.SPORT, Of.DPORT):
                found.append(space.within(one, *pool))
    return found


_SIDES = {True: (Of.SADDR, Of.SPORT), False: (Of.DADDR, Of.DPORT)}


def _chosen(space: Space, of: Of, by: Binding | Hook) -> Derived:
    late = space.variable(Of.LATE, (of, by), space.variable(of).highest)
    return Derived(late.number, (), late.highest)


_PARTS = {Of.SADDR: Side.SADDR, Of.DADDR: Side.DADDR, Of.SPORT: Transport.SPORT, Of.DPORT: Transport.DPORT}


def _hanging_on(space: Space, of: Of, by: Binding | Hook, members: Sequence[Variable]) -> dict[int, Change]:
    """What is another question once the address or port is another one: membership in sets, the kind of address."""
    found: dict[int, Change] = {}
    part = _PARTS[of]
    for member in members:
        assert isinstance(member.detail, tuple)
        if part in member.detail[1]:
            late = space.variable(Of.LATE, (member.detail, of, str(by)))
            found[member.number] = Derived(late.number)
    for side, interface in sorted(space.facts.types, key=str):
        if side == of.value:
            kind = space.variable(Of.ADDRESS_TYPE, (side, interface))
            late = space.variable(Of.LATE, ("type", side, interface, str(by)), kind.highest)
            found[kind.number] = Derived(late.number, (), kind.highest)
    return found
