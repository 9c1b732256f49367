"""What rules mean in the IR."""

from __future__ import annotations

import pytest
from policies import HEAD, codes, error, errors, policy, read, rules

from polc.ir.addresses import AddressSet, parse_address
from polc.ir.family import Family
from polc.ir.fields import FIELDS
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressMatch,
    CtState,
    CtStateMatch,
    Direction,
    FieldMatch,
    IcmpTerm,
    InterfaceMatch,
    InterfacePattern,
    PortTerm,
    ServiceMatch,
    Side,
)
from polc.ir.protocols import ICMPV6
from polc.ir.ruleset import BaseChain, ChainType, Hook, Rule
from polc.ir.stateful import Hits, KeyField, KeyPart, Limit, Rate, Unit
from polc.ir.statements import AssignHelper
from polc.ir.verdicts import Accept, Drop, Reject, RejectType

SSH = ServiceMatch((PortTerm(6, None, Intervals.single(22)),))


def only(rule: str, chain: str = "input") -> Rule:
    (one,) = rules(rule, chain=chain)
    return one


def terms(service: str) -> tuple[object, ...]:
    (match,) = only(f"accept {service}").matches
    assert isinstance(match, ServiceMatch)
    return match.terms


def test_chains() -> None:
    ruleset = read("polc: 1\noutput: {default: accept}\ninput: {default: reject, rules: [accept ssh]}\n")
    assert ruleset.chains == (
        BaseChain(
            "input", ChainType.FILTER, Hook.INPUT, 0, Drop(), (Rule((SSH,), Accept()), Rule((), Reject()))
        ),
        BaseChain("output", ChainType.FILTER, Hook.OUTPUT, 0, Accept(), ()),
    )  # fmt: skip
    assert read("polc: 1\n").chains == ()


def test_a_whole_rule() -> None:
    rule = only(
        "drop ssh from wan not @four state new, untracked over 10/minute burst 7 per source/24,/56 to 192.0.2.1"
    )
    limit = rule.matches[-1]
    assert isinstance(limit, Limit)
    assert rule.matches == (
        InterfaceMatch(Direction.IN, (InterfacePattern("eth0"),)),
        AddressMatch(Side.SADDR, AddressSet.of((parse_address("192.0.2.0/24"),)), negated=True),
        AddressMatch(Side.DADDR, AddressSet.of((parse_address("192.0.2.1"),))),
        SSH,
        CtStateMatch(CtState.NEW | CtState.UNTRACKED),
        Limit(Rate(10, Unit.MINUTE), 7, True, (KeyPart(KeyField.SOURCE, 24, 56),), limit.table),
    )
    assert limit.table.startswith("input-")


def test_default_burst_and_hits_last() -> None:
    rule = only("drop ssh hits 3 in 2m per source refresh limit 1/day")
    limit, hits = rule.matches[-2:]
    assert isinstance(limit, Limit)
    assert isinstance(hits, Hits)
    assert (limit.burst, limit.over, limit.key) == (5, False, ())
    assert (hits.count, hits.window, hits.key, hits.refresh) == (3, 120, KeyPart(KeyField.SOURCE), True)
    assert limit.table != hits.table


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("tcp/80,443", (PortTerm(6, None, Intervals.of([(80, 80), (443, 443)])),)),
        (
            "tcp/80, udp/1-2,9",
            (PortTerm(6, None, Intervals.single(80)), PortTerm(17, None, Intervals.of([(1, 2), (9, 9)]))),
        ),
        ("udp sport 53", (PortTerm(17, Intervals.single(53), None),)),
        ("tcp/20 sport 1, 5-6", (PortTerm(6, Intervals.of([(1, 1), (5, 6)]), Intervals.single(20)),)),
        ("proto gre, proto 99", (PortTerm(47), PortTerm(99))),
        ("icmp/3/4", (IcmpTerm(1, 3, 4),)),
        ("icmp/destination-unreachable/4, redirect", (IcmpTerm(1, 3, 4), IcmpTerm(1, 5))),
        ("icmp/destination-unreachable", (IcmpTerm(1, 3),)),
        ("icmpv6/packet-too-big", (IcmpTerm(58, 2),)),
        ("ping", (IcmpTerm(1, 8), IcmpTerm(58, 128))),
        ("web", (PortTerm(6, None, Intervals.of([(80, 80), (443, 443)])),)),
        ("tcp", (PortTerm(6),)),
    ],
)  # fmt: skip
def test_services(service: str, expected: tuple[object, ...]) -> None:
    assert terms(service) == expected


