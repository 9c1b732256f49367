"""What targets of iptables do: statements and verdicts, or their own words."""

from __future__ import annotations

import pytest
from importing import error, import_all, rules, table

from polc.importers.iptables.registry import TARGETS
from polc.ir.addresses import parse_address
from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.matches import Syntax
from polc.ir.statements import (
    AssignHelper,
    AssignZone,
    ClampMss,
    CopyMark,
    CtDirection,
    Duplicate,
    HopChange,
    Log,
    LogFlag,
    LogLevel,
    MarkField,
    Notrack,
    OpaqueStatement,
    SetDscp,
    SetHops,
    SetMark,
    SetPriority,
    Statement,
    StripTcpOptions,
    Synproxy,
    Tproxy,
    Trace,
)
from polc.ir.verdicts import Accept, Drop, Nat, NatKind, Queue, Reject, RejectType, Return, Verdict

META, CT = MarkField.META, MarkField.CT
ALL = 0xFFFFFFFF


def address(text: str) -> int:
    return parse_address(text)[1]


def span(first: str, last: str = "") -> Intervals:
    return Intervals(((address(first), address(last or first)),))


def own(words: str) -> tuple[OpaqueStatement]:
    return (OpaqueStatement(words, Syntax.IPTABLES),)


FILTER: list[tuple[str, tuple[Statement, ...], Verdict | None]] = [
    ("", (), None),
    ("-j ACCEPT", (), Accept()),
    ("-j DROP", (), Drop()),
    ("-j RETURN", (), Return()),
    ("-j QUEUE", (), Queue(0, 0)),
    ("-j REJECT", (), Reject()),
    ("-j REJECT --reject-with icmp-host-prohibited", (), Reject(RejectType.HOST_PROHIBITED)),
    ("-j REJECT --reject-with admin-prohib", (), Reject(RejectType.ADMIN_PROHIBITED)),
    ("-p tcp -j REJECT --reject-with tcp-rst", (), Reject(RejectType.TCP_RESET)),
    ("-j LOG", (Log(""),), None),
    (
        '-j LOG --log-prefix "a \\"b\\": " --log-level crit --log-uid --log-tcp-options',
        (Log('a "b": ', LogLevel.CRIT, flags=frozenset({LogFlag.SKUID, LogFlag.TCP_OPTIONS})),),
        None,
    ),
    (f"-j LOG --log-prefix {'x' * 40}", (Log("x" * 29),), None),
    ("-j NFLOG", (Log("", group=0),), None),
    (
        "-j NFLOG --nflog-group 5 --nflog-prefix a --nflog-size 64 --nflog-threshold 9 --nflog-range 3",
        (Log("a", group=5, snaplen=64, queue_threshold=9),),
        None,
    ),
    ("-j NFQUEUE --queue-balance 3:9 --queue-bypass --queue-cpu-fanout", (), Queue(3, 9, True, True)),
    ("-j MARK --set-mark 0x10", (SetMark(META, 0x10, ALL),), None),
    ("-j MARK --set-mark 1/2", (SetMark(META, 1, 3),), None),
    ("-j MARK --set-xmark 1/2", (SetMark(META, 1, 2),), None),
    ("-j MARK --and-mark 0xff", (SetMark(META, 0, 0xFFFFFF00),), None),
    ("-j MARK --or-mark 0xff", (SetMark(META, 0xFF, 0xFF),), None),
    ("-j MARK --xor-mark 0xff", (SetMark(META, 0xFF, 0),), None),
    ("-j CONNMARK --set-mark 7", (SetMark(CT, 7, ALL),), None),
    ("-j CONNMARK --save-mark", (CopyMark(CT),), None),
    ("-j CONNMARK --save-mark --mask 0xf", (CopyMark(CT, 0xF),), None),
    ("-j CONNMARK --save-mark --nfmask 1 --ctmask 3", (CopyMark(CT, 3, 1),), None),
    ("-j CONNMARK --restore-mark --nfmask 1 --ctmask 3", (CopyMark(META, 1, 3),), None),
    (
        "-j CONNMARK --save-mark --left-shift-mark 2",
        own("-j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff --left-shift-mark 2"),
        None,
    ),
    ("-p tcp --syn -m tcpmss --mss 1:65535 -j TCPMSS --clamp-mss-to-pmtu", (ClampMss(),), None),
    ("-p tcp --tcp-flags SYN,RST SYN -m tcpmss --mss 1401: -j TCPMSS --set-mss 1400", (ClampMss(1400),), None),
    ("-p tcp -j SYNPROXY --mss 1460 --wscale 7 --sack-perm", (Synproxy(1460, 7, False, True),), None),
    ("-p tcp -j SYNPROXY --sack-perm", own("-j SYNPROXY --sack-perm"), None),
    ("-j TEE --gateway 192.0.2.9 --oif eth1", (Duplicate(Family.IP, address("192.0.2.9"), "eth1"),), None),
    ("-j TEE --gateway 10.1", (Duplicate(Family.IP, address("10.0.0.1"), None),), None),
    ("-j AUDIT --type accept", own("-j AUDIT --type accept"), None),
    ('-j LED --led-trigger-id ssh', own('-j LED --led-trigger-id "ssh"'), None),
    ("-j IDLETIMER --timeout 9 --label a", own("-j IDLETIMER --timeout 9 --label a"), None),
    (
        "-j RATEEST --rateest-name a --rateest-interval 250ms --rateest-ewmalog 0.5s",
        own("-j RATEEST --rateest-name a --rateest-interval 250.0ms --rateest-ewmalog 500.0ms"),
        None,
    ),
    (
        "-j HMARK --hmark-tuple src,dst --hmark-mod 9",
        own("-j HMARK --hmark-src-prefix 32 --hmark-dst-prefix 32 --hmark-mod 9"),
        None,
    ),
    ("-j ULOG --ulog-nlgroup 3", own("-j ULOG --ulog-nlgroup 3"), None),
    ("-j SET --add-set nowhere src --exist", own("-j SET --add-set nowhere src --exist"), None),
]  # fmt: skip

