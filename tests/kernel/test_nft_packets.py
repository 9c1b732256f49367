"""What nft's words for the rarer nodes do to packets: through a gateway that drops in its input what no rule accepts.

Each case is loaded from JSON and from text, as it is written for the oldest nft, which has the fewest words.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import pytest
from gateway import ask, gateway
from packet_text import parse_test

from polc.backends.model import Fidelity, Options
from polc.backends.nft.backend import NftBackend
from polc.backends.profile import OLDEST, PROFILES, Profile
from polc.ir.addresses import AddressSet, parse_address
from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressMatch,
    AddressType,
    AddressTypeMatch,
    ElementMatch,
    FieldMatch,
    Match,
    OriginalAddressMatch,
    PortTerm,
    ServiceMatch,
    SetMatch,
)
from polc.ir.protocols import TCP, UDP
from polc.ir.ruleset import (
    BaseChain,
    Chain,
    ChainType,
    DynamicSet,
    Hook,
    Priority,
    RegularChain,
    Rule,
    Ruleset,
    TableFamily,
)
from polc.ir.selectors import Direction, InterfacePattern, KeyType, Side, Transport
from polc.ir.stateful import KeyField, KeyPart, Limit, Quota, RandomMatch, Rate, RecentMatch, RecentVerb, Unit
from polc.ir.statements import (
    AssignTimeout,
    AssignZone,
    CopyMark,
    Duplicate,
    MapMark,
    MarkField,
    Notrack,
    SetHops,
    SetMark,
    SetOperation,
    SetPriority,
    Statement,
    UpdateSet,
)
from polc.ir.verdicts import Accept, Drop, Jump, NatKind, NatMap, NatTarget, Return, VerdictMap
from polc.kernel.netns import Namespace
from polc.passes import pipeline

pytestmark = pytest.mark.kernel("nft", "conntrack")

IPV4 = frozenset({Family.IP})
SADDR, SPORT, DPORT, PROTOCOL = Side.SADDR, Transport.SPORT, Transport.DPORT, Transport.PROTOCOL
SOURCE = KeyPart(KeyField.SOURCE)
FAR = "198.51.100.9"
BEYOND = Intervals.of([(1, 1), (3, 4)])


def one(value: int | str) -> Intervals:
    number = value if isinstance(value, int) else parse_address(value)[1]
    return Intervals.single(number)


def tcp(*ports: int) -> ServiceMatch:
    return ServiceMatch((PortTerm(TCP, None, Intervals.of((port, port) for port in ports)),))


def accept(*matches: Match) -> Rule:
    return Rule(matches, Accept(), families=IPV4)


def before(*statements: Statement | Rule, hook: Hook = Hook.PREROUTING, priority: Priority = Priority.MANGLE) -> Chain:
    """A chain that changes packets before the gateway's input sees them."""
    rules = tuple(each if isinstance(each, Rule) else Rule((), None, (each,)) for each in statements)
    return BaseChain("before", ChainType.FILTER, hook, priority.value, Accept(), rules)


@dataclass(frozen=True)
class Case:
    """``tests`` are packets one after the other; a number is seconds to wait."""

    rules: tuple[Rule, ...]
    tests: tuple[str | float, ...]
    chains: tuple[Chain, ...] = ()
    sets: tuple[DynamicSet, ...] = ()
    forward: tuple[Rule, ...] = ()
    family: TableFamily = TableFamily.INET


def mark_of(value: int) -> Match:
    return FieldMatch(Field.META_MARK, one(value))


def to_host(verdict: str, port: int, source: str = FAR, *, protocol: str = "tcp") -> str:
    return f"{verdict} {protocol} {source}:4000 -> host:{port} in eth0"


_TCP = ServiceMatch((PortTerm(TCP),))
_SET = RecentMatch(RecentVerb.SET, "knock", SOURCE)
_ASKED = RecentMatch(RecentVerb.RCHECK, "knock", SOURCE, 2)
_PAIRS = DynamicSet("pairs", (KeyType.IPV4_ADDR, KeyType.INET_SERVICE), 100, 60)
_TTL_KEY = (Field.TTL, DPORT)
_SINGLES = [(number, number) for number in range(0xC6336401, 0xC6336401 + 6 * 2000, 6)]
_MIXED = AddressSet(Intervals.of([*_SINGLES, (0xCB007140, 0xCB00715F)]))


