"""The space of packets of one family: which variables there are, in which order, and which points are packets.

What a packet is asked for is a variable: an interval of integers, or the number of a class of values that no ruleset
of the comparison tells apart. A field that not every packet has is guarded by whatever says that it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from polc.ir.family import FAMILIES, Family
from polc.ir.fields import CT_STATUS_BITS, FIELDS, TCP_FLAG_BITS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import AddressType, CtState, FlagField, NameField
from polc.ir.ruleset import Ruleset
from polc.symbolic.atoms import Bits, Names, runs
from polc.symbolic.diagram import Manager
from polc.symbolic.facts import Facts

STATES = (CtState.INVALID, CtState.ESTABLISHED, CtState.RELATED, CtState.NEW, CtState.UNTRACKED)
"""The values of the variable ``ct``, by number."""

INVALID, ESTABLISHED, RELATED, NEW, UNTRACKED = range(5)

TYPES = (*AddressType, None)
"""The values of the variables that say what the routing table makes of an address; None: none of the types."""


class Of(Enum):
    """What a variable is about; the value is how it is called."""

    IIF = "iif"
    OIF = "oif"
    CT = "ct"
    PROTOCOL = "protocol"
    FRAGMENT = "fragment"
    FLAGS = "tcp flags"
    STATUS = "ct status"
    BOUND = "bound"
    SADDR = "saddr"
    DADDR = "daddr"
    DPORT = "dport"
    SPORT = "sport"
    TYPE = "type"
    CODE = "code"
    FIELD = "field"
    BITS = "bits"
    OWNER = "owner"
    HELPER = "helper"
    SYSTEM = "system"
    TRAIT = "trait"
    HEADER = "header"
    OPTION = "tcp option"
    ORIGINAL = "original address"
    ROUTE = "route back"
    ADDRESS_TYPE = "address type"
    ANSWER = "answer"
    MEMBER = "member"
    FULL = "full"
    LATE = "after nat"
    NOTRACK = "notrack"
    TIMES = "times"


Order = tuple[Of | Field, ...]

DEFAULT_ORDER: Order = (
    Of.IIF, Of.SADDR, Field.ETHER_SADDR, Of.OIF, Of.CT, Of.PROTOCOL, Of.FRAGMENT, Of.FLAGS,
    Field.META_MARK, Field.CT_MARK, Of.DADDR, Of.DPORT, Of.SPORT, Of.TYPE, Of.CODE,
)  # fmt: skip
"""Best for most real rulesets; what it does not name comes later, in the order in which rules ask for it. What binds
an address to one of the link stands beside the address, or each address would need its own copy of all that follows.
"""

STATE_FIRST: Order = (
    Of.IIF, Of.OIF, Of.CT, Of.PROTOCOL, Of.FRAGMENT, Of.FLAGS, Field.META_MARK, Field.CT_MARK,
    Of.SADDR, Field.ETHER_SADDR, Of.DADDR, Of.DPORT, Of.SPORT, Of.TYPE, Of.CODE,
)  # fmt: skip
DESTINATION_FIRST: Order = (
    Of.IIF, Of.OIF, Of.CT, Of.PROTOCOL, Of.FRAGMENT, Of.FLAGS, Field.META_MARK, Field.CT_MARK,
    Of.DADDR, Of.DPORT, Of.SADDR, Field.ETHER_SADDR, Of.SPORT, Of.TYPE, Of.CODE,
)  # fmt: skip
PROTOCOL_FIRST: Order = (
    Of.PROTOCOL, Of.FRAGMENT, Of.IIF, Of.OIF, Of.CT, Of.FLAGS, Field.META_MARK, Field.CT_MARK,
    Of.DPORT, Of.SPORT, Of.TYPE, Of.CODE, Of.SADDR, Field.ETHER_SADDR, Of.DADDR,
)  # fmt: skip
ORDERS = (DEFAULT_ORDER, STATE_FIRST, DESTINATION_FIRST, PROTOCOL_FIRST)
"""Those worth a try; ``PROTOCOL_FIRST`` is better where addresses are mostly wildcards."""


@dataclass(frozen=True, slots=True)
class Variable:
    """``detail`` says which one of its kind it is: a field, a match, the number of an evaluation."""

    number: int
    of: Of
    highest: int
    detail: Hashable = None

    def __str__(self) -> str:
        return self.of.value if self.detail is None else f"{self.of.value} {self.detail}"


_HIGHEST = {
    Field.META_DAY: 6,
    Field.META_HOUR: 86_399,
    Field.META_PKTTYPE: 7,  # uapi/linux/if_packet.h
    Field.CT_DIRECTION: 1,
}
SOCKET = frozenset({Field.META_SKUID, Field.META_SKGID, Field.META_CGROUP})
"""Fields of the socket that a packet comes from."""

OPTIONAL = frozenset({Field.TCP_MSS, Field.VLAN_ID, Field.MH_TYPE})
"""Fields of which a packet says itself whether it has them: their variable's highest value stands for "it has not"."""


