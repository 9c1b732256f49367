"""``where``: conditions, their matches, and what is said of wrong ones."""

from __future__ import annotations

import pytest
from policies import error, errors, policy, read, rules

from polc.ir.family import Family
from polc.ir.fields import FIELDS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressType,
    AddressTypeMatch,
    Direction,
    ExtensionHeader,
    ExtensionHeaderMatch,
    FieldMatch,
    FlagField,
    FlagsMatch,
    NameField,
    NameMatch,
    OriginalAddressMatch,
    ReversePathMatch,
    Side,
    TcpOptionMatch,
    Trait,
    TraitMatch,
)
from polc.ir.ruleset import RegularChain
from polc.ir.statements import Counter
from polc.ir.verdicts import Accept, Goto, Jump
from polc.policy.parser import tokens

TCP, STATUS = FlagField.TCP_FLAGS, FlagField.CT_STATUS
HOUR = Field.META_HOUR


def values(*pairs: tuple[int, int]) -> Intervals:
    return Intervals.of(pairs)


@pytest.mark.parametrize(
    ("condition", "match"),
    [
        ("ct status dnat", FlagsMatch(STATUS, 0x20, 0, negated=True)),
        ("not ct status snat,dnat", FlagsMatch(STATUS, 0x30, 0)),
        ("tcp flags syn", FlagsMatch(TCP, 2, 0, negated=True)),
        ("tcp flags syn / syn,ack,fin,rst", FlagsMatch(TCP, 0x17, 2)),
        ("tcp flags & (syn|ack) == syn|ack", FlagsMatch(TCP, 0x12, 0x12)),
        ("tcp flags & (fin | syn) != 0", FlagsMatch(TCP, 3, 0, negated=True)),
        ("tcp flags == syn", FlagsMatch(TCP, 0xFF, 2)),
        ("tcp flags == 0", FlagsMatch(TCP, 0xFF, 0)),
        ("ct mark & 0xff == 0x1", FieldMatch(Field.CT_MARK, values((1, 1)), 0xFF)),
        ("meta mark 0x1/0xff", FieldMatch(Field.META_MARK, values((1, 1)), 0xFF)),
        ("meta mark != 16", FieldMatch(Field.META_MARK, values((16, 16)), negated=True)),
        ("not meta mark != 16", FieldMatch(Field.META_MARK, values((16, 16)))),
        ("meta mark in {1, 4-9}", FieldMatch(Field.META_MARK, values((1, 1), (4, 9)))),
        ("ip ttl < 5", FieldMatch(Field.TTL, values((0, 4)))),
        ("ip   ttl>=5", FieldMatch(Field.TTL, values((5, 255)))),
        ("ip6 hoplimit > 254", FieldMatch(Field.HOPLIMIT, values((255, 255)))),
        ("ip dscp ef, af31", FieldMatch(Field.IP_DSCP, values((46, 46), (26, 26)))),
        ("meta hour 08:00-17:30", FieldMatch(HOUR, values((8 * 3600, 17 * 3600 + 1800)))),
        ("meta hour 22:00-06:00", FieldMatch(HOUR, values((79200, 86399), (0, 21600)))),
        ("meta day friday-monday", FieldMatch(Field.META_DAY, values((5, 6), (0, 1)))),
        ("ct expiration < 1m", FieldMatch(Field.CT_EXPIRATION, values((0, 59)))),
        ("ct bytes > 1 ", FieldMatch(Field.CT_BYTES, values((2, 2**64 - 1)))),
        ("ct bytes > 1mbytes", FieldMatch(Field.CT_BYTES, values(((1 << 20) + 1, 2**64 - 1)))),
        ("ct direction reply", FieldMatch(Field.CT_DIRECTION, values((1, 1)))),
        ("ether saddr 02:00:5e:00:53:01", FieldMatch(Field.ETHER_SADDR, values((0x02005E005301,) * 2))),
        ("tcp option maxseg size 536-1460", FieldMatch(Field.TCP_MSS, values((536, 1460)))),
        ("tcp option sack-perm exists", TcpOptionMatch(4)),
        ("tcp option 34 missing", TcpOptionMatch(34, negated=True)),
        ("ct helper ftp", NameMatch(NameField.CT_HELPER, "ftp")),
        ('osf name "Linux"', NameMatch(NameField.OSF_NAME, "Linux")),
        ("fib daddr type local,multicast", AddressTypeMatch(Side.DADDR, (AddressType.LOCAL, AddressType.MULTICAST))),
        ("fib daddr . iif type local", AddressTypeMatch(Side.DADDR, (AddressType.LOCAL,), interface=Direction.IN)),
        ("exthdr frag exists", ExtensionHeaderMatch(ExtensionHeader.FRAG)),
        ("exthdr rt missing", ExtensionHeaderMatch(ExtensionHeader.RT, negated=True)),
        ("not exthdr hbh missing", ExtensionHeaderMatch(ExtensionHeader.HBH)),
        ("ct original protocol tcp", FieldMatch(Field.CT_ORIGINAL_PROTOCOL, values((6, 6)))),
        ("ct original bytes > 1mbytes", FieldMatch(Field.CT_ORIGINAL_BYTES, values(((1 << 20) + 1, 2**64 - 1)))),
        ("ct reply packets 5", FieldMatch(Field.CT_REPLY_PACKETS, values((5, 5)))),
        ("ct reply proto-src 22", FieldMatch(Field.CT_REPLY_SPORT, values((22, 22)))),
        ("ct avgpkt < 100", FieldMatch(Field.CT_AVGPKT, values((0, 99)))),
        ("ether daddr 02:00:5e:00:53:01", FieldMatch(Field.ETHER_DADDR, values((0x02005E005301,) * 2))),
        ("ether type ip6, 0x88cc", FieldMatch(Field.ETHER_TYPE, values((0x86DD,) * 2, (0x88CC,) * 2))),
        ("vlan id 1-99", FieldMatch(Field.VLAN_ID, values((1, 99)))),
        ("meta cpu 0", FieldMatch(Field.META_CPU, values((0, 0)))),
        ("meta priority 1:10-1:1f", FieldMatch(Field.META_PRIORITY, values((0x10010, 0x1001F)))),
        ("meta priority none", FieldMatch(Field.META_PRIORITY, values((0, 0)))),
        ("meta protocol ip", FieldMatch(Field.META_PROTOCOL, values((0x0800,) * 2))),
        ("ah spi 0x100-0x1ff", FieldMatch(Field.AH_SPI, values((256, 511)))),
        ("esp spi != 5", FieldMatch(Field.ESP_SPI, values((5, 5)), negated=True)),
        ("dccp type reset, close", FieldMatch(Field.DCCP_TYPE, values((6, 7)))),
        ("mh type binding-update", FieldMatch(Field.MH_TYPE, values((5, 5)))),
        ("fragment", TraitMatch(Trait.FRAGMENT)),
        ("not (not ipsec)", TraitMatch(Trait.IPSEC)),
    ],
)  # fmt: skip
def test_conditions(condition: str, match: object) -> None:
    (rule,) = rules(f"accept where {condition}")
    assert rule.matches == (match,)


