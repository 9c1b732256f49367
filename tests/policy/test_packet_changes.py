"""Clauses that change a packet, copy it, hand it to a program, or have its way reported."""

from __future__ import annotations

import pytest
from policies import error, errors, policy, read, rules

from polc.ir.addresses import parse_address
from polc.ir.family import BOTH, FAMILIES, Family
from polc.ir.ruleset import Rule
from polc.ir.statements import (
    Duplicate,
    HopChange,
    Log,
    LogFlag,
    LogLevel,
    MarkField,
    SetHops,
    SetMark,
    SetPriority,
    Statement,
    StripTcpOptions,
    Trace,
    UpdateSet,
)
from polc.ir.verdicts import Accept, Nat, Queue

IP, IP6 = (frozenset({family}) for family in FAMILIES)


def changed(rule: str, section: str = "mangle", hook: str = "forward", head: str = "") -> tuple[Rule, ...]:
    (chain,) = read(f"polc: 1\n{head}{section}: {{{hook}: ['{rule}']}}\n").chains
    return chain.rules


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("ip ttl set 64", SetHops(64)),
        ("ip ttl set 0", SetHops(0)),
        ("ip ttl inc 1", SetHops(1, HopChange.INCREASE)),
        ("ip  ttl dec 255", SetHops(255, HopChange.DECREASE)),
    ],
)
def test_hops_are_of_one_family(words: str, change: SetHops) -> None:
    (rule,) = changed(f"accept tcp/80 {words}")
    assert (rule.statements, rule.families, rule.verdict) == ((change,), IP, Accept())
    (rule,) = changed(words.replace("ip ", "ip6 ").replace("ttl", "hoplimit"))
    assert (rule.statements, rule.families, rule.verdict) == ((change,), IP6, None)


def test_both_families_may_be_changed_in_one_rule() -> None:
    v4, v6 = changed("ip ttl set 64 ip6 hoplimit dec 1 counter")
    assert (v4.statements[1:], v4.families) == ((SetHops(64),), IP)
    assert (v6.statements[1:], v6.families) == ((SetHops(1, HopChange.DECREASE),), IP6)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1:10", 0x10010), ("ffff:fffe", 0xFFFFFFFE), (":5", 5), ("1:", 0x10000), ("none", 0), ("root", 0xFFFFFFFF),
     ("65552", 0x10010), ("0x10010", 0x10010)],
)  # fmt: skip
def test_priorities(text: str, value: int) -> None:
    (rule,) = changed(f"meta priority set {text}" if not text.endswith(":") else f"meta priority set {text}0")
    assert rule.statements == (SetPriority(value),)


def test_copies_are_of_the_family_of_the_neighbour() -> None:
    (rule,) = changed("dup to 192.0.2.1 device eth1 udp/53".replace(" udp/53", ""))
    _, number, _ = parse_address("192.0.2.1")
    assert (rule.statements, rule.families) == ((Duplicate(Family.IP, number, "eth1"),), IP)
    (rule,) = changed('accept udp/53 dup to 2001:db8::1 device "odd#name"')
    assert isinstance(rule.statements[0], Duplicate)
    assert (rule.statements[0].device, rule.families) == ("odd#name", IP6)


def test_effects_of_different_families_go_together_nowhere() -> None:
    for rule in ("dup to 192.0.2.1 ip6 hoplimit set 5", "ip ttl set 5 from 2001:db8::1", "dup to ::1 from 192.0.2.1"):
        (one,) = errors(f"polc: 1\nmangle: {{forward: ['{rule}']}}\n")
        assert one.code == "POL220", rule


def test_a_ban_and_a_change_of_one_family() -> None:
    (rule,) = changed("ban @bad ip ttl set 5", head="addresses: {bad: {dynamic: true}}\n")
    assert [type(one) for one in rule.statements] == [UpdateSet, SetHops]
    assert rule.families == IP


def test_options_are_reset_by_their_kinds() -> None:
    (rule,) = changed("reset tcp option timestamp, tcp  option sack-perm, tcp option 200, tcp option sack-perm")
    assert rule.statements == (StripTcpOptions((4, 8, 200)),)


def test_trace() -> None:
    (rule,) = changed("trace tcp/80", "raw", "prerouting")
    assert (rule.statements, rule.verdict, rule.families) == ((Trace(),), None, BOTH)


@pytest.mark.parametrize(
    ("words", "statement"),
    [
        ("mark xor 0x1", SetMark(MarkField.META, 1, 0)),
        ("mark xor 0x1 mask 0xf0", SetMark(MarkField.META, 1, 0xF0)),
        ("ct mark xor 0x1/0xf0", SetMark(MarkField.CT, 1, 0xF0)),
        ("meta mark xor 1", SetMark(MarkField.META, 1, 0)),
        ("meta mark set 1 mask 3", SetMark(MarkField.META, 1, 3)),
    ],
)
def test_marks(words: str, statement: Statement) -> None:
    (rule,) = rules(words)
    assert rule.statements == (statement,)


