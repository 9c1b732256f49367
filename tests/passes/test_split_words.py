"""What one family has and the other has not, or has in other words: each becomes a rule of its own."""

from __future__ import annotations

import pytest

from polc.ir.addresses import AddressSet, parse_address
from polc.ir.family import BOTH, FAMILIES, Family
from polc.ir.fields import FIELDS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressMatch,
    AddressType,
    AddressTypeMatch,
    CtState,
    CtStateMatch,
    Direction,
    FieldMatch,
    FlagField,
    FlagsMatch,
    InterfaceMatch,
    InterfacePattern,
    Match,
    NameField,
    NameMatch,
    OriginalAddressMatch,
    ReversePathMatch,
    SetMatch,
    Side,
    TcpOptionMatch,
    Trait,
    TraitMatch,
)
from polc.ir.ruleset import DynamicSet, RegularChain, Rule, Ruleset
from polc.ir.stateful import Amount, Connections, EveryNth, Hits, KeyField, KeyPart, Limit, Quota, Rate, Unit
from polc.ir.statements import (
    AssignHelper,
    ClampMss,
    CopyMark,
    Counter,
    Log,
    MarkField,
    Notrack,
    SetDscp,
    SetMark,
    Statement,
    Synproxy,
    Tproxy,
    UpdateSet,
)
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Nat, NatKind, Reject, RejectType, Return, Verdict
from polc.passes.split_families import split_families

SETS = (DynamicSet.of_addresses("four", Family.IP, 9, None), DynamicSet.of_addresses("six", Family.IP6, 9, None))
IP, IP6 = (frozenset({family}) for family in FAMILIES)
V4, V6 = (AddressSet.of([parse_address(one)]) for one in ("192.0.2.0/24", "2001:db8::/32"))
SIDE = Side.SADDR


def split(
    *matches: Match,
    verdict: Verdict | None = None,
    statements: tuple[Statement, ...] = (),
    families: frozenset[Family] = BOTH,
) -> list[Rule]:
    rule = Rule(matches, verdict, statements, families)
    return list(split_families(Ruleset((RegularChain("one", (rule,)),), SETS)).chains[0].rules)


def families(rules: list[Rule]) -> list[frozenset[Family]]:
    return [one.families for one in rules]


ALIKE: tuple[Match, ...] = (
    InterfaceMatch(Direction.IN, (InterfacePattern("eth0"),)),
    CtStateMatch(CtState.NEW),
    FieldMatch(Field.META_MARK, Intervals.single(1)),
    FlagsMatch(FlagField.TCP_FLAGS, 2, 2),
    NameMatch(NameField.CT_HELPER, "ftp"),
    ReversePathMatch(False, False),
    AddressTypeMatch(SIDE, (AddressType.LOCAL,)),
    TraitMatch(Trait.IPSEC),
    TraitMatch(Trait.SOCKET),
    TcpOptionMatch(4),
    AddressMatch(SIDE, AddressSet.of([parse_address("0.0.0.0/0"), parse_address("::/0")])),
)


@pytest.mark.parametrize("match", ALIKE, ids=lambda one: type(one).__name__)
def test_what_both_families_say_alike_is_one_rule(match: Match) -> None:
    (one,) = split(match, verdict=Accept())
    assert one.families == BOTH


@pytest.mark.parametrize(
    "match",
    [
        Limit(Rate(1, Unit.SECOND), 5, False, (), "l"),
        Limit(Rate(1, Unit.SECOND, Amount.BYTES), 5, True, (KeyPart(KeyField.SOURCE),), "l"),
        Hits(3, 60, KeyPart(KeyField.SOURCE), False, "h"),
        Connections(3, True, (), "c"),
        Quota(9, True, "q"),
        EveryNth(2),
    ],
    ids=lambda one: type(one).__name__,
)
def test_state_is_kept_by_family(match: Match) -> None:
    assert families(split(match, verdict=Drop())) == [IP, IP6]
    assert families(split(match, verdict=Drop(), families=IP)) == [IP]


@pytest.mark.parametrize("negated", [False, True])
def test_a_fragments_offset_is_in_other_words(negated: bool) -> None:
    match = TraitMatch(Trait.FRAGMENT, negated)
    found = split(match, verdict=Drop())
    assert families(found) == [IP, IP6]
    assert [one.matches for one in found] == [(match,)] * 2


def test_so_is_a_code_point() -> None:
    found = split(statements=(SetDscp(46),))
    assert families(found) == [IP, IP6]
    assert families(split(statements=(SetDscp(46),), families=IP6)) == [IP6]


@pytest.mark.parametrize(
    "statement",
    [
        Counter(), Log("x"), SetMark(MarkField.META, 1), CopyMark(MarkField.CT), Notrack(), ClampMss(),
        AssignHelper("ftp", 6), Synproxy(1460, 7), Tproxy(3129),
    ],
    ids=lambda one: type(one).__name__,
)  # fmt: skip
def test_other_statements_are_alike(statement: Statement) -> None:
    assert families(split(statements=(statement,))) == [BOTH]


@pytest.mark.parametrize(("family", "expected"), [(Family.IP, IP), (Family.IP6, IP6)])
def test_tproxy_to_an_address_is_of_its_family(family: Family, expected: frozenset[Family]) -> None:
    assert families(split(verdict=Accept(), statements=(Tproxy(3129, family, 1),))) == [expected]
    assert split(verdict=Accept(), statements=(Tproxy(3129, family, 1),), families=BOTH - expected) == []


