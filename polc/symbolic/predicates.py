"""Each match without memory as the set of the packets that meet it."""

from __future__ import annotations

from typing import assert_never

from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressMatch,
    AddressTypeMatch,
    CtStateMatch,
    Direction,
    ElementMatch,
    ExtensionHeader,
    ExtensionHeaderMatch,
    FieldMatch,
    FlagField,
    FlagsMatch,
    IcmpTerm,
    InterfaceMatch,
    Match,
    NameField,
    NameMatch,
    OpaqueMatch,
    OriginalAddressMatch,
    PortTerm,
    ReversePathMatch,
    ServiceMatch,
    ServiceTerm,
    SetMatch,
    TcpOptionMatch,
    Trait,
    TraitMatch,
)
from polc.ir.protocols import ICMP_FAMILY
from polc.ir.stateful import Connections, EveryNth, Hits, Limit, Quota, RandomMatch, RecentMatch
from polc.symbolic.diagram import HOLDS, NONE
from polc.symbolic.fields import SIDES, Fields
from polc.symbolic.space import NAT_STATUS, SYN, SYN_ACK, TYPES, Of, Set, Space

_MAXSEG = 2

Stateful = SetMatch | EveryNth | RandomMatch | RecentMatch | Limit | Hits | Connections | Quota | OpaqueMatch
"""Matches whose answer hangs on what was before, or on what nobody looks into."""


