"""Probes do in the simulator what they are for: they decide their rule, or just miss it."""

from __future__ import annotations

from pathlib import Path

import pytest

from polc.diagnostics import Collector
from polc.firewalls import read_firewall
from polc.ir.ruleset import Ruleset
from polc.passes import pipeline
from polc.policy.read import inspect_source
from polc.probing.bulk import LARGE
from polc.probing.lots import BY_LOT
from polc.probing.make import plan, planned
from polc.probing.model import NOWHERE, Plan, Probe, Reason
from polc.probing.rivals import RIVAL
from polc.probing.watch import Way
from polc.probing.wish import Wish
from polc.simulate.engine import Simulator
from polc.simulate.hooks import Loaded
from polc.simulate.host_text import read_host
from polc.simulate.packet import Packet
from polc.simulate.steps import Send
from polc.source import SourceFile

ROOT = Path(__file__).parents[2]
POLICIES = sorted((ROOT / "examples").glob("*.yaml")) + [
    ROOT / "tests" / "golden" / f"{name}.yaml"
    for name in ("endpoints", "connections", "nat", "marks", "raw", "vmap", "limit", "recent", "where-packet")
]


def compiled(text: str) -> Ruleset:
    return pipeline.run(inspect_source(SourceFile("policy.yaml", text), Collector()).ruleset)


def of(path: Path) -> Ruleset:
    (ruleset,) = read_firewall(str(path), Collector()).rulesets
    return pipeline.run(ruleset)


def abouts(made: Plan, line: int, ruleset: Ruleset) -> dict[str, bool]:
    """What the probes of the rule in a line are about, and whether they decide it."""
    places = {
        (chain.name, number)
        for chain in ruleset.chains
        for number, rule in enumerate(chain.rules)
        if rule.origin.span is not None and rule.origin.span.line == line
    }
    return {one.about: one.decides for scene in made.scenes for one in scene.probes if one.place in places}


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_they_do_what_they_are_for(path: Path) -> None:
    ruleset = of(path)
    made = plan((Loaded(ruleset),), wish=Wish(wait=7))
    assert made.packets
    decided = set()
    for scene in made.scenes:
        simulator = Simulator((ruleset,), scene.host)
        for probe in scene.probes:
            simulator.wait(probe.after)
            for packet in probe.packets:
                way = Way()
                simulator.do(Send(packet), way)
            assert (probe.place in way.met()) is probe.decides, probe
            if probe.decides:
                decided.add(probe.place)
    assert {one.place for one in made.unreached} == set(made.rules) - made.met
    assert decided <= made.met
    assert all(one.reason for one in made.unreached)


@pytest.mark.parametrize("path", POLICIES[:4], ids=lambda path: path.stem)
def test_they_are_the_same_for_the_same_seed(path: Path) -> None:
    ruleset = of(path)
    one, same, other = (plan((Loaded(ruleset),), wish=Wish(seed=seed)) for seed in (1, 1, 2))
    assert one.scenes == same.scenes
    assert one.scenes != other.scenes


RULES = """\
polc: 1
zones: {wan: eth0, lan: eth1}
input:
  default: drop
  rules:
    - accept state established, related
    - accept tcp/22-25 from wan 192.0.2.0/24
    - reject udp to not 203.0.113.1
forward:
  default: drop
  rules: [accept from lan to wan]
"""


def test_each_boundary_is_tried_from_both_sides() -> None:
    ruleset = compiled(RULES)
    made = plan((Loaded(ruleset),))
    assert not made.unreached
    found = abouts(made, 7, ruleset)
    assert (
        found.items()
        >= {
            "saddr 192.0.2.0, first": True,
            "saddr 192.0.2.255, last": True,
            "saddr 192.0.1.255, one before": False,
            "saddr 192.0.3.0, one behind": False,
            "dport 25, last": True,
            "dport 21, one before": False,
            "dport 26, one behind": False,
            "iifname polc0": False,
            "protocol udp": False,
        }.items()
    )
    found = abouts(made, 8, ruleset)
    assert (
        found.items()
        >= {
            "daddr 203.0.113.1, first": False,
            "daddr 203.0.113.0, one before": True,
            "daddr 203.0.113.2, one behind": True,
        }.items()
    )
    assert abouts(made, 6, ruleset).items() >= {
        "state related": True, "state new": False, "state invalid": False,
    }.items()  # fmt: skip


