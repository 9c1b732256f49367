"""Tables, chains and helpers: where rules go."""

from __future__ import annotations

from dataclasses import replace

import pytest

from polc.backends.iptables.backend import IptablesBackend
from polc.backends.model import Fidelity, Options, Output
from polc.ir.addresses import AddressSet, parse_address
from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressMatch,
    CtState,
    CtStateMatch,
    Direction,
    InterfaceMatch,
    InterfacePattern,
    Match,
    PortTerm,
    ServiceMatch,
    Side,
)
from polc.ir.origin import Origin
from polc.ir.protocols import TCP, UDP
from polc.ir.ruleset import BaseChain, Chain, ChainType, Hook, RegularChain, Rule, Ruleset
from polc.ir.stateful import Hits, KeyField, KeyPart, Limit, Rate, Unit
from polc.ir.statements import AssignHelper
from polc.ir.verdicts import Accept, Drop, Jump, Nat, NatKind, Reject
from polc.passes import pipeline

FTP = ServiceMatch((PortTerm(TCP, dport=Intervals.single(21)),))
NEW = CtStateMatch(CtState.NEW)
FOLLOWING = Rule((CtStateMatch(CtState.ESTABLISHED | CtState.RELATED),), Accept())


def base(
    hook: Hook, *rules: Rule, policy: Accept | Drop | None = None, type: ChainType = ChainType.FILTER, priority: int = 0
) -> BaseChain:
    return BaseChain(f"{hook.value}{priority}", type, hook, priority, policy or Drop(), rules)


def emit(*chains: Chain) -> Output:
    return IptablesBackend().emit(pipeline.run(Ruleset(chains)), Options("restore"))


def attached(*matches: Match) -> Rule:
    return Rule(matches, None, (AssignHelper("ftp", TCP),))


def from_interface(name: str, direction: Direction = Direction.IN) -> InterfaceMatch:
    return InterfaceMatch(direction, (InterfacePattern(name),))


def test_table_filter_is_always_whole() -> None:
    output = emit()
    expected = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"
    assert [(file.name, file.text) for file in output.files] == [("rules.v4", expected), ("rules.v6", expected)]


@pytest.mark.parametrize(
    ("hook", "type", "priority", "table"),
    [
        (Hook.INPUT, ChainType.FILTER, 0, "filter"),
        (Hook.PREROUTING, ChainType.FILTER, -300, "raw"),
        (Hook.POSTROUTING, ChainType.FILTER, -150, "mangle"),
        (Hook.OUTPUT, ChainType.ROUTE, -150, "mangle"),
        (Hook.FORWARD, ChainType.FILTER, 50, "security"),
        (Hook.PREROUTING, ChainType.NAT, -100, "nat"),
        (Hook.INPUT, ChainType.NAT, 100, "nat"),
    ],
)
def test_base_chains_have_their_table(hook: Hook, type: ChainType, priority: int, table: str) -> None:
    text = emit(base(hook, Rule((), Accept()), policy=Accept(), type=type, priority=priority)).files[0].text
    part = text[text.index(f"*{table}\n") :].partition("COMMIT")[0]
    assert f"-A {hook.name} -j ACCEPT\n" in part


@pytest.mark.parametrize(
    ("hook", "type", "priority"),
    [
        (Hook.INPUT, ChainType.FILTER, 10),
        (Hook.INPUT, ChainType.FILTER, -300),
        (Hook.POSTROUTING, ChainType.FILTER, 0),
        (Hook.INPUT, ChainType.ROUTE, -150),
        (Hook.FORWARD, ChainType.NAT, 0),
        (Hook.PREROUTING, ChainType.NAT, 100),
    ],
)
def test_other_base_chains_are_refused(hook: Hook, type: ChainType, priority: int) -> None:
    output = emit(base(hook, Rule((), Accept()), policy=Accept(), type=type, priority=priority))
    (deviation,) = output.deviations
    assert (deviation.fidelity, deviation.name) == (Fidelity.REFUSED, "base-chain")
    assert f"priority {priority}" in deviation.message
    assert "-A" not in output.files[0].text