def test_the_way_back_is_looked_up_before_the_route_alone() -> None:
    _, message, _ = error("drop where rpfilter loose fails")
    assert message == "`rpfilter` cannot stand in `input`"
    assert ReversePathMatch(loose=True, passes=False) != ReversePathMatch(loose=True, passes=True)


@pytest.mark.parametrize("field", Field, ids=lambda field: field.value)
def test_every_field_is_a_word_of_the_grammar(field: Field) -> None:
    (first, *_) = tokens(f"{field.value} 1")
    assert (first.kind, first.text) == ("FIELD", field.value)


def test_families_follow_from_the_fields() -> None:
    (rule,) = rules("accept tcp/22 where ip ttl 1")
    assert rule.families == {Family.IP}
    first, second = rules("accept tcp/22 where ip ttl 1 or ip6 hoplimit 1")
    assert (first.families, second.families) == ({Family.IP}, {Family.IP6})
    (rule,) = rules("accept tcp/22 where ct original daddr 2001:db8::1")
    assert rule.matches[-1] == OriginalAddressMatch(Side.DADDR, rule.matches[-1].addresses)
    assert rule.families == {Family.IP6}


def test_addresses_of_replies() -> None:
    (rule,) = rules("accept where ct reply saddr 192.0.2.1")
    assert isinstance(rule.matches[0], OriginalAddressMatch)
    assert (rule.matches[0].side, rule.matches[0].reply, rule.families) == (Side.SADDR, True, {Family.IP})
    (rule,) = rules("accept where not ct reply ip6 daddr 2001:db8::1")
    assert rule.families == {Family.IP6}


