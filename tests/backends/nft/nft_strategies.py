"""Rulesets of what only nft has words for: keys of several parts, maps, named sets, marks, lists of xt_recent."""

from __future__ import annotations

from hypothesis import strategies as st
from strategies import BASES, addresses, tcp_services

from polc.ir.addresses import AddressSet
from polc.ir.family import FAMILIES, Family
from polc.ir.fields import FIELDS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressMatch,
    ElementMatch,
    ExtensionHeader,
    ExtensionHeaderMatch,
    Match,
    OriginalAddressMatch,
    SetMatch,
)
from polc.ir.ruleset import (
    BaseChain,
    ChainType,
    DynamicSet,
    Hook,
    Priority,
    RegularChain,
    Rule,
    Ruleset,
    TableFamily,
)
from polc.ir.selectors import (
    Conntrack,
    Direction,
    Element,
    InterfacePattern,
    KeyType,
    KeyValue,
    Selector,
    Side,
    Transport,
    highest,
)
from polc.ir.stateful import KeyField, KeyPart, Limit, Quota, RandomMatch, Rate, RecentMatch, RecentVerb, Unit
from polc.ir.statements import (
    CopyMark,
    Counter,
    HopChange,
    Log,
    LogFlag,
    MapMark,
    MarkField,
    SetHops,
    SetMark,
    SetOperation,
    SetPriority,
    Statement,
    StripTcpOptions,
    Trace,
    UpdateSet,
)
from polc.ir.verdicts import Accept, Drop, Goto, Jump, NatKind, NatMap, NatTarget, Return, Verdict, VerdictMap
from polc.passes import pipeline

MARKS = st.sampled_from((0, 1, 0x80, 0xFF00, 0xFFFFFFFF, 0x80000000))
BELOW = RegularChain("below", (Rule((), Return()),))
SETS = (
    DynamicSet("pairs", (KeyType.IPV4_ADDR, KeyType.INET_SERVICE), 100, 60),
    DynamicSet("ports", (KeyType.INET_PROTO, KeyType.INET_SERVICE), None, None),
    DynamicSet("filled", (KeyType.MARK,), None, 30),
    DynamicSet(
        "listed",
        (KeyType.IPV6_ADDR,),
        None,
        None,
        elements=((Intervals.of([(1, 9)]),), (Intervals.single(BASES[Family.IP6]),)),
        intervals=True,
    ),
    DynamicSet(
        "nets",
        (KeyType.IPV4_ADDR, KeyType.INET_SERVICE),
        None,
        None,
        elements=((Intervals.of([(256, 511)]), Intervals.of([(80, 90)])),),
        intervals=True,
    ),
)
KEYS: dict[str, tuple[Selector, ...]] = {
    "pairs": (Side.SADDR, Transport.DPORT),
    "ports": (Transport.PROTOCOL, Transport.SPORT),
    "filled": (Field.META_MARK,),
    "listed": (Side.DADDR,),
    "nets": (Side.DADDR, Transport.DPORT),
}
"""What each set is looked up with."""

_NOT_IN_KEYS = (
    # Ports of flows need a service; a frame has one of the two.
    *(one for one in Field if "proto-" in one.value),
    *(Field.VLAN_ID, Field.CT_EXPIRATION, Field.META_HOUR),
    # One that is not the family's contradicts it, and listings of nft 1.1 leave it out.
    *(Field.META_PROTOCOL, Field.ETHER_TYPE),
    # Not at input.
    *(Field.META_SKUID, Field.META_SKGID, Field.META_OIFGROUP),
    # Of one transport protocol each: two of them contradict each other.
    *(one for one, fact in FIELDS.items() if fact.protocol is not None),
)
_FIELDS = tuple(one for one in Field if one not in _NOT_IN_KEYS)


def selectors(family: Family) -> st.SearchStrategy[tuple[Selector, ...]]:
    """Keys of one to three parts, of packets of a family at input."""
    fields = [one for one in _FIELDS if FIELDS[one].family in (None, family)]
    some: list[Selector] = [*Side, Direction.IN, *Transport, Conntrack.STATE]
    one = st.one_of(st.sampled_from(some), st.sampled_from(fields))
    return st.lists(one, min_size=1, max_size=3, unique=True).map(tuple)