def test_two_chains_of_one_place_are_refused() -> None:
    first = base(Hook.INPUT)
    (deviation,) = emit(first, replace(first, name="again")).deviations
    assert "`again`" in deviation.message


def test_a_chain_lives_in_each_table_that_calls_it() -> None:
    shared = RegularChain("shared", (Rule((), Drop()),))
    call = Rule((), Jump("shared"))
    text = (
        emit(base(Hook.INPUT, call), base(Hook.PREROUTING, call, policy=Accept(), priority=-300), shared).files[0].text
    )
    assert text.count("-A shared -j DROP\n") == 2


def test_names_that_iptables_would_misread_are_changed() -> None:
    names = ("LOG", "INPUT", "-x", "a b", "y" * 40, "y" * 41, "fine")
    calls = tuple(Rule((), Jump(name)) for name in names)
    text = emit(base(Hook.INPUT, *calls), *(RegularChain(name, ()) for name in names)).files[0].text
    called = [line.split(" -j ")[1] for line in text.splitlines() if " -j " in line]
    assert called[-1] == "fine"
    assert len(set(called)) == len(names)
    assert all(f":{name} - [0:0]" in text and len(name) <= 28 for name in called)
    assert not {"LOG", "INPUT", "-x", "a"} & set(called)


@pytest.mark.parametrize("verdict", [Drop(), Reject()])
def test_table_nat_drops_nothing(verdict: Drop | Reject) -> None:
    output = emit(base(Hook.PREROUTING, Rule((), verdict), policy=Accept(), type=ChainType.NAT, priority=-100))
    assert {one.fidelity for one in output.deviations} == {Fidelity.REFUSED}


def test_a_helper_of_input_and_forward_goes_to_prerouting() -> None:
    rule = attached(from_interface("eth0"), FTP, NEW)
    output = emit(base(Hook.INPUT, rule))
    assert "*raw\n" in output.files[0].text
    assert "-A PREROUTING -i eth0 -p tcp -m tcp --dport 21 -j CT --helper ftp\n" in output.files[0].text
    assert "-A INPUT" not in output.files[0].text
    assert output.deviations == ()


def test_a_helper_with_a_verdict_leaves_the_verdict() -> None:
    output = emit(base(Hook.INPUT, FOLLOWING, replace(attached(FTP, NEW), verdict=Accept())))
    assert "-A INPUT -p tcp -m tcp --dport 21 -m conntrack --ctstate NEW -j ACCEPT\n" in output.files[0].text
    assert "-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp\n" in output.files[0].text
    assert output.deviations == ()


def test_a_helper_is_of_its_own_protocol() -> None:
    both = ServiceMatch((PortTerm(TCP, dport=Intervals.single(21)), PortTerm(UDP, dport=Intervals.single(69))))
    text = emit(base(Hook.OUTPUT, attached(both))).files[0].text
    assert [line for line in text.splitlines() if "CT" in line] == [
        "-A OUTPUT -p tcp -m tcp --dport 21 -j CT --helper ftp"
    ]


def test_a_helper_for_what_is_no_first_packet_attaches_never() -> None:
    output = emit(base(Hook.INPUT, attached(FTP, CtStateMatch(CtState.ESTABLISHED))))
    assert "CT" not in output.files[0].text
    assert output.deviations == ()


def test_a_helper_among_many_addresses_keeps_its_protocol_in_the_rule() -> None:
    sources = AddressMatch(Side.SADDR, AddressSet.of([parse_address("192.0.2.1"), parse_address("192.0.2.9")]), True)
    rule = replace(attached(sources, FTP), families=frozenset({Family.IP}))
    text = emit(base(Hook.OUTPUT, rule)).files[0].text
    assert "-A output0-1 -p tcp -j CT --helper ftp\n" in text


LIMIT = Limit(Rate(1, Unit.SECOND), 5, False, (), "t")
HITS = Hits(2, 3, KeyPart(KeyField.SOURCE), False, "t")