@pytest.mark.parametrize(("name", "expected"), [("four", IP), ("six", IP6)])
def test_sets_are_of_their_family(name: str, expected: frozenset[Family]) -> None:
    assert families(split(SetMatch((SIDE,), name))) == [expected]
    # As in nft: the negation holds for packets of the set's family alone.
    assert families(split(SetMatch((SIDE,), name, negated=True))) == [expected]
    assert families(split(statements=(UpdateSet((SIDE,), name),))) == [expected]
    assert split(SetMatch((SIDE,), "four"), statements=(UpdateSet((SIDE,), "six"),)) == []


@pytest.mark.parametrize("negated", [False, True])
def test_systems_are_told_by_ipv4_headers(negated: bool) -> None:
    assert families(split(NameMatch(NameField.OSF_NAME, "Linux", negated))) == [IP]


@pytest.mark.parametrize("negated", [False, True])
@pytest.mark.parametrize("field", Field)
def test_fields_of_one_family(field: Field, negated: bool) -> None:
    own = FIELDS[field].family
    found = split(FieldMatch(field, Intervals.single(1), negated=negated))
    assert families(found) == ([frozenset({own})] if own else [BOTH])


BROADCAST, LOCAL = AddressType.BROADCAST, AddressType.LOCAL


@pytest.mark.parametrize(
    ("types", "negated", "expected"),
    [
        ((BROADCAST,), False, [(IP, (BROADCAST,))]),
        ((BROADCAST, LOCAL), False, [(IP, (BROADCAST, LOCAL)), (IP6, (LOCAL,))]),
        ((BROADCAST, LOCAL), True, [(IP, (BROADCAST, LOCAL)), (IP6, (LOCAL,))]),
        # Every IPv6 address is no broadcast address.
        ((BROADCAST,), True, [(IP, (BROADCAST,)), (IP6, ())]),
    ],
)
def test_ipv6_has_no_broadcast(
    types: tuple[AddressType, ...], negated: bool, expected: list[tuple[frozenset[Family], tuple[AddressType, ...]]]
) -> None:
    found = split(AddressTypeMatch(SIDE, types, negated), verdict=Drop())
    assert [
        (one.families, one.matches[0].types if one.matches and isinstance(one.matches[0], AddressTypeMatch) else ())
        for one in found
    ] == expected


@pytest.mark.parametrize("kind", [AddressMatch, OriginalAddressMatch])
def test_addresses_of_both_families_are_shared_out(kind: type[AddressMatch] | type[OriginalAddressMatch]) -> None:
    found = split(kind(SIDE, V4.union(V6)), verdict=Accept())
    assert [(one.families, one.matches) for one in found] == [(IP, (kind(SIDE, V4),)), (IP6, (kind(SIDE, V6),))]
    found = split(kind(SIDE, V4.union(V6), negated=True), verdict=Accept())
    assert [one.matches for one in found] == [(kind(SIDE, V4, True),), (kind(SIDE, V6, True),)]


def test_addresses_that_a_family_has_all_of() -> None:
    """The packet's own need no match any more; that of its flow does, since not every packet has a flow."""
    found = split(AddressMatch(SIDE, V4, negated=True))
    assert [(one.families, one.matches) for one in found] == [(IP, (AddressMatch(SIDE, V4, True),)), (IP6, ())]
    every = AddressSet(ip6=Intervals.of([(0, (1 << 128) - 1)]))
    tracked = CtStateMatch(CtState.NEW | CtState.ESTABLISHED | CtState.RELATED)
    found = split(OriginalAddressMatch(SIDE, V4, negated=True))
    assert [(one.families, one.matches) for one in found] == [
        (IP, (OriginalAddressMatch(SIDE, V4, True),)), (IP6, (tracked,)),
    ]  # fmt: skip
    assert split(OriginalAddressMatch(SIDE, every)) == [Rule((tracked,), None, families=IP6)]
    assert split(OriginalAddressMatch(SIDE, every, negated=True), families=IP6) == []


def test_parts_of_different_families_leave_nothing() -> None:
    assert split(AddressMatch(SIDE, V4), AddressMatch(Side.DADDR, V6)) == []
    assert split(AddressMatch(SIDE, V4), verdict=Reject(RejectType.POLICY_FAIL)) == []
    assert split(AddressMatch(SIDE, V4), families=IP6) == []


@pytest.mark.parametrize("answer", RejectType)
def test_answers(answer: RejectType) -> None:
    assert families(split(verdict=Reject(answer))) == [answer.families]


@pytest.mark.parametrize("verdict", [Accept(), Drop(), Jump("one"), Goto("one"), Return(), None])
def test_other_verdicts_are_alike(verdict: Verdict | None) -> None:
    assert split(verdict=verdict) == [Rule((), verdict)]


@pytest.mark.parametrize("kind", NatKind)
def test_nat_is_of_its_target(kind: NatKind) -> None:
    assert families(split(verdict=Nat(kind))) == [BOTH]
    assert families(split(verdict=Nat(kind, Family.IP, V4.ip))) == [IP]
    assert families(split(verdict=Nat(kind, Family.IP6, V6.ip6))) == [IP6]
    assert split(AddressMatch(SIDE, V6), verdict=Nat(kind, Family.IP, V4.ip)) == []