@st.composite
def elements(draw: st.DrawFn, key: tuple[Selector, ...], family: Family) -> tuple[Element, ...]:
    """One to three, disjoint in their first part."""
    count = draw(st.integers(1, 3))
    heads = _disjoint(key[0], family)[:count]
    return tuple((head, *(draw(_value(one, family)) for one in key[1:])) for head in heads)


_NAMES = (InterfacePattern("lo"), InterfacePattern("eth", wildcard=True), InterfacePattern("wg0"))


def _disjoint(one: Selector, family: Family) -> list[KeyValue]:
    match one:
        case Direction():
            return list(_NAMES)
        case Conntrack():
            return [Intervals.single(bit) for bit in (1, 2, 8)]
        case Side():
            base = BASES[family]
            return [
                Intervals.single(base),
                Intervals.of([(base + 2, base + 5)]),
                Intervals.of([(base + 256, base + 511)]),
            ]
        case _:
            top = _top(one, family)
            return [Intervals.single(1), Intervals.single(0)] if top < 6 else _RANGES


_RANGES: list[KeyValue] = [Intervals.single(1), Intervals.of([(3, 4)]), Intervals.of([(6, 6), (0, 0)])]


def _top(one: Selector, family: Family) -> int:
    narrow = {Field.META_DAY: 6, Field.META_PKTTYPE: 3, Field.CT_DIRECTION: 1}
    return narrow.get(one, highest(one, family)) if isinstance(one, Field) else highest(one, family)


def _value(one: Selector, family: Family) -> st.SearchStrategy[KeyValue]:
    return st.sampled_from(_disjoint(one, family))


@st.composite
def element_matches(draw: st.DrawFn, family: Family) -> ElementMatch:
    key = draw(selectors(family))
    return ElementMatch(key, draw(elements(key, family)), draw(st.booleans()))


@st.composite
def matches(draw: st.DrawFn, family: Family) -> Match:
    base = BASES[family]
    group = AddressSet.of([(family, base, base), (family, base + 9, base + draw(st.sampled_from((9, 12))))])
    named = [name for name, one in zip(KEYS, SETS, strict=True) if family in one.families]
    name = draw(st.sampled_from(named))
    kinds: list[st.SearchStrategy[Match]] = [
        element_matches(family),
        st.builds(AddressMatch, st.sampled_from(list(Side)), st.just(group), st.booleans(), st.just("group")),
        st.builds(SetMatch, st.just(KEYS[name]), st.just(name), st.booleans()),
        addresses(family).map(
            lambda own: OriginalAddressMatch(Side.DADDR, AddressSet(**{family.value: own}), reply=True)
        ),
    ]
    if family is Family.IP6:
        kinds.append(st.builds(ExtensionHeaderMatch, st.sampled_from(list(ExtensionHeader)), st.booleans()))
    return draw(st.one_of(kinds))


_LIST = st.sampled_from((None, 60, 600))


def stateful(number: int) -> st.SearchStrategy[Match]:
    """State that several rules share is of one kind; ``number`` is the rule's."""
    key = KeyPart(KeyField.SOURCE, 24, 64)
    return st.one_of(
        st.builds(RandomMatch, st.integers(0, 1 << 31), st.booleans()),
        st.builds(RecentMatch, st.just(RecentVerb.SET), st.just("seen"), st.just(key)),
        st.builds(RecentMatch, st.just(RecentVerb.REMOVE), st.just("seen"), st.just(key)),
        st.builds(
            RecentMatch, st.sampled_from((RecentVerb.RCHECK, RecentVerb.UPDATE)), st.just("seen"), st.just(key), _LIST
        ),
        st.just(Limit(Rate(10, Unit.MINUTE), 7, True, (), "shared")),
        st.just(Quota(10240, False, "used")),
        st.just(Limit(Rate(1, Unit.SECOND), 5, False, (), f"own{number}")),
    )


@st.composite
def statements(draw: st.DrawFn, family: Family) -> Statement:
    marks = st.sampled_from(list(MarkField))
    kinds: list[st.SearchStrategy[Statement]] = [
        st.builds(Counter, st.none(), st.integers(0, 9), st.integers(0, 900)),
        st.builds(Log, st.just("x"), flags=st.frozensets(st.sampled_from(list(LogFlag)))),
        st.builds(Log, st.just(""), group=st.just(2), snaplen=st.none() | st.just(64), queue_threshold=st.just(3)),
        st.builds(SetMark, marks, MARKS, MARKS),
        st.builds(SetPriority, MARKS),
        st.builds(SetHops, st.integers(0, 255), st.just(HopChange.SET)),
        st.just(Trace()),
        st.builds(
            UpdateSet, st.just(KEYS["filled"]), st.just("filled"), st.none() | st.just(5), st.sampled_from(SetOperation)
        ),
    ]
    if family is Family.IP:
        kinds.append(
            st.builds(UpdateSet, st.just(KEYS["pairs"]), st.just("pairs"), operation=st.sampled_from(SetOperation))
        )
    return draw(st.one_of(kinds))