@pytest.mark.parametrize("match", [LIMIT, HITS, from_interface("eth1", Direction.OUT)])
def test_a_helper_whose_match_raw_lacks_is_wider(match: Match) -> None:
    rule = replace(attached(FTP, match), origin=Origin(name="the rule"))
    found = emit(base(Hook.FORWARD, rule)).deviations
    assert {(one.fidelity, one.name, one.origin.name) for one in found} == {
        (Fidelity.APPROXIMATE, "helper-wider", "the rule")
    }


def names(*chains: Chain) -> set[str]:
    return {one.name for one in emit(*chains).deviations}


def test_what_an_earlier_rule_lets_through_is_seen() -> None:
    guest = Rule((from_interface("guest"),), Accept())
    assert names(base(Hook.INPUT, FOLLOWING, guest, attached(FTP))) == {"helper-wider"}
    assert names(base(Hook.INPUT, FOLLOWING, guest, attached(from_interface("eth0"), FTP))) == set()
    assert names(base(Hook.INPUT, FOLLOWING, replace(guest, verdict=Drop()), attached(FTP))) == set()
    assert names(base(Hook.INPUT, guest, attached(FTP))) == set(), "nothing reads related"


def test_loopback_lets_nothing_through_that_counts() -> None:
    assert names(base(Hook.INPUT, FOLLOWING, Rule((from_interface("lo"),), Accept()), attached(FTP))) == set()


def test_what_the_other_chain_lets_through_is_seen() -> None:
    through = base(Hook.FORWARD, FOLLOWING, Rule((from_interface("lan"),), Accept()))
    assert names(base(Hook.INPUT, FOLLOWING, attached(FTP)), through) == {"helper-wider"}
    assert names(base(Hook.INPUT, FOLLOWING, attached(from_interface("wan"), FTP)), through) == set()
    assert names(base(Hook.OUTPUT, FOLLOWING, attached(FTP)), through) == set()
    open_ = replace(base(Hook.FORWARD, FOLLOWING), policy=Accept())
    assert names(base(Hook.INPUT, FOLLOWING, attached(FTP)), open_) == {"helper-wider"}


def test_destination_nat_comes_after_the_helper() -> None:
    dnat = Nat(NatKind.REDIRECT, ports=Intervals.single(21))
    rule = Rule((ServiceMatch((PortTerm(TCP, dport=Intervals.single(2121)),)),), dnat)
    nat = base(Hook.PREROUTING, rule, policy=Accept(), type=ChainType.NAT, priority=-100)
    assert names(base(Hook.INPUT, attached(FTP)), nat) == {"helper-before-nat"}
    (prefix,) = AddressSet.of((parse_address("192.0.2.0/28"),)).ip.ranges
    mapped = Rule(
        (), Nat(NatKind.NETMAP_DESTINATION, Family.IP, Intervals.of((prefix,))), families=frozenset({Family.IP})
    )
    nat = base(Hook.PREROUTING, mapped, policy=Accept(), type=ChainType.NAT, priority=-100)
    assert names(base(Hook.INPUT, attached(FTP)), nat) == {"helper-before-nat"}


def test_a_helper_in_a_regular_chain_is_refused() -> None:
    (deviation,) = emit(base(Hook.INPUT, Rule((), Jump("c"))), RegularChain("c", (attached(FTP),))).deviations
    assert (deviation.fidelity, deviation.name) == (Fidelity.REFUSED, "helper-place")


def test_an_interface_that_no_packet_has() -> None:
    met = Rule((from_interface("eth0", Direction.OUT),), Accept())
    output = emit(base(Hook.INPUT, met))
    assert "-A" not in output.files[0].text
    negated = Rule((replace(met.matches[0], negated=True),), Accept())
    assert "-A INPUT -j ACCEPT\n" in emit(base(Hook.INPUT, negated)).files[0].text


def test_hits_come_with_a_word_about_the_kernel_s_list() -> None:
    output = emit(base(Hook.INPUT, replace(Rule((HITS,), Drop()), families=frozenset({Family.IP}))))
    assert "ip_list_tot" in output.files[0].text
    assert "ip_list_tot" not in output.files[1].text


def test_an_unknown_format() -> None:
    with pytest.raises(ValueError, match="toml"):
        IptablesBackend().emit(Ruleset(()), Options("toml"))