MANGLE: list[tuple[str, tuple[Statement, ...], Verdict | None]] = [
    ("-j DSCP --set-dscp-class EF", (SetDscp(46),), None),
    ("-j TOS --set-tos 0x20/0xfc", (SetDscp(8),), None),
    ("-j TOS --or-tos 0x10", own("-j TOS --set-tos 0x10/0x10"), None),
    ("-j TTL --ttl-set 64", (SetHops(64),), None),
    ("-j TTL --ttl-dec 1", (SetHops(1, HopChange.DECREASE),), None),
    ("-j TTL --ttl-inc 2", (SetHops(2, HopChange.INCREASE),), None),
    ("-j CLASSIFY --set-class 1:a", (SetPriority(0x1000A),), None),
    ("-j CHECKSUM --checksum-fill", own("-j CHECKSUM --checksum-fill"), None),
    ("-p tcp -j ECN --ecn-tcp-remove", own("-j ECN --ecn-tcp-remove"), None),
    ("-p tcp -j TCPOPTSTRIP --strip-options timestamp,4", (StripTcpOptions((4, 8)),), None),
    ("-p tcp -j TCPOPTSTRIP", (), None),
    ("-j CONNSECMARK --save", own("-j CONNSECMARK --save"), None),
    ("-j SECMARK --selctx a:b", own("-j SECMARK --selctx a:b"), None),
]

PREROUTING: list[tuple[str, str, tuple[Statement, ...], Verdict | None]] = [
    ("mangle", "-p tcp -j TPROXY --on-port 0", (Tproxy(None),), Accept()),
    (
        "mangle",
        "-p udp -j TPROXY --on-port 9 --on-ip 127.0.0.1 --tproxy-mark 1/3",
        (SetMark(META, 1, 3), Tproxy(9, Family.IP, address("127.0.0.1"))),
        Accept(),
    ),
    ("raw", "-j NOTRACK", (Notrack(),), None),
    ("raw", "-j CT --notrack", (Notrack(),), None),
    ("raw", "-j CT --zone 5", (AssignZone(5),), None),
    ("raw", "-j CT --zone-reply 5", (AssignZone(5, CtDirection.REPLY),), None),
    ("raw", "-p tcp -j CT --helper ftp --zone 5", (AssignZone(5), AssignHelper("ftp", 6)), None),
    ("raw", "-j CT --zone mark", own("-j CT --zone mark"), None),
    ("raw", "-j CT --ctevents new", own("-j CT --ctevents new"), None),
    ("raw", "-j CT --timeout long", own("-j CT --timeout long"), None),
    ("raw", "-j TRACE", (Trace(),), None),
    ("nat", "-j DNAT --to-destination 192.0.2.9", (), Nat(NatKind.DNAT, Family.IP, span("192.0.2.9"))),
    (
        "nat",
        "-p tcp -j DNAT --to 192.0.2.1-192.0.2.9:80-90 --persistent",
        (),
        Nat(NatKind.DNAT, Family.IP, span("192.0.2.1", "192.0.2.9"), Intervals(((80, 90),)), persistent=True),
    ),
    ("nat", "-p tcp -j DNAT --to :8080", (), Nat(NatKind.DNAT, ports=Intervals.single(8080))),
    ("nat", "-p tcp -j DNAT --to 192.0.2.1:10-20/30", own("-j DNAT --to-destination 192.0.2.1:10-20/30"), None),
    ("nat", "-j REDIRECT --random", (), Nat(NatKind.REDIRECT, random=True)),
    ("nat", "-p tcp -j REDIRECT --to-ports ssh", (), Nat(NatKind.REDIRECT, ports=Intervals.single(22))),
    (
        "nat",
        "-j NETMAP --to 192.0.2.0/24",
        (),
        Nat(NatKind.NETMAP_DESTINATION, Family.IP, span("192.0.2.0", "192.0.2.255")),
    ),
]