CASES: dict[str, Case] = {
    "what has no ports is in no set of ports": Case(
        # Type 8 and code 0 of an echo stand where TCP has port 2048.
        (accept(ElementMatch((SADDR, SPORT), ((one(FAR), one(2048)), (one("198.51.100.8"), one(1))))),),
        (
            f"accept tcp {FAR}:2048 -> host:1 in eth0",
            f"drop icmp/echo-request {FAR} -> host in eth0",
            f"drop tcp {FAR}:2049 -> host:1 in eth0",
            "accept udp 198.51.100.8:1 -> host:1 in eth0",
        ),
    ),
    "nor in the rest": Case(
        (accept(ElementMatch((SADDR, SPORT), ((one(FAR), one(2048)),), negated=True)),),
        (
            f"drop tcp {FAR}:2048 -> host:1 in eth0",
            f"accept tcp {FAR}:2049 -> host:1 in eth0",
            f"drop icmp/echo-request {FAR} -> host in eth0",
        ),
    ),
    "ranges side by side": Case(
        (
            accept(
                ElementMatch(
                    (SADDR, PROTOCOL, DPORT),
                    (
                        (Intervals.of([(0xC6336400, 0xC63364FF)]), one(TCP), Intervals.of([(80, 90)])),
                        (one("203.0.113.9"), one(UDP), one(53)),
                    ),
                )
            ),
        ),
        (
            to_host("accept", 80),
            to_host("accept", 90),
            to_host("drop", 91),
            to_host("drop", 80, protocol="udp"),
            to_host("accept", 53, "203.0.113.9", protocol="udp"),
            to_host("drop", 53, protocol="udp"),
        ),
    ),
    "elements of fields that stand in no set, one by one": Case(
        (
            accept(ElementMatch(_TTL_KEY, ((one(64), one(1)), (BEYOND, one(2))))),
            accept(ElementMatch((Direction.IN, DPORT), ((InterfacePattern("eth", True), one(3)),))),
            accept(tcp(4, 5), ElementMatch(_TTL_KEY, ((one(64), one(4)), (one(63), one(5))), negated=True)),
        ),
        (
            to_host("accept", 1),
            to_host("drop", 2),
            f"{to_host('accept', 2)} ttl 3",
            f"{to_host('drop', 2)} ttl 2",
            to_host("accept", 3),
            to_host("drop", 4),
            to_host("accept", 5),
            f"{to_host('drop', 5)} ttl 63",
        ),
    ),
    "a verdict for each element": Case(
        (
            Rule(
                (),
                VerdictMap(
                    (PROTOCOL, DPORT),
                    (
                        ((one(TCP), Intervals.of([(1, 3)])), Accept()),
                        ((one(TCP), one(4)), Jump("below")),
                        ((one(TCP), one(5)), Return()),
                    ),
                ),
                families=IPV4,
            ),
            accept(tcp(5, 6)),
        ),
        (to_host("accept", 3), to_host("accept", 4), to_host("drop", 5), to_host("accept", 6), to_host("drop", 7)),
        (RegularChain("below", (Rule((), Accept()),)),),
    ),
    "a verdict for each element, rule by rule": Case(
        (
            Rule((), VerdictMap(_TTL_KEY, (((one(64), one(1)), Accept()), ((one(64), one(2)), Return()))), (), IPV4),
            accept(tcp(2, 3)),
        ),
        (to_host("accept", 1), to_host("drop", 2), to_host("accept", 3), f"{to_host('drop', 1)} ttl 63"),
    ),
    "marks by map": Case(
        (accept(mark_of(7)),),
        (to_host("accept", 80), to_host("drop", 81), to_host("accept", 8005, protocol="udp")),
        (
            before(
                Rule(
                    (),
                    None,
                    (MapMark(MarkField.META, (DPORT,), ((((one(80)),), 7), ((Intervals.of([(8000, 8010)]),), 7))),),
                )
            ),
        ),
    ),
    "marks by map, rule by rule: after its element a packet meets no other": Case(
        (accept(mark_of(1)),),
        (to_host("accept", 80), f"{to_host('drop', 80)} ttl 63"),
        (
            before(
                Rule(
                    (),
                    None,
                    (
                        MapMark(
                            MarkField.META,
                            (Field.TTL, Field.META_MARK),
                            (((one(64), one(0)), 1), ((one(64), one(1)), 2)),
                        ),
                    ),
                    IPV4,
                )
            ),
        ),
    ),
    "bits of a mark toggled": Case(
        (accept(mark_of(0x10)),),
        (to_host("accept", 1),),
        (before(SetMark(MarkField.META, 0x101), SetMark(MarkField.META, 0x111, 0xF0)),),
    ),
    "bits of a mark copied": Case(
        (accept(FieldMatch(Field.CT_MARK, one(0xA0C0))),),
        (to_host("accept", 1),),
        (before(SetMark(MarkField.META, 0xABCD), CopyMark(MarkField.CT, 0xFF00, 0xF0F0)),),
    ),
    "bits of a mark copied over others": Case(
        (accept(mark_of(0x1234 & 0xF0 | 0x5600)),),
        (to_host("accept", 1),),
        (
            before(
                SetMark(MarkField.CT, 0x5678),
                SetMark(MarkField.META, 0x1234),
                CopyMark(MarkField.META, 0xFFFFFF0F, 0xFF00),
            ),
        ),
    ),
    "a mark's copy without a flow": Case(
        (accept(mark_of(0x1234)),),
        (to_host("accept", 1),),
        (
            BaseChain(
                "raw",
                ChainType.FILTER,
                Hook.PREROUTING,
                Priority.RAW.value,
                Accept(),
                (Rule((), None, (SetMark(MarkField.META, 0x1234), CopyMark(MarkField.META, 0xFF))),),
            ),
        ),
    ),
    "priority, hops and zone": Case(
        (
            accept(
                FieldMatch(Field.META_PRIORITY, one(0x10020)),
                FieldMatch(Field.TTL, one(77)),
                FieldMatch(Field.CT_ZONE, one(9)),
            ),
        ),
        (to_host("accept", 1), to_host("accept", 2, protocol="udp")),
        (
            before(SetPriority(0x10020), SetHops(77)),
            replace(before(AssignZone(9), priority=Priority.RAW), name="raw"),
        ),
    ),
    "a limit that rules share": Case(
        tuple(accept(tcp(port), Limit(Rate(1, Unit.DAY), 3, False, (), "l")) for port in (1, 2)),
        (to_host("accept", 1), to_host("accept", 2), to_host("accept", 2), to_host("drop", 1), to_host("drop", 2)),
    ),
    "a quota that rules share": Case(
        tuple(accept(tcp(port), Quota(100, False, "q")) for port in (1, 2)),
        (to_host("accept", 1), to_host("accept", 2), to_host("drop", 1), to_host("drop", 2)),
    ),
    "a list of sources": Case(
        (
            Rule((tcp(1111), _SET), Drop(), families=IPV4),
            accept(tcp(22), _ASKED),
            Rule((tcp(23), replace(_ASKED, verb=RecentVerb.UPDATE)), Drop(), families=IPV4),
            accept(tcp(24), replace(_ASKED, negated=True)),
            Rule((tcp(25), RecentMatch(RecentVerb.REMOVE, "knock", SOURCE)), Drop(), families=IPV4),
        ),
        (
            to_host("drop", 22),
            to_host("accept", 24),
            to_host("drop", 1111),
            to_host("accept", 22),
            to_host("drop", 22, "198.51.100.8"),
            to_host("drop", 24),
            1.2,
            to_host("drop", 23),
            1.2,
            to_host("accept", 22),
            2.2,
            to_host("drop", 22),
            to_host("drop", 23),
            to_host("drop", 22),
            to_host("drop", 1111),
            to_host("accept", 22),
            to_host("drop", 25),
            to_host("drop", 22),
        ),
    ),
    "hits of a list": Case(
        (
            Rule((tcp(22), replace(_ASKED, hits=4, seconds=3, verb=RecentVerb.UPDATE)), Drop(), families=IPV4),
            accept(tcp(22), _SET),
        ),
        (
            *[to_host("accept", 22)] * 4,
            *[to_host("drop", 22)] * 3,
            to_host("accept", 22, "198.51.100.8"),
            1.5,
            to_host("drop", 22),
            3.5,
            to_host("accept", 22),
        ),
    ),
    "none of several ports before NAT": Case(
        # A packet without a flow has no such port, and meets neither form.
        (
            Rule((_TCP, FieldMatch(Field.CT_ORIGINAL_DPORT, Intervals(((22, 22), (80, 90))), None, True)), Drop()),
            accept(_TCP),
        ),
        (
            *(to_host("accept", port) for port in (22, 80, 90)),
            *(to_host("drop", port) for port in (21, 23, 79, 91, 65535)),
            to_host("accept", 5),
        ),
        chains=(before(Rule((tcp(5),), None, (Notrack(),)), priority=Priority.RAW),),
    ),
    "elements that rules add and take out": Case(
        (
            Rule(
                (tcp(80), FieldMatch(Field.TTL, one(64))),
                Drop(),
                (UpdateSet((SADDR, DPORT), "pairs", None, SetOperation.ADD),),
                IPV4,
            ),
            Rule(
                (tcp(80), FieldMatch(Field.TTL, one(63))),
                Drop(),
                (UpdateSet((SADDR, DPORT), "pairs", None, SetOperation.DELETE),),
                IPV4,
            ),
            accept(SetMatch((SADDR, DPORT), "pairs")),
        ),
        (
            f"{to_host('drop', 80)} ttl 62",
            to_host("drop", 80),
            f"{to_host('accept', 80)} ttl 62",
            f"{to_host('drop', 80, '198.51.100.8')} ttl 62",
            f"{to_host('drop', 80)} ttl 63",
            f"{to_host('drop', 80)} ttl 62",
        ),
        sets=(_PAIRS,),
    ),
    "a large group of single addresses and ranges": Case(
        (
            accept(tcp(1), AddressMatch(SADDR, _MIXED, group="many")),
            accept(tcp(2), AddressMatch(SADDR, _MIXED, True, "many")),
            accept(tcp(3), AddressMatch(SADDR, _MIXED, group="many"), Limit(Rate(1, Unit.DAY), 2, False, (), "l")),
        ),
        (
            to_host("accept", 1, "198.51.100.1"),
            to_host("accept", 1, "203.0.113.70"),
            to_host("drop", 1, "198.51.100.2"),
            to_host("drop", 2, "198.51.100.1"),
            to_host("drop", 2, "203.0.113.70"),
            to_host("accept", 2, "198.51.100.2"),
            to_host("accept", 3, "198.51.100.1"),
            to_host("accept", 3, "203.0.113.70"),
            to_host("drop", 3, "198.51.100.7"),
        ),
    ),
    "an address of the interface that a packet came in by": Case(
        (accept(AddressTypeMatch(Side.DADDR, (AddressType.LOCAL,), interface=Direction.IN)),),
        (to_host("accept", 1), f"drop tcp {FAR}:4000 -> 192.0.2.1:1 in eth0"),
    ),
    "what replies come from": Case(
        (),
        (
            f"accept tcp {FAR}:4000 -> 203.0.113.1:80 in eth0 becomes {FAR}:4000 -> 192.0.2.10:8080",
            f"drop tcp {FAR}:4000 -> 203.0.113.1:81 in eth0",
            f"accept tcp {FAR}:4000 -> 203.0.113.1:8005 in eth0 becomes {FAR}:4000 -> 192.0.2.10:8081",
        ),
        (
            BaseChain(
                "nat",
                ChainType.NAT,
                Hook.PREROUTING,
                Priority.DSTNAT.value,
                Accept(),
                (
                    Rule(
                        (tcp(80, 81, 8005),),
                        NatMap(
                            NatKind.DNAT,
                            (SADDR, DPORT),
                            (
                                ((one(FAR), one(80)), NatTarget(one("192.0.2.10"), one(8080))),
                                ((one(FAR), one(81)), NatTarget(one("192.0.2.11"), one(8080))),
                                ((one(FAR), Intervals.of([(8000, 8010)])), NatTarget(one("192.0.2.10"), one(8081))),
                            ),
                            Family.IP,
                        ),
                        (),
                        IPV4,
                    ),
                ),
            ),
        ),
        forward=(accept(OriginalAddressMatch(SADDR, AddressSet(one("192.0.2.10")), reply=True)),),
    ),
    "a copy for a neighbour, of one that is dropped": Case(
        (),
        (f"accept tcp {FAR}:4000 -> host:80 in eth0", to_host("drop", 81)),
        (before(Rule((tcp(80),), None, (Duplicate(Family.IP, 0xC0000209, "eth1"),), IPV4)),),
        family=TableFamily.IP,
    ),
}


