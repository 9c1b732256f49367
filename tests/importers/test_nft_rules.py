"""What rules of nft mean: statements that stand in another order than the IR's, and what stays in nft's words."""

from __future__ import annotations

import json

import pytest
from nft_reading import (
    ACCEPT,
    COUNTER,
    DADDR,
    DPORT,
    DROP,
    SADDR,
    SSH,
    chain,
    match,
    meta,
    payload,
    read_all,
    rules,
    ruleset,
)

from polc.importers.nft_json.json_value import Json, Object
from polc.ir.addresses import AddressSet, parse_address
from polc.ir.family import BOTH, Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressMatch,
    AddressType,
    AddressTypeMatch,
    CtState,
    CtStateMatch,
    ElementMatch,
    FieldMatch,
    FlagField,
    FlagsMatch,
    InterfaceMatch,
    InterfacePattern,
    Match,
    OpaqueMatch,
    PortTerm,
    ServiceMatch,
    SetMatch,
    Side,
    TcpOptionMatch,
)
from polc.ir.protocols import TCP, UDP
from polc.ir.ruleset import OpaqueDeclaration, Rule
from polc.ir.selectors import Conntrack, Direction, Transport
from polc.ir.stateful import Connections, EveryNth, KeyField, KeyPart, Limit, Quota, RandomMatch, Rate, Unit
from polc.ir.statements import (
    AssignHelper,
    ClampMss,
    CopyMark,
    Counter,
    MapMark,
    MarkField,
    OpaqueStatement,
    SetMark,
    SetOperation,
    Synproxy,
    Tproxy,
    UpdateSet,
)
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Nat, NatKind, Reject, RejectType, Return, VerdictMap

IP, IP6 = frozenset({Family.IP}), frozenset({Family.IP6})
LIMIT: Object = {"limit": {"rate": 10, "per": "minute", "burst": 5}}
MARK: Object = {"mangle": {"key": meta("mark"), "value": 1}}
STATE: Object = {"ct": {"key": "state"}}


def single(value: int) -> Intervals:
    return Intervals.single(value)


def tcp(port: int) -> ServiceMatch:
    return ServiceMatch((PortTerm(TCP, None, single(port)),))


def source(*texts: str) -> AddressMatch:
    return AddressMatch(Side.SADDR, AddressSet.of(map(parse_address, texts)))


def asked(*statements: Json, family: str = "inet") -> tuple[Match, ...]:
    (rule,) = rules([*statements, ACCEPT], family=family)
    return rule.matches


# What headers imply.


def test_ports_imply_their_protocol_and_addresses_their_family() -> None:
    assert rules([match(SADDR, "192.0.2.1"), SSH, ACCEPT]) == (
        Rule((source("192.0.2.1"), tcp(22)), Accept(), families=IP),
    )
    assert rules([SSH, ACCEPT])[0].families == BOTH
    assert rules([SSH, ACCEPT], family="ip")[0].families == IP


def test_ports_of_whichever_protocol() -> None:
    protocols = match(meta("l4proto"), {"set": ["tcp", "udp"]})
    both = ServiceMatch((PortTerm(TCP, None, single(53)), PortTerm(UDP, None, single(53))))
    assert asked(protocols, match(payload("th", "dport"), 53)) == (both,)
    assert asked(match(payload("th", "dport"), 53), protocols) == (both,)
    (alone,) = asked(match(payload("th", "dport"), 53))
    assert isinstance(alone, OpaqueMatch)


def test_a_missing_option_is_missing_from_tcp_or_from_anything() -> None:
    missing = match({"tcp option": {"name": "sack-perm"}}, False)
    assert asked(SSH, missing) == (tcp(22), TcpOptionMatch(4, True))
    assert isinstance(asked(missing)[0], OpaqueMatch)


def test_icmp_of_the_other_family_is_bytes() -> None:
    echo = match(payload("icmp", "type"), "echo-request")
    protocol, raw = asked(echo, family="ip6")
    assert protocol == ElementMatch((Transport.PROTOCOL,), ((single(1),),))
    assert isinstance(raw, OpaqueMatch)
    assert json.loads(raw.words)["match"]["right"] == 8


# Operators.