POSTROUTING: list[tuple[str, Verdict]] = [
    (
        "-p tcp -j SNAT --to-source 192.0.2.9:1024-2000 --random-fully",
        Nat(NatKind.SNAT, Family.IP, span("192.0.2.9"), Intervals(((1024, 2000),)), fully_random=True),
    ),
    ("-p udp -j MASQUERADE --to-ports 5-9", Nat(NatKind.MASQUERADE, ports=Intervals(((5, 9),)))),
    ("-j NETMAP --to 10.1/16", Nat(NatKind.NETMAP_SOURCE, Family.IP, span("10.0.0.0", "10.0.255.255"))),
    ("-j NETMAP --to 192.0.2.9", Nat(NatKind.NETMAP_SOURCE, Family.IP, span("192.0.2.9"))),
]


@pytest.mark.parametrize(("words", "statements", "verdict"), FILTER, ids=[words for words, *_ in FILTER])
def test_targets(words: str, statements: tuple[Statement, ...], verdict: Verdict | None) -> None:
    (rule,) = rules(f"-A FORWARD {words}")
    assert (rule.statements, rule.verdict) == (statements, verdict)
    assert all(one.reason for one in rule.statements if isinstance(one, OpaqueStatement))


@pytest.mark.parametrize(("words", "statements", "verdict"), MANGLE, ids=[words for words, *_ in MANGLE])
def test_targets_of_mangle(words: str, statements: tuple[Statement, ...], verdict: Verdict | None) -> None:
    (rule,) = rules(f"-A POSTROUTING {words}", name="mangle")
    assert (rule.statements, rule.verdict) == (statements, verdict)
    assert all(one.reason for one in rule.statements if isinstance(one, OpaqueStatement))


@pytest.mark.parametrize(("name", "words", "statements", "verdict"), PREROUTING, ids=[one[1] for one in PREROUTING])
def test_targets_of_prerouting(
    name: str, words: str, statements: tuple[Statement, ...], verdict: Verdict | None
) -> None:
    (rule,) = rules(f"-A PREROUTING {words}", name=name)
    assert (rule.statements, rule.verdict) == (statements, verdict)


@pytest.mark.parametrize(("words", "verdict"), POSTROUTING, ids=[words for words, _ in POSTROUTING])
def test_targets_of_postrouting(words: str, verdict: Verdict) -> None:
    (rule,) = rules(f"-A POSTROUTING {words}", name="nat")
    assert rule.verdict == verdict


@pytest.mark.parametrize(
    ("name", "words", "statements", "verdict"),
    [
        ("filter", "-j REJECT --reject-with adm-prohibited", (), Reject(RejectType.ADMIN_PROHIBITED)),
        ("filter", "-j REJECT --reject-with icmp6-policy-fail", (), Reject(RejectType.POLICY_FAIL)),
        ("mangle", "-j HL --hl-dec 1", (SetHops(1, HopChange.DECREASE),), None),
        ("mangle", "-j SNPT --src-pfx fd00::/64 --dst-pfx 2001:db8::/64", None, None),
        (
            "nat",
            "-p tcp -j SNAT --to-source [2001:db8::1]:80",
            (),
            Nat(NatKind.SNAT, Family.IP6, span("2001:db8::1"), Intervals.single(80)),
        ),
        ("nat", "-j SNAT --to-source 2001:db8::1", (), Nat(NatKind.SNAT, Family.IP6, span("2001:db8::1"))),
    ],
)
def test_targets_of_ip6tables(
    name: str, words: str, statements: tuple[Statement, ...] | None, verdict: Verdict | None
) -> None:
    (rule,) = rules(f"-A INPUT {words}", name=name, family=Family.IP6)
    assert rule.statements == (own(words) if statements is None else statements)
    assert rule.verdict == verdict