class Space:
    """``family``, the ``manager`` of all diagrams, and ``variables`` by number: more come as rules ask for them.

    Made from all rulesets that are to be compared together; others may name interfaces, marks or flags that it does not
    tell apart, and are refused with a ``ValueError`` where they do.
    """

    def __init__(
        self, family: Family, rulesets: Iterable[Ruleset], *, order: Order = DEFAULT_ORDER, budget: int = 20_000_000
    ) -> None:
        self.family = family
        self.rulesets = tuple(rulesets)
        self.facts = Facts.of(self.rulesets)
        self.manager = Manager(budget)
        self.variables: list[Variable] = []
        self._named: dict[tuple[Of, Hashable], Variable] = {}
        self.interfaces = Names.of_interfaces(self.facts.patterns)
        self.names = {one: Names.of_words(self.facts.names[one]) for one in NameField}
        self.flags = {
            FlagField.TCP_FLAGS: Bits.of(0xFF, self.facts.flags[FlagField.TCP_FLAGS] | self._first_segments()),
            FlagField.CT_STATUS: Bits.of(_STATUS, self._status_tests()),
        }
        self._bits: dict[Field, tuple[tuple[Variable, int, int], ...]] = {}
        for one in order:
            if isinstance(one, Field):
                if FIELDS[one].maskable:
                    self.bits(one)
                else:
                    self.field(one)
            else:
                self.variable(one)

        self._bound_ones()

    def _bound_ones(self) -> None:
        """Variables that are asked for and that hang on others: ``valid`` has to know them from the beginning."""
        facts = self.facts
        for asked, of in (
            (facts.flags[FlagField.CT_STATUS], Of.STATUS),
            (facts.names[NameField.CT_HELPER], Of.HELPER),
            (facts.names[NameField.OSF_NAME] if self.family is Family.IP else (), Of.SYSTEM),
            (facts.reads & SOCKET, Of.OWNER),
        ):
            if asked:
                self.variable(of)
        for name, bit in NAT_STATUS:
            if any(mask & bit for mask, _ in facts.flags[FlagField.CT_STATUS]):
                self.variable(Of.BOUND, name)
        for detail in sorted(facts.originals):
            self.variable(Of.ORIGINAL, detail)
        for loose in sorted(facts.routes):
            self.variable(Of.ROUTE, "loose" if loose else "strict")
        for one in (Field.CT_DIRECTION, Field.META_LENGTH, Field.TTL, Field.HOPLIMIT):
            if one in facts.reads and FIELDS[one].family in (None, self.family):
                self.field(one)
        if Field.IP_LENGTH in facts.reads and self.family is Family.IP:
            self.field(Field.META_LENGTH)

    def variable(self, of: Of, detail: Hashable = None, highest: int | None = None) -> Variable:
        """The variable, made where there is none yet. ``highest`` is needed where the kind does not tell it."""
        found = self._named.get((of, detail))
        if found is None:
            top = self._highest(of) if highest is None else highest
            found = Variable(self.manager.variable(top), of, top, detail)
            self.variables.append(found)
            self._named[of, detail] = found
        return found

    def _first_segments(self) -> set[tuple[int, int]]:
        """The test for a SYN, which alone is asked for its operating system."""
        return {(SYN_ACK, SYN)} if self.facts.names[NameField.OSF_NAME] else set()

    def _status_tests(self) -> set[tuple[int, int]]:
        """Without the bits that NAT sets, which have variables of their own."""
        return _STATUS_TESTS | {
            (mask & _STATUS, wanted & ~_NAT) for mask, wanted in self.facts.flags[FlagField.CT_STATUS]
        }

    def _highest(self, of: Of) -> int:
        match of:
            case Of.IIF | Of.OIF:
                return len(self.interfaces.words) - 1
            case Of.CT:
                return len(STATES) - 1
            case Of.PROTOCOL | Of.TYPE | Of.CODE:
                return 255
            case Of.SADDR | Of.DADDR | Of.ORIGINAL:
                return (1 << self.family.bits) - 1
            case Of.SPORT | Of.DPORT:
                return 65535
            case Of.FLAGS:
                return len(self.flags[FlagField.TCP_FLAGS].values) - 1
            case Of.STATUS:
                return len(self.flags[FlagField.CT_STATUS].values) - 1
            case Of.HELPER:
                return len(self.names[NameField.CT_HELPER].words) - 1
            case Of.SYSTEM:
                return len(self.names[NameField.OSF_NAME].words) - 1
            case Of.ADDRESS_TYPE:
                return len(TYPES) - 1
            case _:
                return 1

    def field(self, field: Field) -> Variable:
        """The variable of a field that is no field of bits; that of the length is one, however it is called."""
        if field is Field.IP_LENGTH:
            field = Field.META_LENGTH
        if field is Field.META_LENGTH:
            return self.variable(Of.FIELD, field, 0xFFFF if self.family is Family.IP else 0xFFFFFFFF)
        top = _HIGHEST.get(field, FIELDS[field].highest)
        return self.variable(Of.FIELD, field, top + 1 if field in OPTIONAL else top)

    def bits(self, field: Field) -> tuple[tuple[Variable, int, int], ...]:
        """The variables of a maskable field, the highest bits first, each with its lowest bit and how many it has."""
        found = self._bits.get(field)
        if found is None:
            found = tuple(
                (self.variable(Of.BITS, (field, low), (1 << width) - 1), low, width)
                for low, width in runs(32, self.facts.masks.get(field, ()))
            )
            self._bits[field] = found
        return found

    def has(self, of: Of, detail: Hashable = None) -> bool:
        """Whether there is such a variable already."""
        return (of, detail) in self._named

    def within(self, variable: Variable, low: int, high: int | None = None) -> int:
        """The set of the points at which the variable is in ``low..high`` (None: just ``low``)."""
        return self.manager.within(variable.number, Intervals(((low, low if high is None else high),)))


SYN = TCP_FLAG_BITS["syn"]
SYN_ACK = SYN | TCP_FLAG_BITS["ack"]
NAT_STATUS = tuple((name, CT_STATUS_BITS[name]) for name in ("snat", "dnat"))
"""Bits of a flow's status that NAT sets as a packet is on its way (nf_nat_core.c, nf_nat_setup_info)."""

_NAT = sum(bit for _, bit in NAT_STATUS)
_STATUS = sum(CT_STATUS_BITS.values()) & ~_NAT
_STATUS_TESTS = {(CT_STATUS_BITS[name], CT_STATUS_BITS[name]) for name in ("expected", "seen-reply", "confirmed")}


def spaces(
    rulesets: Iterable[Ruleset], *, order: Order = DEFAULT_ORDER, budget: int = 20_000_000
) -> tuple[Space, Space]:
    """A space for packets of IPv4 and one for those of IPv6."""
    known: Sequence[Ruleset] = tuple(rulesets)
    first, second = (Space(family, known, order=order, budget=budget) for family in FAMILIES)
    return first, second


Set = int
"""A diagram whose leaves are ``HOLDS`` and ``NONE``."""

Place = Callable[[int, int], Set]