UNREACHABLE = {
    "accept tcp\n    - drop tcp/22": (Reason.PROVEN, "policy.yaml:5 takes every packet"),
    "accept tcp/1-9\n    - drop tcp/10-20\n    - accept tcp/5-15": (Reason.PROVEN, "policy.yaml:6 together take"),
    "drop where ip ttl 3 and ip ttl 4": (Reason.PROVEN, "no packet is as it asks"),
    "accept tcp/9 state untracked": (Reason.PROVEN, "conntrack is kept from"),
    "drop udp probability 0": (Reason.PROVEN, "probability 0"),
    "accept udp probability 0.5": (Reason.OPAQUE, "chance"),
    "drop where osf name Linux": (Reason.OPAQUE, "fingerprints"),
    "queue 0-99 tcp/9": (Reason.OPAQUE, "a program that listens"),
    "drop from 127.0.0.1 where not fib saddr type local": (Reason.NOT_FOUND, "no packet|come in|do not come"),
    "drop udp/9 over 1/second burst 100000": (Reason.NOT_FOUND, "100001 packets in a row"),
}


@pytest.mark.parametrize(("rules", "why"), UNREACHABLE.items())
def test_a_rule_without_a_packet_says_why(rules: str, why: tuple[Reason, str]) -> None:
    ruleset = compiled(f"polc: 1\ninput:\n  default: accept\n  rules:\n    - {rules}\n")
    made = plan((Loaded(ruleset),))
    last = made.unreached[-1]
    assert last.why is why[0], last
    assert any(part in last.reason for part in why[1].split("|")), last.reason


EXEMPT = {
    "notrack udp/53": Reason.PROVEN,
    "notrack tcp/53": Reason.NOT_FOUND,
    "notrack to 192.0.2.77": Reason.NOT_FOUND,
}


@pytest.mark.parametrize(("exempting", "why"), EXEMPT.items())
def test_what_is_exempt_somewhere_may_be_met(exempting: str, why: Reason) -> None:
    """Of the protocols that conntrack is kept from; no packet is found where it is another port's."""
    rules = "input: {default: drop, rules: [accept tcp/9 from 198.51.100.9 to 192.0.2.78 state untracked]}\n"
    made = plan((Loaded(compiled(f"polc: 1\nraw: {{prerouting: [{exempting}]}}\n{rules}")),))
    assert [one.why for one in made.unreached] == [why]


def test_a_zone_that_no_rule_gives_is_no_packets() -> None:
    rules = "input: {default: drop, rules: [accept udp/2 where ct zone 1-9, accept udp/3 where ct zone 0]}\n"
    made = plan((Loaded(compiled("polc: 1\n" + rules)),))
    assert [(one.why, "zone" in one.reason) for one in made.unreached] == [(Reason.PROVEN, True)]
    given = plan((Loaded(compiled("polc: 1\nraw: {prerouting: [ct zone set 3 udp/2]}\n" + rules)),))
    assert not given.unreached


LIMITED = """\
polc: 1
input:
  default: drop
  rules:
    - accept udp/1 limit 2/second burst 4
    - drop udp/2 over 2/second burst 4 per source
    - accept udp/2
    - accept udp/3 limit 1/hour burst 2
    - accept udp/4 connections upto 2
"""


def test_limits_are_used_up_and_waited_for() -> None:
    ruleset = compiled(LIMITED)
    made = plan((Loaded(ruleset),), wish=Wish(wait=7))
    assert abouts(made, 5, ruleset).items() >= {"used up": False, "after a wait": True}.items()
    assert abouts(made, 6, ruleset).items() >= {"used up by somebody else": False, "after a wait": False}.items()
    found = abouts(made, 8, ruleset)
    assert found["used up"] is False
    assert "after a wait" not in found
    assert abouts(made, 9, ruleset)["used up"] is False
    assert [one.reason for one in made.untimed] == [
        "a rate of 1 in 3600 s takes longer than the 7 s that may be waited"
    ] * len(made.untimed)
    assert made.untimed
    for scene in made.scenes:
        waits = [at for at, one in enumerate(scene.probes) if one.after]
        assert len(waits) < 2
        # Nothing is behind a wait that does not need it.
        assert {one.about for at in waits for one in scene.probes[at:]} <= {"after a wait"}


def test_limits_are_full_before_they_are_used_up() -> None:
    """A token that may have come back or not would hide how many there were."""
    made = plan(
        (Loaded(compiled("polc: 1\ninput: {default: drop, rules: [accept udp/1 limit 20/second]}\n")),),
        wish=Wish(wait=7),
    )
    (scene,) = made.scenes
    waits = [one for one in scene.probes if one.after]
    assert [(one.about, one.after) for one in waits] == [("used up", 5 / 20 * 1.1 + 0.1), ("after a wait", 0.155)]