def test_helpers() -> None:
    attached, rest = rules("accept files, tcp/2000 state new limit 1/second")
    assert attached.statements == (AssignHelper("ftp", 6),)
    assert attached.matches[0] == ServiceMatch((PortTerm(6, None, Intervals.single(21)),))
    assert rest.statements == ()
    # One bucket for the one rule that was written.
    assert attached.matches[-1] == rest.matches[-1]
    assert only("helper tftp udp/69").verdict is None
    assert [one.statements[0] for one in rules("accept sip helper sip")] == [
        AssignHelper("sip", 6),
        AssignHelper("sip", 17),
    ]
    assert only("drop files").statements == ()
    assert only("accept ftp").statements == ()


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("reject", "port-unreachable"),
        ("reject with tcp-reset tcp/1", "tcp-reset"),
        ("reject with no-route ssh", "no-route"),
    ],
)
def test_rejects(rule: str, kind: str) -> None:
    assert only(rule).verdict == Reject(RejectType(kind))


def test_names_of_state() -> None:
    def tables(*written: str) -> list[str]:
        return [one.table for rule in rules(*written) for one in rule.matches if isinstance(one, Limit | Hits)]

    one, two = "drop ssh over 1/minute", "drop web over 1/minute"
    assert tables(one, two) == list(reversed(tables(two, one)))
    twice = tables(one, one, "drop ssh over 1/minute")
    assert twice[1:] == [f"{twice[0]}-2", f"{twice[0]}-3"]
    assert tables("drop tcp/22 over 1/minute") == tables(one)


def test_zones() -> None:
    text = 'polc: 1\nzones: {a: ["wg*", wg0, "odd\\\\*", a12345678901234]}\n'
    (chain,) = read(text + "forward: {default: drop, rules: [accept from a to not a]}\n").chains
    patterns = (InterfacePattern("a12345678901234"), InterfacePattern("odd*"), InterfacePattern("wg", True))
    assert chain.rules[0].matches == (
        InterfaceMatch(Direction.IN, patterns),
        InterfaceMatch(Direction.OUT, patterns, negated=True),
    )


@pytest.mark.parametrize(
    "name", ["*", "a*b", "a**", "1234567890123456", "123456789012345*", "a b", "a/b", "..", "", "a:1", "é" * 8]
)
def test_bad_interfaces(name: str) -> None:
    assert codes(f"polc: 1\nzones: {{a: '{name}'}}\n") == (["POL106"] if not name else ["POL117"])


def test_groups() -> None:
    text = 'polc: 1\naddresses: {a: ["@b", 192.0.2.1], b: ["@c", "2001:db8::/64"], c: [192.0.2.0]}\n'
    (chain,) = read(text + "input: {default: drop, rules: [accept from @a]}\n").chains
    (match,) = chain.rules[0].matches
    items = [parse_address(one) for one in ("192.0.2.0-192.0.2.1", "2001:db8::/64")]
    assert match == AddressMatch(Side.SADDR, AddressSet.of(items))


def test_a_long_chain_of_groups_is_no_recursion() -> None:
    members = "".join(f"  g{n}: ['@g{n + 1}']\n" for n in range(3000))
    assert read(f"polc: 1\naddresses:\n{members}  g3000: 192.0.2.1\n").chains == ()


@pytest.mark.parametrize("kind", ["addresses", "services"])
def test_cycles_are_told_once(kind: str) -> None:
    at = "@" if kind == "addresses" else ""
    text = f"polc: 1\n{kind}: {{a: '{at}b', b: '{at}c', c: '{at}a', d: '{at}a'}}\n"
    (one,) = errors(text)
    assert one.code == "POL212"
    assert len(one.labels) == 3
    assert "`a` -> `b` -> `c` -> `a`" in one.message


