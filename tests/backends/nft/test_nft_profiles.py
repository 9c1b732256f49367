"""Where a profile has more than the oldest one, nft is given the better words; where a kernel lacks something, none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from polc.backends.features import Feature
from polc.backends.model import Options, Output
from polc.backends.nft import compare
from polc.backends.profile import HOST, OLDEST, Profile
from polc.backends.profile_names import parse_profile
from polc.backends.registry import BACKENDS
from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    Direction,
    FieldMatch,
    InterfaceMatch,
    InterfacePattern,
    Match,
    PortTerm,
    ServiceMatch,
    TcpOptionMatch,
)
from polc.ir.protocols import TCP
from polc.ir.ruleset import BaseChain, ChainType, Hook, Rule, Ruleset
from polc.ir.stateful import KeyField, KeyPart, Limit, Rate, Unit
from polc.ir.statements import CopyMark, MarkField, Statement
from polc.ir.verdicts import Accept

NEW = parse_profile("nft=1.1.3,kernel=6.18")


def emit(*rules: Rule, profile: Profile = OLDEST, format: str = "text") -> Output:
    chain = BaseChain("input", ChainType.FILTER, Hook.INPUT, 0, Accept(), rules)
    return BACKENDS["nft"].emit(Ruleset((chain,)), Options(format, profile))


def lines(*matches: Match, profile: Profile, statements: tuple[Statement, ...] = ()) -> list[str]:
    output = emit(Rule(matches, Accept() if not statements else None, statements), profile=profile)
    assert not output.deviations, output.deviations
    return [line.strip() for line in output.files[0].text.splitlines() if "accept" in line or " set " in line][1:]


def interfaces(*names: str, negated: bool = False) -> InterfaceMatch:
    patterns = tuple(InterfacePattern(name.removesuffix("*"), name.endswith("*")) for name in names)
    return InterfaceMatch(Direction.IN, patterns, negated)


def test_beginnings_of_names_stand_in_one_set_where_that_works() -> None:
    match = interfaces("eth1", "wg*", "tun*")
    assert lines(match, profile=OLDEST) == [
        'meta iifname "eth1" accept',
        'meta iifname "tun*" accept',
        'meta iifname "wg*" accept',
    ]
    assert lines(match, profile=NEW) == ['meta iifname { "eth1", "tun*", "wg*" } accept']
    assert lines(replace(match, negated=True), profile=NEW) == ['meta iifname != { "eth1", "tun*", "wg*" } accept']
    assert lines(replace(match, negated=True), profile=OLDEST) == [
        'meta iifname != "eth1" meta iifname != "tun*" meta iifname != "wg*" accept'
    ]


def test_any_interface_and_names_with_a_star_stay_out_of_sets() -> None:
    assert lines(interfaces("*", negated=True), profile=NEW) == ["meta iif 0 accept"]
    starred = InterfaceMatch(Direction.IN, (InterfacePattern("a*"), InterfacePattern("eth", True)))
    assert lines(starred, profile=NEW) == ['meta iifname "a\\*" accept', 'meta iifname "eth*" accept']


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [(19, "19", "md5sig"), (34, "34", "fastopen"), (77, "77", "77"), (8, "timestamp", "timestamp")],
)
def test_options_have_names_where_they_are_known(kind: int, old: str, new: str) -> None:
    match = TcpOptionMatch(kind)
    assert lines(match, profile=OLDEST) == [f"tcp option {old} exists meta l4proto 6 accept"]
    assert lines(match, profile=NEW) == [f"tcp option {new} exists meta l4proto 6 accept"]


def test_a_number_in_json_is_listed_as_a_name() -> None:
    rule = Rule((TcpOptionMatch(19, negated=True),), Accept())
    emitted = emit(rule, format="json").files[0].text
    assert '{"tcp option":{"base":19,"offset":0,"len":8}}' in emitted
    named = emit(rule, profile=NEW, format="json").files[0].text
    assert '{"tcp option":{"name":"md5sig"}}' in named
    assert compare.differences(emitted, named) == ()
    other = emit(Rule((TcpOptionMatch(34, negated=True),), Accept()), profile=NEW, format="json").files[0].text
    assert compare.differences(emitted, other)


def test_ports_before_nat_stand_in_a_set() -> None:
    ports = FieldMatch(Field.CT_ORIGINAL_DPORT, Intervals(((5, 7), (9, 9))))
    tcp = ServiceMatch((PortTerm(TCP, None, Intervals.single(1)),))
    assert len(lines(tcp, ports, profile=OLDEST)) == 2
    assert lines(tcp, ports, profile=NEW) == ["tcp dport 1 ct original proto-dst { 5-7, 9 } accept"]


def test_bits_of_a_mark_are_copied_at_once_where_the_kernel_can() -> None:
    copy = CopyMark(MarkField.CT, 3)
    old = emit(Rule((), None, (copy,)))
    assert not old.deviations
    assert [line.strip() for line in old.files[0].text.splitlines() if "ct mark set" in line] == [
        "ct mark set ct mark & 4294967292 | 0",
        "meta mark & 1 == 1 ct mark set ct mark ^ 1",
        "meta mark & 2 == 2 ct mark set ct mark ^ 2",
    ]
    found = emit(Rule((), None, (copy,)), profile=NEW).files[0].text
    assert "ct mark set ct mark & 4294967292 ^ meta mark & 3\n" in found
    back = replace(copy, to=MarkField.META, mask=0xF0, from_mask=0xF00)
    found = emit(Rule((), None, (back,)), profile=NEW).files[0].text
    assert "meta mark set meta mark & 4294967055 ^ ct mark & 3840\n" in found


def test_a_whole_mark_made_of_some_bits_takes_nothing_new() -> None:
    copy = CopyMark(MarkField.META, from_mask=0xFF)
    assert "meta mark set ct mark & 255\n" in emit(Rule((), None, (copy,))).files[0].text


SHARED = Limit(Rate(1, Unit.MINUTE), 5, True, (KeyPart(KeyField.SOURCE),), "ssh", 100)


def test_shared_buckets_in_json() -> None:
    services = [ServiceMatch((PortTerm(TCP, None, Intervals.single(port)),)) for port in (1, 2)]
    rules = tuple(Rule((one, SHARED), Accept(), families=frozenset({Family.IP})) for one in services)
    old = emit(*rules, format="json")
    assert "and nft 0.9.8 (profile `debian-11`) has no limits of the elements of a declared set in JSON" in (
        old.deviations[0].message
    )
    assert not emit(*rules).deviations
    new = emit(*rules, format="json", profile=parse_profile("debian-12"))
    assert not new.deviations
    assert new.files[0].text.count('"stmt":[{"limit"') == 2


@pytest.mark.parametrize(
    ("feature", "rule"),
    [
        (Feature.LIMIT, Rule((Limit(Rate(1, Unit.MINUTE), 5, True, (), "ssh"),), Accept())),
        (Feature.CT_MARK, Rule((FieldMatch(Field.CT_MARK, Intervals.single(1), mask=3),), Accept())),
        (Feature.CT_MARK, Rule((), None, (CopyMark(MarkField.META),))),
    ],
)
def test_what_a_host_lacks_is_refused_by_name(feature: Feature, rule: Rule) -> None:
    host = replace(OLDEST, name=HOST, absent=frozenset({feature}))
    output = emit(rule, Rule((), Accept()), profile=host)
    (refused,) = output.deviations
    assert refused.message == host.lacks(feature)[0]
    assert "accept" in output.files[0].text
    assert not emit(rule).deviations
