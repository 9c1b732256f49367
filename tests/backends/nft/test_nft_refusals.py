"""What nft cannot say is refused with the reason, and is in no file; the rest of the ruleset is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from nft_help import emit, from_interfaces, numbers, ruleset, tcp, text

from polc.backends.model import Fidelity
from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    ElementMatch,
    InterfaceMatch,
    PortTerm,
    ReversePathMatch,
    ServiceMatch,
    Side,
    Trait,
    TraitMatch,
)
from polc.ir.origin import Origin
from polc.ir.protocols import SCTP, TCP, UDP
from polc.ir.ruleset import BaseChain, ChainType, DynamicSet, Hook, RegularChain, Rule, Ruleset
from polc.ir.services import normalise
from polc.ir.stateful import Hits, KeyField, KeyPart, Limit, Rate, Unit
from polc.ir.statements import AssignHelper, ClampMss, Counter, Log, Notrack, Synproxy, UpdateSet
from polc.ir.verdicts import Accept, Drop, Jump, Nat, NatKind, Return

IPV4 = frozenset({Family.IP})
SOURCE = KeyPart(KeyField.SOURCE)
ORIGIN = Origin(name="culprit")
BOTH_DNS = normalise((PortTerm(TCP, dport=numbers(53)), PortTerm(UDP, dport=numbers(53))))


def interface(name: str, *, wildcard: bool = False) -> InterfaceMatch:
    one = from_interfaces("x")
    return replace(one, patterns=(replace(one.patterns[0], name=name, wildcard=wildcard),))


def limit(count: int = 1, unit: Unit = Unit.SECOND, burst: int = 5, size: int = 9, table: str = "l") -> Limit:
    return Limit(Rate(count, unit), burst, True, (SOURCE,), table, size)


def hits(table: str = "h", length: int = 32) -> Hits:
    return Hits(5, 60, KeyPart(KeyField.SOURCE, length, length), False, table)


RULES: dict[str, tuple[Rule, str]] = {
    "quote in an interface": (Rule((interface('a"b'),), Drop()), "cannot write the interface name"),
    "interface that JSON takes for a set": (Rule((interface("@a"),), Drop()), "cannot write the interface name"),
    "backslash before a wildcard": (Rule((interface("a\\", wildcard=True),), Drop()), "cannot write the interface"),
    "interface too long": (Rule((interface("a" * 16),), Drop()), "not an interface name"),
    "no interface": (Rule((interface(""),), Drop()), "not an interface name"),
    "no room to escape": (Rule((interface("a" * 14 + "*"),), Drop()), "no room"),
    "ports where there are none": (
        Rule((ServiceMatch((PortTerm(47, dport=numbers(1)),)),), Drop()),
        "protocol 47 has no ports",
    ),
    "elements that are none of, of what a packet may lack": (
        Rule((ElementMatch((Field.CT_MARK, Field.TTL), ((Intervals.single(1), Intervals.single(64)),), True),), Drop()),
        "a packet without `ct mark`",
    ),
    "quote in a prefix": (Rule((), None, (Log('a"'),)), "log prefix"),
    "variable in a prefix": (Rule((), None, (Log("$a"),)), "log prefix"),
    "backslash in a prefix": (Rule((), None, (Log("a\\"),)), "log prefix"),
    "line break in a prefix": (Rule((), None, (Log("a\n"),)), "control characters"),
    "long prefix": (Rule((), None, (Log("é" * 64),)), "at most 127 bytes"),
    "segment size of what is not tcp": (Rule((BOTH_DNS,), None, (ClampMss(1400),)), "of TCP alone"),
    "counter named by a keyword": (Rule((), None, (Counter("limit"),)), "nft's own language"),
    "counter with a space": (Rule((), None, (Counter("a b"),)), "cannot be the name"),
    "helper of another protocol": (Rule((), None, (AssignHelper("ftp", SCTP),)), "TCP and UDP"),
    "helper that is no word": (Rule((), None, (AssignHelper('f"', TCP),)), "conntrack helper"),
    "rate beyond the clock": (Rule((limit(10**8),), Drop(), families=IPV4), "within 1 %"),
    "burst beyond 32 bits": (Rule((limit(burst=2**32),), Drop(), families=IPV4), "a burst of"),
    "tokens beyond 64 bits": (Rule((limit(1, Unit.DAY, 2**20),), Drop(), families=IPV4), "a burst of"),
    "set too large": (Rule((limit(size=2**31),), Drop(), families=IPV4), "cannot be declared"),
    "hits of everyone": (Rule((hits(length=0),), Drop(), families=IPV4), "all addresses together"),
    "hits and a limit": (Rule((limit(), hits()), Drop(), families=IPV4), "hits and another limit"),
    "alternatives, a limit and return": (
        Rule((BOTH_DNS, limit()), Return(), families=IPV4),
        "`return` and `goto` would leave",
    ),
    "ports of nat without a protocol": (
        Rule((), Nat(NatKind.REDIRECT, ports=numbers(80))),
        "names a transport protocol",
    ),
    "ports of nat, a limit and alternatives": (
        Rule((BOTH_DNS, limit()), Nat(NatKind.REDIRECT, ports=numbers(80)), families=IPV4),
        "such a rule with a limit",
    ),
    "two address ranges": (
        Rule((), Nat(NatKind.SNAT, Family.IP, Intervals(((1, 1), (3, 3))))),
        "one range",
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_rule_is_refused(name: str) -> None:
    rule, words = RULES[name]
    good = Rule((tcp(7),), Accept())
    for kind in ("json", "text"):
        output = emit(ruleset((good, replace(rule, origin=ORIGIN), good)), kind)
        assert {one.fidelity for one in output.deviations} == {Fidelity.REFUSED}
        assert all(words in one.message and one.origin == ORIGIN for one in output.deviations)
        assert output.files[0].text == text(ruleset((good, good)), kind)


CHAINS: dict[str, tuple[Ruleset, str]] = {
    "set of no size": (ruleset((), (), (DynamicSet.of_addresses("a", Family.IP, 0, 9),)), "cannot be declared with 0"),
    "table": (replace(ruleset(()), table="a;b"), "cannot be the name of a table"),
    "nat where there is none": (
        ruleset((), (BaseChain("n", ChainType.NAT, Hook.FORWARD, 0, Accept(), ()),)),
        "no chain of type nat",
    ),
    "nat before conntrack": (
        ruleset((), (BaseChain("n", ChainType.NAT, Hook.PREROUTING, -200, Accept(), ()),)),
        "above -200",
    ),
    "helper in a chain that packets come to from both sides of conntrack": (
        ruleset(
            (),
            (
                BaseChain("raw", ChainType.FILTER, Hook.PREROUTING, -300, Accept(), (Rule((), Jump("below")),)),
                BaseChain("late", ChainType.FILTER, Hook.PREROUTING, 0, Accept(), (Rule((), Jump("below")),)),
                RegularChain("below", (Rule((tcp(21),), None, (AssignHelper("ftp", TCP),)),)),
            ),
        ),
        "after conntrack has seen the packet",
    ),
}


@pytest.mark.parametrize("name", CHAINS)
def test_declaration_is_refused(name: str) -> None:
    rules, words = CHAINS[name]
    (deviation,) = emit(rules).deviations
    assert deviation.fidelity is Fidelity.REFUSED
    assert words in deviation.message


def sharing(*matches: Limit | Hits) -> Ruleset:
    return ruleset(Rule((tcp(port), match), Drop(), families=IPV4) for port, match in enumerate(matches, 1))


def test_shared_limits_are_one_set_in_text_alone() -> None:
    shared = sharing(limit(), limit())
    output = emit(shared, "text")
    assert output.deviations == ()
    assert output.files[0].text.count("update @l-v4 { ip saddr timeout 5s limit rate over 1/second") == 2
    assert output.files[0].text.count("set l-v4 {") == 1
    assert {"JSON" in one.message for one in emit(shared, "json").deviations} == {True}


def test_what_cannot_be_shared() -> None:
    for rules, words in (
        (sharing(limit(), replace(limit(), over=False)), "do not agree"),
        (sharing(limit(), limit(2)), "do not agree"),
        (sharing(hits(), hits()), "cannot share the hits"),
    ):
        messages = [one.message for one in emit(rules, "text").deviations]
        assert messages
        assert all(words in message for message in messages)


def test_names_that_are_made_up_collide_with_none() -> None:
    update = UpdateSet((Side.SADDR,), "l-v4")
    whole = text(
        ruleset(
            (Rule((BOTH_DNS, limit()), Drop(), (update,), IPV4),),
            (RegularChain("input-any", ()),),
            (DynamicSet.of_addresses("l-v4", Family.IP, 9, 9),),
        ),
        "text",
    )
    assert whole.count("chain input-any {") == 1
    assert "chain input-any-2 {" in whole
    assert "meter l-v4-2 size" in whole


def test_hits_are_approximate_and_say_how() -> None:
    (deviation,) = emit(ruleset((Rule((tcp(22), Hits(11, 100, SOURCE, True, "h")), Drop(), origin=ORIGIN),))).deviations
    assert (deviation.fidelity, deviation.name, deviation.origin) == (Fidelity.APPROXIMATE, "hits-as-ban", ORIGIN)
    for words in (
        "the first 10 do not match",
        "6/minute",
        "up to about 20",
        "blocked for 100 seconds",
        "until it is quiet",
    ):
        assert words in deviation.message


PLACES: dict[str, tuple[Hook, Rule, str]] = {
    "way back": (Hook.INPUT, Rule((ReversePathMatch(False, True),), Accept()), "reverse path test at prerouting alone"),
    "socket": (Hook.FORWARD, Rule((TraitMatch(Trait.SOCKET),), Accept()), "packets of forward come here"),
    "ipsec": (Hook.OUTPUT, Rule((TraitMatch(Trait.IPSEC),), Accept()), "match on IPsec"),
    "mss of the route": (Hook.INPUT, Rule((tcp(80),), None, (ClampMss(),)), "the MSS of the route"),
    "synproxy": (Hook.OUTPUT, Rule((tcp(80),), None, (Synproxy(1460, 7),)), "synproxy at input and forward"),
    "notrack": (Hook.OUTPUT, Rule((tcp(80),), None, (Notrack(),)), "once conntrack has seen the packet"),
    "nat": (Hook.OUTPUT, Rule((), Nat(NatKind.DNAT, Family.IP, numbers(1))), "chains of type nat alone"),
}


@pytest.mark.parametrize("name", PLACES)
def test_what_the_hook_does_not_have(name: str) -> None:
    """The kernel would refuse the whole table; from a chain that is called as well."""
    hook, rule, words = PLACES[name]
    called = RegularChain("called", (replace(rule, origin=ORIGIN),))
    base = BaseChain("base", ChainType.FILTER, hook, 0, Accept(), (Rule((), Jump("called")),))
    (deviation,) = emit(ruleset((), (base, called))).deviations
    assert (deviation.fidelity, deviation.origin) == (Fidelity.REFUSED, ORIGIN)
    assert words in deviation.message
