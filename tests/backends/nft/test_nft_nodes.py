"""How the rarer nodes are written: named objects and sets, maps, lists, and what older versions have no words for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from nft_help import emit, numbers, ruleset, tcp

from polc.backends.features import Feature
from polc.backends.model import Fidelity, Options, Output
from polc.backends.nft.backend import NftBackend
from polc.backends.nft.groups import LARGE
from polc.backends.profile import OLDEST, PROFILES, Profile
from polc.ir.addresses import AddressSet, parse_address
from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressMatch,
    ElementMatch,
    FieldMatch,
    InterfacePattern,
    Match,
    OpaqueMatch,
    PortTerm,
    ServiceMatch,
    SetMatch,
    Syntax,
)
from polc.ir.origin import Origin
from polc.ir.protocols import TCP, UDP
from polc.ir.ruleset import BaseChain, ChainType, DynamicSet, Flowtable, Hook, Rule, Ruleset
from polc.ir.selectors import Conntrack, Direction, KeyType, Side, Transport
from polc.ir.stateful import Hits, KeyField, KeyPart, Limit, Quota, RandomMatch, Rate, RecentMatch, RecentVerb, Unit
from polc.ir.statements import (
    AssignTimeout,
    CopyMark,
    Counter,
    MapMark,
    MarkField,
    Offload,
    OpaqueStatement,
    SetMark,
    Statement,
    StripTcpOptions,
    Tproxy,
    UpdateSet,
)
from polc.ir.verdicts import Accept, Drop, Jump, NatKind, NatMap, NatTarget, Return, VerdictMap
from polc.passes import pipeline

NEW = PROFILES["debian-13"]
IPV4 = frozenset({Family.IP})
SOURCE = KeyPart(KeyField.SOURCE)


def four(*matches: Match, statements: tuple[Statement, ...] = ()) -> Rule:
    return Rule(matches, None if statements else Drop(), statements, IPV4)


def written(rules: Ruleset, format: str = "text", profile: Profile = OLDEST) -> Output:
    return NftBackend().emit(rules, Options(format, profile))


def lines(rules: Ruleset, profile: Profile = OLDEST) -> list[str]:
    """What stands in the table, without the lines that say what chain it is."""
    output = written(rules, profile=profile)
    assert not [each for each in output.deviations if each.fidelity is Fidelity.REFUSED], output.deviations
    found = [line.strip() for line in output.files[0].text.splitlines()[3:]]
    return [line for line in found if line not in ("", "}") and not line.startswith(("type filter", "type nat"))]


def single(value: int | str) -> Intervals:
    return Intervals.single(parse_address(value)[1] if isinstance(value, str) else value)


def test_limits_and_quotas_without_key_are_objects_where_rules_share_them() -> None:
    limit, quota = Limit(Rate(10, Unit.MINUTE), 7, True, (), "l"), Quota(1000, False, "q")
    alone = ruleset((four(tcp(1), limit), four(tcp(2), quota)))
    assert lines(alone) == [
        "chain input {",
        "tcp dport 1 meta nfproto ipv4 limit rate over 10/minute burst 7 packets drop",
        "tcp dport 2 meta nfproto ipv4 quota 1000 bytes drop",
    ]
    shared = ruleset(Rule((tcp(port), one), Drop()) for port in (1, 2) for one in (limit, quota))
    assert lines(shared)[:8] == [
        "limit l-v4 {",
        "rate over 10/minute burst 7 packets",
        "limit l-v6 {",
        "rate over 10/minute burst 7 packets",
        "quota q-v4 {",
        "1000 bytes",
        "quota q-v6 {",
        "1000 bytes",
    ]
    assert 'tcp dport 2 meta nfproto ipv6 quota name "q-v6" drop' in lines(shared)
    assert 'tcp dport 1 meta nfproto ipv4 limit name "l-v4" drop' in lines(shared)
    (refused,) = emit(ruleset((four(quota), four(replace(quota, over=True)))), "text").deviations
    assert "do not agree" in refused.message


def group(*texts: str, name: str = "admins", negated: bool = False, side: Side = Side.SADDR) -> AddressMatch:
    return AddressMatch(side, AddressSet.of(map(parse_address, texts)), negated, name)


def test_groups_are_sets_declared_once() -> None:
    both = ("192.0.2.0/24", "198.51.100.7", "2001:db8::1", "2001:db8::5")
    rules = ruleset(
        (
            Rule((group(*both),), Accept()),
            Rule((group(*both, negated=True, side=Side.DADDR),), Drop()),
            Rule((group("192.0.2.1", "192.0.2.9", name="few"),), Drop()),
            Rule((group("192.0.2.1", name="one"),), Drop()),
            Rule((group("192.0.2.0/24", name="net"),), Drop()),
            Rule((group("192.0.2.1", "192.0.2.9", name=""),), Drop()),
            Rule((group("192.0.2.1", "192.0.2.9", name="no name"),), Drop()),
        )
    )
    assert lines(rules) == [
        *("set admins-v4 {", "type ipv4_addr", "flags interval", "elements = { 192.0.2.0/24, 198.51.100.7 }"),
        *("set admins-v6 {", "type ipv6_addr", "elements = { 2001:db8::1, 2001:db8::5 }"),
        *("set few-v4 {", "type ipv4_addr", "elements = { 192.0.2.1, 192.0.2.9 }"),
        "chain input {",
        *("ip saddr @admins-v4 accept", "ip6 saddr @admins-v6 accept"),
        *("ip daddr != @admins-v4 drop", "ip6 daddr != @admins-v6 drop"),
        "ip saddr @few-v4 drop",
        *("ip saddr 192.0.2.1 drop", "ip saddr 192.0.2.0/24 drop"),
        *("ip saddr { 192.0.2.1, 192.0.2.9 } drop",) * 2,
    ]


def test_names_of_groups_that_are_taken() -> None:
    taken = DynamicSet("admins-v4", (KeyType.IPV4_ADDR,), 9, 9)
    rules = ruleset(
        (
            Rule((group("192.0.2.1", "192.0.2.9"),), Drop()),
            Rule((group("192.0.2.1", "192.0.2.10"),), Drop()),
            Rule((group("192.0.2.1", "192.0.2.9"),), Accept()),
        ),
        (),
        (taken,),
    )
    assert lines(rules)[-3:] == [
        "ip saddr @admins-v4-2 drop",
        "ip saddr @admins-v4-3 drop",
        "ip saddr @admins-v4-2 accept",
    ]


_SINGLES = [(number, number) for number in range(0, 4 * LARGE, 3)]
_NETS = [(1 << 30, (1 << 30) + 255), (1 << 31, (1 << 31) + 7)]


@pytest.mark.parametrize("name", ["", "many"])
def test_large_sets_are_of_one_kind(name: str) -> None:
    """Neighbours stand one by one; with real ranges there are two sets."""
    neighbours = Intervals.of([*_SINGLES, (1, 1)])
    assert neighbours.ranges[0] == (0, 1)
    plain = AddressMatch(Side.SADDR, AddressSet(neighbours), group=name)
    (line,) = [one for one in lines(ruleset((four(plain),))) if "0.0.0.9" in one]
    assert "0.0.0.0, 0.0.0.1, 0.0.0.3" in line
    assert "/" not in line
    assert "-" not in line
    mixed = replace(plain, addresses=AddressSet(Intervals.of([*_SINGLES, *_NETS])))
    found = lines(ruleset((four(mixed),)))
    assert sum("drop" in one for one in found) == 2
    assert sum("64.0.0.0/24" in one for one in found) == 1
    negated = [one for one in lines(ruleset((four(replace(mixed, negated=True)),))) if "drop" in one]
    assert len(negated) == 1
    assert negated[0].count("ip saddr != ") == 2
    if name:
        assert negated == ["ip saddr != @many-v4 ip saddr != @many-nets-v4 drop"]
        sets = [one for one in found if one.startswith(("set", "flags"))]
        assert sets == ["set many-v4 {", "set many-nets-v4 {", "flags interval"]


def test_large_sets_stay_one_where_two_would_take_a_chain() -> None:
    mixed = AddressMatch(Side.SADDR, AddressSet(Intervals.of([*_SINGLES, *_NETS])), group="many")
    limited = Rule((mixed, Limit(Rate(1, Unit.DAY), 5, False, (), "l")), Return(), families=IPV4)
    found = lines(ruleset((limited,)))
    assert found[:3] == ["set many-v4 {", "type ipv4_addr", "flags interval"]
    assert "64.0.0.0/24" in found[3]
    assert found[-1] == "ip saddr @many-v4 limit rate 1/day burst 5 packets return"


def test_few_ranges_stay_as_they_are() -> None:
    ranges = Intervals.of([(number, number + 1) for number in range(0, 4 * (LARGE - 1), 4)])
    (line,) = [
        one for one in lines(ruleset((four(AddressMatch(Side.SADDR, AddressSet(ranges), group="g")),))) if "=" in one
    ]
    assert "0.0.0.0/31, 0.0.0.4/31" in line


def test_sets_have_their_elements_and_ranges() -> None:
    sets = (
        DynamicSet("ports", (KeyType.INET_SERVICE,), None, None, elements=((numbers(80, 81, 443),),)),
        DynamicSet("ranges", (KeyType.INET_SERVICE,), 9, None, elements=((Intervals.of([(80, 90)]),),), intervals=True),
        DynamicSet("states", (KeyType.CT_STATE,), None, None, elements=((Intervals.of([(2, 8)]),),)),
        DynamicSet("timed", (KeyType.IPV4_ADDR,), None, 60, elements=((numbers(1, 2),),)),
        DynamicSet("filled", (KeyType.IPV6_ADDR,), None, None),
        DynamicSet(
            "links",
            (KeyType.IFNAME, KeyType.MARK),
            None,
            None,
            elements=((InterfacePattern("lo"), Intervals.of([(1, 2)])),),
        ),
    )
    fill = Rule((), None, (UpdateSet((Side.SADDR,), "filled"),))
    assert lines(ruleset((fill,), (), sets)) == [
        *("set ports {", "type inet_service", "elements = { 80, 81, 443 }"),
        *("set ranges {", "type inet_service", "size 9", "flags interval", "elements = { 80-90 }"),
        *("set states {", "type ct_state", "elements = { 2, 4, 8 }"),
        *("set timed {", "type ipv4_addr", "flags timeout", "timeout 60s", "elements = { 0.0.0.1, 0.0.0.2 }"),
        *("set filled {", "type ipv6_addr", "size 65535", "flags dynamic,timeout"),
        *("set links {", "type ifname . mark", 'elements = { "lo" . 1, "lo" . 2 }'),
        *("chain input {", "meta nfproto ipv6 update @filled { ip6 saddr }"),
    ]


BAD_SETS: dict[str, tuple[DynamicSet, str]] = {
    "filled ranges": (
        DynamicSet("bad", (KeyType.IPV4_ADDR,), None, None, intervals=True),
        "rules of nft cannot change a set of ranges",
    ),
    "wildcards": (
        DynamicSet("bad", (KeyType.IFNAME,), None, None, elements=((InterfacePattern("eth", True),),)),
        "has no sets with the beginnings of interface names",
    ),
    "ranges of marks beside others": (
        DynamicSet(
            "bad",
            (KeyType.IFNAME, KeyType.MARK),
            None,
            None,
            elements=((InterfacePattern("lo"), Intervals.of([(1, 300)])),),
            intervals=True,
        ),
        "has no ranges of marks in keys of several parts",
    ),
    "large ranges of a set without": (
        DynamicSet("bad", (KeyType.MARK,), None, None, elements=((Intervals.of([(0, 1 << 20)]),),)),
        "has large ranges, and is none of ranges",
    ),
}


@pytest.mark.parametrize("name", BAD_SETS)
def test_a_set_that_is_refused_takes_its_rules_with_it(name: str) -> None:
    bad, words = BAD_SETS[name]
    key = (Direction.IN,) if bad.types[0] is KeyType.IFNAME else (Side.SADDR,)
    rules = [Rule((SetMatch(key, "bad"),), Drop()), Rule((tcp(7),), Accept())]
    if bad.intervals and len(bad.types) == 1:
        rules.append(Rule((), None, (UpdateSet((Side.SADDR,), "bad"),)))
    for kind in ("json", "text"):
        output = written(ruleset(rules, (), (bad,)), kind)
        first, *others = output.deviations
        assert words in first.message
        assert {one.message for one in others} == {"nft has no form for the set `bad`"}
        assert "bad" not in output.files[0].text
        assert "accept" in output.files[0].text


TTL_AND_PORT = (Field.TTL, Transport.DPORT)


def test_maps_are_named_or_taken_apart_where_nft_has_no_other_way() -> None:
    ranges = ((Side.SADDR, Transport.DPORT), ((single(7), Intervals.of([(80, 90)])),))
    verdicts = four(tcp(80))
    mapped = replace(verdicts, verdict=VerdictMap(ranges[0], ((ranges[1][0], Accept()),)))
    assert lines(ruleset((mapped,))) == [
        *("map verdicts {", "type ipv4_addr . inet_service : verdict", "flags interval"),
        *("elements = { 0.0.0.7 . 80-90 : accept }", "chain input {"),
        "tcp dport 80 meta nfproto ipv4 ip saddr . th dport vmap @verdicts",
    ]
    assert lines(ruleset((mapped,)), NEW)[-1].endswith("ip saddr . th dport vmap { 0.0.0.7 . 80-90 : accept }")
    marks = four(tcp(80), statements=(MapMark(MarkField.CT, ranges[0], ((ranges[1][0], 3),)),))
    assert lines(ruleset((marks,)))[:4] == [
        *("map marks {", "type ipv4_addr . inet_service : mark", "flags interval"),
        "elements = { 0.0.0.7 . 80-90 : 3 }",
    ]
    apart = replace(verdicts, verdict=VerdictMap(TTL_AND_PORT, (((single(64), single(80)), Jump("below")),)))
    found = lines(ruleset((apart,)))
    assert found[1] == "tcp dport 80 ip ttl 64 th dport 80 jump below"


def test_what_is_taken_apart_counts_once() -> None:
    """Statements and state stand before; the elements in a chain of their own, which `return` would leave."""
    limit = Limit(Rate(1, Unit.DAY), 5, False, (), "l")
    pairs = (((single(64), single(80)), Accept()), ((single(63), numbers(1, 2)), Drop()))
    rule = Rule((tcp(80), limit), VerdictMap(TTL_AND_PORT, pairs), (Counter(),), IPV4)
    assert lines(ruleset((rule,))) == [
        "chain input-map {",
        "tcp dport 80 ip ttl 64 th dport 80 accept",
        "tcp dport 80 ip ttl 63 th dport 1-2 drop",
        "chain input {",
        "tcp dport 80 meta nfproto ipv4 limit rate 1/day burst 5 packets counter jump input-map",
    ]
    leaving = replace(rule, verdict=VerdictMap(TTL_AND_PORT, (*pairs, ((single(1), single(1)), Return()))))
    (refused,) = emit(ruleset((leaving,)), "text").deviations
    assert "`return` and `goto` would leave instead of this one" in refused.message


def test_addresses_by_map() -> None:
    key = (Transport.DPORT,)
    to_one = NatMap(NatKind.DNAT, key, (((single(80),), NatTarget(single(7))),), Family.IP, random=True)
    to_range = replace(to_one, elements=(((single(80),), NatTarget(Intervals.of([(7, 9)]))),))
    to_both = replace(to_one, elements=(((single(80),), NatTarget(single(7), single(8080))),))
    found = []
    for verdict in (to_one, to_range, to_both):
        nat = BaseChain("nat", ChainType.NAT, Hook.PREROUTING, -100, Accept(), (Rule((tcp(80),), verdict, (), IPV4),))
        found += lines(pipeline.run(Ruleset((nat,))))[1:]
    assert found == [
        "tcp dport 80 meta nfproto ipv4 dnat ip to th dport map { 80 : 0.0.0.7 } random",
        "tcp dport 80 th dport 80 meta nfproto ipv4 dnat ip to 0.0.0.7-0.0.0.9 random",
        "tcp dport 80 meta nfproto ipv4 dnat ip addr . port to th dport map { 80 : 0.0.0.7 . 8080 } random",
    ]


def test_numbers_of_the_host_in_ranges_beside_others() -> None:
    """nft 0.9.8 would compare them byte by byte: packets in Debian 11, where 0x108 was within 7-9."""
    match = ElementMatch((Direction.IN, Field.META_MARK), ((InterfacePattern("lo"), Intervals.of([(7, 9)])),), True)
    assert lines(ruleset((four(match),))) == [
        "chain input-any {",
        'meta iifname "lo" meta mark 7-9 meta nfproto ipv4 return',
        "meta nfproto ipv4 drop",
        "chain input {",
        "meta nfproto ipv4 jump input-any",
    ]
    assert lines(ruleset((four(match),)), NEW)[1:] == [
        'meta iifname . meta mark != { "lo" . 7-9 } meta nfproto ipv4 drop',
    ]
    exact = replace(match, elements=((InterfacePattern("lo"), single(7)),))
    assert lines(ruleset((four(exact),)))[1:] == ['meta iifname . meta mark != { "lo" . 7 } meta nfproto ipv4 drop']


def test_states_in_keys() -> None:
    positive = ElementMatch((Conntrack.STATE,), ((single(8),), (single(2),)))
    assert lines(ruleset((four(positive),)))[1] == "ct state established,new meta nfproto ipv4 drop"
    assert lines(ruleset((four(replace(positive, negated=True)),)))[1] == (
        "ct state invalid,related,untracked meta nfproto ipv4 drop"
    )


def test_the_order_of_matches() -> None:
    """As all versions take and list it: a tag first, Ethernet's type last."""
    matches = (
        FieldMatch(Field.CT_ORIGINAL_PROTOCOL, single(6)),
        FieldMatch(Field.ETHER_TYPE, single(5)),
        tcp(80),
        FieldMatch(Field.META_PROTOCOL, single(5)),
    )
    (line,) = lines(ruleset((Rule(matches, Drop()),)))[1:2]
    assert line == "tcp dport 80 ct protocol < 7 ct protocol >= 6 ether type 5 meta protocol 5 drop"
    tag = FieldMatch(Field.VLAN_ID, single(7))
    tagged = (tcp(80), tag, FieldMatch(Field.ETHER_TYPE, single(0x8100)))
    assert lines(ruleset((Rule(tagged, Drop()),)))[1] == "ether type 33024 vlan id 7 tcp dport 80 drop"
    for bad in (FieldMatch(Field.ETHER_TYPE, single(5)), FieldMatch(Field.ETHER_TYPE, single(0x8100), negated=True)):
        (refused,) = emit(ruleset((Rule((tag, bad), Drop()),)), "text").deviations
        assert "no frame with a VLAN tag has another Ethernet type" in refused.message