@st.composite
def rules(draw: st.DrawFn, number: int, family: Family) -> Rule:
    families = frozenset({family})
    found = draw(st.lists(matches(family), max_size=2))
    counted = draw(st.lists(stateful(number), max_size=1))
    kind = draw(st.integers(0, 5))
    if kind == 0:
        key = draw(selectors(family))
        verdicts: list[Verdict] = [Accept(), Drop(), Jump("below")]
        leaving: list[Verdict] = [] if counted else [Goto("below"), Return()]
        pairs = tuple((one, draw(st.sampled_from(verdicts + leaving))) for one in draw(elements(key, family)))
        return Rule((*found, *counted), VerdictMap(key, pairs), (), families)  # type: ignore[arg-type]
    if kind == 1:
        key = draw(selectors(family))
        mapped = tuple((one, draw(MARKS)) for one in draw(elements(key, family)))
        return Rule((*found, *counted), None, (MapMark(draw(st.sampled_from(MarkField)), key, mapped),), families)
    if kind == 2:
        copy = CopyMark(draw(st.sampled_from(MarkField)), draw(MARKS), draw(st.none() | MARKS))
        return Rule((*found, *counted), draw(st.sampled_from((None, Accept()))), (copy,), families)
    if kind == 3:
        return Rule((draw(tcp_services), *found), None, (StripTcpOptions((8, 77)),), families)
    some = tuple(draw(st.lists(statements(family), max_size=2, unique=True)))
    return Rule((*found, *counted), draw(st.sampled_from((None, Accept(), Drop(), Jump("below")))), some, families)


@st.composite
def nat_rules(draw: st.DrawFn, family: Family) -> Rule:
    """dnat and redirect by maps."""
    key = draw(selectors(family))
    found = draw(elements(key, family))
    base = BASES[family]
    ports = draw(st.booleans())
    ranges = draw(st.booleans())

    def target(number: int) -> NatTarget:
        low = base + 100 * number
        address = Intervals.of([(low, low + 5 if ranges else low)])
        return NatTarget(address, Intervals.single(8000 + number) if ports else None)

    kind = draw(st.sampled_from((NatKind.DNAT, NatKind.REDIRECT)))
    if kind is NatKind.REDIRECT:
        pairs = tuple((one, NatTarget(None, Intervals.single(8000 + at))) for at, one in enumerate(found))
        verdict = NatMap(kind, key, pairs)
    else:
        pairs = tuple((one, target(at)) for at, one in enumerate(found))
        verdict = NatMap(kind, key, pairs, family, random=draw(st.booleans()))
    return Rule((draw(tcp_services),), verdict, (), frozenset({family}))


@st.composite
def rulesets(draw: st.DrawFn) -> Ruleset:
    """A table of both families, of one, or of bridges, as the passes leave it."""
    table = draw(st.sampled_from((TableFamily.INET, TableFamily.INET, TableFamily.IP, TableFamily.IP6)))
    own = {TableFamily.IP: (Family.IP,), TableFamily.IP6: (Family.IP6,)}.get(table, FAMILIES)
    count = draw(st.integers(1, 4))
    found = tuple(draw(rules(number, draw(st.sampled_from(own)))) for number in range(count))
    chains: list[BaseChain | RegularChain] = [
        BaseChain("input", ChainType.FILTER, Hook.INPUT, Priority.FILTER.value, Accept(), found),
        BELOW,
    ]
    if draw(st.booleans()):
        changed = tuple(draw(st.lists(st.sampled_from(own).flatmap(nat_rules), min_size=1, max_size=2)))
        chains.append(BaseChain("nat", ChainType.NAT, Hook.PREROUTING, Priority.DSTNAT.value, Accept(), changed))
    return pipeline.run(Ruleset(tuple(chains), SETS, family=table))