def test_nobody_waits_who_may_not() -> None:
    made = plan((Loaded(compiled(LIMITED)),), wish=Wish(wait=0))
    assert not any(probe.after for scene in made.scenes for probe in scene.probes)
    assert len({one.place for one in made.untimed}) >= 3


def test_answers_of_what_nat_changed_are_seen() -> None:
    text = "polc: 1\nzones: {wan: eth0, lan: eth1}\nnat: [masquerade from lan to wan]\n"
    made = plan((Loaded(compiled(text)),))
    (scene,) = (one for one in made.scenes if one.answered)
    assert {scene.packets[one].oif for one in scene.answered} == {"eth0"}
    assert made.packets == sum(len(one.packets) + len(one.answered) for one in made.scenes)


def test_elements_of_maps_are_tried_one_by_one() -> None:
    text = "polc: 1\ninput: {default: drop, rules: ['vmap tcp dport {1: accept, 2: accept, 3: drop}']}\n"
    made = plan((Loaded(compiled(text)),))
    ports = {one.packets[-1].dport for scene in made.scenes for one in scene.probes if one.decides}
    assert ports == {1, 2, 3}


def probed(rules: str, *sections: str, gaps: bool = False) -> list[Probe]:
    """The probes of rules of input, whose default is drop."""
    lines = (f"    - {one}" for one in rules.split("\n"))
    whole = "\n".join(("polc: 1", *sections, "input:", "  default: drop", "  rules:", *lines))
    made = plan((Loaded(compiled(whole)),), wish=Wish(gaps=gaps))
    return [one for scene in made.scenes for one in scene.probes]


def test_what_another_rule_would_do_is_used_up_first() -> None:
    """Else the second limit lets through what the first one does, and nobody sees whether there is a first."""
    rules = "accept tcp/5 limit 10/hour\naccept tcp limit 20/hour per sport"
    found = [one for one in probed(rules) if one.about == RIVAL]
    assert {one.decides for one in found if one.place[1] < 2} == {True, False}
    for one in found:
        ports = [packet.dport for packet in one.packets]
        assert any(port != 5 for port in ports)
        assert ports[-1] == 5


def test_many_bytes_are_used_up_by_large_packets() -> None:
    found = probed("accept udp/1 quota upto 10 mbytes\naccept udp/2 limit 10 mbytes/second burst 12 mbytes")
    used_up = [one for one in found if one.about == "used up"]
    assert {one.packets[-1].dport for one in used_up} == {1, 2}
    assert {one.packets[-1].total_length for one in used_up} == {LARGE}
    # From elsewhere no packet is so large.
    found = probed("accept udp/1 from wan quota upto 10 mbytes", "zones: {wan: eth0}")
    assert not [one for one in found if one.about == "used up"]


def test_nat_sees_each_packet_around_a_boundary() -> None:
    """Of a flow that NAT knows it would see none."""
    nat = "zones: {wan: eth0}\nnat: [dnat udp/54 from wan to 192.0.2.1 -> 192.0.2.54]"
    found = [one for one in probed("accept udp", *nat.split("\n")) if one.place[0] == "nat-prerouting"]
    last = [one.packets[-1] for one in found]
    flows = {(one.saddr, one.sport, one.daddr, one.dport) for one in last}
    assert len(flows) == len(found) > 4


def test_the_next_turn_is_tried() -> None:
    assert {one.about: one.decides for one in probed("accept udp/1 nth 2")}["used up"] is False


def test_what_counts_is_in_front_of_what_closes_a_gap() -> None:
    """That the sixth packet of a source is let through shows that only those to port 5 count."""
    found = probed("drop tcp/5 connections over 5 per source\naccept udp/3\naccept tcp/5", gaps=True)
    closing = [one for one in found if one.about.startswith("would show") and len(one.packets) > 5]
    assert any(one.packets[-1].dport == 3 for one in closing)


def test_chance_is_tried_so_often_that_it_is_none() -> None:
    found = [one for one in probed("accept udp/6 probability 0.5\ndrop udp/6") if one.about == BY_LOT]
    assert found
    assert all(0.5 ** len(one.packets) < 1e-6 for one in found)
    assert all(len({packet.sport for packet in one.packets}) == len(one.packets) for one in found)
    assert not [one for one in probed("accept udp/6 probability 1\ndrop udp/6") if one.about == BY_LOT]
    # Nobody sees which of two rules it was that do the same.
    assert not [one for one in probed("accept udp/6 probability 0.5\naccept udp/6") if one.about == BY_LOT]