def test_a_rule_that_no_packet_can_meet_is_left_out() -> None:
    icmp = ElementMatch((Transport.PROTOCOL,), ((single(1),),))
    for matches in ((icmp, tcp(80)), (icmp, ElementMatch((Transport.DPORT,), ((single(80),),)))):
        assert lines(ruleset((Rule(matches, Drop()),))) == ["chain input {"]


def test_chance() -> None:
    def text(threshold: int, negated: bool) -> str:
        return lines(ruleset((Rule((RandomMatch(threshold, negated),), Drop()),)))[1]

    assert text(1 << 31, False) == "drop"
    assert text(1 << 31, True) == "meta random < 0 drop"
    assert text(0, False) == "meta random < 0 drop"
    assert text(0, True) == "meta random >= 0 drop"
    assert text(5, False) == "meta random < 10 drop"


def recent(verb: RecentVerb, seconds: int | None = None, hits: int | None = None) -> RecentMatch:
    return RecentMatch(verb, "seen", SOURCE, seconds, hits)


def test_a_list_is_a_set_for_each_time_that_it_is_asked_for() -> None:
    rules = ruleset(
        (
            four(tcp(1), recent(RecentVerb.SET)),
            four(tcp(2), recent(RecentVerb.RCHECK, 60)),
            four(tcp(3), recent(RecentVerb.UPDATE, 600)),
        )
    )
    assert lines(rules)[-3:] == [
        "tcp dport 1 meta nfproto ipv4 update @recent-seen-60s-v4 { ip saddr timeout 60s } "
        "update @recent-seen-600s-v4 { ip saddr timeout 600s } drop",
        "tcp dport 2 meta nfproto ipv4 ip saddr @recent-seen-60s-v4 drop",
        "tcp dport 3 meta nfproto ipv4 ip saddr @recent-seen-600s-v4 update @recent-seen-60s-v4 "
        "{ ip saddr timeout 60s } update @recent-seen-600s-v4 { ip saddr timeout 600s } drop",
    ]
    assert not emit(rules).deviations


