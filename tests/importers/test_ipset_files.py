"""ipset files: sets with their members, and which keys of packets rules look up in them."""

from __future__ import annotations

import pytest
from importing import errors, import_all, import_both, ruleset, table

from polc.ir.addresses import parse_address
from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import OpaqueMatch, SetMatch
from polc.ir.ruleset import DynamicSet
from polc.ir.selectors import Direction, InterfacePattern, KeyType, Selector, Side, Transport
from polc.ir.statements import OpaqueStatement, SetOperation, UpdateSet
from polc.ir.verdicts import Jump

NOTHING = table("-A INPUT -j ACCEPT")
IP, PROTOCOL, PORT = KeyType.IPV4_ADDR, KeyType.INET_PROTO, KeyType.INET_SERVICE


def at(text: str) -> Intervals:
    return Intervals((parse_address(text)[1:],))


def one(value: int) -> Intervals:
    return Intervals.single(value)


def sets(text: str) -> tuple[DynamicSet, ...]:
    return ruleset(text, NOTHING).sets


def test_sets_with_their_settings_and_members() -> None:
    found = sets(
        "create a hash:ip family inet hashsize 1024 maxelem 99 timeout 300 counters comment bucketsize 12\n"
        'add a 192.0.2.1 timeout 300 packets 5 bytes 300 comment "for a friend"\n'
        "create six hash:net family inet6\n"
        "add six 2001:db8::/32\n"
        "create p bitmap:port range 0-1023\n"
        "add p 22\nadd p 80-90\n"
        "# done\n\n"
    )
    assert found == (
        DynamicSet("a", (IP,), 99, 300, elements=((at("192.0.2.1"),),)),
        DynamicSet("six", (KeyType.IPV6_ADDR,), 65536, None, elements=((at("2001:db8::/32"),),), intervals=True),
        DynamicSet("p", (PORT,), None, None, elements=((one(22),), (Intervals(((80, 90),)),)), intervals=True),
    )


@pytest.mark.parametrize(
    ("kind", "member", "types", "element", "key"),
    [
        ("hash:ip", "192.0.2.1", (IP,), (at("192.0.2.1"),), (Side.SADDR,)),
        ("hash:net", "192.0.2.9/24", (IP,), (at("192.0.2.0/24"),), (Side.SADDR,)),
        ("hash:ip,port", "192.0.2.1,udp:53", (IP, PROTOCOL, PORT), (at("192.0.2.1"), one(17), one(53)),
         (Side.SADDR, Transport.PROTOCOL, Transport.DPORT)),
        ("hash:net,port", "192.0.2.0/24,http", (IP, PROTOCOL, PORT), (at("192.0.2.0/24"), one(6), one(80)),
         (Side.SADDR, Transport.PROTOCOL, Transport.DPORT)),
        ("hash:net,net", "192.0.2.0/24,198.51.100.1", (IP, IP), (at("192.0.2.0/24"), at("198.51.100.1")),
         (Side.SADDR, Side.DADDR)),
        ("hash:ip,port,ip", "192.0.2.1,tcp:1-9,192.0.2.2", (IP, PROTOCOL, PORT, IP),
         (at("192.0.2.1"), one(6), Intervals(((1, 9),)), at("192.0.2.2")),
         (Side.SADDR, Transport.PROTOCOL, Transport.DPORT, Side.DADDR)),
        ("hash:mac", "02:00:00:00:00:01", (KeyType.ETHER_ADDR,), (one(0x020000000001),), (Field.ETHER_SADDR,)),
        ("hash:ip,mark", "192.0.2.1,0x10", (IP, KeyType.MARK), (at("192.0.2.1"), one(16)),
         (Side.SADDR, Field.META_MARK)),
        ("hash:net,iface", "192.0.2.0/24,eth0", (IP, KeyType.IFNAME), (at("192.0.2.0/24"), InterfacePattern("eth0")),
         (Side.SADDR, Direction.OUT)),
    ],
)  # fmt: skip
def test_types_and_their_keys(
    kind: str, member: str, types: tuple[KeyType, ...], element: object, key: tuple[Selector, ...]
) -> None:
    rule = "-A FORWARD -m set --match-set s src,dst,dst -j DROP"
    found = ruleset(f"create s {kind}\nadd s {member}\n", table(rule))
    assert [(one.types, one.elements) for one in found.sets] == [(types, (element,))]
    assert found.chains[0].rules[0].matches == (SetMatch(key, "s"),)


def test_of_nested_networks_the_smallest_counts() -> None:
    (found,) = sets(
        "create s hash:net\nadd s 192.0.2.0/24\nadd s 192.0.2.64/26 nomatch\nadd s 192.0.2.65\nadd s 198.51.100.0/25\n"
        "add s 198.51.100.128/25\n"
    )
    assert found.elements == tuple(
        (at(text),) for text in ("192.0.2.0-192.0.2.63", "192.0.2.65", "192.0.2.128-192.0.2.255", "198.51.100.0/24")
    )