def written(case: Case, format: str, profile: Profile) -> str:
    chains: Iterable[Chain] = (
        *case.chains,
        BaseChain("input", ChainType.FILTER, Hook.INPUT, 0, Drop(), case.rules),
        BaseChain("forward", ChainType.FILTER, Hook.FORWARD, 0, Drop(), case.forward),
    )
    ruleset = pipeline.run(Ruleset(tuple(chains), case.sets, family=case.family))
    output = NftBackend().emit(ruleset, Options(format, profile))
    assert not [each for each in output.deviations if each.fidelity is Fidelity.REFUSED]
    return output.files[0].text


def load(namespace: Namespace, text: str) -> None:
    done = namespace.run(["nft", *(["-j"] if text.startswith("{") else []), "-f", "-"], input=text)
    assert done.returncode == 0, f"{done.stderr}\n{text}"


def walk(namespace: Namespace, tests: Iterable[str | float]) -> list[str]:
    """What went otherwise than it should."""
    wrong: list[str] = []
    ready: list[str] = []

    def send() -> None:
        parsed = [parse_test(text) for text in ready]
        fates = ask(namespace, [packet for _, packet in parsed])
        for text, (verdict, packet), fate in zip(ready, parsed, fates, strict=True):
            if fate.verdict != verdict or (packet.becomes and packet.becomes not in fate.ends):
                wrong.append(f"{text}: {fate}")
        ready.clear()

    for text in tests:
        if isinstance(text, str):
            ready.append(text)
        else:
            send()
            time.sleep(text)
    send()
    return wrong


