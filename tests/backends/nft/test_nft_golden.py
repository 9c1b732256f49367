"""What each node of the IR becomes in nft's text; every one of them also loads, as text and as JSON, to the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from nft_help import from_addresses, from_interfaces, load_all, numbers, ruleset, tcp, text

from polc.backends.nft.compare import differences
from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    CtState,
    CtStateMatch,
    FieldMatch,
    IcmpTerm,
    PortTerm,
    ServiceMatch,
    SetMatch,
    Side,
)
from polc.ir.origin import Origin
from polc.ir.protocols import ICMP, ICMPV6, TCP, UDP
from polc.ir.ruleset import BaseChain, ChainType, DynamicSet, Hook, RegularChain, Rule
from polc.ir.services import normalise
from polc.ir.stateful import Hits, KeyField, KeyPart, Limit, Rate, Unit
from polc.ir.statements import AssignHelper, Counter, Log, LogLevel, UpdateSet
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Nat, NatKind, Reject, RejectType, Return
from polc.kernel.netns import Namespace

BANNED = DynamicSet.of_addresses("banned", Family.IP, 1000, 3600)
OTHER = RegularChain("other", ())
IPV4, IPV6 = frozenset({Family.IP}), frozenset({Family.IP6})
SOURCE, NETWORK, DESTINATION = (
    KeyPart(KeyField.SOURCE),
    KeyPart(KeyField.SOURCE, 24, 64),
    KeyPart(KeyField.DESTINATION),
)


def limit(over: bool, *key: KeyPart, burst: int = 10) -> Limit:
    return Limit(Rate(10, Unit.MINUTE), burst, over, key, "l", 500)


@dataclass(frozen=True, slots=True)
class Case:
    """``lines`` are those of the input chain; ``extra`` must stand somewhere else in the text."""

    rule: Rule
    lines: tuple[str, ...]
    extra: tuple[str, ...] = ()


CASES: dict[str, Case] = {
    "state": Case(
        Rule((CtStateMatch(CtState.RELATED | CtState.ESTABLISHED),), Accept()), ("ct state established,related accept",)
    ),
    "one interface": Case(Rule((from_interfaces("lo"),), Accept()), ('meta iifname "lo" accept',)),
    "interface names are one set, wildcards are not in it": Case(
        Rule((from_interfaces("wan0", "eth*", "lan1"),), Accept()),
        ('meta iifname { "lan1", "wan0" } accept', 'meta iifname "eth*" accept'),
    ),
    "negated interfaces": Case(
        Rule((from_interfaces("wan0", "eth*", negated=True),), Accept()),
        ('meta iifname != "wan0" meta iifname != "eth*" accept',),
    ),
    "any interface": Case(Rule((from_interfaces("*"),), Accept()), ("meta iif != 0 accept",)),
    "a wildcard of full length is a name": Case(
        Rule((from_interfaces("abcdefghijklmno*"),), Drop()), ('meta iifname "abcdefghijklmno" drop',)
    ),
    "addresses": Case(
        Rule((from_addresses("10.0.0.0/8", "192.0.2.1", "192.0.2.5-192.0.2.7", "2001:db8::/32"),), Drop()),
        ("ip saddr { 10.0.0.0/8, 192.0.2.1, 192.0.2.5-192.0.2.7 } drop", "ip6 saddr 2001:db8::/32 drop"),
    ),
    "negated addresses leave the other family whole": Case(
        Rule((from_addresses("10.0.0.0/8", negated=True),), Drop()),
        ("ip saddr != 10.0.0.0/8 drop", "meta nfproto ipv6 drop"),
    ),
    "ports on both sides": Case(
        Rule((ServiceMatch((PortTerm(UDP, Intervals(((1024, 65535),)), numbers(53, 123)),)),), Accept()),
        ("udp sport 1024-65535 udp dport { 53, 123 } accept",),
    ),
    "two protocols": Case(
        Rule((normalise((PortTerm(TCP, dport=numbers(53)), PortTerm(UDP, dport=numbers(53)))),), Accept()),
        ("tcp dport 53 accept", "udp dport 53 accept"),
    ),
    "protocols without ports are one set, numbers all": Case(
        Rule((ServiceMatch((PortTerm(47), PortTerm(50), PortTerm(TCP))),), Accept()),
        ("meta l4proto { 6, 47, 50 } accept",),
    ),
    "types and codes": Case(
        Rule(
            (normalise((IcmpTerm(ICMP, 3, 4), IcmpTerm(ICMP, 8), IcmpTerm(ICMP, 11), IcmpTerm(ICMPV6, 128))),), Drop()
        ),
        ("icmp type 3 icmp code 4 drop", "icmp type { 8, 11 } drop", "icmpv6 type 128 drop"),
    ),
    "hop limit": Case(
        Rule((FieldMatch(Field.HOPLIMIT, numbers(255)), ServiceMatch((IcmpTerm(ICMPV6, 135),))), Accept()),
        ("ip6 hoplimit 255 icmpv6 type 135 accept",),
    ),
    "ttl": Case(
        Rule((FieldMatch(Field.TTL, Intervals(((1, 1), (3, 5)))),), Drop()),
        ("ip ttl { 1, 3-5 } drop",),
    ),
    "one family by itself": Case(Rule((tcp(22),), Drop(), families=IPV4), ("tcp dport 22 meta nfproto ipv4 drop",)),
    "member of a set": Case(
        Rule((SetMatch((Side.SADDR,), "banned"),), Drop()),
        ("ip saddr @banned drop",),
        ("type ipv4_addr", "size 1000", "flags timeout", "timeout 3600s"),
    ),
    "not a member": Case(Rule((SetMatch((Side.DADDR,), "banned", True),), Drop()), ("ip daddr != @banned drop",)),
    "update": Case(
        Rule((tcp(23),), Drop(), (UpdateSet((Side.SADDR,), "banned", 60), UpdateSet((Side.DADDR,), "banned"))),
        ("tcp dport 23 meta nfproto ipv4 update @banned { ip saddr timeout 60s } update @banned { ip daddr } drop",),
        ("flags dynamic,timeout",),
    ),
    "limit": Case(
        Rule((limit(False),), Accept(), families=IPV6),
        ("meta nfproto ipv6 limit rate 10/minute burst 10 packets accept",),
    ),
    "over": Case(
        Rule((limit(True, burst=5),), Drop(), families=IPV4),
        ("meta nfproto ipv4 limit rate over 10/minute burst 5 packets drop",),
    ),
    "limit of a source": Case(
        Rule((tcp(22), limit(True, SOURCE)), Drop(), families=IPV4),
        (
            "tcp dport 22 meta nfproto ipv4 meter l-v4 size 500 "
            "{ ip saddr timeout 60s limit rate over 10/minute burst 10 packets } drop",
        ),
    ),
    "limit of a network and a host": Case(
        Rule((limit(False, NETWORK, DESTINATION, burst=11),), Accept(), families=IPV6),
        (
            "meta nfproto ipv6 meter l-v6 size 500 { ip6 saddr & ffff:ffff:ffff:ffff:: . ip6 daddr timeout 66s "
            "limit rate 10/minute burst 11 packets } accept",
        ),
    ),
    "a key of no bits is no key": Case(
        Rule((limit(False, KeyPart(KeyField.SOURCE, 0, 0)),), Accept(), families=IPV4),
        ("meta nfproto ipv4 limit rate 10/minute burst 10 packets accept",),
    ),
    "hits": Case(
        Rule((tcp(22), Hits(11, 100, SOURCE, False, "h", 500)), Drop(), families=IPV4),
        (
            "tcp dport 22 meta nfproto ipv4 ip saddr @h-blocked-v4 drop",
            "tcp dport 22 meta nfproto ipv4 meter h-v4 size 500 "
            "{ ip saddr timeout 100s limit rate over 6/minute burst 10 packets } "
            "add @h-blocked-v4 { ip saddr timeout 100s } drop",
        ),
        ("set h-blocked-v4 {", "flags dynamic,timeout"),
    ),
    "hits that renew and go on": Case(
        Rule((Hits(4, 3600, NETWORK, True, "h", 500),), None, (Counter(),), families=IPV6),
        (
            "meta nfproto ipv6 ip6 saddr & ffff:ffff:ffff:ffff:: @h-blocked-v6 "
            "update @h-blocked-v6 { ip6 saddr & ffff:ffff:ffff:ffff:: timeout 3600s } counter",
            "meta nfproto ipv6 ip6 saddr & ffff:ffff:ffff:ffff:: != @h-blocked-v6 meter h-v6 size 500 "
            "{ ip6 saddr & ffff:ffff:ffff:ffff:: timeout 3600s limit rate over 3/hour burst 3 packets } "
            "add @h-blocked-v6 { ip6 saddr & ffff:ffff:ffff:ffff:: timeout 3600s } counter",
        ),
    ),
    "one hit is every packet": Case(
        Rule((tcp(22), Hits(1, 100, SOURCE, False, "h")), Drop(), families=IPV4),
        ("tcp dport 22 meta nfproto ipv4 drop",),
    ),
    "counters": Case(
        Rule((), None, (Counter(), Counter("seen"))), ('counter counter name "seen"',), ("counter seen {",)
    ),
    "log": Case(
        Rule((), Drop(), (Log("in: ", LogLevel.INFO), Log("", LogLevel.ERR))),
        ('log prefix "in: " level info log level err drop',),
    ),
    "helper": Case(
        Rule((tcp(21),), None, (AssignHelper("ftp", TCP),)),
        ('tcp dport 21 ct helper set "ftp-tcp"',),
        ("ct helper ftp-tcp {", 'type "ftp" protocol tcp;'),
    ),
    "jump": Case(Rule((tcp(1),), Jump("other")), ("tcp dport 1 jump other",)),
    "goto": Case(Rule((), Goto("other")), ("goto other",)),
    "return": Case(Rule((), Return()), ("return",)),
    "reject": Case(Rule((), Reject()), ("reject with icmpx type port-unreachable",)),
    "reject of one family": Case(
        Rule((), Reject(RejectType.HOST_PROHIBITED)), ("meta nfproto ipv4 reject with icmp type host-prohibited",)
    ),
    "reset": Case(Rule((tcp(25),), Reject(RejectType.TCP_RESET)), ("tcp dport 25 reject with tcp reset",)),
    "reset of one family, which listings of nft 1.0.6 lose in its plain form": Case(
        Rule((tcp(25),), Reject(RejectType.TCP_RESET), families=IPV4),
        ("tcp dport 25 meta nfproto != ipv6 reject with tcp reset",),
    ),
    "nothing": Case(Rule((), None), ()),
    "comment": Case(
        Rule((), Accept(), origin=Origin(name="web", comment='CHG-1 "é"')), ("accept comment \"web: CHG-1 'é'\"",)
    ),
    "state is shared by alternatives": Case(
        Rule((from_interfaces("a*", "b"), limit(False)), Accept(), families=IPV4),
        ('meta iifname "b" meta nfproto ipv4 jump input-any', 'meta iifname "a*" meta nfproto ipv4 jump input-any'),
        ("chain input-any {", "meta nfproto ipv4 limit rate 10/minute burst 10 packets accept"),
    ),
}

NAT_CASES: dict[str, tuple[Hook, Rule, tuple[str, ...]]] = {
    "dnat": (
        Hook.PREROUTING,
        Rule((tcp(8080),), Nat(NatKind.DNAT, Family.IP, numbers(0x0A000001), numbers(80))),
        ("tcp dport 8080 meta nfproto ipv4 dnat ip to 10.0.0.1:80",),
    ),
    "dnat to ranges": (
        Hook.PREROUTING,
        Rule((tcp(80),), Nat(NatKind.DNAT, Family.IP6, Intervals(((1, 4),)), Intervals(((80, 89),)))),
        ("tcp dport 80 meta nfproto ipv6 dnat ip6 to [::1]-[::4]:80-89",),
    ),
    "snat": (
        Hook.POSTROUTING,
        Rule((), Nat(NatKind.SNAT, Family.IP6, numbers(1))),
        ("meta nfproto ipv6 snat ip6 to ::1",),
    ),
    "redirect": (
        Hook.PREROUTING,
        Rule((tcp(80),), Nat(NatKind.REDIRECT, ports=numbers(81))),
        ("tcp dport 80 redirect to :81",),
    ),
    "masquerade": (Hook.POSTROUTING, Rule((), Nat(NatKind.MASQUERADE)), ("masquerade",)),
    "ports of two protocols stay beside their protocol": (
        Hook.PREROUTING,
        Rule(
            (
                from_interfaces("a*", "b"),
                normalise((PortTerm(TCP, dport=numbers(53)), PortTerm(UDP, dport=numbers(53)))),
            ),
            Nat(NatKind.REDIRECT, ports=numbers(5353)),
        ),
        (
            'meta iifname "b" tcp dport 53 redirect to :5353',
            'meta iifname "b" udp dport 53 redirect to :5353',
            'meta iifname "a*" tcp dport 53 redirect to :5353',
            'meta iifname "a*" udp dport 53 redirect to :5353',
        ),
    ),
}

RULESETS = {name: ruleset((case.rule,), (OTHER,), (BANNED,)) for name, case in CASES.items()} | {
    name: ruleset((), (BaseChain("nat", ChainType.NAT, hook, 100, Accept(), (rule,)),))
    for name, (hook, rule, _) in NAT_CASES.items()
}


def rules_of(whole: str, chain: str) -> tuple[str, ...]:
    """The rules of a chain in the text format."""
    body = whole.partition(f"\tchain {chain} {{\n")[2].partition("\n\t}")[0]
    return tuple(line.strip() for line in body.splitlines() if "hook" not in line)


@pytest.mark.parametrize("name", CASES)
def test_text(name: str) -> None:
    whole = text(RULESETS[name], "text")
    assert rules_of(whole, "input") == CASES[name].lines
    stripped = [line.strip() for line in whole.splitlines()]
    assert [line for line in CASES[name].extra if line not in stripped] == []


@pytest.mark.parametrize("name", NAT_CASES)
def test_nat_text(name: str) -> None:
    assert rules_of(text(RULESETS[name], "text"), "nat") == NAT_CASES[name][2]


def test_frame() -> None:
    whole = text(ruleset((Rule((), Accept()),)), "text")
    assert whole == (
        "add table inet polc\ndelete table inet polc\ntable inet polc {\n\tchain input {\n"
        "\t\ttype filter hook input priority 0; policy drop;\n\t\taccept\n\t}\n}\n"
    )
    assert text(ruleset((Rule((), Accept()),))) == (
        '{"nftables":[\n{"metainfo":{"json_schema_version":1}},\n'
        '{"add":{"table":{"family":"inet","name":"polc"}}},\n'
        '{"delete":{"table":{"family":"inet","name":"polc"}}},\n'
        '{"add":{"table":{"family":"inet","name":"polc"}}},\n'
        '{"add":{"chain":{"family":"inet","table":"polc","name":"input","type":"filter","hook":"input","prio":0,'
        '"policy":"drop"}}},\n'
        '{"add":{"rule":{"family":"inet","table":"polc","chain":"input","expr":[{"accept":null}]}}}\n]}\n'
    )


@pytest.mark.kernel("nft")
def test_all_load(scratch: Namespace, tmp_path: Path) -> None:
    loaded = dict(zip(RULESETS, load_all(scratch, tmp_path, list(RULESETS.values())), strict=True))
    for name, one in loaded.items():
        assert one.by_text == one.by_json, name
        assert differences(text(RULESETS[name]), one.listed_json) == (), name


@pytest.mark.kernel("nft")
@pytest.mark.parametrize(("kind", "flag"), [("json", "-j"), ("text", "-s")])
def test_replaces_itself_and_nothing_else(scratch: Namespace, tmp_path: Path, kind: str, flag: str) -> None:
    stateful = Hits(11, 100, SOURCE, False, "h"), limit(True, SOURCE)
    rules = [Rule((tcp(21), match), None, (Counter("seen"), AssignHelper("ftp", TCP))) for match in stateful]
    path = tmp_path / "rules"
    path.write_text(text(ruleset(rules, (OTHER,), (BANNED,)), kind))

    def nft(*words: str) -> str:
        done = scratch.run(["nft", *words])
        assert done.returncode == 0, done.stderr
        return done.stdout

    nft("add table inet other; add chain inet other c")
    nft("-c", flag, "-f", str(path))
    assert "polc" not in nft("list ruleset")
    nft(flag, "-f", str(path))
    first = nft("list ruleset")
    nft("add chain inet polc left-over")
    nft(flag, "-f", str(path))
    assert nft("list ruleset") == first
    assert "table inet other {" in first
    assert "table inet polc {" in first


@pytest.mark.kernel("nft")
def test_a_saved_listing_keeps_the_family(scratch: Namespace, tmp_path: Path) -> None:
    """nft 1.0.6 leaves some family matches out of what it lists; none of those that are written here."""
    rules = [Rule((tcp(25),), Reject(RejectType.TCP_RESET), families=one) for one in (IPV4, IPV6)]
    rules += [Rule((ServiceMatch((PortTerm(one),)),), Accept()) for one in (ICMP, ICMPV6)]
    rules += [Rule((tcp(22),), Drop(), families=IPV4), Rule((limit(True, SOURCE),), Drop())]
    path = tmp_path / "listing"
    (loaded,) = load_all(scratch, tmp_path, [ruleset(rules)])
    path.write_text(loaded.by_json)
    done = scratch.run(["sh", "-c", f"nft delete table inet polc && nft -f {path} && nft -s list table inet polc"])
    assert done.returncode == 0, done.stderr
    assert done.stdout == loaded.by_json
    families = ("meta nfproto != ipv6", "meta nfproto != ipv4", "meta nfproto ipv4", "meta nfproto ipv6")
    assert [loaded.by_json.count(one) for one in families] == [1, 1, 2, 1]