def test_nested_services_keep_their_helpers() -> None:
    text = "polc: 1\nservices: {all: 'f, tcp/99', f: {ports: tcp/21, helper: ftp}}\n"
    (chain,) = read(text + "input: {default: drop, rules: [accept all]}\n").chains
    assert [one.statements for one in chain.rules] == [(AssignHelper("ftp", 6),), ()]


MACROS = {
    "input": [Direction.IN],
    "output": [Direction.OUT],
}


@pytest.mark.parametrize("chain", MACROS)
def test_loopback(chain: str) -> None:
    rule = only("use loopback", chain=chain)
    assert rule.matches == (InterfaceMatch(MACROS[chain][0], (InterfacePattern("lo"),)),)
    assert rule.origin.name == "loopback"


def test_stateful() -> None:
    known, invalid = rules("use stateful")
    assert (known.matches, known.verdict) == ((CtStateMatch(CtState.ESTABLISHED | CtState.RELATED),), Accept())
    assert (invalid.matches, invalid.verdict) == ((CtStateMatch(CtState.INVALID),), Drop())


@pytest.mark.parametrize(("chain", "discovery"), [("input", True), ("forward", False), ("output", True)])
def test_icmp_essentials(chain: str, discovery: bool) -> None:
    essentials = rules("use icmp-essentials", chain=chain)
    limited, free = set(), set()
    for rule in essentials:
        assert rule.verdict == Accept()
        assert rule.origin.name == "icmp-essentials"
        assert rule.origin.span is not None
        (service,) = (one for one in rule.matches if isinstance(one, ServiceMatch))
        found = {(one.protocol, one.type) for one in service.terms if isinstance(one, IcmpTerm)}
        (limited if any(isinstance(one, Limit) for one in rule.matches) else free).update(found)
        if found & {(ICMPV6, number) for number in range(133, 137)}:
            (hoplimit,) = (one for one in rule.matches if isinstance(one, FieldMatch))
            assert hoplimit.values == Intervals.single(255)
            assert FIELDS[hoplimit.field].family is Family.IP6
    # Packet too big in both families, on every path (RFC 4890, 4.3.1).
    assert {(1, 3), (58, 2)} <= free
    assert ((58, 135) in free) is discovery
    assert ((58, 130) in free) is discovery
    assert ((1, 8) in limited) is (chain != "output")
    assert (58, 137) not in free | limited


