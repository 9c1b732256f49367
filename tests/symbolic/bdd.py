"""The packets that a hook may accept, by another way: sets of bits in oxidd's decision diagrams, rule after rule.

Nothing here but the numbering of variables is the engine's. Stateful matches may hold or not, each time anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

from oxidd.bdd import BDDFunction, BDDManager

from polc.ir.family import Family
from polc.ir.fields import FIELDS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    STATEFUL,
    AddressMatch,
    AddressTypeMatch,
    CtStateMatch,
    Direction,
    ElementMatch,
    FieldMatch,
    FlagField,
    FlagsMatch,
    IcmpTerm,
    InterfaceMatch,
    InterfacePattern,
    Match,
    PortTerm,
    ReversePathMatch,
    ServiceMatch,
    SetMatch,
    Side,
    Trait,
    TraitMatch,
)
from polc.ir.ruleset import BaseChain, Chain, ChainType, Hook, Rule, Ruleset
from polc.ir.stateful import Connections, RecentMatch, RecentVerb
from polc.ir.statements import MapMark, Native, OpaqueStatement, SetMark, Synproxy, Tproxy, UpdateSet
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Reject, Return, VerdictMap
from polc.symbolic.diagram import HOLDS, NONE
from polc.symbolic.space import NAT_STATUS, STATES, TYPES, Of, Space

PORTED = (6, 17, 33, 132, 136)


class NotHere(Exception):
    """The ruleset has something that this reading leaves out."""


@dataclass(slots=True)
class Ways:
    """What may become of packets that come to a chain."""

    accepted: BDDFunction
    through: BDDFunction
    left: BDDFunction


@dataclass(slots=True)
class Reading:
    """A ruleset's packets of one family, by the variables of a space."""

    space: Space
    manager: BDDManager = field(default_factory=lambda: BDDManager(1 << 23, 1 << 22, 1))
    bits: dict[int, list[BDDFunction]] = field(default_factory=dict)

    @property
    def none(self) -> BDDFunction:
        return self.manager.false()

    @property
    def all(self) -> BDDFunction:
        return self.manager.true()

    def variable(self, number: int) -> list[BDDFunction]:
        """Its bits, the highest first."""
        if number not in self.bits:
            width = max(1, self.space.variables[number].highest.bit_length())
            self.bits[number] = [self.manager.var(one) for one in self.manager.add_vars(width)]
        return self.bits[number]

    def number_variables(self) -> None:
        """In the order of the space."""
        for one in self.space.variables:
            self.variable(one.number)

    def at_most(self, bits: list[BDDFunction], value: int) -> BDDFunction:
        found = self.all
        for place, bit in enumerate(reversed(bits)):
            found = ~bit | found if value >> place & 1 else ~bit & found
        return found

    def within(self, number: int, values: Intervals) -> BDDFunction:
        bits = self.variable(number)
        found = self.none
        for low, high in values.ranges:
            high = min(high, (1 << len(bits)) - 1)
            if low <= high:
                below = self.at_most(bits, low - 1) if low else self.none
                found |= self.at_most(bits, high) & ~below
        return found

    def converted(self, node: int) -> BDDFunction:
        """A set of the engine's."""
        manager = self.space.manager
        known: dict[int, BDDFunction] = {NONE: self.none, HOLDS: self.all}

        def go(one: int) -> BDDFunction:
            if one not in known:
                number = manager.asks(one)
                assert number is not None
                found = self.none
                for child, values in manager.branches(one):
                    if child != NONE:
                        found |= self.within(number, values) & go(child)
                known[one] = found
            return known[one]

        return go(node)

    # Matches

    def of(self, of: Of, *values: int) -> BDDFunction:
        return self.within(self.space.variable(of).number, Intervals.of((one, one) for one in values))

    def match(self, match: Match) -> BDDFunction:
        space = self.space
        match match:
            case InterfaceMatch(direction, patterns, negated):
                words = space.interfaces.words
                held = [
                    any(word.startswith(one.name) if one.wildcard else word == one.name for one in patterns)
                    and word != ""
                    for word in words
                ]
                of = Of.IIF if direction is Direction.IN else Of.OIF
                found = self.of(of, *(at for at, one in enumerate(held) if one))
                return ~found if negated else found
            case AddressMatch(side, addresses, negated):
                number = space.variable(Of.SADDR if side is Side.SADDR else Of.DADDR).number
                found = self.within(number, addresses.of_family(space.family))
                return ~found if negated else found
            case CtStateMatch(states):
                return self.of(Of.CT, *(at for at, one in enumerate(STATES) if one in states))
            case ServiceMatch(terms):
                found = self.none
                for term in terms:
                    found |= self.term(term)
                return found
            case FlagsMatch(FlagField.TCP_FLAGS, mask, value, negated):
                places = [
                    at
                    for at, one in enumerate(space.flags[FlagField.TCP_FLAGS].values)
                    if (one & mask == value) is not negated
                ]
                return self.of(Of.FLAGS, *places) & self.of(Of.PROTOCOL, 6) & self.of(Of.FRAGMENT, 0)
            case FlagsMatch(FlagField.CT_STATUS, mask, value, negated):
                changed = [one for one in NAT_STATUS if mask & one[1]]
                held = self.none
                for bits in product((0, 1), repeat=len(changed)):
                    others = sum(bit for (_, bit), there in zip(changed, bits, strict=True) if there)
                    status = space.flags[FlagField.CT_STATUS].values
                    places = [at for at, one in enumerate(status) if ((one | others) & mask == value) is not negated]
                    found = self.of(Of.STATUS, *places) if places else self.none
                    for (name, _), there in zip(changed, bits, strict=True):
                        found &= self.within(space.variable(Of.BOUND, name).number, Intervals.single(there))
                    held |= found
                return held & self.of(Of.CT, 1, 2, 3)
            case FieldMatch(of_field, values, None, negated) if not FIELDS[of_field].maskable:
                return self.field(of_field, values, negated)
            case AddressTypeMatch(side, types, negated, interface):
                number = space.variable(Of.ADDRESS_TYPE, (side.value, interface.value if interface else None)).number
                found = self.within(number, Intervals.of((TYPES.index(one), TYPES.index(one)) for one in types))
                return ~found if negated else found
            case ReversePathMatch(loose, passes) if "lo" not in space.interfaces.words:
                number = space.variable(Of.ROUTE, "loose" if loose else "strict").number
                return self.within(number, Intervals.single(int(passes)))
            case TraitMatch(Trait.FRAGMENT, negated):
                return self.of(Of.FRAGMENT, 0 if negated else 1)
            case SetMatch() | ElementMatch():
                raise NotHere(match)
            case _:
                raise NotHere(match)

    def field(self, of: Field, values: Intervals, negated: bool) -> BDDFunction:
        fact = FIELDS[of]
        if fact.family not in (None, self.space.family):
            return self.none
        number = self.space.field(of).number
        found = self.within(number, values)
        found = ~found if negated else found
        if of in (Field.ETHER_SADDR, Field.ETHER_DADDR):
            return found & ~self.of(Of.IIF, 0)
        if of in (Field.TTL, Field.HOPLIMIT, Field.META_LENGTH, Field.META_PKTTYPE, Field.META_HOUR, Field.META_DAY):
            return found
        if of in (Field.META_SKUID, Field.META_SKGID):
            return found & self.of(Of.OWNER, 1)
        raise NotHere(of)

    def term(self, term: PortTerm | IcmpTerm) -> BDDFunction:
        found = self.of(Of.PROTOCOL, term.protocol)
        if isinstance(term, IcmpTerm):
            if (term.protocol == 58) is not (self.space.family is Family.IP6):
                return self.none
            found &= self.of(Of.FRAGMENT, 0) & self.of(Of.TYPE, term.type)
            return found if term.code is None else found & self.of(Of.CODE, term.code)
        for of, ports in ((Of.SPORT, term.sport), (Of.DPORT, term.dport)):
            if ports is not None:
                if term.protocol not in PORTED:
                    return self.none
                found &= self.of(Of.FRAGMENT, 0) & self.within(self.space.variable(of).number, ports)
        return found

    # Chains

    def accepted(self, rulesets: list[Ruleset], hook: Hook) -> BDDFunction:
        """The packets that may go on behind the hook."""
        base = [
            (one.priority, ruleset, one)
            for ruleset in rulesets
            for one in ruleset.chains
            if isinstance(one, BaseChain) and one.hook is hook and one.type is not ChainType.NAT
        ]
        alive = self.all
        for _, ruleset, chain in sorted(base, key=lambda one: one[0]):
            ways = self.chain({one.name: one for one in ruleset.chains}, chain, alive)
            alive = ways.accepted
            if isinstance(chain.policy, Accept):
                alive |= ways.through | ways.left
        return alive

    def chain(self, chains: dict[str, Chain], chain: Chain, coming: BDDFunction) -> Ways:
        ways = Ways(self.none, coming, self.none)
        for rule in chain.rules:
            if self.space.family in rule.families and ways.through.satisfiable():
                self.rule(chains, rule, ways)
        return ways

    def rule(self, chains: dict[str, Chain], rule: Rule, ways: Ways) -> None:
        if any(isinstance(one, SetMark | MapMark | Native | Tproxy | Synproxy | UpdateSet) for one in rule.statements):
            raise NotHere(rule)
        met, certain = ways.through, True
        for match in rule.matches:
            if isinstance(match, STATEFUL):
                if isinstance(match, Connections):
                    raise NotHere(match)
                if isinstance(match, RecentMatch) and match.verb is RecentVerb.SET and not match.negated:
                    continue
                certain = False
            else:
                met &= self.match(match)
        ends = any(isinstance(one, OpaqueStatement) for one in rule.statements)
        if ends:
            ways.through = ways.through & ~met if certain else ways.through
            return
        kept = ways.through & ~met if certain else ways.through
        match rule.verdict:
            case None:
                pass
            case Accept():
                ways.accepted, ways.through = ways.accepted | met, kept
            case Drop() | Reject():
                ways.through = kept
            case Return():
                ways.left, ways.through = ways.left | met, kept
            case Jump(name) | Goto(name):
                below = self.chain(chains, chains[name], met)
                ways.accepted |= below.accepted
                back = below.through | below.left
                if isinstance(rule.verdict, Goto):
                    ways.left, ways.through = ways.left | back, kept
                else:
                    ways.through = kept | back
            case VerdictMap():
                raise NotHere(rule)
            case _:
                raise NotHere(rule)


def _covers(pattern: InterfacePattern, word: str) -> bool:
    return word.startswith(pattern.name) if pattern.wildcard else word == pattern.name