def ways() -> Iterator[tuple[str, str, str]]:
    """Each case in both formats, unless it takes time; for a newer nft as well, where that is given other words."""
    for name, case in CASES.items():
        for kind in ("json",) if any(isinstance(each, float) for each in case.tests) else ("json", "text"):
            yield name, OLDEST.name, kind
            if written(case, kind, PROFILES["debian-12"]) != written(case, kind, OLDEST):
                yield name, "debian-12", kind


@pytest.mark.parametrize(("name", "profile", "format"), list(ways()))
def test_packets(name: str, profile: str, format: str) -> None:
    case = CASES[name]
    text = written(case, format, PROFILES[profile])
    with gateway() as namespace:
        load(namespace, text)
        assert walk(namespace, case.tests) == [], text


LISTS = {
    "a list of sources": """\
-A INPUT -p tcp --dport 1111 -m recent --set --name knock -j DROP
-A INPUT -p tcp --dport 22 -m recent --rcheck --seconds 2 --name knock -j ACCEPT
-A INPUT -p tcp --dport 23 -m recent --update --seconds 2 --name knock -j DROP
-A INPUT -p tcp --dport 24 -m recent ! --rcheck --seconds 2 --name knock -j ACCEPT
-A INPUT -p tcp --dport 25 -m recent --remove --name knock -j DROP
""",
    "hits of a list": """\
-A INPUT -p tcp --dport 22 -m recent --update --seconds 3 --hitcount 4 --name knock -j DROP
-A INPUT -p tcp --dport 22 -m recent --set --name knock -j ACCEPT
""",
}


