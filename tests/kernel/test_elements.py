"""Maps, sets of elements and named sets of several parts on iptables, as packets find them."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from gateway import Fate, ask, gateway
from packet_text import parse_test

from polc.backends.iptables.backend import IptablesBackend
from polc.backends.model import IpsetUse, Options, Output
from polc.ir.addresses import parse_address
from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import CtState, Direction, ElementMatch, FieldMatch, PortTerm, ServiceMatch, SetMatch, Side
from polc.ir.protocols import TCP, UDP
from polc.ir.ruleset import BaseChain, ChainType, DynamicSet, Hook, Priority, Rule, Ruleset
from polc.ir.selectors import Conntrack, InterfacePattern, KeyType, Transport
from polc.ir.statements import Counter, MapMark, MarkField, SetOperation, UpdateSet
from polc.ir.verdicts import Accept, Drop, NatKind, NatMap, NatTarget, Verdict, VerdictMap
from polc.kernel.loaders import LOADERS, Loader
from polc.kernel.netns import Namespace
from polc.passes import pipeline

IPTABLES = pytest.mark.parametrize(
    "loader",
    [pytest.param(one, marks=pytest.mark.kernel(one.name, "ipset", "nat"), id=one.name) for one in LOADERS[1:]],
)
IP = frozenset({Family.IP})
SADDR, IN, PROTOCOL, DPORT = Side.SADDR, Direction.IN, Transport.PROTOCOL, Transport.DPORT
TCP_ALONE = ServiceMatch((PortTerm(TCP),))


def net(text: str) -> Intervals:
    _, low, high = parse_address(text)
    return Intervals.of([(low, high)])


def one(*numbers: int) -> Intervals:
    return Intervals.of((number, number) for number in numbers)


def emitted(*chains: BaseChain, sets: tuple[DynamicSet, ...] = (), ipset: IpsetUse = IpsetUse.AUTO) -> Output:
    output = IptablesBackend().emit(pipeline.run(Ruleset(chains, sets)), Options("restore", ipset=ipset))
    assert not output.deviations
    return output


def filter_input(*rules: Rule) -> BaseChain:
    return BaseChain("input", ChainType.FILTER, Hook.INPUT, Priority.FILTER.value, Drop(), rules)


def load(namespace: Namespace, loader: Loader, output: Output) -> None:
    loader.load(namespace, output)
    for written, listed in zip(output.files, loader.read_back(namespace, output), strict=True):
        assert loader.differences(written.text, listed.text) == ()


def fates(loader: Loader, output: Output, packets: Iterable[str]) -> list[Fate]:
    with gateway() as namespace:
        load(namespace, loader, output)
        return ask(namespace, [parse_test(packet)[1] for packet in packets])


def check(loader: Loader, output: Output, wanted: Iterable[str]) -> None:
    wanted = list(wanted)
    found = [fate.verdict for fate in fates(loader, output, wanted)]
    assert found == [packet.split()[0] for packet in wanted]


@IPTABLES
def test_verdicts_by_address_and_port(loader: Loader) -> None:
    elements: tuple[tuple[tuple[Intervals, ...], Accept | Drop], ...] = (
        ((net("198.51.100.0/24"), one(TCP), Intervals.of([(80, 90)])), Accept()),
        ((net("198.51.101.7"), one(TCP, UDP), one(53)), Accept()),
        ((net("198.51.101.8"), one(UDP), one(53)), Drop()),
    )
    ways = Rule((), VerdictMap((SADDR, PROTOCOL, DPORT), elements), families=IP)
    check(
        loader,
        emitted(filter_input(ways, Rule((ServiceMatch((PortTerm(UDP),)),), Accept()))),
        (
            "accept tcp 198.51.100.9:4000 -> host:85 in eth0",
            "drop tcp 198.51.100.9:4000 -> host:91 in eth0",
            "accept tcp 198.51.101.7:4000 -> host:53 in eth0",
            "drop udp 198.51.101.8:4000 -> host:53 in eth0",
            "accept udp 198.51.101.8:4000 -> host:54 in eth0",
        ),
    )


@IPTABLES
@pytest.mark.parametrize("ipset", [IpsetUse.NEVER, IpsetUse.ALWAYS])
@pytest.mark.parametrize("negated", [False, True])
def test_elements_as_lines_and_as_an_ipset(loader: Loader, ipset: IpsetUse, negated: bool) -> None:
    pairs = ElementMatch(
        (SADDR, IN),
        (
            (net("198.51.100.0/24"), InterfacePattern("eth", True)),
            (net("198.51.101.0/24"), InterfacePattern("eth0")),
            (net("198.51.102.0/24"), InterfacePattern("eth1")),
        ),
        negated,
    )
    verdicts = ("drop", "accept") if negated else ("accept", "drop")
    output = emitted(filter_input(Rule((pairs,), Accept(), families=IP)), ipset=ipset)
    assert (len(output.files) == 3) is (ipset is IpsetUse.ALWAYS)
    check(
        loader,
        output,
        (
            f"{verdicts[0]} tcp 198.51.100.9:4000 -> host:85 in eth0",
            f"{verdicts[0]} tcp 198.51.101.9:4000 -> host:85 in eth0",
            f"{verdicts[1]} tcp 198.51.102.9:4000 -> host:85 in eth0",
            f"{verdicts[1]} tcp 198.51.103.9:4000 -> host:85 in eth0",
        ),
    )


@IPTABLES
@pytest.mark.parametrize("ipset", [IpsetUse.NEVER, IpsetUse.ALWAYS])
def test_single_addresses_and_ports(loader: Loader, ipset: IpsetUse) -> None:
    listed = ElementMatch(
        (DPORT, SADDR, PROTOCOL),
        ((one(80), net("198.51.100.9"), one(TCP)), (one(53, 54), net("198.51.100.10"), one(TCP, UDP))),
    )
    check(
        loader,
        emitted(filter_input(Rule((listed,), Accept(), families=IP)), ipset=ipset),
        (
            "accept tcp 198.51.100.9:4000 -> host:80 in eth0",
            "drop udp 198.51.100.9:4000 -> host:80 in eth0",
            "accept udp 198.51.100.10:4000 -> host:54 in eth0",
            "drop udp 198.51.100.10:4000 -> host:80 in eth0",
        ),
    )


@IPTABLES
def test_what_lacks_a_part_meets_neither_form(loader: Loader) -> None:
    ports = ElementMatch((DPORT,), ((one(80),),), negated=True)
    check(
        loader,
        emitted(filter_input(Rule((ports,), Accept()))),
        (
            "drop tcp 198.51.100.9:4000 -> host:80 in eth0",
            "accept tcp 198.51.100.9:4000 -> host:81 in eth0",
            "accept udp 198.51.100.9:4000 -> host:81 in eth0",
            "drop icmp 198.51.100.9 -> host in eth0",
        ),
    )


@IPTABLES
def test_marks_by_state_and_port(loader: Loader) -> None:
    """The second element is of the mark that the first one gives: a packet has one of them, not both."""
    mangle = BaseChain(
        "mangle",
        ChainType.FILTER,
        Hook.PREROUTING,
        Priority.MANGLE.value,
        Accept(),
        (
            Rule((TCP_ALONE,), None, (MapMark(MarkField.META, (DPORT,), (((one(80),), 1), ((one(81, 82),), 2))),)),
            Rule(
                (),
                None,
                (MapMark(MarkField.META, (Field.META_MARK, Conntrack.STATE), (
                    ((one(1), one(CtState.NEW.value)), 2),
                    ((one(2), one(CtState.NEW.value)), 3),
                )),),
            ),
        ),
    )  # fmt: skip
    second = Rule((FieldMatch(Field.META_MARK, one(2)),), Accept())
    check(
        loader,
        emitted(mangle, filter_input(second)),
        (
            "accept tcp 198.51.100.9:4000 -> host:80 in eth0",
            "drop tcp 198.51.100.9:4000 -> host:81 in eth0",
            "drop tcp 198.51.100.9:4000 -> host:83 in eth0",
        ),
    )


@IPTABLES
def test_destinations_by_port(loader: Loader) -> None:
    targets = (
        ((one(80),), NatTarget(net("192.0.2.10"), one(8080))),
        ((one(443, 444),), NatTarget(net("192.0.2.11"), one(8443))),
    )
    verdict: Verdict = NatMap(NatKind.DNAT, (DPORT,), targets, Family.IP)
    nat = BaseChain(
        "nat",
        ChainType.NAT,
        Hook.PREROUTING,
        Priority.DSTNAT.value,
        Accept(),
        (Rule((TCP_ALONE,), verdict, families=IP),),
    )
    found = fates(
        loader,
        emitted(nat),
        (
            "accept tcp 198.51.100.9:4000 -> host:80 in eth0",
            "accept tcp 198.51.100.9:4001 -> host:444 in eth0",
            "accept tcp 198.51.100.9:4002 -> host:22 in eth0",
        ),
    )
    assert ["192.0.2.10:8080" in str(found[0].ends), "192.0.2.11:8443" in str(found[1].ends)] == [True, True]
    assert "203.0.113.1:22" in str(found[2].ends)


PAIRS = DynamicSet(
    "pairs",
    (KeyType.IPV4_ADDR, KeyType.INET_PROTO, KeyType.INET_SERVICE),
    100,
    600,
    elements=((net("198.51.100.9"), one(TCP), one(80)),),
)


@IPTABLES
def test_named_sets_of_several_parts(loader: Loader) -> None:
    key = (SADDR, PROTOCOL, DPORT)
    rules = (
        Rule((TCP_ALONE, SetMatch(key, "pairs")), Accept(), (UpdateSet(key, "pairs", None, SetOperation.DELETE),)),
        Rule((TCP_ALONE,), Drop(), (UpdateSet(key, "pairs", 60, SetOperation.ADD),)),
    )
    check(
        loader,
        emitted(filter_input(*rules), sets=(PAIRS,)),
        (
            "accept tcp 198.51.100.9:4000 -> host:80 in eth0",
            "drop tcp 198.51.100.9:4000 -> host:80 in eth0",
            "accept tcp 198.51.100.9:4000 -> host:80 in eth0",
            "drop tcp 198.51.100.9:4000 -> host:81 in eth0",
            "drop tcp 198.51.100.8:4000 -> host:81 in eth0",
            "accept tcp 198.51.100.8:4000 -> host:81 in eth0",
        ),
    )


@IPTABLES
def test_counters_begin_where_they_are_to(loader: Loader) -> None:
    output = emitted(filter_input(Rule((), None, (Counter(None, 3, 180),))))
    with gateway() as namespace:
        load(namespace, loader, output)
        ask(namespace, [parse_test("drop tcp 198.51.100.9:4000 -> host:80 in eth0")[1]])
        saved = namespace.run([f"{loader.name}-save", "-c"]).stdout
    (line,) = (line for line in saved.splitlines() if "-A INPUT" in line)
    assert line.startswith("[4:")