def test_every_target_is_tried() -> None:
    tried = " ".join(
        (
            *(words for words, *_ in (*FILTER, *MANGLE)),
            *(words for _, words, *_ in PREROUTING),
            *(words for words, _ in POSTROUTING),
        )
    )
    assert {name for name in TARGETS if f"-j {name}" not in tried} <= {"HL", "SNPT", "DNPT", "CLUSTERIP"}


def test_an_option_that_is_not_added_is_told() -> None:
    clamp = "-A FORWARD -p tcp --syn -j TCPMSS --clamp-mss-to-pmtu"
    _, notes = import_all(table("-A FORWARD -j ACCEPT", clamp, clamp))
    assert [(one.code, one.span and one.span.line) for one in notes] == [("POL522", 3)]
    assert "and 1 more" in notes[0].message


@pytest.mark.parametrize(
    ("name", "line", "code"),
    [
        ("filter", "-A INPUT -j TRACE", "POL510"),
        ("filter", "-A INPUT -j CT --notrack", "POL510"),
        ("filter", "-A INPUT -j DNAT --to 192.0.2.1", "POL510"),
        ("mangle", "-A INPUT -j REJECT", "POL510"),
        ("nat", "-A POSTROUTING -j DNAT --to 192.0.2.1", "POL510"),
        ("nat", "-A PREROUTING -j DROP", "POL510"),
        ("mangle", "-A PREROUTING -p tcp --syn -j TCPMSS --clamp-mss-to-pmtu", "POL510"),
        ("mangle", "-A FORWARD -p tcp -j TCPMSS --set-mss 1400", "POL506"),
        ("nat", "-A PREROUTING -j DNAT --to 192.0.2.1:80", "POL506"),
        ("nat", "-A PREROUTING -j REDIRECT --to-ports 80", "POL506"),
        ("raw", "-A PREROUTING -j CT --helper ftp", "POL506"),
        ("filter", "-A INPUT -j LOG --log-level loud", "POL505"),
        ("filter", "-A INPUT -j REJECT --reject-with nothing", "POL505"),
        ("nat", "-A PREROUTING -j DNAT --to 192.0.2.9-192.0.2.1", "POL505"),
        ("mangle", "-A PREROUTING -p tcp -j TCPOPTSTRIP --strip-options 1", "POL505"),
        ("filter", "-A INPUT -j TEE --gateway 0.0.0.0", "POL505"),
        ("filter", "-A INPUT -j MARK", "POL506"),
        ("filter", "-A INPUT -j MARK --set-mark 1 --or-mark 2", "POL506"),
    ],
)
def test_targets_out_of_place(name: str, line: str, code: str) -> None:
    assert error(line, name=name).code == code


def test_places_are_those_that_a_chain_is_reached_from() -> None:
    lines = ("-A own -j DNAT --to 192.0.2.1", "-A POSTROUTING -j own")
    assert error(*lines, name="nat", chains="own").code == "POL510"
    assert rules(lines[0], "-A OUTPUT -j own", name="nat", chains="own")


def test_a_mapping_hangs_on_the_way_to_it() -> None:
    lines = ("-A own -j NETMAP --to 192.0.2.0/24", "-A POSTROUTING -j own", "-A INPUT -j own")
    (rule,) = rules(*lines, name="nat", chains="own", chain="own")
    assert isinstance(rule.verdict, Nat)
    assert rule.verdict.kind is NatKind.NETMAP_SOURCE
    assert error(*lines, "-A PREROUTING -j own", name="nat", chains="own").code == "POL510"


def test_a_target_wins_over_a_chain_of_its_name() -> None:
    assert error("-A INPUT -j LOG", chains="LOG").code == "POL505"
    (found,), _ = import_all(table("-A INPUT -g accept", chains="accept"))
    assert found.chains[0].rules[0].verdict is not None