@pytest.mark.parametrize(
    ("rule", "chain", "code", "text"),
    [
        ("accept ssh to wan", "input", "POL221", "wan"),
        ("accept ssh from wan", "output", "POL221", "wan"),
        ("use loopback", "forward", "POL222", "loopback"),
        ("use loopbac", "forward", "POL204", "loopbac"),
        ("accept ssh from @admin", "input", "POL202", "@admin"),
        ("accept ssh from 192.0.2.256", "input", "POL116", "192.0.2.256"),
        ("accept ssh from example.com", "input", "POL201", "example.com"),
        ("accept ssh state New", "input", "POL206", "New"),
        ("accept ssh limit 0/minute", "input", "POL114", "0/minute"),
        ("accept ssh limit 1/Minute", "input", "POL114", "1/Minute"),
        ("accept ssh limit 1/minute burst 0", "input", "POL113", "0"),
        ("accept ssh limit 1/minute per source/33", "input", "POL119", "source/33"),
        ("accept ssh limit 1/minute per source,source", "input", "POL119", "source"),
        ("accept ssh limit 1/minute per source,/56", "input", "POL119", "source"),
        ("accept ssh hits 3 in 0s per source", "input", "POL114", "0s"),
        ("accept ssh hits 3 in 9s per source,destination", "input", "POL119", "destination"),
        ("accept tcp/80-22", "input", "POL115", "tcp/80-22"),
        ("accept tcp/", "input", "POL115", "tcp/"),
        ("accept tcp/http", "input", "POL115", "tcp/http"),
        ("accept gre", "input", "POL203", "gre"),
        ("accept gre/1", "input", "POL230", "gre/1"),
        ("accept proto gree", "input", "POL208", "gree"),
        ("accept icmp/echo", "input", "POL209", "icmp/echo"),
        ("accept icmp/3/256", "input", "POL209", "icmp/3/256"),
        ("accept dns, 80", "input", "POL230", "80"),
        ("accept sport 53", "input", "POL223", "sport 53"),
        ("accept proto gre sport 53", "input", "POL223", "sport 53"),
        ("accept icmp/echo-request from 2001:db8::1", "input", "POL220", "icmp/echo-request"),
        ("drop udp where tcp flags syn", "input", "POL220", "where tcp flags syn"),
        ("accept icmpv6 where ip ttl 5", "input", "POL220", "icmpv6"),
        ("accept ssh from 192.0.2.1 to not 0.0.0.0/0", "input", "POL220", "0.0.0.0/0"),
        ("reject with tcp-reset", "input", "POL224", "tcp-reset"),
        ("reject with tcp-reset dns", "input", "POL224", "tcp-reset"),
        ("mss clamp udp", "forward", "POL224", "mss clamp"),
        ("mss clamp where esp spi 5", "forward", "POL224", "mss clamp"),
        ("mss clamp where esp spi 5 or meta mark 5", "forward", "POL224", "mss clamp"),
        ("accept dns, tcp/80 mss clamp size 1400", "input", "POL224", "mss clamp size 1400"),
        ("synproxy mss 1460 wscale 7 dns", "input", "POL224", "synproxy mss 1460 wscale 7"),
        ("reject with addr-unreachable from 192.0.2.1", "input", "POL225", "addr-unreachable"),
        ("helper ftp dns", "input", "POL226", "helper ftp"),
        ("accept helper ftp", "input", "POL226", "helper ftp"),
        ("drop ftp helper ftp", "input", "POL227", "helper ftp"),
        ("accept files, ftp", "input", "POL228", "files, ftp"),
    ],
)
def test_errors_point_at_the_words(rule: str, chain: str, code: str, text: str) -> None:
    found_code, _, found_text = error(rule, chain)
    assert (found_code, found_text) == (code, text)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("accept ssh limit", "`limit` needs a rate such as `10/minute`"),
        ("accept ssh limit per source", "`limit` needs a rate such as `10/minute`, found `per`"),
        ("accept ssh from", "`from` needs a zone such as `wan` or an address such as `192.0.2.0/24` or `@name`"),
        ("accept ssh from wan,", "something is missing after the comma"),
        ("accept ssh from wan, 192.0.2.1", "zones and addresses are not one list: no comma between them"),
        ("accept ssh state", "`state` needs a conntrack state such as `new`"),
        ("accept ssh wan", "`wan` is no clause"),
        ("accept ssh accept", "a rule has one verdict, and `accept` is another"),
        ("allow ssh", "`allow` is no verdict"),
        ("leap there", "`leap` is no verdict"),
        ("accept ssh where", "`where` needs a condition such as `ct status dnat`"),
        ("hits", "`hits` is no verdict"),
        ("drop ssh hits 3 per source", "`3` needs `in` and a time, as in `hits 10 in 100s per source`, found `per`"),
        ("drop ssh hits 3 in 4s", "`4s` needs `per` and what to count by, as in `hits 10 in 100s per source`"),
        ("use stateful from wan", "`from` cannot follow a macro"),
        ("use", "`use` needs the name of a macro such as `stateful`"),
        ("accept ssh comment why", '`comment` needs a text in double quotes such as `"for the backup"`, found `why`'),
        ("accept ssh comment \"why", "this quoted text has no end"),
        ("reject with", "`with` needs a kind of answer such as `tcp-reset`"),
        ("accept state from", "`state` needs a conntrack state such as `new`, found `from`"),
        ("accept ssh limit 1/day burst 1 burst 2", "`burst` is there twice"),
        ("accept ssh state new state new", "`state` is there twice: a rule has each clause once"),
    ],
)  # fmt: skip
def test_syntax_errors_in_words(rule: str, message: str) -> None:
    assert error(rule)[1] == message