@pytest.mark.parametrize(
    ("op", "value", "states"),
    [
        ("in", ["established", "related"], CtState.ESTABLISHED | CtState.RELATED),
        ("==", {"set": ["established", "new"]}, CtState.ESTABLISHED | CtState.NEW),
        ("!=", "invalid", ~CtState.INVALID),
        ("!", "invalid", ~CtState.INVALID),
        # Two states at once are none: everything is another.
        ("!=", {"|": ["established", "related"]}, ~CtState(0)),
    ],
)
def test_states(op: str, value: Json, states: CtState) -> None:
    assert asked(match(STATE, value, op)) == (CtStateMatch(states),)


@pytest.mark.parametrize(
    ("op", "value", "mask", "bits", "negated"),
    [
        ("in", ["syn", "ack"], 0x12, 0, True),
        ("in", "syn", 0x02, 0, True),
        ("!", "syn", 0x02, 0, False),
        ("==", "syn", 0xFF, 0x02, False),
        ("!=", 18, 0xFF, 0x12, True),
    ],
)
def test_flags(op: str, value: Json, mask: int, bits: int, negated: bool) -> None:
    assert asked(match(payload("tcp", "flags"), value, op)) == (FlagsMatch(FlagField.TCP_FLAGS, mask, bits, negated),)


def test_flags_under_a_mask() -> None:
    left: Object = {"&": [payload("tcp", "flags"), {"|": ["fin", "syn", "rst", "ack"]}]}
    assert asked(match(left, "syn")) == (FlagsMatch(FlagField.TCP_FLAGS, 0x17, 0x02),)


@pytest.mark.parametrize(
    ("op", "low", "high"), [("<", 0, 4), ("<=", 0, 5), (">", 6, 255), (">=", 5, 255), ("==", 5, 5)]
)
def test_bounds(op: str, low: int, high: int) -> None:
    assert asked(match(payload("ip", "ttl"), 5, op)) == (FieldMatch(Field.TTL, Intervals(((low, high),))),)


def test_interfaces() -> None:
    def patterns(value: Json) -> tuple[InterfacePattern, ...]:
        (found,) = asked(match(meta("iifname"), value))
        assert isinstance(found, InterfaceMatch)
        return found.patterns

    assert patterns("eth*") == (InterfacePattern("eth", wildcard=True),)
    assert patterns("eth\\*") == (InterfacePattern("eth*"),)
    assert patterns({"set": ["lo", "eth0"]}) == (InterfacePattern("eth0"), InterfacePattern("lo"))
    (numbered,) = asked(match(meta("iif"), "lo"))
    assert numbered == InterfaceMatch(Direction.IN, (InterfacePattern("lo"),))


def test_an_interface_by_its_number_is_near() -> None:
    _, (note,) = read_all(chain([match(meta("iif"), "eth0"), ACCEPT]))
    assert note.code == "POL535"


# The order of statements.


def test_what_is_in_the_order_of_the_ir_is_one_rule() -> None:
    (rule,) = rules([SSH, LIMIT, COUNTER, ACCEPT], family="ip")
    assert rule == Rule(
        (tcp(22), Limit(Rate(10, Unit.MINUTE), 5, False, (), "c-1")), Accept(), (Counter(),), families=IP
    )


def test_what_is_counted_before_something_is_asked_counts_all() -> None:
    found = ruleset([LIMIT, SSH, ACCEPT], family="ip").chains
    assert [one.name for one in found] == ["c", "c-1", "other"]
    (first,), (second,) = found[0].rules, found[1].rules
    assert (first.matches, first.verdict) == ((Limit(Rate(10, Unit.MINUTE), 5, False, (), "c-1"),), Jump("c-1"))
    assert (second.matches, second.verdict) == ((tcp(22),), Accept())


def test_a_counter_before_something_is_asked_stands_in_a_rule_before() -> None:
    one = match(SADDR, "192.0.2.1")
    assert rules([COUNTER, SSH, ACCEPT]) == (Rule((), None, (Counter(),)), Rule((tcp(22),), Accept()))
    assert rules([one, COUNTER, SSH, {"return": None}]) == (
        Rule((source("192.0.2.1"),), None, (Counter(),), families=IP),
        Rule((source("192.0.2.1"), tcp(22)), Return(), families=IP),
    )


def test_a_change_before_something_is_asked_takes_a_chain() -> None:
    found = ruleset([SSH, MARK, match(SADDR, "192.0.2.1"), DROP]).chains
    assert found[0].rules == (Rule((tcp(22),), Jump("c-1"), (SetMark(MarkField.META, 1),)),)
    assert found[1].rules == (Rule((source("192.0.2.1"),), Drop(), families=IP),)