def test_extension_headers_are_of_ipv6() -> None:
    (rule,) = rules("accept where exthdr frag missing")
    assert rule.families == {Family.IP6}
    assert error("accept where exthdr frag exists and ip ttl 5")[0] == "POL220"


def test_no_packet_is_of_two_protocols() -> None:
    asks = "no packet can meet this condition: it asks for several protocols at once"
    assert error("accept where esp spi 5 and tcp flags syn")[:2] == ("POL220", asks)
    (rule,) = rules("accept where (esp spi 5 or dccp type data) and esp spi < 9")
    assert len(rule.matches) == 2
    no = "no packet can match this rule: the condition asks for ESP, and the service is of other protocols"
    assert error("accept udp where esp spi 5")[:2] == ("POL220", no)


@pytest.mark.parametrize("text", ["ct original ip daddr != 192.0.2.1", "not ct original ip daddr 192.0.2.1"])
def test_a_field_of_one_family_keeps_its_opposite_to_that_family(text: str) -> None:
    (rule,) = rules(f"accept tcp/22 where {text}")
    assert rule.families == {Family.IP}
    (rule,) = rules(f"accept tcp/22 where {text.replace(' ip ', ' ')}")
    assert rule.families == {Family.IP, Family.IP6}


def test_both_sides_of_or_decide() -> None:
    assert [one.verdict for one in rules("accept tcp/22 where ipsec or socket")] == [Accept(), Accept()]
    left, right = rules("accept tcp/22 from 192.0.2.1 state new where fragment or ct mark 1")
    assert len(left.matches) == len(right.matches) == 4
    assert left.families == right.families == {Family.IP}


def test_what_counts_counts_once() -> None:
    base, *chains = read(policy("count seen tcp/22 where ipsec or socket")).chains
    (entry,) = base.rules
    ways, end = chains[1], chains[0]
    assert isinstance(ways, RegularChain)
    assert entry.verdict == Jump(ways.name)
    assert [one.verdict for one in ways.rules] == [Goto(end.name)] * 2
    assert [(one.matches, one.statements, one.verdict) for one in end.rules] == [((), (Counter("seen"),), None)]


def test_a_limit_is_asked_once() -> None:
    base, end, ways = read(policy("accept tcp/22 limit 5/minute where ipsec or socket")).chains
    assert [len(one.matches) for one in base.rules] == [1]
    assert [len(one.matches) for one in ways.rules] == [1, 1]
    assert [one.verdict for one in end.rules] == [Accept()]