def test_lists_that_are_asked_at_any_time_or_count_are_approximate() -> None:
    for rules, words in (
        ((four(recent(RecentVerb.RCHECK)),), "which stay in it for good"),
        ((four(recent(RecentVerb.SET)),), "which stay in it for good"),
        ((four(recent(RecentVerb.RCHECK, 60, 4)),), "a bucket of 3 that refills evenly at 3/minute"),
        ((four(recent(RecentVerb.RCHECK, None, 4)),), "one back each week"),
        ((four(recent(RecentVerb.RCHECK, 9)), four(recent(RecentVerb.REMOVE))), "which stay in it for good"),
    ):
        found = emit(ruleset(rules)).deviations
        assert {(one.fidelity, one.name) for one in found} == {(Fidelity.APPROXIMATE, "recent-as-set")}
        assert all(words in one.message for one in found)
    (asks, records) = emit(ruleset((four(recent(RecentVerb.UPDATE, 60, 4)), four(recent(RecentVerb.SET))))).deviations
    assert "a bucket of 3" in asks.message
    assert (
        records.message
        == "nft counts what is recorded of the list `seen` against a bucket, for 4 hits within 60 seconds"
    )


def test_counts_of_a_list_have_a_chain_that_records() -> None:
    rules = ruleset(
        (
            four(tcp(1), recent(RecentVerb.UPDATE, 60, 4)),
            four(tcp(2), recent(RecentVerb.RCHECK, None, 5)),
            four(tcp(3), recent(RecentVerb.RCHECK, 9)),
            four(tcp(4), RandomMatch(5), recent(RecentVerb.SET)),
            four(tcp(5), replace(recent(RecentVerb.SET), negated=True)),
            four(tcp(6), recent(RecentVerb.REMOVE)),
        )
    )
    found = lines(rules)
    inner = found.index("chain input-recent {")
    assert found[inner + 1 : inner + 3] == ["jump recent-seen-v4", "drop"]
    assert found[found.index("tcp dport 1 meta nfproto ipv4 ip saddr @recent-seen-60s-4hits-v4 drop") - 1 :] == [
        "tcp dport 1 meta nfproto ipv4 ip saddr @recent-seen-60s-4hits-v4 "
        "update @recent-seen-60s-4hits-v4 { ip saddr timeout 60s } jump recent-seen-v4",
        "tcp dport 1 meta nfproto ipv4 ip saddr @recent-seen-60s-4hits-v4 drop",
        "tcp dport 2 meta nfproto ipv4 ip saddr @recent-seen-5hits-v4 drop",
        "tcp dport 3 meta nfproto ipv4 ip saddr @recent-seen-9s-v4 drop",
        "tcp dport 4 meta nfproto ipv4 meta random < 10 jump input-recent",
        "tcp dport 5 meta nfproto ipv4 jump recent-seen-v4",
        "tcp dport 6 meta nfproto ipv4 ip saddr @recent-seen-v4 delete @recent-seen-60s-4hits-v4 { ip saddr } "
        "delete @recent-seen-5hits-v4 { ip saddr } delete @recent-seen-9s-v4 { ip saddr } "
        "delete @recent-seen-v4 { ip saddr } drop",
        "chain recent-seen-v4 {",
        "update @recent-seen-9s-v4 { ip saddr timeout 9s } update @recent-seen-v4 { ip saddr }",
        "meter recent-seen-hits-v4 size 65535 { ip saddr timeout 60s limit rate over 3/minute burst 3 packets } "
        "update @recent-seen-60s-4hits-v4 { ip saddr timeout 60s }",
        "meter recent-seen-hits-v4-2 size 65535 { ip saddr limit rate over 1/week burst 4 packets } "
        "update @recent-seen-5hits-v4 { ip saddr }",
    ]