def test_what_leaves_the_chain_from_below_goes_on_in_another() -> None:
    """A return below would come back here: the rules behind stand in a chain that both go to."""
    found = {one.name: one.rules for one in ruleset([LIMIT, SSH, {"return": None}], [DROP], family="ip").chains}
    begin, below, behind = found["c"], found["c-1-2"], found["c-1"]
    assert [rule.verdict for rule in begin] == [Goto("c-1-2"), Goto("c-1")]
    assert [rule.verdict for rule in below] == [Return(), Goto("c-1")]
    assert [rule.verdict for rule in behind] == [Drop()]


def test_it_ends_where_nothing_is_behind() -> None:
    found = {one.name: one.rules for one in ruleset([LIMIT, SSH, {"return": None}], family="ip").chains}
    assert [rule.verdict for rule in found["c"]] == [Goto("c-1")]
    assert [rule.verdict for rule in found["c-1"]] == [Return()]


def test_a_reject_asks_at_the_beginning() -> None:
    """So nft does with what it needs (nftables, src/evaluate.c)."""
    (rule,) = rules([COUNTER, {"reject": {"type": "tcp reset"}}])
    assert rule.verdict == Reject(RejectType.TCP_RESET)
    assert rule.matches == (ServiceMatch((PortTerm(TCP),)),)
    assert rule.statements == (Counter(),)


def test_what_excludes_itself_is_left_out_with_a_word() -> None:
    (found,), (note,) = read_all(chain([SSH, match(payload("udp", "dport"), 53), ACCEPT]))
    assert note.code == "POL533"
    assert found.chains[0].rules == ()
    (found,), (note,) = read_all(chain([COUNTER, SSH, match(payload("udp", "dport"), 53), ACCEPT]))
    assert found.chains[0].rules == (Rule((), None, (Counter(),)),)


# State.


def test_state_that_both_families_share() -> None:
    """In an inet table a limit is one for all packets; of a policy there is one for each family."""
    (rule,) = rules([SSH, LIMIT, ACCEPT])
    assert rule.matches[1] == Limit(Rate(10, Unit.MINUTE), 5, False, (), "c-1", both=True)
    (rule,) = rules([match(SADDR, "192.0.2.1"), LIMIT, ACCEPT])
    assert rule.matches[1] == Limit(Rate(10, Unit.MINUTE), 5, False, (), "c-1")
    assert asked({"ct count": {"val": 5, "inv": True}}) == (Connections(5, True, (), "c-1", both=True),)
    assert asked({"quota": {"val": 5, "val_unit": "bytes"}}) == (Quota(5, False, "c-1", both=True),)


def test_limits_by_name() -> None:
    named: Object = {"limit": {"name": "l", "rate": 5, "per": "second", "burst": 5}}
    found = ruleset([{"limit": "l"}, ACCEPT], [SSH, {"limit": "l"}, ACCEPT], family="ip", declared=(named,))
    assert found.declarations == ()
    assert {match.table for rule in found.chains[0].rules for match in rule.matches if isinstance(match, Limit)} == {
        "l"
    }
    found = ruleset([{"limit": "l"}, ACCEPT], [SSH, match(SADDR, "192.0.2.1"), {"limit": "l"}], declared=(named,))
    assert found.declarations == ()
    assert all(match.both for rule in found.chains[0].rules for match in rule.matches if isinstance(match, Limit))


def test_a_limit_for_each_source() -> None:
    store: Object = {"set": {"name": "s", "type": "ipv4_addr", "size": 100, "flags": ["timeout", "dynamic"]}}
    element: Object = {"elem": {"val": {"&": [SADDR, "255.255.255.0"]}, "timeout": 30}}
    update: Object = {"set": {"op": "update", "elem": element, "set": "@s", "stmt": [LIMIT]}}
    found = ruleset([update, ACCEPT], declared=(store,))
    assert found.sets == ()
    wanted = Limit(Rate(10, Unit.MINUTE), 5, False, (KeyPart(KeyField.SOURCE, 24),), "s", 100)
    assert found.chains[0].rules == (Rule((wanted,), Accept(), families=IP),)


def test_a_bucket_that_goes_before_it_is_full_is_another_thing() -> None:
    element: Object = {"elem": {"val": SADDR, "timeout": 29}}
    meter: Object = {"meter": {"name": "m", "key": element, "stmt": LIMIT, "size": 100}}
    assert isinstance(asked(meter)[0], OpaqueMatch)
    element = {"elem": {"val": SADDR, "timeout": 30}}
    assert isinstance(asked({"meter": {"name": "m", "key": element, "stmt": LIMIT, "size": 100}})[0], Limit)