def test_gaps_are_closed() -> None:
    """Of a rule that is masked by the default: only what another rule accepts shows that it is there."""
    text = "polc: 1\ninput:\n  default: drop\n  rules: [drop state invalid, accept udp/9 from 10.0.0.0/8]\n"
    ruleset = compiled(text)
    found = plan((Loaded(ruleset),), wish=Wish(gaps=True))
    ports = {one.packets[-1].dport for scene in found.scenes for one in scene.probes if one.place == ("input", 0)}
    assert 9 in ports


LED = {
    "after others took it": "accept tcp/1-100 from 10.0.0.0/8\n    - drop tcp/50 to 192.0.2.1\n    - drop tcp",
    "past a limit": "accept udp limit 5/minute burst 5\n    - drop udp",
    "of flows that count": "drop tcp/22 connections over 3 per source\n    - accept tcp",
    "untracked": "accept state untracked",
    "expected": "accept icmp state related\n    - drop icmp state invalid",
}


@pytest.mark.parametrize("rules", LED.values(), ids=LED)
def test_packets_are_led_to_where_they_belong(rules: str) -> None:
    raw = "raw: {prerouting: [notrack udp/53]}\n" if "untracked" in rules else ""
    ruleset = compiled(f"polc: 1\n{raw}input:\n  default: drop\n  rules:\n    - {rules}\n")
    made = plan((Loaded(ruleset),))
    assert not made.unreached, [one.reason for one in made.unreached]


def test_there_are_as_many_as_are_asked_for() -> None:
    ruleset = of(ROOT / "examples" / "gateway.yaml")
    assert plan((Loaded(ruleset),), wish=Wish(packets=60, per_rule=3)).packets < 150
    made = plan((Loaded(compiled("polc: 1\ninput: {default: drop, rules: [accept tcp/22]}\n")),), wish=Wish(least=400))
    assert made.packets >= 400
    by_chance = [one for scene in made.scenes for one in scene.probes if one.about == "by chance"]
    assert any(one.place == NOWHERE for one in by_chance)
    assert any(one.decides for one in by_chance)


def test_a_described_host_is_kept() -> None:
    host = read_host(SourceFile("host", "eth0 203.0.113.1/24, eth1 192.0.2.1/24, 0.0.0.0/0 via eth0"))
    made = plan((Loaded(compiled(RULES)),), host)
    assert [scene.host for scene in made.scenes]
    assert all(scene.host == host for scene in made.scenes)
    for scene in made.scenes:
        for probe in scene.probes:
            for packet in probe.packets:
                if packet.iif and not packet.oif and packet.family.value == "ip":
                    assert packet.daddr in (0xCB007101, 0xC0000201, 0xFFFFFFFF, 0xE0000001), probe


def test_a_plan_of_others_says_what_it_meets() -> None:
    ruleset = compiled(RULES)
    made = plan((Loaded(ruleset),))
    again = planned((Loaded(ruleset),), made.scenes)
    assert again.met == made.met
    none = planned((Loaded(ruleset),), ())
    assert len(none.unreached) == len(none.rules)


@pytest.mark.parametrize("least", [0, 200])
def test_no_rule_is_left_out(least: int) -> None:
    """Rules behind one that takes everything, and of chains that nothing leads to, have their reasons."""
    ruleset = compiled(
        "polc: 1\nchains: {idle: [drop udp/5], used: [accept udp/6, drop, accept udp/7]}\n"
        "input: {default: drop, rules: [accept tcp/22, jump used udp, drop, accept tcp/80]}\n"
    )
    made = plan((Loaded(ruleset),), wish=Wish(least=least))
    places = {(chain.name, number) for chain in ruleset.chains for number in range(len(chain.rules))}
    assert set(made.rules) == places
    left = {one.place: one.why for one in made.unreached}
    assert left == dict.fromkeys([("idle", 0), ("used", 2), ("input", 3)], Reason.PROVEN)
    given = planned((Loaded(ruleset),), made.scenes)
    assert set(given.rules) == places
    assert {one.place for one in given.unreached} == left.keys()


def decided(text: str) -> dict[int, list[Packet]]:
    """The last packets of probes that decide rules of input or forward, by the number of the rule."""
    found: dict[int, list[Packet]] = {}
    made = plan((Loaded(compiled(text)),), wish=Wish(gaps=True))
    assert [one.reason for one in made.unreached if one.why is not Reason.PROVEN] == []
    for scene in made.scenes:
        for one in scene.probes:
            if one.decides:
                found.setdefault(one.place[1], []).append(one.packets[-1])
    return found