def test_a_list_may_have_any_name() -> None:
    rules = ruleset((four(replace(recent(RecentVerb.RCHECK, 60), name="%NOW")),))
    assert "set recent-_NOW-60s-v4 {" in lines(rules)


REFUSED: dict[str, tuple[tuple[Rule, ...], str]] = {
    "a count by two keys": (
        (
            four(recent(RecentVerb.RCHECK, 60, 4)),
            four(recent(RecentVerb.SET)),
            four(replace(recent(RecentVerb.SET), key=KeyPart(KeyField.DESTINATION))),
        ),
        "by several keys",
    ),
    "a list and another count, in a rule that leaves its chain": (
        (
            four(recent(RecentVerb.RCHECK, 60, 4)),
            replace(four(RandomMatch(5), recent(RecentVerb.SET)), verdict=Return()),
        ),
        "`return` and `goto` would leave",
    ),
    "the opposite of what records": ((four(replace(recent(RecentVerb.UPDATE, 60), negated=True)),), "`! --update`"),
    "a list of everyone": (
        (four(replace(recent(RecentVerb.SET), key=KeyPart(KeyField.SOURCE, 0, 0))),),
        "of all addresses together",
    ),
    "ports in a key": (
        (four(Limit(Rate(1, Unit.DAY), 5, True, (KeyPart(KeyField.DPORT),), "l")),),
        "ports are a key for packets that have some",
    ),
    "options of what is not tcp": (
        (Rule((ServiceMatch((PortTerm(UDP),)),), None, (StripTcpOptions((8,)),)),),
        "nft changes options of TCP alone",
    ),
    "options, and a verdict": ((Rule((), Accept(), (StripTcpOptions((8,)),)),), "nft changes options of TCP alone"),
    "timeouts of another protocol": (
        (Rule((), None, (AssignTimeout("t", 132, (("closed", 3),)),)),),
        "of TCP and UDP flows alone",
    ),
    "two timeouts of one name": (
        tuple(Rule((tcp(n),), None, (AssignTimeout("t", TCP, (("close", n),)),)) for n in (1, 2)),
        "`t` is named twice",
    ),
    "two counters that begin otherwise": (
        tuple(Rule((tcp(n),), None, (Counter("c", n, n),)) for n in (1, 2)),
        "`c` is named twice",
    ),
    "words that are no statement of nft": (
        (Rule((), None, (OpaqueStatement("-j LED", Syntax.IPTABLES, "nft has no lamps"),)),),
        "nft has no form for `-j LED`: nft has no lamps",
    ),
    "a flowtable that is not there": ((Rule((), None, (Offload("f"),)),), "no form for the flowtable `f`"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str) -> None:
    rules, words = REFUSED[name]
    origin = Origin(name="culprit")
    output = written(ruleset(replace(one, origin=origin) for one in rules), "text", NEW)
    refused = [one for one in output.deviations if one.fidelity is Fidelity.REFUSED]
    assert refused
    assert all(one.origin == origin for one in refused)
    assert any(words in one.message for one in refused), refused


def test_counters_begin_where_they_are_told() -> None:
    rules = ruleset((Rule((tcp(1),), None, (Counter("c"),)), Rule((tcp(2),), None, (Counter("c", 3, 180),))))
    assert lines(rules)[:2] == ["counter c {", "packets 3 bytes 180"]


def test_words_of_nft_stand_as_they_are_in_json_alone() -> None:
    words = '{"match":{"left":{"meta":{"key":"iiftype"}},"op":"==","right":"ether"}}'
    rules = ruleset((Rule((tcp(1), OpaqueMatch(words, Syntax.NFT_JSON)), Drop()),))
    assert f"{words}," in written(rules, "json").files[0].text.replace(" ", "")
    (refused,) = written(rules, "text").deviations
    assert refused.help == "`--format json`"


def test_what_json_lacks_text_has() -> None:
    flow = Rule((), None, (Offload("f"),))
    forward = BaseChain("forward", ChainType.FILTER, Hook.FORWARD, 0, Accept(), (flow,))
    table = Flowtable("f", ("lo", "eth0"), 10, hardware=True)
    rules = pipeline.run(Ruleset((forward,), flowtables=(table,)))
    json, text = written(rules, "json"), written(rules, "text", NEW)
    assert json.deviations[0].help == "`--format text`"
    assert "flow" not in json.files[0].text.replace("flowtables", "")
    assert not text.deviations
    assert "hook ingress priority 10; devices = { lo, eth0 };\n\t\tflags offload;" in text.files[0].text
    (refused, _) = written(rules, "json", NEW).deviations
    assert refused.help == "`--format text`"
    soft = replace(rules, flowtables=(replace(table, hardware=False),))
    assert '"prio":10,"dev":["lo","eth0"]' in written(soft, "json", NEW).files[0].text
    assert Feature.FLOWTABLE not in NEW.absent


def test_marks_are_toggled() -> None:
    def text(value: int, mask: int) -> str:
        return lines(ruleset((Rule((), None, (SetMark(MarkField.META, value, mask),)),)))[1]

    assert text(0x10, 0xFF) == "meta mark set meta mark & 4294967040 | 16"
    assert text(0x110, 0xFF) == "meta mark set meta mark & 4294967040 ^ 272"
    assert text(0x110, 0) == "meta mark set meta mark ^ 272"
    assert text(0x110, 0xFFFFFFFF) == "meta mark set 272"


def test_who_is_blocked_may_go_on_behind_a_map_without_being_counted_again() -> None:
    hits = Hits(5, 60, SOURCE, False, "h")
    rule = Rule((tcp(80), hits), VerdictMap((Transport.DPORT,), (((single(81),), Drop()),)), (), IPV4)
    first, second = lines(ruleset((rule,)))[-2:]
    assert "ip saddr @h-blocked-v4 th dport vmap" in first
    assert "ip saddr != @h-blocked-v4 meter h-v4" in second


def test_bits_of_a_mark_are_not_copied_beside_a_socket() -> None:
    """Where no socket takes the packet the rule is broken off."""
    copy = CopyMark(MarkField.META, 0xFF)
    rule = Rule((tcp(80),), Accept(), (copy, Tproxy(3129)), IPV4)
    base = BaseChain("p", ChainType.FILTER, Hook.PREROUTING, -150, Accept(), (rule,))
    (refused,) = written(pipeline.run(Ruleset((base,)))).deviations
    assert "beside which this cannot stand" in refused.message