@pytest.mark.parametrize(
    ("condition", "code", "message", "at"),
    [
        ("ct status dnatted", "POL242", "`dnatted` is no bit of `ct status`", "dnatted"),
        ("ct status == dnat", "POL243", "all bits of `ct status` together say nothing", "=="),
        ("ip ttl 256", "POL243", "`256` is not a number from 0 to 255, such as `31` or `0x1f`", "256"),
        ("ip ttl 9-5", "POL243", "the range is the wrong way round: write `5-9`", "9-5"),
        ("ip ttl < 0", "POL243", "`ip ttl` is 0 to 255: this can never match", "0"),
        ("ip ttl >= 0", "POL243", "every value of `ip ttl` is among these", "0"),
        ("ip ttl & 1 == 1", "POL243", "`ip ttl` has no bits that a mask could pick", "1"),
        ("meta mark & 0xf == 0x10", "POL243", "this value has bits outside the mask: it can never match", "0x10"),
        ("tcp flags syn / ack", "POL243", "this value has bits outside the mask: it can never match", "syn"),
        ("tcp flags syn/syn,ack", "POL243", "`syn/syn` is one word", "syn/syn"),
        ("meta cgroup a", "POL243", "`a` is not a number from 0 to 4294967295, such as `31` or `0x1f`", "a"),
        ("meta skuid 0", "POL241", "`meta skuid` cannot stand in `input`", "meta skuid"),
        ("meta hour 25:00", "POL243", "`25:00` is not a time of day such as `08:00` or `17:30:59`", "25:00"),
        ("fragmented", "POL242", "`fragmented` is no condition", "fragmented"),
        ("fib daddr type here", "POL242", "`here` is no type of address", "here"),
        ("exthdr frag yes", "POL242", "`yes` says nothing of `exthdr frag`", "yes"),
        ("exthdr frog exists", "POL110", "`exthdr frog` is nothing that `where` compares", "exthdr frog"),
        ("meta priority x", "POL243", "`x` is neither a class such as `1:10` nor a number of 32 bits", "x"),
        ("dccp type 16", "POL243", "`16` is not a number from 0 to 15, such as `31` or `0x1f`", "16"),
        ("ct reply ip saddr ::1", "POL243", "no address here is one of `ct reply ip saddr`", "::1"),
        ("fib daddr . oif type local", "POL241", "`fib daddr . oif type` cannot stand in `input`",
         "fib daddr . oif type"),
        ("tcp option sack-prem exists", "POL242", "`sack-prem` is no TCP option", "tcp option sack-prem"),
        ("tcp option sack-perm yes", "POL242", "`yes` says nothing of `tcp option sack-perm`", "yes"),
        ("ct original daddr @none", "POL202", "there is no address group `none`", "@none"),
        ("ct state new", "POL242", "`ct` is no condition", "ct"),
        ("tcp dport 22", "POL110", "`tcp dport` is nothing that `where` compares", "tcp dport"),
        ("ip tll 5", "POL110", "`ip tll` is nothing that `where` compares", "ip tll"),
        ("ip ttl", "POL110", "something is missing after `ip ttl`", "ip ttl"),
        ("(ip ttl 5", "POL110", "`5` needs a `)`", "5"),
        ("ip ttl 5 and ip6 hoplimit 5", "POL220",
         "no packet can meet this condition: it asks for IPv4 and IPv6 at once", "where ip ttl 5 and ip6 hoplimit 5"),
    ],
)  # fmt: skip
def test_errors(condition: str, code: str, message: str, at: str) -> None:
    assert error(f"accept where {condition}") == (code, message, at)


def test_words_of_nft_that_stand_elsewhere_here() -> None:
    hints = {
        "ct state new": "state",
        "tcp dport 22": "service",
        "iifname eth0": "zone",
        "ip saddr 192.0.2.1": "`from`",
        "limit rate 5/minute": "clause",
    }
    for condition, hint in hints.items():
        (one,) = errors(policy(f"accept where {condition}"))
        assert hint in one.help, condition


def test_facts_hold_for_their_fields() -> None:
    assert FIELDS.keys() == set(Field)


def test_conditions_in_conditions_have_an_end() -> None:
    assert rules("accept where " + "not " * 90 + "fragment") == rules("accept where fragment")
    for text in ("not " * 5000 + "fragment", "(fragment and (ipsec or " * 2000 + "fragment" + "))" * 2000):
        assert error(f"accept where {text}")[:2] == ("POL008", "this condition is nested too deep")
