"""Hypothesis strategies for the intermediate representation: valid rules and rulesets, small and near each other.

Values are drawn from few (neighbouring addresses, a handful of ports and interfaces), so that rules
overlap, cover and touch one another.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from polc.ir.addresses import AddressSet
from polc.ir.family import BOTH, FAMILIES, Family
from polc.ir.fields import CT_STATUS_BITS, FIELDS, TCP_FLAG_BITS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    STATEFUL,
    AddressMatch,
    AddressType,
    AddressTypeMatch,
    CtState,
    CtStateMatch,
    Direction,
    FieldMatch,
    FlagField,
    FlagsMatch,
    IcmpTerm,
    InterfaceMatch,
    InterfacePattern,
    Match,
    NameField,
    NameMatch,
    OriginalAddressMatch,
    PortTerm,
    ServiceMatch,
    SetMatch,
    Side,
    TcpOptionMatch,
    Trait,
    TraitMatch,
    disjoint_patterns,
)
from polc.ir.protocols import ICMP, ICMPV6, TCP, UDP
from polc.ir.ruleset import BaseChain, ChainType, DynamicSet, Hook, Priority, RegularChain, Rule, Ruleset
from polc.ir.services import normalise
from polc.ir.stateful import Amount, Connections, EveryNth, Hits, KeyField, KeyPart, Limit, Quota, Rate, Unit
from polc.ir.statements import (
    AssignHelper,
    CopyMark,
    Counter,
    Log,
    LogLevel,
    MarkField,
    SetMark,
    Statement,
    UpdateSet,
)
from polc.ir.verdicts import (
    Accept,
    Drop,
    Goto,
    Jump,
    Nat,
    NatKind,
    Reject,
    RejectType,
    Return,
    Verdict,
)
from polc.passes import pipeline

BASES = {Family.IP: 0xC6336400, Family.IP6: 0x20010DB8 << 96}
"""198.51.100.0 and 2001:db8::; addresses are these and the few after them."""

NAMES = ("lo", "eth0", "eth1", "eth10", "wg0")
CHAINS = ("one", "two")
SETS = (
    DynamicSet.of_addresses("banned", Family.IP, 1024, 3600),
    DynamicSet.of_addresses("banned6", Family.IP6, 1024, 600),
)


def intervals(low: int, high: int, *, most: int = 3) -> st.SearchStrategy[Intervals]:
    """One to ``most`` ranges within ``low..high``."""
    value = st.integers(low, high)
    pair = st.one_of(value.map(lambda one: (one, one)), st.tuples(value, value).map(lambda p: (min(p), max(p))))
    return st.lists(pair, min_size=1, max_size=most).map(Intervals.of)


def addresses(family: Family) -> st.SearchStrategy[Intervals]:
    base = BASES[family]
    near = intervals(base, base + 40)
    prefix = st.integers(8, family.bits).map(lambda length: _prefix(base, family, length))
    return st.one_of(near, prefix, st.tuples(near, prefix).map(lambda pair: pair[0].union(pair[1])))


def _prefix(address: int, family: Family, length: int) -> Intervals:
    hosts = (1 << (family.bits - length)) - 1
    return Intervals.of([(address & ~hosts, address | hosts)])


@st.composite
def address_sets(draw: st.DrawFn) -> AddressSet:
    found = draw(st.sampled_from(((Family.IP,), (Family.IP6,), FAMILIES)))
    parts = {family: draw(addresses(family)) for family in found}
    return AddressSet(parts.get(Family.IP, Intervals()), parts.get(Family.IP6, Intervals()))


patterns = st.one_of(
    st.sampled_from(NAMES).map(InterfacePattern),
    st.sampled_from(("eth", "wg", "eth1")).map(lambda name: InterfacePattern(name, wildcard=True)),
)
ports = intervals(20, 30)
port_terms = st.builds(PortTerm, st.sampled_from((TCP, UDP)), st.none() | ports, st.none() | ports)
whole_protocols = st.sampled_from((TCP, UDP, ICMP, ICMPV6, 47, 50)).map(PortTerm)
icmp_terms = st.one_of(
    st.builds(IcmpTerm, st.just(ICMP), st.sampled_from((0, 3, 8, 11)), st.none() | st.integers(0, 4)),
    st.builds(IcmpTerm, st.just(ICMPV6), st.sampled_from((1, 2, 128, 129, 135)), st.none() | st.integers(0, 4)),
)
services = st.lists(st.one_of(port_terms, icmp_terms, whole_protocols), min_size=1, max_size=4).map(normalise)
tcp_services = st.lists(ports, min_size=1, max_size=2).map(
    lambda some: normalise(PortTerm(TCP, dport=one) for one in some)
)


def interface_matches(direction: Direction) -> st.SearchStrategy[InterfaceMatch]:
    several = st.lists(patterns, min_size=1, max_size=3).map(lambda some: disjoint_patterns(tuple(some)))
    return st.builds(InterfaceMatch, st.just(direction), several, st.booleans())


states = st.sets(st.sampled_from(list(CtState)), min_size=1, max_size=4).map(
    lambda some: CtState(sum(s.value for s in some))
)


@st.composite
def key_parts(draw: st.DrawFn) -> tuple[KeyPart, ...]:
    # Ports are keys beside a service with ports alone.
    fields = draw(st.lists(st.sampled_from((KeyField.SOURCE, KeyField.DESTINATION)), max_size=2, unique=True))
    return tuple(
        KeyPart(one, draw(st.sampled_from((32, 24, 8))), draw(st.sampled_from((128, 64, 48)))) for one in fields
    )


rates = st.builds(Rate, st.sampled_from((1, 3, 10, 50)), st.sampled_from(list(Unit)))
limits = st.builds(
    Limit, rates, st.sampled_from((1, 5, 10)), st.booleans(), key_parts(), st.just(""), st.sampled_from((1000, 65535))
)
hits = st.builds(
    Hits,
    st.integers(1, 20),
    st.sampled_from((1, 30, 100, 3600)),
    st.sampled_from((KeyPart(KeyField.SOURCE), KeyPart(KeyField.SOURCE, 24, 64))),
    st.booleans(),
    st.just(""),
)

_DIRECTIONS = {
    Hook.PREROUTING: (Direction.IN,),
    Hook.INPUT: (Direction.IN,),
    Hook.FORWARD: (Direction.IN, Direction.OUT),
    Hook.OUTPUT: (Direction.OUT,),
    Hook.POSTROUTING: (Direction.OUT,),
}


_NOT_AT: dict[Field, tuple[Hook, ...]] = {
    Field.META_SKUID: (Hook.INPUT, Hook.FORWARD),
    Field.META_SKGID: (Hook.INPUT, Hook.FORWARD),
    Field.META_IIFGROUP: (Hook.OUTPUT,),
    Field.META_OIFGROUP: (Hook.INPUT,),
    Field.META_CGROUP: (Hook.FORWARD,),
    Field.ETHER_SADDR: (Hook.OUTPUT,),
}
"""Fields that packets at a hook do not have."""


@st.composite
def single_fields(draw: st.DrawFn, hook: Hook) -> FieldMatch:
    # Ports before NAT need a service beside them, which a rule here may lack.
    known = [one for one in Field if hook not in _NOT_AT.get(one, ()) and "proto" not in one.value]
    field = draw(st.sampled_from(known))
    fact = FIELDS[field]
    if fact.maskable and draw(st.booleans()):
        mask = draw(st.sampled_from((0xFF, 0xF0, 0xFFFF0000)))
        values = Intervals.single(draw(st.integers(0, 0xFFFFFFFF)) & mask)
        return FieldMatch(field, values, mask, draw(st.booleans()))
    highest = {Field.META_DAY: 6, Field.META_PKTTYPE: 3, Field.CT_DIRECTION: 1, Field.META_HOUR: 86399}
    top = min(highest.get(field, fact.highest), 1 << 31)
    # A value that stands for a name, then a range, then two: not all of them.
    found = draw(intervals(0, top - 1, most=1 if field is Field.CT_DIRECTION else 2))
    return FieldMatch(field, found, None, draw(st.booleans()))


@st.composite
def flags_matches(draw: st.DrawFn) -> FlagsMatch:
    field = draw(st.sampled_from(list(FlagField)))
    bits = TCP_FLAG_BITS if field is FlagField.TCP_FLAGS else CT_STATUS_BITS
    mask = sum(draw(st.sets(st.sampled_from(sorted(bits.values())), min_size=1, max_size=4)))
    if draw(st.booleans()):
        return FlagsMatch(field, mask, 0, draw(st.booleans()))
    return FlagsMatch(field, mask, mask & draw(st.integers(0, 0x3FF)), draw(st.booleans()))


def field_matches(hook: Hook) -> st.SearchStrategy[Match]:
    """What ``where`` can say of packets at a hook."""
    negated = st.booleans()
    kinds: list[st.SearchStrategy[Match]] = [
        single_fields(hook),
        flags_matches(),
        st.builds(NameMatch, st.just(NameField.CT_HELPER), st.sampled_from(("ftp", "sip")), negated),
        st.builds(
            AddressTypeMatch,
            st.sampled_from(list(Side)),
            st.lists(st.sampled_from(list(AddressType)), min_size=1, max_size=2, unique=True).map(tuple),
            negated,
        ),
        st.builds(TcpOptionMatch, st.sampled_from((2, 3, 4, 8)), negated),
        st.builds(OriginalAddressMatch, st.sampled_from(list(Side)), address_sets(), negated),
        st.builds(TraitMatch, st.just(Trait.FRAGMENT), negated),
    ]
    if hook is not Hook.OUTPUT:
        kinds.append(st.builds(NameMatch, st.just(NameField.OSF_NAME), st.just("Linux"), negated))
        kinds.append(st.builds(TraitMatch, st.just(Trait.IPSEC), negated))
    if hook is Hook.INPUT:
        kinds.append(st.builds(TraitMatch, st.just(Trait.SOCKET), negated))
    return st.one_of(kinds)


@st.composite
def stateless_matches(draw: st.DrawFn, hook: Hook, *, sets: bool, fields: bool = False) -> tuple[Match, ...]:
    """At most one match of each kind, in a drawn order; ``fields``: of the fields that ``where`` compares too."""
    found: list[Match] = []
    for direction in _DIRECTIONS[hook]:
        if draw(st.booleans()):
            found.append(draw(interface_matches(direction)))
    for side in Side:
        if draw(st.integers(0, 2)) == 0:
            found.append(AddressMatch(side, draw(address_sets()), draw(st.booleans())))
    if draw(st.booleans()):
        found.append(ServiceMatch(draw(services).terms))
    if draw(st.integers(0, 2)) == 0:
        found.append(CtStateMatch(draw(states)))
    if draw(st.integers(0, 5)) == 0:
        found.append(FieldMatch(Field.HOPLIMIT, draw(intervals(1, 255, most=2))))
    if fields and draw(st.booleans()):
        found += draw(st.lists(field_matches(hook), max_size=2, unique_by=type))
    if sets and draw(st.integers(0, 4)) == 0:
        found.append(SetMatch((draw(st.sampled_from(Side)),), draw(st.sampled_from(SETS)).name, draw(st.booleans())))
    return tuple(draw(st.permutations(found)))


logs = st.builds(Log, st.sampled_from(("", "in: ", "a'b ")), st.sampled_from(list(LogLevel)))
marks = st.sampled_from(list(MarkField))
changes: st.SearchStrategy[Statement] = st.one_of(
    st.builds(Log, st.sampled_from(("", "in: ")), st.just(LogLevel.WARN), st.integers(0, 65535)),
    st.builds(SetMark, marks, st.integers(0, 0xFFFFFFFF)),
    st.integers(0, 255).flatmap(lambda bits: st.builds(SetMark, marks, st.just(bits), st.just(0xFF))),
    st.builds(CopyMark, marks),
)
counts: st.SearchStrategy[Match] = st.one_of(
    st.builds(Connections, st.integers(0, 100), st.booleans(), key_parts(), st.just("")),
    st.builds(Quota, st.integers(1, 1 << 40), st.booleans(), st.just("")),
    st.builds(EveryNth, st.integers(2, 9), st.integers(0, 1)),
    st.integers(1000, 100000).flatmap(
        lambda rate: st.builds(
            Limit,
            st.builds(Rate, st.just(rate), st.sampled_from(list(Unit)), st.just(Amount.BYTES)),
            st.integers(rate, rate * 3),
            st.booleans(),
            key_parts(),
            st.just(""),
        )
    ),
)


@st.composite
def statements(draw: st.DrawFn, *, sets: bool, fields: bool = False) -> tuple[Statement, ...]:
    kinds: list[st.SearchStrategy[Statement]] = [st.just(Counter()), logs, *((changes,) if fields else ())]
    if sets:
        kinds.append(st.just(Counter("seen")))
        updates = st.builds(
            UpdateSet,
            st.sampled_from([(side,) for side in Side]),
            st.sampled_from([one.name for one in SETS]),
            st.none() | st.just(60),
        )
        kinds.append(updates)
    return tuple(draw(st.lists(st.one_of(kinds), max_size=2, unique=True)))


@st.composite
def rules(
    draw: st.DrawFn,
    hook: Hook = Hook.INPUT,
    *,
    below: tuple[str, ...] = (),
    hit_counts: bool = True,
    sets: bool = True,
    fields: bool = False,
) -> Rule:
    """A rule as lowering gives it: both families where it says nothing else. ``below`` are chains to jump to.

    Limits and hits have no table name yet: ``rulesets`` names them, each its own.
    """
    matches = list(draw(stateless_matches(hook, sets=sets, fields=fields)))
    verdicts: list[st.SearchStrategy[Verdict | None]] = [
        st.just(Accept()),
        st.just(Drop()),
        st.sampled_from([one for one in RejectType if one is not RejectType.TCP_RESET]).map(Reject),
        st.none(),
        st.just(Return()),
    ]
    verdicts += (st.just(kind(name)) for name in below for kind in (Jump, Goto))
    verdict = draw(st.one_of(verdicts))
    if isinstance(verdict, Accept | Drop | None) and draw(st.integers(0, 3)) == 0:
        matches.append(draw(limits if not hit_counts else st.one_of(limits, hits)))
    elif fields and isinstance(verdict, Accept | Drop | None) and draw(st.integers(0, 3)) == 0:
        matches.append(draw(counts))
    if isinstance(verdict, Reject) and draw(st.integers(0, 3)) == 0:
        verdict = Reject(RejectType.TCP_RESET)
        matches = [*(one for one in matches if not isinstance(one, ServiceMatch)), draw(tcp_services)]
    if verdict is None and draw(st.integers(0, 3)) == 0:
        # A helper takes effect on a new flow of its protocol.
        stateless = [one for one in matches if not isinstance(one, (ServiceMatch, CtStateMatch, *STATEFUL))]
        return Rule((*stateless, draw(tcp_services)), None, (AssignHelper("ftp", TCP),))
    return Rule(
        tuple(matches), verdict, draw(statements(sets=sets, fields=fields)), draw(st.sampled_from((BOTH, *_ONE_FAMILY)))
    )


_ONE_FAMILY = tuple(frozenset({family}) for family in FAMILIES)


@st.composite
def nat_rules(draw: st.DrawFn, hook: Hook) -> Rule:
    """snat and masquerade in postrouting, dnat and redirect before; ports are rewritten of TCP and UDP alone."""
    source = hook is Hook.POSTROUTING
    kind = draw(st.sampled_from((NatKind.SNAT, NatKind.MASQUERADE) if source else (NatKind.DNAT, NatKind.REDIRECT)))
    matches: list[Match] = [
        one for one in draw(stateless_matches(hook, sets=False)) if not isinstance(one, ServiceMatch)
    ]
    with_ports = draw(st.booleans())
    if with_ports:
        matches.append(draw(tcp_services))
    target = draw(intervals(8000, 8010, most=1)) if with_ports else None
    if kind in (NatKind.SNAT, NatKind.DNAT):
        family = draw(st.sampled_from(FAMILIES))
        base = BASES[family]
        verdict = Nat(kind, family, draw(intervals(base, base + 9, most=1)), target)
        return Rule(tuple(matches), verdict, families=frozenset({family}))
    return Rule(tuple(matches), Nat(kind, None, None, target))


@st.composite
def rulesets(
    draw: st.DrawFn,
    *,
    hit_counts: bool = True,
    sets: bool = True,
    nat: bool = True,
    fields: bool = False,
    most_rules: int = 5,
) -> Ruleset:
    """A ruleset as the passes leave it; ``fields``: with every kind of match and statement.

    Without ``sets`` it has no dynamic sets and no named counters, without ``hit_counts`` no ``Hits``.
    Regular chains are called from earlier ones alone, so there are no loops.
    """
    hook = draw(st.sampled_from((Hook.INPUT, Hook.FORWARD, Hook.OUTPUT)))

    def some(below: tuple[str, ...]) -> tuple[Rule, ...]:
        one = rules(hook, below=below, hit_counts=hit_counts, sets=sets, fields=fields)
        return tuple(draw(st.lists(one, max_size=most_rules)))

    policy = Accept() if draw(st.booleans()) else Drop()
    chains: list[BaseChain | RegularChain] = [
        BaseChain(hook.value, ChainType.FILTER, hook, Priority.FILTER.value, policy, some(CHAINS)),
        RegularChain(CHAINS[0], some(CHAINS[1:])),
        RegularChain(CHAINS[1], some(())),
    ]
    if nat and draw(st.booleans()):
        at, priority = draw(st.sampled_from(((Hook.PREROUTING, Priority.DSTNAT), (Hook.POSTROUTING, Priority.SRCNAT))))
        found = tuple(draw(st.lists(nat_rules(at), min_size=1, max_size=3)))
        chains.append(BaseChain("nat", ChainType.NAT, at, priority.value, Accept(), found))
    named = tuple(_named(chain, number) for number, chain in enumerate(chains))
    return pipeline.run(Ruleset(named, SETS if sets else ()))


def _named(chain: BaseChain | RegularChain, number: int) -> BaseChain | RegularChain:
    def match(one: Match, name: str) -> Match:
        return replace(one, table=name) if isinstance(one, Limit | Hits | Connections | Quota) else one

    return replace(
        chain,
        rules=tuple(
            replace(rule, matches=tuple(match(one, f"state-{number}-{position}") for one in rule.matches))
            for position, rule in enumerate(chain.rules)
        ),
    )