class Predicates:
    """Makes sets of matches; ``early``: of chains before conntrack."""

    def __init__(self, space: Space, *, early: bool = False) -> None:
        self.space = space
        self.fields = Fields(space, early=early)
        self._known: dict[Match, Set] = {}

    def all_of(self, matches: tuple[Match, ...]) -> Set:
        """The packets that meet every match, of which none is stateful."""
        found = HOLDS
        for match in matches:
            found = self.space.manager.where(found, self.of(match))
        return found

    def of(self, match: Match) -> Set:
        """The packets that meet the match; those of stateful ones are asked for in ``polc.symbolic.answers``."""
        found = self._known.get(match)
        if found is None:
            found = self._known[match] = self._make(match)
        return found

    def _status(self, mask: int, value: int) -> Set:
        space, manager = self.space, self.space.manager
        others = sum(bit for _, bit in NAT_STATUS)
        classes = space.flags[FlagField.CT_STATUS].matching(mask & ~others, value & ~others)
        held = manager.within(space.variable(Of.STATUS).number, classes)
        for name, bit in NAT_STATUS:
            if mask & bit:
                held = manager.where(held, space.within(space.variable(Of.BOUND, name), bool(value & bit)))
            elif value & bit:
                return NONE
        return held

    def _make(self, match: Match) -> Set:
        space, manager = self.space, self.space.manager
        match match:
            case InterfaceMatch(direction, patterns, negated):
                variable = space.variable(Of.IIF if direction is Direction.IN else Of.OIF)
                return self._unless(negated, manager.within(variable.number, space.interfaces.matching(patterns)))
            case AddressMatch(side, addresses, negated):
                variable = space.variable(SIDES[side])
                return self._unless(negated, manager.within(variable.number, addresses.of_family(space.family)))
            case OriginalAddressMatch(side, addresses, negated, reply):
                variable = space.variable(Of.ORIGINAL, ("reply" if reply else "original", side.value))
                held = manager.within(variable.number, addresses.of_family(space.family))
                return manager.where(self.fields.tracked, self._unless(negated, held))
            case ServiceMatch(terms):
                return manager.first_of(self._term(term) for term in terms)
            case CtStateMatch(states):
                return self.fields.states(states)
            case FieldMatch(field, values, mask, negated):
                held = self.fields.with_values(field, values, mask)
                return manager.minus(self.fields.having(field), held) if negated else held
            case FlagsMatch(flags, mask, value, negated):
                if flags is FlagField.CT_STATUS:
                    return manager.where(self.fields.tracked, self._unless(negated, self._status(mask, value)))
                classes = space.flags[flags].matching(mask, value, negated=negated)
                return manager.where(self.fields.segments, manager.within(space.variable(Of.FLAGS).number, classes))
            case NameMatch(name_field, name, negated):
                return self._name(name_field, name, negated)
            case ReversePathMatch(loose, passes):
                # A packet from the loopback interface passes (net/ipv4/netfilter/nft_fib_ipv4.c, nft_fib4_eval).
                held = space.within(space.variable(Of.ROUTE, "loose" if loose else "strict"), 1)
                if "lo" in space.interfaces.words:
                    lo = space.within(space.variable(Of.IIF), space.interfaces.place("lo"))
                    held = manager.over(lo, held)
                return self._unless(not passes, held)
            case AddressTypeMatch(side, types, negated, interface):
                detail = (side.value, interface.value if interface else None)
                numbers = Intervals.of((TYPES.index(one), TYPES.index(one)) for one in types)
                held = manager.within(space.variable(Of.ADDRESS_TYPE, detail).number, numbers)
                return self._unless(negated, held)
            case TraitMatch(trait, negated):
                if trait is Trait.FRAGMENT:
                    return self._unless(not negated, self.fields.whole)
                return self._unless(negated, space.within(space.variable(Of.TRAIT, trait), 1))
            case TcpOptionMatch(kind, negated):
                return manager.where(self.fields.segments, self._unless(negated, self._option(kind)))
            case ExtensionHeaderMatch(header, negated):
                if space.family is Family.IP:
                    return NONE
                held = space.within(space.variable(Of.HEADER, header.value), 1)
                if header is ExtensionHeader.FRAG:
                    held = manager.over(held, manager.complement(self.fields.whole))
                return self._unless(negated, held)
            case ElementMatch(key, _, negated):
                if negated:
                    return manager.minus(self.fields.key(key), self._elements(match))
                return self._elements(match)
            case (
                SetMatch() | EveryNth() | RandomMatch() | RecentMatch() | Limit() | Hits() | Connections() | Quota()
                | OpaqueMatch()
            ):  # fmt: skip
                raise AssertionError(match)
            case _:
                assert_never(match)

    def _unless(self, negated: bool, members: Set) -> Set:
        return self.space.manager.complement(members) if negated else members

    def _term(self, term: ServiceTerm) -> Set:
        space, number = self.space, self.space.variable(Of.PROTOCOL).number
        match term:
            case PortTerm(protocol, None, None):
                return space.manager.within(number, Intervals.single(protocol))
            case PortTerm(protocol, sport, dport):
                # A number that is none of a protocol with ports has packets, and none of them has ports.
                asked = {Of.SPORT: sport, Of.DPORT: dport}
                ports = {space.variable(of).number: one for of, one in asked.items() if one is not None}
                whole = space.manager.where(self.fields.ported, self.fields.protocol(protocol))
                return space.manager.where(whole, space.manager.box(ports))
            case IcmpTerm(protocol) if ICMP_FAMILY[protocol] is not space.family:
                return NONE
            case IcmpTerm(protocol, kind, code):
                parts = {number: protocol, space.variable(Of.FRAGMENT).number: 0, space.variable(Of.TYPE).number: kind}
                if code is not None:
                    parts[space.variable(Of.CODE).number] = code
                return space.manager.box({one: Intervals.single(value) for one, value in parts.items()})
            case _:
                assert_never(term)

    def _elements(self, match: ElementMatch) -> Set:
        return self.space.manager.first_of(self.fields.element(match.key, one) for one in match.elements)

    def _option(self, kind: int) -> Set:
        if kind == _MAXSEG:
            size = self.space.field(Field.TCP_MSS)
            return self.space.within(size, 0, size.highest - 1)
        return self.space.within(self.space.variable(Of.OPTION, kind), 1)

    def _name(self, field: NameField, name: str, negated: bool) -> Set:
        space, manager = self.space, self.space.manager
        names = space.names[field]
        if field is NameField.CT_HELPER:
            # net/netfilter/nft_ct.c, xt_helper.c: of a flow that was expected by one.
            guard, variable = self.fields.tracked, space.variable(Of.HELPER)
        else:
            # net/netfilter/nfnetlink_osf.c: of a SYN over IPv4 alone.
            if space.family is Family.IP6:
                return NONE
            syn = space.flags[FlagField.TCP_FLAGS].matching(SYN_ACK, SYN)
            guard = manager.where(self.fields.segments, manager.within(space.variable(Of.FLAGS).number, syn))
            variable = space.variable(Of.SYSTEM)
        there = manager.where(guard, space.within(variable, 1, variable.highest))
        own = manager.where(guard, space.within(variable, names.place(name)))
        return manager.minus(there, own) if negated else own