def test_counts() -> None:
    over: Object = {"ct count": {"val": 5, "inv": True}}
    assert asked(over, family="ip") == (Connections(5, True, (), "c-1"),)
    assert asked({"quota": {"val": 5, "val_unit": "kbytes"}}, family="ip") == (Quota(5120, False, "c-1"),)
    assert isinstance(asked({"quota": {"val": 5, "val_unit": "kbytes", "used": 1}}, family="ip")[0], OpaqueMatch)
    turn: Object = {"numgen": {"mode": "inc", "mod": 3, "offset": 5}}
    assert asked(match(turn, 6), family="ip") == (EveryNth(3, 1),)
    assert asked(match(meta("random"), 1 << 31, "<")) == (RandomMatch(1 << 30),)


# Sets and maps.


def test_a_named_set() -> None:
    ports: Object = {"set": {"name": "ports", "type": "inet_service", "elem": [22, 80]}}
    found = ruleset([match(DPORT, "@ports"), ACCEPT], declared=(ports,))
    assert found.chains[0].rules[0].matches == (ServiceMatch((PortTerm(TCP),)), SetMatch((Transport.DPORT,), "ports"))
    assert found.sets[0].elements == ((Intervals(((22, 22), (80, 80))),),)


def test_a_set_of_what_polc_has_no_sets_of_stands_in_the_rule() -> None:
    types: Object = {"set": {"name": "types", "type": "icmp_type", "elem": ["echo-request"]}}
    (found,), (note,) = read_all(chain([match(payload("icmp", "type"), "@types"), ACCEPT], declared=(types,)))
    assert note.code == "POL535"
    assert found.chains[0].rules[0] == rules([match(payload("icmp", "type"), 8), ACCEPT])[0]


def test_several_parts_at_once() -> None:
    key: Object = {"concat": [SADDR, DPORT]}
    elements: Json = {
        "set": [{"concat": ["192.0.2.1", 22]}, {"concat": [{"prefix": {"addr": "10.0.0.0", "len": 8}}, 80]}]
    }
    (rule,) = rules([match(key, elements), ACCEPT])
    host, net = single(0xC0000201), Intervals(((0x0A000000, 0x0AFFFFFF),))
    wanted = ElementMatch((Side.SADDR, Transport.DPORT), ((host, single(22)), (net, single(80))))
    assert rule.matches == (ServiceMatch((PortTerm(TCP),)), wanted)
    assert rule.families == IP


def test_verdict_maps() -> None:
    data: Json = {"set": [["established", ACCEPT], ["invalid", DROP], ["new", {"continue": None}]]}
    (rule,) = rules([{"vmap": {"key": STATE, "data": data}}])
    assert rule.verdict == VerdictMap((Conntrack.STATE,), (((single(2),), Accept()), ((single(1),), Drop())))


def test_a_named_verdict_map_stands_in_the_rule() -> None:
    named: Object = {"map": {"name": "m", "type": "inet_service", "map": "verdict", "elem": [[22, ACCEPT]]}}
    (found,), (note,) = read_all(chain([{"vmap": {"key": DPORT, "data": "@m"}}], declared=(named,)))
    assert note.code == "POL535"
    assert found.chains[0].rules[0].verdict == VerdictMap((Transport.DPORT,), (((single(22),), Accept()),))
    assert found.declarations == ()


def test_what_is_in_no_element() -> None:
    data: Json = {"set": [[22, ACCEPT], ["*", DROP]]}
    (rule,) = rules([{"vmap": {"key": DPORT, "data": data}}])
    others = single(22).complement(0, 65535)
    assert rule.verdict == VerdictMap((Transport.DPORT,), (((single(22),), Accept()), ((others,), Drop())))


def test_a_choice_by_what_polc_has_no_maps_of() -> None:
    kind: Object = {"fib": {"result": "type", "flags": ["daddr"]}}
    jump: Object = {"jump": {"target": "other"}}
    local = AddressTypeMatch(Side.DADDR, (AddressType.LOCAL,))
    multicast = AddressTypeMatch(Side.DADDR, (AddressType.MULTICAST,))
    one: Json = {"set": [["local", jump], ["multicast", DROP]]}
    assert rules([{"vmap": {"key": kind, "data": one}}]) == (
        Rule((multicast,), Drop()),
        Rule((local,), Jump("other")),
    )
    two: Json = {"set": [["local", jump], ["multicast", jump]]}
    found = {each.name: each.rules for each in ruleset([{"vmap": {"key": kind, "data": two}}]).chains}
    assert found["c"] == (Rule((), Jump("c-1")),)
    assert found["c-1"] == (Rule((local,), Goto("other")), Rule((multicast,), Goto("other")))