@pytest.mark.kernel("iptables-legacy", "recent")
@pytest.mark.parametrize("name", LISTS)
def test_lists_are_those_of_xt_recent(name: str) -> None:
    """The same packets have the same fates by the match that the node is named after."""
    rules = f"*filter\n:INPUT DROP\n{LISTS[name]}COMMIT\n"
    with gateway() as namespace:
        done = namespace.run(["iptables-legacy-restore"], input=rules)
        assert done.returncode == 0, done.stderr
        assert walk(namespace, CASES[name].tests) == []


@pytest.mark.parametrize("negated", [False, True])
def test_chance(negated: bool) -> None:
    case = Case((accept(RandomMatch(1 << 29, negated)),), ())
    with gateway() as namespace:
        load(namespace, written(case, "json", OLDEST))
        tests = [parse_test(to_host("accept", port))[1] for port in range(1, 401)]
        accepted = sum(fate.verdict == "accept" for fate in ask(namespace, tests))
    # Within five standard deviations.
    expected = 300 if negated else 100
    assert abs(accepted - expected) < 45


@pytest.mark.parametrize("family", [TableFamily.NETDEV, TableFamily.INET])
def test_families_at_ingress(family: TableFamily) -> None:
    """A table of devices sees what is no packet of IP too: neighbours are still found."""
    drop = BaseChain("early", ChainType.FILTER, Hook.INGRESS, 0, Accept(), (Rule((tcp(1),), Drop(), (), IPV4),))
    ruleset = pipeline.run(Ruleset((replace(drop, devices=("eth0",)),), family=family))
    text = NftBackend().emit(ruleset, Options("text")).files[0].text
    six = "tcp [2001:db8:9::9]:4000 -> host:1 in eth0"
    with gateway() as namespace:
        load(namespace, text)
        assert walk(namespace, (to_host("drop", 1), to_host("accept", 2), f"accept {six}")) == []