def test_interfaces_are_as_rules_ask() -> None:
    text = """\
polc: 1
zones: {lan: eth1}
input:
  default: drop
  rules:
    - accept udp/1 where ether daddr 02:00:5e:00:00:10
    - accept udp/2 from lan where ether daddr 02:00:5e:00:00:20
    - accept udp/3 where meta iifgroup 7
    - accept udp/4 where meta iifgroup 0
"""
    ruleset = compiled(text)
    (scene, *_) = plan((Loaded(ruleset),)).scenes
    interfaces = {one.name: one for one in scene.host.interfaces}
    probes = {one.place[1]: one.packets[-1] for one in scene.probes if one.decides}
    macs = {number: probe.mac_to for number, probe in probes.items()}
    rules = {rule.origin.span.line: at for at, rule in enumerate(ruleset.chains[0].rules) if rule.origin.span}
    assert macs[rules[6]] == interfaces[probes[rules[6]].iif].mac == 0x02005E000010
    assert (probes[rules[7]].iif, macs[rules[7]]) == ("eth1", 0x02005E000020)
    assert interfaces[probes[rules[8]].iif].group == 7
    assert interfaces[probes[rules[9]].iif].group == 0


def test_a_host_that_is_described_is_not_dressed() -> None:
    host = read_host(SourceFile("host", '{"interfaces": {"eth0": {"addresses": ["192.0.2.1/24"]}}}'))
    text = "polc: 1\ninput: {default: drop, rules: [accept udp/1 where meta iifgroup 7]}\n"
    made = plan((Loaded(compiled(text)),), host)
    assert made.unreached


def test_headers_and_classes_are_sent() -> None:
    rules = "accept where exthdr rt exists", "accept where mh type 5", "accept where exthdr frag exists"
    found = decided(f"polc: 1\ninput: {{default: drop, rules: [{', '.join(rules)}]}}\n")
    assert all("rt" in one.headers for one in found[0])
    assert {one.mh_type for one in found[1]} >= {5}
    assert all("frag" in one.between for one in found[2])
    priority = decided("polc: 1\noutput: {default: drop, rules: [accept udp/1 where meta priority 1:10]}\n")
    assert {one.priority for packets in priority.values() for one in packets} == {0x10010}


def test_nobody_sends_fragments_where_conntrack_puts_them_together() -> None:
    made = plan(
        (Loaded(compiled("polc: 1\ninput: {default: drop, rules: [accept state new where exthdr frag exists]}\n")),)
    )
    assert made.unreached
    assert not any(one.between for scene in made.scenes for one in scene.packets)


def test_what_counts_notes_comes_before_others_note() -> None:
    rules = "recent set seen per destination udp/9\naccept udp/10 recent rcheck seen in 5m hitcount 2 per destination"
    found = [one for one in probed(rules) if one.place[1] >= 2]
    first = found[0]
    assert first.decides
    assert [one.dport for one in first.packets] == [9, 9, 10]
    fewer = next(one for one in found if one.about == "one packet fewer")
    assert [one.dport for one in fewer.packets] == [9, 10]


def test_the_next_target_is_come_to() -> None:
    text = (
        "polc: 1\nzones: {wan: eth0}\nnat: ['dnat tcp/91 from wan to 203.0.113.0/24 -> 192.0.2.50:1, 192.0.2.51:2']\n"
    )
    found = decided(text)
    assert {one.daddr for one in found[1]} >= {0xCB007100, 0xCB0071FF}, "both ends of the network, at the second's turn"


def test_queues_and_sockets_are_decided() -> None:
    text = """\
polc: 1
mangle: {prerouting: ["tproxy tcp/80 -> :3128"]}
input: {default: drop, rules: [queue 0-3 flags bypass udp/1, queue 0-64 udp/2, accept tcp/80 where socket, accept udp]}
"""
    ruleset = compiled(text)
    made = plan((Loaded(ruleset),))
    (left,) = made.unreached
    assert (left.rule.origin.span.line if left.rule.origin.span else 0) == 3
    assert left.why is Reason.OPAQUE, "nobody listens on so many queues"
    probes = [one for scene in made.scenes for one in scene.probes if one.decides]
    proxied = [one.packets[-1].socket for one in probes if one.place[0] == "mangle-prerouting"]
    assert set(proxied) == {True, False}
    assert all(one.packets[-1].socket for one in probes if one.place == ("input", 2))
    assert any(one.place == ("input", 0) for one in probes)
