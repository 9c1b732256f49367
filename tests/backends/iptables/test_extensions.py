"""Each extension's words, as all four loaders print them back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from restore_tools import load

from polc.backends.iptables.backend import IptablesBackend
from polc.backends.model import Fidelity, Options, Output, OutputFile
from polc.ir.addresses import AddressSet, parse_address
from polc.ir.family import BOTH, FAMILIES, Family
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressMatch,
    CtState,
    CtStateMatch,
    Direction,
    Field,
    FieldMatch,
    IcmpTerm,
    InterfaceMatch,
    InterfacePattern,
    Match,
    PortTerm,
    ServiceMatch,
    ServiceTerm,
    Side,
)
from polc.ir.origin import Origin
from polc.ir.protocols import DCCP, ICMP, ICMPV6, SCTP, TCP, UDP, UDPLITE
from polc.ir.ruleset import BaseChain, ChainType, DynamicSet, Hook, RegularChain, Rule, Ruleset
from polc.ir.stateful import Hits, KeyField, KeyPart, Limit, Rate, Unit
from polc.ir.statements import AssignHelper, Counter, Log, LogLevel, Statement, UpdateSet
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Nat, NatKind, Reject, RejectType, Return, Verdict
from polc.passes import pipeline

BACKEND = IptablesBackend()
IP, IP6 = ({family} for family in FAMILIES)


def addresses(*texts: str) -> AddressSet:
    return AddressSet.of(parse_address(text) for text in texts)


def source(*texts: str, negated: bool = False) -> AddressMatch:
    return AddressMatch(Side.SADDR, addresses(*texts), negated)


def interface(*names: str, direction: Direction = Direction.IN, negated: bool = False) -> InterfaceMatch:
    patterns = (InterfacePattern(name.removesuffix("*"), name.endswith("*")) for name in names)
    return InterfaceMatch(direction, tuple(patterns), negated)


def service(*terms: ServiceTerm) -> ServiceMatch:
    return ServiceMatch(terms)


def ports(*pairs: tuple[int, int]) -> Intervals:
    return Intervals.of(pairs)


def limit(count: int, unit: Unit, burst: int = 5, *, over: bool = False, key: tuple[KeyPart, ...] = ()) -> Limit:
    return Limit(Rate(count, unit), burst, over, key, "t")


SOURCE, DESTINATION = KeyPart(KeyField.SOURCE), KeyPart(KeyField.DESTINATION)
SSH = service(PortTerm(TCP, dport=Intervals.single(22)))
NEW = CtStateMatch(CtState.NEW)


@dataclass(frozen=True, slots=True)
class Case:
    """A rule and its lines in ``rules.v4`` (``ip``) and ``rules.v6`` (``ip6``), without ``-A CHAIN``."""

    name: str
    rule: Rule
    ip: tuple[str, ...] = ()
    ip6: tuple[str, ...] = ()
    hook: Hook = Hook.INPUT
    type: ChainType = ChainType.FILTER
    priority: int = 0

    def ruleset(self) -> Ruleset:
        base = BaseChain("base", self.type, self.hook, self.priority, Accept(), (self.rule,))
        return pipeline.run(Ruleset((base, RegularChain("other", ()))))


def both(name: str, matches: tuple[Match, ...], words: str, *, hook: Hook = Hook.INPUT) -> Case:
    line = f"{words} -j ACCEPT"
    return Case(name, Rule(matches, Accept()), (line,), (line,), hook)


def effect(
    name: str,
    verdict: Verdict | None,
    ip: tuple[str, ...],
    ip6: tuple[str, ...],
    *matches: Match,
    statements: tuple[Statement, ...] = (),
    origin: Origin | None = None,
) -> Case:
    return Case(name, Rule(matches, verdict, statements, BOTH, origin or Origin()), ip, ip6)


def nat(name: str, hook: Hook, verdict: Nat, ip: tuple[str, ...], ip6: tuple[str, ...], *matches: Match) -> Case:
    priority = 100 if hook in (Hook.POSTROUTING, Hook.INPUT) else -100
    families = BOTH if verdict.family is None else frozenset({verdict.family})
    return Case(name, Rule(matches, verdict, families=families), ip, ip6, hook, ChainType.NAT, priority)


def _whole(family: Family, text: str) -> Intervals:
    return addresses(text).of_family(family)


MATCHES = (
    Case("prefix", Rule((source("192.0.2.0/24"),), Accept()), ("-s 192.0.2.0/24 -j ACCEPT",)),
    Case("prefix6", Rule((source("2001:db8::/48"),), Accept()), (), ("-s 2001:db8::/48 -j ACCEPT",)),
    Case(
        "not a prefix",
        Rule((source("192.0.2.1", negated=True),), Accept()),
        ("! -s 192.0.2.1/32 -j ACCEPT",),
        ("-j ACCEPT",),
    ),
    Case(
        "range",
        Rule((source("192.0.2.3-192.0.2.9", "2001:db8::3-2001:db8::9"),), Accept()),
        ("-m iprange --src-range 192.0.2.3-192.0.2.9 -j ACCEPT",),
        ("-m iprange --src-range 2001:db8::3-2001:db8::9 -j ACCEPT",),
    ),
    Case(
        "not a range",
        Rule((AddressMatch(Side.DADDR, addresses("192.0.2.3-192.0.2.9"), True),), Accept(), families=frozenset(IP)),
        ("-m iprange ! --dst-range 192.0.2.3-192.0.2.9 -j ACCEPT",),
    ),
    both("in", (interface("eth0"),), "-i eth0"),
    both("not in", (interface("wg*", negated=True),), "! -i wg+"),
    both("out", (interface("eth0", direction=Direction.OUT),), "-o eth0", hook=Hook.OUTPUT),
    both("long wildcard", (interface("abcdefghijklmno*"),), "-i abcdefghijklmno"),
    both(
        "no output interface in input",
        (interface("x", direction=Direction.OUT, negated=True), SSH),
        "-p tcp -m tcp --dport 22",
    ),
    both("interfaces that one pattern covers", (interface("wg0", "wg*"),), "-i wg+"),
    Case(
        "ranges take two places of fifteen",
        Rule((service(PortTerm(TCP, dport=ports(*((n, n + 1) for n in range(1, 25, 3))))),), Drop(), (), frozenset(IP)),
        (
            "-p tcp -m multiport --dports 1:2,4:5,7:8,10:11,13:14,16:17,19:20 -j DROP",
            "-p tcp -m tcp --dport 22:23 -j DROP",
        ),
    ),
    both("protocol", (service(PortTerm(47)),), "-p 47"),
    both("port", (SSH,), "-p tcp -m tcp --dport 22"),
    both(
        "both ports",
        (service(PortTerm(UDP, ports((1024, 65535)), ports((0, 53)))),),
        "-p udp -m udp --sport 1024:65535 --dport 0:53",
    ),
    both("sctp", (service(PortTerm(SCTP, dport=ports((7, 9)))),), "-p sctp -m sctp --dport 7:9"),
    both("dccp", (service(PortTerm(DCCP, dport=ports((7, 7)))),), "-p 33 -m dccp --dport 7"),
    both("udplite", (service(PortTerm(UDPLITE, dport=ports((7, 7)))),), "-p udplite -m multiport --dports 7"),
    both(
        "multiport",
        (service(PortTerm(TCP, ports((5, 5)), ports((80, 80), (8000, 8010)))),),
        "-p tcp -m tcp --sport 5 -m multiport --dports 80,8000:8010",
    ),
    both("any port", (service(PortTerm(TCP, dport=ports((0, 65535)))),), "-p tcp -m tcp"),
    Case(
        "many ports",
        Rule((service(PortTerm(TCP, dport=ports(*((n, n) for n in range(2, 34, 2))))),), Accept()),
        (
            "-p tcp -m multiport --dports 2,4,6,8,10,12,14,16,18,20,22,24,26,28,30 -j ACCEPT",
            "-p tcp -m tcp --dport 32 -j ACCEPT",
        ),
        (
            "-p tcp -m multiport --dports 2,4,6,8,10,12,14,16,18,20,22,24,26,28,30 -j ACCEPT",
            "-p tcp -m tcp --dport 32 -j ACCEPT",
        ),
    ),
    Case(
        "icmp",
        Rule(
            (service(IcmpTerm(ICMP, 3, 4), IcmpTerm(ICMP, 8), IcmpTerm(ICMPV6, 2), IcmpTerm(ICMPV6, 1, 0)),), Accept()
        ),
        ("-p icmp -m icmp --icmp-type 3/4 -j ACCEPT", "-p icmp -m icmp --icmp-type 8 -j ACCEPT"),
        ("-p ipv6-icmp -m icmp6 --icmpv6-type 2 -j ACCEPT", "-p ipv6-icmp -m icmp6 --icmpv6-type 1/0 -j ACCEPT"),
    ),
    both(
        "states",
        (CtStateMatch(CtState.NEW | CtState.UNTRACKED | CtState.INVALID | CtState.ESTABLISHED | CtState.RELATED),),
        "-m conntrack --ctstate INVALID,NEW,RELATED,ESTABLISHED,UNTRACKED",
    ),
    Case(
        "ttl",
        Rule((FieldMatch(Field.TTL, ports((0, 3), (9, 9), (20, 30), (250, 255))),), Accept()),
        (
            "-m ttl --ttl-lt 4 -j ACCEPT",
            "-m ttl --ttl-eq 9 -j ACCEPT",
            "-m ttl --ttl-gt 19 -m ttl --ttl-lt 31 -j ACCEPT",
            "-m ttl --ttl-gt 249 -j ACCEPT",
        ),
    ),
    Case("hl", Rule((FieldMatch(Field.HOPLIMIT, ports((255, 255))),), Accept()), (), ("-m hl --hl-eq 255 -j ACCEPT",)),
)

STATEFUL = (
    both("limit", (limit(10, Unit.MINUTE),), "-m limit --limit 10/min"),
    both("limit in its largest unit", (limit(60, Unit.MINUTE, 7),), "-m limit --limit 1/sec --limit-burst 7"),
    both(
        "limit whose burst xt_limit would cut",
        (limit(7, Unit.SECOND, 100),),
        "-m hashlimit --hashlimit-upto 7/sec --hashlimit-burst 100 --hashlimit-name t-0f0ba0a2 "
        "--hashlimit-htable-max 65535 --hashlimit-htable-expire 15000",
    ),
    both(
        "over",
        (limit(10, Unit.MINUTE, 10, over=True),),
        "-m hashlimit --hashlimit-above 10/min --hashlimit-burst 10 --hashlimit-name t-00000000 "
        "--hashlimit-htable-max 65535",
    ),
    both(
        "over by source and destination",
        (SSH, NEW, limit(3, Unit.HOUR, 4, over=True, key=(DESTINATION, SOURCE))),
        "-p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -m hashlimit --hashlimit-above 3/hour "
        "--hashlimit-burst 4 --hashlimit-mode srcip,dstip --hashlimit-name t-00000000 "
        "--hashlimit-htable-max 65535 --hashlimit-htable-expire 4800000",
    ),
    Case(
        "by prefix",
        Rule((limit(100, Unit.SECOND, 200, key=(KeyPart(KeyField.SOURCE, 24, 64),)),), Accept()),
        (
            "-m hashlimit --hashlimit-upto 100/sec --hashlimit-burst 200 --hashlimit-mode srcip --hashlimit-name "
            "t-00000000 --hashlimit-htable-max 65535 --hashlimit-htable-expire 2000 --hashlimit-srcmask 24 -j ACCEPT",
        ),
        (
            "-m hashlimit --hashlimit-upto 100/sec --hashlimit-burst 200 --hashlimit-mode srcip --hashlimit-name "
            "t-00000000 --hashlimit-htable-max 65535 --hashlimit-htable-expire 2000 --hashlimit-srcmask 64 -j ACCEPT",
        ),
    ),
    Case(
        "hits",
        Rule((SSH, Hits(10, 100, SOURCE, False, "t")), Drop(), families=frozenset(IP)),
        (
            "-p tcp -m tcp --dport 22 -m recent --set --name t-00000000 --mask 255.255.255.255 --rsource",
            "-p tcp -m tcp --dport 22 -m recent --rcheck --seconds 100 --hitcount 10 --name t-00000000 "
            "--mask 255.255.255.255 --rsource -j DROP",
        ),
    ),
    Case(
        "hits by prefix, refreshed",
        Rule((Hits(255, 4294967, KeyPart(KeyField.DESTINATION, 24, 64), True, "t"),), Drop(), families=frozenset(IP6)),
        (),
        (
            "-m recent --set --name t-00000000 --mask ffff:ffff:ffff:ffff:: --rdest",
            "-m recent --update --seconds 4294967 --hitcount 255 --name t-00000000 "
            "--mask ffff:ffff:ffff:ffff:: --rdest -j DROP",
        ),
    ),
    Case(
        "limit, then log and verdict: one bucket, in one place",
        Rule((SSH, limit(1, Unit.SECOND)), Accept(), (Log("a"),), frozenset(IP)),
        ("-p tcp -m tcp --dport 22 -m limit --limit 1/sec -j base-1", "-j LOG --log-prefix a", "-j ACCEPT"),
    ),
    Case(
        "limit before hits: hits count what the limit lets by",
        Rule((limit(1, Unit.SECOND), Hits(2, 3, SOURCE, False, "h")), Drop(), families=frozenset(IP)),
        (
            "-m limit --limit 1/sec -j base-1",
            "-m recent --set --name h-00000000 --mask 255.255.255.255 --rsource",
            "-m recent --rcheck --seconds 3 --hitcount 2 --name h-00000000 --mask 255.255.255.255 --rsource -j DROP",
        ),
    ),
)

EFFECTS = (
    effect("accept", Accept(), ("-j ACCEPT",), ("-j ACCEPT",)),
    effect("drop", Drop(), ("-j DROP",), ("-j DROP",)),
    effect("return", Return(), ("-j RETURN",), ("-j RETURN",)),
    effect("jump", Jump("other"), ("-j other",), ("-j other",)),
    effect("goto", Goto("other"), ("-g other",), ("-g other",)),
    effect("count", None, ("-p tcp -m tcp --dport 22",), ("-p tcp -m tcp --dport 22",), SSH, statements=(Counter(),)),
    *(
        effect(
            f"reject {kind.value}",
            Reject(kind),
            (f"-j REJECT --reject-with icmp-{ip}",) if ip else (),
            (f"-j REJECT --reject-with icmp6-{ip6}",) if ip6 else (),
        )
        for kind, ip, ip6 in (
            (RejectType.PORT_UNREACHABLE, "port-unreachable", "port-unreachable"),
            (RejectType.HOST_UNREACHABLE, "host-unreachable", "addr-unreachable"),
            (RejectType.NO_ROUTE, "net-unreachable", "no-route"),
            (RejectType.ADMIN_PROHIBITED, "admin-prohibited", "adm-prohibited"),
            (RejectType.NET_UNREACHABLE, "net-unreachable", ""),
            (RejectType.PROTO_UNREACHABLE, "proto-unreachable", ""),
            (RejectType.NET_PROHIBITED, "net-prohibited", ""),
            (RejectType.HOST_PROHIBITED, "host-prohibited", ""),
            (RejectType.ADDR_UNREACHABLE, "", "addr-unreachable"),
            (RejectType.POLICY_FAIL, "", "policy-fail"),
            (RejectType.REJECT_ROUTE, "", "reject-route"),
        )
    ),
    effect(
        "reset",
        Reject(RejectType.TCP_RESET),
        ("-p tcp -m tcp --dport 22 -j REJECT --reject-with tcp-reset",),
        ("-p tcp -m tcp --dport 22 -j REJECT --reject-with tcp-reset",),
        SSH,
    ),
    Case(
        "reset below a chain names its protocol again",
        Rule(
            (source("192.0.2.1", "192.0.2.9", negated=True), SSH), Reject(RejectType.TCP_RESET), families=frozenset(IP)
        ),
        (
            "-p tcp -m tcp --dport 22 -j base-1",
            "-s 192.0.2.1/32 -j RETURN",
            "-s 192.0.2.9/32 -j RETURN",
            "-p tcp -j REJECT --reject-with tcp-reset",
        ),
    ),
    effect("log", None, ("-j LOG",), ("-j LOG",), statements=(Log(""),)),
    effect(
        "log with prefix and level",
        Drop(),
        ('-j LOG --log-prefix "it\\\'s \\"in\\": " --log-level 6', "-j DROP"),
        ('-j LOG --log-prefix "it\\\'s \\"in\\": " --log-level 6', "-j DROP"),
        statements=(Log('it\'s "in": ', LogLevel.INFO),),
    ),
    effect(
        "comment",
        Accept(),
        ('-m comment --comment "web: Grüße, it\\\'s" -j ACCEPT',),
        ('-m comment --comment "web: Grüße, it\\\'s" -j ACCEPT',),
        origin=Origin(name="web", comment="Grüße, it's"),
    ),
    effect(
        "longest comment",
        Accept(),
        (f"-m comment --comment {'x' * 255} -j ACCEPT",),
        (f"-m comment --comment {'x' * 255} -j ACCEPT",),
        origin=Origin(name="x" * 300),
    ),
    effect(
        "helper",
        None,
        ("-p tcp -m tcp --dport 21 -j CT --helper ftp",),
        ("-p tcp -m tcp --dport 21 -j CT --helper ftp",),
        service(PortTerm(TCP, dport=Intervals.single(21))),
        NEW,
        statements=(AssignHelper("ftp", TCP),),
    ),
    effect(
        "helper with a dot",
        None,
        ("-p tcp -m tcp --dport 1720 -j CT --helper Q.931",),
        ("-p tcp -m tcp --dport 1720 -j CT --helper Q.931",),
        service(PortTerm(TCP, dport=Intervals.single(1720))),
        NEW,
        statements=(AssignHelper("Q.931", TCP),),
    ),
)

NAT = (
    nat("masquerade", Hook.POSTROUTING, Nat(NatKind.MASQUERADE), ("-j MASQUERADE",), ("-j MASQUERADE",)),
    nat(
        "masquerade to ports",
        Hook.POSTROUTING,
        Nat(NatKind.MASQUERADE, ports=ports((1024, 2048))),
        ("-p tcp -j MASQUERADE --to-ports 1024-2048",),
        ("-p tcp -j MASQUERADE --to-ports 1024-2048",),
        service(PortTerm(TCP)),
    ),
    nat(
        "redirect",
        Hook.PREROUTING,
        Nat(NatKind.REDIRECT, ports=Intervals.single(8080)),
        ("-p tcp -m tcp --dport 22 -j REDIRECT --to-ports 8080",),
        ("-p tcp -m tcp --dport 22 -j REDIRECT --to-ports 8080",),
        SSH,
    ),
    nat(
        "snat",
        Hook.POSTROUTING,
        Nat(NatKind.SNAT, Family.IP, _whole(Family.IP, "192.0.2.4-192.0.2.9")),
        ("-o eth0 -j SNAT --to-source 192.0.2.4-192.0.2.9",),
        (),
        interface("eth0", direction=Direction.OUT),
    ),
    nat(
        "dnat",
        Hook.PREROUTING,
        Nat(NatKind.DNAT, Family.IP, _whole(Family.IP, "192.0.2.4"), Intervals.single(80)),
        ("-p tcp -m tcp --dport 22 -j DNAT --to-destination 192.0.2.4:80",),
        (),
        SSH,
    ),
    nat(
        "dnat6",
        Hook.PREROUTING,
        Nat(NatKind.DNAT, Family.IP6, _whole(Family.IP6, "2001:db8::4-2001:db8::9"), ports((80, 90))),
        (),
        ("-p tcp -m tcp --dport 22 -j DNAT --to-destination [2001:db8::4-2001:db8::9]:80-90",),
        SSH,
    ),
    nat(
        "dnat6 without port",
        Hook.OUTPUT,
        Nat(NatKind.DNAT, Family.IP6, _whole(Family.IP6, "2001:db8::4")),
        (),
        ("-j DNAT --to-destination 2001:db8::4",),
    ),
)

CASES = (*MATCHES, *STATEFUL, *EFFECTS, *NAT)


def lines(text: str) -> tuple[str, ...]:
    """Rules, without ``-A CHAIN`` and with the digests of state names blanked."""
    rules = (line.split(" ", 2) for line in text.splitlines() if line.startswith("-A "))
    return tuple(_blank(rest[2]) if len(rest) > 2 else "" for rest in rules)


def _blank(words: str) -> str:
    parts = words.split(" ")
    named = [
        f"{word[:-8]}00000000" if before in ("--name", "--hashlimit-name") else word
        for before, word in zip(["", *parts], parts, strict=False)
    ]
    return " ".join(named)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_words(case: Case) -> None:
    output = BACKEND.emit(case.ruleset(), Options("restore"))
    assert output.deviations == ()
    assert sorted(lines(output.files[0].text)) == sorted(map(_blank, case.ip))
    assert sorted(lines(output.files[1].text)) == sorted(map(_blank, case.ip6))


@pytest.mark.kernel("iptables-legacy", "iptables-nft", "hashlimit", "recent", "ftp-helper")
def test_all_loaders_print_them_back(tmp_path: Path) -> None:
    outputs = [BACKEND.emit(case.ruleset(), Options("restore")) for case in CASES]
    loaded = load(outputs, tmp_path)
    wrong = {
        case.name: sentences
        for case, some in zip(CASES, loaded, strict=True)
        if (sentences := [s for one in some for s in one.wrong])
    }
    assert not wrong


def test_what_compare_sees_is_really_loaded(tmp_path: Path) -> None:
    """The check above can fail: an error in a rule, and one in what was meant."""
    good = BACKEND.emit(CASES[0].ruleset(), Options("restore"))
    bad = Output(
        (OutputFile("rules.v4", good.files[0].text.replace("ACCEPT\nCOMMIT", "NOSUCH\nCOMMIT")), good.files[1])
    )
    assert [one.status != 0 for one in load([bad], tmp_path)[0]] == [True, False, True, False]


REFUSED: tuple[tuple[str, str, Rule], ...] = (
    ("set-timeout", "2147484", Rule((), None, (UpdateSet((Side.SADDR,), "banned", 2_147_484),))),
    ("named-counter", "`seen`", Rule((), Accept(), (Counter("seen"),))),
    ("log-prefix", "29 bytes", Rule((), None, (Log("x" * 30),))),
    ("log-prefix", "control", Rule((), None, (Log("a\nb"),))),
    ("icmp-255", "every type", Rule((service(IcmpTerm(ICMP, 255)),), Accept())),
    ("protocol-zero", "every protocol", Rule((service(PortTerm(0)),), Accept())),
    ("any-interface", "every interface", Rule((interface("*"),), Accept())),
    ("interface-name", "`eth+`", Rule((interface("eth+"),), Accept())),
    ("interface-name", "misread", Rule((interface("a b"),), Accept())),
    ("interface-name", "misread", Rule((interface("-x"),), Accept())),
    ("interface-name", "15 bytes", Rule((interface("abcdefghijklmnop"),), Accept())),
    ("limit-resolution", "2000000/second", Rule((limit(2_000_000, Unit.SECOND),), Accept())),
    ("limit-resolution", "2000000", Rule((limit(10_000, Unit.SECOND, 2_000_000),), Accept())),
    ("limit-resolution", "31 hours", Rule((limit(1, Unit.DAY, 2),), Accept())),
    ("hits-count", "not 256", Rule((Hits(256, 10, SOURCE, False, "t"),), Drop())),
    ("hits-window", "seconds", Rule((Hits(2, 5_000_000, SOURCE, False, "t"),), Drop())),
    ("reset-protocol", "TCP", Rule((service(PortTerm(UDP)),), Reject(RejectType.TCP_RESET))),
    (
        "leaves-chain",
        "chain",
        Rule((source("192.0.2.1", "192.0.2.9", negated=True),), Return(), families=frozenset(IP)),
    ),
    ("nat-place", "masquerade", Rule((), Nat(NatKind.MASQUERADE))),
    ("helper-name", "`a b`", Rule((), None, (AssignHelper("a b", TCP),))),
    ("no-ports", "47", Rule((service(PortTerm(47, dport=Intervals.single(1))),), Accept())),
)


@pytest.mark.parametrize(
    ("name", "words", "rule"), REFUSED, ids=[f"{name}-{n}" for n, (name, *_) in enumerate(REFUSED)]
)
def test_refused_with_its_reason_and_in_no_file(name: str, words: str, rule: Rule) -> None:
    base = BaseChain("input", ChainType.FILTER, Hook.INPUT, 0, Accept(), (rule,))
    ruleset = pipeline.run(Ruleset((base,), (DynamicSet.of_addresses("banned", Family.IP, 10, 10),)))
    output = BACKEND.emit(ruleset, Options("restore"))
    assert {(one.fidelity, one.name) for one in output.deviations} == {(Fidelity.REFUSED, name)}
    assert all(words in one.message for one in output.deviations)
    assert [lines(file.text) for file in output.files] == [(), (), ()]


def test_rates_that_no_tick_divides_are_approximate() -> None:
    base = BaseChain("i", ChainType.FILTER, Hook.INPUT, 0, Accept(), (Rule((limit(700_000, Unit.SECOND),), Accept()),))
    (first, *_) = BACKEND.emit(pipeline.run(Ruleset((base,))), Options("restore")).deviations
    assert (first.fidelity, first.name) == (Fidelity.APPROXIMATE, "limit-resolution")
    assert "700000/second" in first.message
    assert "1000000/sec" in first.message


def test_limits_of_one_table_share_a_bucket() -> None:
    rules = (Rule((SSH, limit(1, Unit.SECOND)), Accept()), Rule((limit(1, Unit.SECOND),), Accept()))
    base = BaseChain("input", ChainType.FILTER, Hook.INPUT, 0, Accept(), rules)
    text = BACKEND.emit(pipeline.run(Ruleset((base,))), Options("restore")).files[0].text
    names = [line.split("--hashlimit-name ")[1].split()[0] for line in text.splitlines() if "hashlimit" in line]
    assert len(names) == 2
    assert len(set(names)) == 1


def test_limits_of_one_table_that_differ_are_refused() -> None:
    rules = (Rule((limit(1, Unit.SECOND),), Accept()), Rule((limit(2, Unit.SECOND),), Accept()))
    base = BaseChain("input", ChainType.FILTER, Hook.INPUT, 0, Accept(), rules)
    assert {one.name for one in BACKEND.emit(pipeline.run(Ruleset((base,))), Options("restore")).deviations} == {
        "limit-table"
    }


def test_a_changed_limit_has_another_table() -> None:
    """The kernel would go on with the old rate: it looks tables up by name while the old rules still hold them."""

    def name(count: int) -> str:
        rule = Rule((limit(count, Unit.SECOND, over=True),), Drop())
        base = BaseChain("input", ChainType.FILTER, Hook.INPUT, 0, Accept(), (rule,))
        text = BACKEND.emit(pipeline.run(Ruleset((base,))), Options("restore")).files[0].text
        return text.split("--hashlimit-name ")[1].split()[0]

    assert name(1) != name(2)
    assert name(1) == name(1)