def test_a_mark_is_changed_once_whatever_it_is_called() -> None:
    assert error("mark set 1 meta mark xor 2")[0] == "POL111"


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        ("queue", Queue(0, 0)),
        ("queue 5", Queue(5, 5)),
        ("queue 0-3 flags fanout,bypass", Queue(0, 3, bypass=True, fanout=True)),
        ("queue flags bypass", Queue(0, 0, bypass=True)),
    ],
)
def test_queues(words: str, verdict: Queue) -> None:
    (rule,) = rules(f"{words} udp/53")
    assert (rule.verdict, len(rule.matches)) == (verdict, 1)


ALL = frozenset(LogFlag)


@pytest.mark.parametrize(
    ("words", "log"),
    [
        (
            'log "x" flags tcp-sequence, ip-options',
            Log("x", flags=frozenset({LogFlag.TCP_SEQUENCE, LogFlag.IP_OPTIONS})),
        ),
        ('log "x" level info flags all', Log("x", LogLevel.INFO, flags=ALL)),
        ('log "x" flags skuid, ether, tcp-options', Log("x", flags=ALL - {LogFlag.TCP_SEQUENCE, LogFlag.IP_OPTIONS})),
        ('log "x" group 5 snaplen 64 queue-threshold 10', Log("x", group=5, snaplen=64, queue_threshold=10)),
        ('log "x" queue-threshold 10 group 0', Log("x", group=0, queue_threshold=10)),
    ],
)
def test_logs(words: str, log: Log) -> None:
    (rule,) = rules(f"'{words}'")
    assert rule.statements == (log,)


def test_fully_random() -> None:
    (chain,) = read("polc: 1\nnat: [masquerade fully-random random]\n").chains
    assert isinstance(chain.rules[0].verdict, Nat)
    assert (chain.rules[0].verdict.fully_random, chain.rules[0].verdict.random) == (True, True)


@pytest.mark.parametrize(
    ("rule", "code", "at"),
    [
        ("ip ttl set 256", "POL121", "256"),
        ("ip ttl inc 0", "POL121", "0"),
        ("ip ttl xor 1", "POL121", "xor 1"),
        ("ip ttl set map iifname {eth0: 1}", "POL121", "map iifname {eth0: 1}"),
        ("ip length set 5", "POL121", "ip length"),
        ("meta priority set 1:x", "POL121", "1:x"),
        ("meta priority set 4294967296", "POL121", "4294967296"),
        ("dup to 192.0.2.0/24", "POL121", "192.0.2.0/24"),
        ("dup to 192.0.2", "POL116", "192.0.2"),
        ("dup to 192.0.2.1 device eth*", "POL117", "eth*"),
        ("reset tcp option sack-prem", "POL242", "tcp option sack-prem"),
        ("reset tcp flags", "POL121", "tcp flags"),
        ("reset tcp option maxseg size", "POL121", "tcp option maxseg size"),
        ("reset tcp option sack-perm udp", "POL224", "reset tcp option sack-perm"),
        ("queue 3-0", "POL121", "3-0"),
        ("queue 65536", "POL121", "65536"),
        ("queue 5 flags fanout", "POL121", "fanout"),
        ("queue 5 flags bypas", "POL121", "bypas"),
        ("queue 5 bypass", "POL203", "bypass"),
        ('log "x" flags colour', "POL121", "colour"),
        ('log "x" snaplen 5', "POL121", "5"),
        ('log "x" group 5 queue-threshold 65536', "POL121", "65536"),
        ('log "x" group 5 flags ether', "POL121", "ether"),
        ("accept fully-random", "POL248", "fully-random"),
    ],
)
def test_errors(rule: str, code: str, at: str) -> None:
    (one,) = errors(f"polc: 1\nmangle: {{forward: ['{rule}']}}\n")
    assert (one.code, one.span and one.span.text) == (code, at)


@pytest.mark.parametrize(
    ("rule", "hint"),
    [
        ("ttl set 5", "`ip ttl set 64`"),
        ("accept ttl set 5", "`ip ttl set 64`"),
        ("accept tcp/80 priority set 1:10", "`meta priority set 1:10`"),
        ("zone set 5", "`ct zone set 1`"),
        ("timeout short", "`ct timeout set NAME`"),
        ("nfqueue 5", "did you mean `queue`?"),
        ("tee to 192.0.2.1", "did you mean `dup`?"),
        ("accept tcp/80 flags ether", 'behind `log "..."` and `queue`'),
        ("accept tcp/80 snaplen 5", "behind a log to a group"),
        ("accept tcp/80 device eth0", "`dup to 192.0.2.1 device eth1`"),
        ("accept tcp/80 add @f", "`flow add @NAME`"),
        ("accept tcp/80 xor 5", "`mark xor 0x1`"),
        ("accept tcp/80 dec 5", "`ip ttl dec 1`"),
        ("accept tcp/80 map iifname", "`dnat tcp -> map tcp dport"),
        ("accept ip ttl 5", "`where ip ttl 5`"),
        ("dup to wan", "an address such as"),
        ("reset sack-perm", "`reset tcp option sack-perm, tcp option timestamp`"),
        ("tcp dport vmap {22: accept}", "`vmap` stands before what it looks up"),
    ],
)
def test_words_out_of_place_are_told_where_they_stand(rule: str, hint: str) -> None:
    (one,) = errors(policy(f"'{rule}'"))
    assert one.code == "POL110"
    assert hint in f"{one.message} {one.help}"