def test_a_map_with_something_behind_it_stays_in_words() -> None:
    data: Json = {"set": [[22, {"continue": None}]]}
    (rule,) = rules([{"vmap": {"key": DPORT, "data": data}}, COUNTER])
    assert [type(one) for one in rule.statements] == [OpaqueStatement, Counter]


def test_maps_that_change_stay_in_words() -> None:
    named: Object = {
        "map": {"name": "m", "type": "ipv4_addr", "map": "mark", "flags": ["dynamic"], "elem": [["192.0.2.1", 1]]}
    }
    value: Json = {"map": {"key": SADDR, "data": "@m"}}
    found = ruleset([{"mangle": {"key": meta("mark"), "value": value}}, ACCEPT], declared=(named,))
    (statement,) = found.chains[0].rules[0].statements
    assert isinstance(statement, OpaqueStatement)
    (kept,) = found.declarations
    assert isinstance(kept, OpaqueDeclaration)
    assert json.loads(kept.words)["map"]["elem"] == [["192.0.2.1", 1]]


# Effects.


@pytest.mark.parametrize(
    ("value", "statement"),
    [
        (5, SetMark(MarkField.META, 5)),
        ({"&": [meta("mark"), 0xFF]}, SetMark(MarkField.META, 0, 0xFFFFFF00)),
        ({"|": [{"&": [meta("mark"), 0x1FF]}, 0x100]}, SetMark(MarkField.META, 0x100, 0xFFFFFF00)),
        ({"^": [meta("mark"), 1]}, SetMark(MarkField.META, 1, 0)),
        ({"ct": {"key": "mark"}}, CopyMark(MarkField.META)),
        ({"&": [{"ct": {"key": "mark"}}, 0xFF]}, CopyMark(MarkField.META, from_mask=0xFF)),
        ({"|": [{"&": [meta("mark"), 0xFFFFFF00]}, {"&": [{"ct": {"key": "mark"}}, 0xFF]}]},
         CopyMark(MarkField.META, 0xFF, 0xFF)),
        ({"map": {"key": DPORT, "data": {"set": [[22, 1]]}}},
         MapMark(MarkField.META, (Transport.DPORT,), (((single(22),), 1),))),
    ],
)  # fmt: skip
def test_marks(value: Json, statement: object) -> None:
    (rule,) = rules([{"mangle": {"key": meta("mark"), "value": value}}])
    assert rule.statements == (statement,)


def test_changes_of_a_set() -> None:
    banned: Object = {"set": {"name": "banned", "type": "ipv4_addr", "flags": ["timeout"], "timeout": 60}}
    element: Object = {"elem": {"val": SADDR, "timeout": 30}}
    (rule,) = rules([{"set": {"op": "add", "elem": element, "set": "@banned"}}, DROP], declared=(banned,))
    assert rule == Rule((), Drop(), (UpdateSet((Side.SADDR,), "banned", 30, SetOperation.ADD),), IP)


def test_a_helper_by_its_object() -> None:
    ftp: Object = {"ct helper": {"name": "files", "type": "ftp", "protocol": "tcp", "l3proto": "inet"}}
    found = ruleset([SSH, {"ct helper": "files"}], declared=(ftp,))
    assert found.chains[0].rules[0].statements == (AssignHelper("ftp", TCP),)
    assert found.declarations == ()


def test_a_clamp_is_one_of_a_syn() -> None:
    size: Object = {
        "mangle": {"key": {"tcp option": {"name": "maxseg", "field": "size"}}, "value": {"rt": {"key": "mtu"}}}
    }
    syn = match(payload("tcp", "flags"), "syn", "in")
    assert rules([syn, size])[0].statements == (ClampMss(),)
    for other in ([size], [syn, size, ACCEPT]):
        assert isinstance(rules(other)[0].statements[0], OpaqueStatement)