def test_what_rules_do_to_sets() -> None:
    lines = (
        "-A INPUT -j SET --add-set a src --exist --timeout 60",
        "-A INPUT -j SET --add-set a dst --del-set b dst,dst",
        "-A INPUT -j SET --map-set a src --map-mark",
    )
    found = ruleset("create a hash:ip timeout 9\ncreate b hash:ip,port\n", table(*lines))
    statements = [rule.statements for rule in found.chains[0].rules]
    assert statements[:2] == [
        (UpdateSet((Side.SADDR,), "a", 60, SetOperation.UPDATE),),
        (
            UpdateSet((Side.DADDR,), "a", None, SetOperation.ADD),
            UpdateSet((Side.DADDR, Transport.PROTOCOL, Transport.DPORT), "b", None, SetOperation.DELETE),
        ),
    ]
    assert isinstance(statements[2][0], OpaqueStatement)


def test_not_in_a_set() -> None:
    lines = ("-A INPUT -m set ! --match-set a src -j DROP", "-A INPUT -m set ! --match-set b src,dst -j DROP")
    found = ruleset("create a hash:ip\ncreate b hash:ip,port\n", table(*lines))
    first, second = found.chains[0].rules
    assert first.matches == (SetMatch((Side.SADDR,), "a", True),)
    # A packet without ports is not in it either.
    assert second.verdict == Jump("input-ip")
    assert found.chains[1].rules[0].matches == (SetMatch((Side.SADDR, Transport.PROTOCOL, Transport.DPORT), "b"),)


def test_no_packet_of_the_other_family_is_in_a_set() -> None:
    rule = "-A INPUT -m set --match-set a src -j DROP"
    other = rule.replace("--match", "! --match")
    found, notes = import_both(table(rule), table(rule, other), "create a hash:ip\n")
    (chain,) = found[0].chains
    assert [(one.families, len(one.matches)) for one in chain.rules] == [({Family.IP}, 1), ({Family.IP6}, 0)]
    assert [one.code for one in notes] == ["POL516"]


def test_a_set_of_the_family_of_its_rules() -> None:
    found, _ = import_both(
        table("-P INPUT DROP"),
        table("-A INPUT -j DROP"),
        "create a hash:ip\ncreate b hash:ip family inet6\ncreate c hash:mac\n",
    )
    assert [[one.name for one in each.sets] for each in found] == [["a", "c"], ["b", "c"]]


@pytest.mark.parametrize(
    "text",
    [
        "create s list:set\n",
        "create s hash:ip netmask 24\n",
        "create s hash:ip,port\nadd s 192.0.2.1,icmp:8/0\n",
        "create s hash:net,port\nadd s 192.0.2.0/24,80 nomatch\n",
        "create s hash:net,iface\nadd s 192.0.2.0/24,physdev:eth0\n",
    ],
)
def test_sets_that_no_node_holds(text: str) -> None:
    (found,), notes = import_all(text, table("-A INPUT -m set --match-set s src,src -j DROP"))
    assert not found.sets
    (match,) = found.chains[0].rules[0].matches
    assert isinstance(match, OpaqueMatch)
    assert match.words == "-m set --match-set s src,src"
    assert [one.code for one in notes] == ["POL520"]
    assert match.reason in notes[0].message


def test_timeouts_of_single_members() -> None:
    (found,), notes = import_all("create s hash:ip timeout 60\nadd s 192.0.2.1 timeout 17\n", NOTHING)
    assert len(found.sets[0].elements) == 1
    assert [one.code for one in notes] == ["POL520"]


def test_commands_between_sets() -> None:
    found = sets(
        "create a hash:ip\nadd a 192.0.2.1\ncreate b hash:ip\nadd b 192.0.2.2\nswap a b\nrename b c\ndel a 192.0.2.2\n"
        "create d hash:ip\ndestroy d\nadd -exist c 192.0.2.1\ncreate a hash:ip -exist\nflush a\n"
    )
    assert {one.name: len(one.elements) for one in found} == {"a": 0, "c": 1}


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("create s hash:addr\n", "POL515", "hash:addr"),
        ("create s hash:ip famly inet\n", "POL515", "famly"),
        ("create s hash:ip family ipx\n", "POL505", "ipx"),
        ("create s hash:ip timeout\n", "POL515", "timeout"),
        ("creat s hash:ip\n", "POL515", "creat"),
        ("create s\n", "POL515", "create"),
        ("create s hash:ip\ncreate s hash:ip\n", "POL508", "s"),
        ("create s hash:ip\nadd t 192.0.2.1\n", "POL507", "t"),
        ("create s hash:ip\nadd s 192.0.2.1\nadd s 192.0.2.1\n", "POL508", "192.0.2.1"),
        ("create s hash:ip\ndel s 192.0.2.1\n", "POL514", "192.0.2.1"),
        ("create s hash:ip\nadd s 192.0.2.1,80\n", "POL505", "192.0.2.1,80"),
        ("create s hash:ip\nadd s 2001:db8::1\n", "POL505", "2001:db8::1"),
        ("create s hash:ip\nadd s 192.0.2.9-192.0.2.1\n", "POL505", "192.0.2.9-192.0.2.1"),
        ("create s hash:ip\nadd s 192.0.2.1 packet 5\n", "POL515", "packet"),
    ],
)
def test_what_is_wrong_with_a_set(text: str, code: str, words: str) -> None:
    (found,) = errors(f"create fine hash:ip\n{text}", NOTHING)
    assert found.code == code
    assert found.span is not None
    assert found.span.text == words
    assert found.span.line == 1 + text.count("\n")


def test_a_key_that_is_not_covered() -> None:
    (found,) = errors("create s hash:ip,port\n", table("-A INPUT -m set --match-set s src -j DROP"))
    assert (found.code, found.span.text if found.span else "") == ("POL505", "src")