def test_times_of_flows() -> None:
    """For both families one object of an inet table is enough."""
    dns = ServiceMatch((PortTerm(UDP, None, one(53)),))
    times = AssignTimeout("short", UDP, (("unreplied", 7), ("replied", 900)))
    case = Case(
        (Rule((dns,), Accept(), (times,)), Rule((ServiceMatch((PortTerm(UDP, None, one(54)),)),), Accept())), ()
    )
    six = "[2001:db8:9::9]"
    with gateway() as namespace:
        load(namespace, written(case, "text", OLDEST))
        sent = [f"accept udp {source}:4000 -> host:{port} in eth0" for source in (FAR, six) for port in (53, 54)]
        assert walk(namespace, sent) == []
        done = namespace.run(["cat", "/proc/net/nf_conntrack"])
    left = {}
    for line in done.stdout.splitlines():
        family, _, protocol, _, seconds, *rest = line.split()
        if protocol == "udp":
            left[family, next(each for each in rest if each.startswith("dport="))] = int(seconds)
    assert len(left) == 4
    for (_, port), seconds in left.items():
        assert (seconds <= 7) is (port == "dport=53"), left


_LINKS = """
ip netns add west && ip netns add east
ip link add lan type bridge forward_delay 0 mcast_snooping 0 && ip link set lan up
for host in west east; do
    ip link add $host type veth peer name eth0 netns $host && ip link set $host master lan up
    ip -n $host link set eth0 up && ip -n $host link set lo up
done
ip -n west address add 192.0.2.1/24 dev eth0 && ip -n west address add 2001:db8::1/64 dev eth0 nodad
ip -n east address add 192.0.2.2/24 dev eth0 && ip -n east address add 2001:db8::2/64 dev eth0 nodad
"""
_ANSWERED = """
import socket, sys
found = []
for address, port in (one.split() for one in sys.argv[1:]):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as end:
        end.settimeout(0.7)
        end.connect((address, int(port)))
        end.send(b"polc")
        try:
            end.recv(1)
        except ConnectionRefusedError:
            found.append("answered")
        except TimeoutError:
            found.append("dropped")
print(*found)
"""


def test_families_on_a_bridge(scratch: Namespace) -> None:
    """Where nobody listens, a packet that comes through is answered. ARP is neither family's, and comes through."""
    drop = Rule((ServiceMatch((PortTerm(UDP, None, one(1)),)),), Drop(), (), IPV4)
    six = Rule((ServiceMatch((PortTerm(UDP, None, one(2)),)),), Drop(), (), frozenset({Family.IP6}))
    limit = Rule((ServiceMatch((PortTerm(UDP, None, one(3)),)), Limit(Rate(1, Unit.DAY), 1, True, (), "l")), Drop())
    chain = BaseChain("forward", ChainType.FILTER, Hook.FORWARD, 0, Accept(), (drop, six, limit))
    ruleset = pipeline.run(Ruleset((chain,), family=TableFamily.BRIDGE))
    done = scratch.run(["sh", "-e"], input=_LINKS)
    assert done.returncode == 0, done.stderr
    load(scratch, NftBackend().emit(ruleset, Options("text")).files[0].text)
    tests = {
        "192.0.2.2 1": "dropped", "2001:db8::2 1": "answered", "192.0.2.2 2": "answered", "2001:db8::2 2": "dropped",
        "192.0.2.2 3": "answered", "2001:db8::2 3": "dropped",
    }  # fmt: skip
    done = scratch.nested("west").run([sys.executable, "-c", _ANSWERED, *tests])
    assert done.stdout.split() == list(tests.values()), done.stderr