def test_tproxy_is_exact_before_a_drop() -> None:
    proxy: Object = {"tproxy": {"port": 50080}}
    assert rules([SSH, proxy, ACCEPT], [DROP])[0].statements == (Tproxy(50080),)
    assert isinstance(rules([SSH, proxy, ACCEPT], [SSH, DROP])[0].statements[0], OpaqueStatement)


def test_synproxy_is_for_tcp() -> None:
    (rule,) = rules([{"synproxy": {"mss": 1460, "wscale": 7, "flags": ["timestamp"]}}])
    assert rule == Rule((ServiceMatch((PortTerm(TCP),)),), None, (Synproxy(1460, 7, True, False),))


def test_nat() -> None:
    to: Object = {"dnat": {"family": "ip", "addr": "192.0.2.1", "port": 8080, "flags": ["random"]}}
    (rule,) = rules([SSH, to])
    wanted = Nat(NatKind.DNAT, Family.IP, single(0xC0000201), single(8080), random=True)
    assert rule == Rule((tcp(22),), wanted, families=IP)
    prefix: Json = {"prefix": {"addr": "192.0.2.0", "len": 24}}
    nets: Object = {"snat": {"family": "ip", "addr": prefix, "flags": "netmap", "type_flags": "prefix"}}
    assert rules([match(SADDR, {"prefix": {"addr": "10.0.0.0", "len": 24}}), nets])[0].verdict == Nat(
        NatKind.NETMAP_SOURCE, Family.IP, Intervals(((0xC0000200, 0xC00002FF),))
    )


# What stays in nft's words.


@pytest.mark.parametrize(
    "statement",
    [
        match(payload("ip6", "nexthdr"), "tcp"),
        match({"payload": {"base": "th", "offset": 0, "len": 16}}, 22),
        match({"sctp chunk": {"name": "init"}}, True),
        match({"ct": {"key": "label"}}, 5, "in"),
        match(meta("time"), "2022-07-01 11:00:00", "<"),
        match(DADDR, "192.0.2.300"),
        match(DPORT, {"thing": 1}),
        match({"&": [SADDR, "255.0.255.0"]}, "10.0.2.0"),
    ],
)
def test_unknown_matches_are_kept(statement: Object) -> None:
    (found,) = asked(statement)
    assert isinstance(found, OpaqueMatch)
    assert json.loads(found.words) == statement
    assert found.reason


@pytest.mark.parametrize(
    "statement",
    [
        {"last": None},
        {"log": {"level": "audit"}},
        {"fwd": {"dev": "lo"}},
        {"mangle": {"key": payload("ip", "daddr"), "value": "192.0.2.1"}},
        {"tomorrow": {"is": "another day"}},
        {"queue": {"num": {"jhash": {"mod": 4, "expr": SADDR}}}},
    ],
)
def test_unknown_statements_are_kept(statement: Object) -> None:
    (rule,) = rules([SSH, statement])
    (found,) = rule.statements
    assert isinstance(found, OpaqueStatement)
    assert json.loads(found.words) == statement
    assert found.reason


def test_extensions_of_xtables_are_kept_with_a_word() -> None:
    (found,), (note,) = read_all(chain([{"xt": {"type": "match", "name": "recent"}}, ACCEPT]))
    assert note.code == "POL534"
    assert isinstance(found.chains[0].rules[0].statements[0], OpaqueStatement)


def test_objects_that_nothing_names_are_kept() -> None:
    quota: Object = {"quota": {"name": "q", "bytes": 1000, "used": 0, "inv": False}}
    found = ruleset([ACCEPT], declared=(quota,))
    assert [json.loads(one.words) for one in found.declarations] == [quota]


# Tables of other families.


def test_bridge() -> None:
    (rule,) = rules([match(SADDR, "192.0.2.1"), DROP], family="bridge")
    assert rule == Rule((source("192.0.2.1"),), Drop(), families=IP)
    (rule,) = rules([match(meta("protocol"), "ip"), DROP], family="bridge")
    assert rule == Rule((), Drop(), families=IP)
    (rule,) = rules([match(payload("ip", "protocol"), "tcp"), DROP], family="bridge")
    assert isinstance(rule.matches[0], OpaqueMatch)
    (rule,) = rules([LIMIT, ACCEPT], family="bridge")
    assert isinstance(rule.matches[0], OpaqueMatch)


def test_arp() -> None:
    (rule,) = rules([match(payload("arp", "operation"), "request"), DROP], family="arp")
    assert isinstance(rule.matches[0], OpaqueMatch)
    assert rule.families == BOTH
