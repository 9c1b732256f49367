"""Which packets have a field, and the sets of those in which it has certain values."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from polc.ir.family import Family
from polc.ir.fields import FIELDS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import CtState
from polc.ir.protocols import PORT_PROTOCOLS, TCP
from polc.ir.selectors import Conntrack, Direction, InterfacePattern, KeyValue, Selector, Side, Transport
from polc.symbolic.diagram import HOLDS, NONE
from polc.symbolic.space import ESTABLISHED, NEW, OPTIONAL, SOCKET, STATES, Of, Set, Space

_COMING = frozenset({Field.META_IIFGROUP, Field.ETHER_SADDR, Field.ETHER_DADDR})
_FLOW = frozenset(one for one in Field if one.value.startswith("ct "))
_IPV4_TYPE, _IPV6_TYPE, _VLAN_TYPE = 0x0800, 0x86DD, 0x8100
_PORTS = Intervals.of((one, one) for one in PORT_PROTOCOLS)
_FLOW_STATES = Intervals(((ESTABLISHED, NEW),))


class Fields:
    """The fields of the packets of a space. ``early``: before conntrack has seen them, where no packet has a flow and
    all are invalid but those that a rule has exempted (net/netfilter/nft_ct.c, nft_ct_get_eval).
    """

    def __init__(self, space: Space, *, early: bool = False) -> None:
        self.space = space
        self.early = early

    @property
    def tracked(self) -> Set:
        """Packets that have a flow: those of the states established, related and new."""
        if self.early:
            return NONE
        return self.space.manager.within(self.space.variable(Of.CT).number, _FLOW_STATES)

    def states(self, states: CtState) -> Set:
        """Packets of these conntrack states."""
        space = self.space
        if self.early:
            exempted = space.variable(Of.NOTRACK)
            found = space.within(exempted, 0) if CtState.INVALID in states else NONE
            return space.manager.over(found, space.within(exempted, 1) if CtState.UNTRACKED in states else NONE)
        numbers = Intervals.of((at, at) for at, one in enumerate(STATES) if one in states)
        return space.manager.within(space.variable(Of.CT).number, numbers)

    def state_numbers(self, values: Intervals) -> Set:
        """As ``states``, by the bits that are the states' numbers in the kernel."""
        found = CtState(0)
        for one in STATES:
            if one.value in values:
                found |= one
        return self.states(found)

    @property
    def whole(self) -> Set:
        """Packets that are no second or later fragment."""
        return self.space.within(self.space.variable(Of.FRAGMENT), 0)

    @property
    def ported(self) -> Set:
        """Packets that have ports."""
        manager = self.space.manager
        return manager.where(manager.within(self.space.variable(Of.PROTOCOL).number, _PORTS), self.whole)

    @property
    def segments(self) -> Set:
        """Packets that have a TCP header."""
        return self.space.manager.where(self.protocol(TCP), self.whole)

    def protocol(self, number: int) -> Set:
        return self.space.within(self.space.variable(Of.PROTOCOL), number)

    @property
    def came_in(self) -> Set:
        """Packets that have an interface where they came in."""
        return self.space.manager.complement(self.space.within(self.space.variable(Of.IIF), 0))

    @property
    def go_out(self) -> Set:
        """Packets of which it is known where they go out."""
        return self.space.manager.complement(self.space.within(self.space.variable(Of.OIF), 0))

    def having(self, field: Field) -> Set:
        """Packets that have the field (see ``polc.ir.fields``, and for each the file that it names)."""
        fact = FIELDS[field]
        manager = self.space.manager
        if fact.family not in (None, self.space.family):
            return NONE
        if field in _FLOW:
            return self.tracked
        if field in SOCKET:
            # net/netfilter/nft_meta.c, nft_meta_get_eval_skugid: of a full socket of this host.
            return self.space.within(self.space.variable(Of.OWNER), 1)
        if field in _COMING or field is Field.ETHER_TYPE:
            return self.came_in
        if field is Field.META_OIFGROUP:
            return self.go_out
        # No later fragment has the header (nft_payload.c, nft_payload_eval; exthdrs_core.c, ipv6_find_hdr).
        guard = HOLDS if fact.protocol is None else manager.where(self.protocol(fact.protocol), self.whole)
        if field in OPTIONAL:
            variable = self.space.field(field)
            guard = manager.where(guard, self.space.within(variable, 0, variable.highest - 1))
        return guard

    def with_values(self, field: Field, values: Intervals, mask: int | None = None) -> Set:
        """Packets that have the field with one of the values, under a mask where there is one."""
        space, manager = self.space, self.space.manager
        match field:
            case Field.META_PROTOCOL:
                own = _IPV4_TYPE if space.family is Family.IP else _IPV6_TYPE
                return HOLDS if own in values else NONE
            case Field.ETHER_TYPE:
                own = _IPV4_TYPE if space.family is Family.IP else _IPV6_TYPE
                tag = space.field(Field.VLAN_ID)
                tagged = space.within(tag, 0, tag.highest - 1)
                held = manager.either(tagged, HOLDS if _VLAN_TYPE in values else NONE, HOLDS if own in values else NONE)
            case Field.META_MARK | Field.CT_MARK | Field.META_RTCLASSID:
                held = self._bits(field, values, 0xFFFFFFFF if mask is None else mask)
            case _ if mask is not None:
                raise AssertionError(field)
            case _:
                variable = space.field(field)
                top = variable.highest - 1 if field in OPTIONAL else variable.highest
                inside = Intervals.of((low, min(high, top)) for low, high in values.ranges if low <= top)
                held = manager.within(variable.number, inside)
        return manager.where(self.having(field), held)

    def _bits(self, field: Field, values: Intervals, mask: int) -> Set:
        """``value & mask`` is in one of the ranges: the highest bits decide, or the next ones do."""
        space, manager = self.space, self.space.manager
        parts = [(None if not mask >> low & 1 else variable, low, width) for variable, low, width in space.bits(field)]
        if any(
            variable is not None and mask >> low & (1 << width) - 1 != (1 << width) - 1
            for variable, low, width in parts
        ):
            raise ValueError(f"`{field.value}` is asked under a mask that the space does not know")

        def between(at: int, low: int, high: int) -> Set:
            if at == len(parts):
                return HOLDS
            variable, shift, _ = parts[at]
            rest = (1 << shift) - 1
            if low == 0 and high >= (1 << sum(width for _, _, width in parts[at:])) - 1:
                return HOLDS
            first, last = low >> shift, high >> shift
            if variable is None:
                return NONE if first else between(at + 1, low & rest, rest if last else high & rest)
            if first == last:
                return manager.where(space.within(variable, first), between(at + 1, low & rest, high & rest))
            found = manager.where(space.within(variable, first), between(at + 1, low & rest, rest))
            if last - first > 1:
                found = manager.over(found, space.within(variable, first + 1, last - 1))
            return manager.over(found, manager.where(space.within(variable, last), between(at + 1, 0, high & rest)))

        return manager.first_of(between(0, low, high) for low, high in values.ranges)

    # Parts of keys

    def key(self, selectors: tuple[Selector, ...]) -> Set:
        """Packets that have every part of the key."""
        return self.space.manager.all_of(self._has_part(one) for one in selectors)

    def element(self, selectors: tuple[Selector, ...], element: tuple[KeyValue, ...]) -> Set:
        """Packets whose key is in the element."""
        parts = [self._part(one)(value) for one, value in zip(selectors, element, strict=True)]
        return self.space.manager.all_of(parts)

    def _has_part(self, selector: Selector) -> Set:
        match selector:
            case Side() | Transport.PROTOCOL | Conntrack() | Direction():
                # Of a packet without an interface the kernel sees an empty name (nft_meta.c, nft_meta_store_ifname).
                return HOLDS
            case Transport.SPORT | Transport.DPORT:
                return self.ported
            case Field():
                return self.having(selector)
            case _:
                assert_never(selector)

    def _part(self, selector: Selector) -> Callable[[KeyValue], Set]:
        space, manager = self.space, self.space.manager

        def get(value: KeyValue) -> Set:
            if isinstance(value, InterfacePattern):
                of = Of.IIF if selector is Direction.IN else Of.OIF
                return manager.within(space.variable(of).number, space.interfaces.matching((value,)))
            match selector:
                case Side():
                    return manager.within(space.variable(SIDES[selector]).number, value)
                case Transport.PROTOCOL:
                    return manager.within(space.variable(Of.PROTOCOL).number, value)
                case Transport.SPORT | Transport.DPORT:
                    of = Of.SPORT if selector is Transport.SPORT else Of.DPORT
                    return manager.where(self.ported, manager.within(space.variable(of).number, value))
                case Conntrack():
                    return self.state_numbers(value)
                case Direction():
                    raise AssertionError(selector)
                case Field():
                    return self.with_values(selector, value)
                case _:
                    assert_never(selector)

        return get


SIDES = {Side.SADDR: Of.SADDR, Side.DADDR: Of.DADDR}