@pytest.mark.parametrize(
    ("rule", "hint"),
    [
        ("allow ssh", "did you mean `accept`?"),
        ("deny ssh", "did you mean `drop`?"),
        ("accept ssh dport 22", "ports stand in the service, right behind the verdict: `accept tcp/22`"),
        ("accept tcp 22", "write `tcp/22`"),
        ("accept port 22", "write `tcp/22`"),
        ("accept tcp:22", "write `tcp/22`"),
        ("accept 22/udp", "write `udp/22`"),
        ("accept ssh, 22/udp", "a service is spelled out as in `udp/22`"),
        ("accept tcp/80 443", "several ports stand with commas between them: `tcp/80,443`"),
        ("drop from lan tcp/22", "a service stands right behind the verdict: `drop tcp/22`"),
        ("drop from lan ssh", "a service stands right behind the verdict: `drop ssh`"),
        ("accept ssh from lan wan", "if it goes on with the list before it, a comma stands between: `lan, wan`"),
        ("accept state new related", "if it goes on with the list before it, a comma stands between: `new, related`"),
        ("accept from 192.0.2.1 lan", "zones stand before addresses, as in `from wan, lan @admins`"),
        ("accept ssh form lan", "did you mean `from`?"),
        ("accept from !lan", "`not` is the word for it: `from not lan`"),
        ("accept ssh in eth0", "the incoming interface is a zone after `from`"),
        ("accept ssh ct state new", "fields stand after `where`, and the state after `state`"),
        ("accept where meta mark = 1", "two values are compared by `==`"),
        ("accept where fragment && ipsec", "conditions are joined by `and`"),
        ("accept where fragment || ipsec", "conditions are joined by `or`"),
        ("accept where !fragment", "write `not fragment`"),
        ("notrack accept ssh", "a rule begins with its verdict, and the rest follows"),
        ("accept any", "leave it out: without a service a rule speaks of all packets"),
        ("reject tcp-reset", "an answer stands after `with`: `reject with tcp-reset`"),
        ("accept icmp6/1", "did you mean `icmpv6`?"),
        ("accept from any", "leave the clause out: without it a rule speaks of packets from and to everywhere"),
        ("accept from eth0", "interfaces have names in `zones`: `eth0` is in the zone `wan`"),
        ('drop log "x" level warning', "did you mean `warn`?"),
    ],
)
def test_words_from_elsewhere_are_told_what_they_are_here(rule: str, hint: str) -> None:
    (one,) = errors(policy(rule, head=HEAD))
    assert one.help == hint


def test_what_is_needed_goes_by_the_clause() -> None:
    assert error("accept ssh connections over x")[1] == "`over` needs a number, found `x`"
    assert error("accept where ip ttl in (1, 2)")[1].startswith("`in` needs values in braces, as in `ip ttl in {")


def test_all_errors_of_a_file_at_once() -> None:
    bad = ["accept shh", "acept ssh", "accept ssh from wna state nwe limit 1/x", "accept ssh"]
    found = errors(policy(*bad, head=HEAD))
    assert [one.code for one in found] == ["POL203", "POL110", "POL201", "POL206", "POL114"]


def test_builtin_services_are_all_sound() -> None:
    from polc.policy.builtin_services import BUILTIN_SERVICES
    from polc.policy.parser import keywords

    assert not BUILTIN_SERVICES.keys() & keywords()
    listed = ", ".join(BUILTIN_SERVICES)
    assert rules(f"accept {listed}")


def test_states_are_not_known_in_raw() -> None:
    (one,) = errors("polc: 1\nraw: {output: [use stateful]}\n")
    assert (one.code, one.message) == (
        "POL222",
        "`use stateful` has no meaning in `raw-output`: connection tracking has not seen the packet there yet",
    )
    read("polc: 1\nraw: {output: [use loopback]}\n")
