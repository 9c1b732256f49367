"""Regions hold exactly the packets that the simulator treats differently, each in one, and every witness replays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

import pytest
from between import between, inside, side
from hypothesis import given, settings
from hypothesis import strategies as st

from polc.diffing.changes import Kind
from polc.diffing.compare import difference
from polc.diffing.model import Difference
from polc.diffing.sides import Options
from polc.ir.family import FAMILIES, Family
from polc.ir.matches import CtState
from polc.simulate import Fate, Loaded, Outcome, Packet, Presumed, Simulator, assumed_host, read_packet

HEAD = """\
zones: {wan: eth0, lan: [eth1, "wg*"], dmz: eth2}
addresses:
  admins: [198.51.100.0/24, 203.0.113.7, "2001:db8:10::/48"]
  servers: [192.0.2.10-192.0.2.20, "2001:db8:2::/64"]
services: {web: "tcp/80,443"}
"""
RULES = (
    "use stateful", "use loopback", "use icmp-essentials", "accept ssh from wan @admins state new", "accept web",
    "drop from @admins", "accept udp/53,1000-2000 from lan", "reject with tcp-reset tcp/25", "accept icmp",
    "accept tcp/22 from not @admins", "drop tcp/80 to @servers", "accept from lan", "accept icmpv6",
    "drop state invalid", "reject from dmz", "accept tcp sport 1024-65535 to @servers", "jump low", "jump high tcp",
)  # fmt: skip
CHAINS = """\
chains:
  low: [drop tcp/0-1023 from wan, return from lan, accept from @admins]
  high: [accept tcp/1024-65535, reject with tcp-reset tcp]
"""
INTERFACES = ("eth0", "eth1", "wg7", "eth2", "ens9", "lo")
ADDRESSES = {
    Family.IP: (0xC6336400, 0xC63364FF, 0xC6336500, 0xCB007107, 0xCB007108, 0xC000020A, 0xC0000214, 0xC0000215),
    Family.IP6: (
        (0x20010DB8_0010 << 80) + 1, (0x20010DB8_0011 << 80) + 1, (0x20010DB8_0002_0000 << 64) + 9, (1 << 125) + 5,
    ),
}  # fmt: skip
PORTS = (0, 22, 25, 53, 80, 443, 999, 1000, 1023, 1024, 2000, 2001, 65535)
STATES = (CtState.NEW, CtState.ESTABLISHED, CtState.RELATED, CtState.INVALID)


def policy(rules: Sequence[str], default: str = "drop", section: str = "input") -> str:
    listed = "".join(f"    - {rule}\n" for rule in rules)
    body = f"  rules:\n{listed}" if listed else ""
    return f"{HEAD}{CHAINS}{section}:\n  default: {default}\n{body}"


def packets(random: Random, section: str, count: int) -> Iterator[tuple[Packet, CtState]]:
    for _ in range(count):
        family = random.choice(FAMILIES)
        icmp = 1 if family is Family.IP else 58
        protocol = random.choice((6, 17, icmp, 6, 47))
        state = random.choice(STATES)
        kind = 0
        if protocol == icmp:
            # Which types there are in which state: polc.symbolic.wellformed.
            state = random.choice((CtState.NEW, CtState.ESTABLISHED, CtState.INVALID))
            kind = 8 if family is Family.IP else 128
        ported = protocol in (6, 17)
        saddr, daddr = random.choice(ADDRESSES[family]), random.choice(ADDRESSES[family])
        yield Packet(
            family, protocol, saddr, daddr,
            sport=random.choice(PORTS) if ported else None, dport=random.choice(PORTS) if ported else None,
            iif=random.choice(INTERFACES) if section != "output" else "",
            oif=random.choice(INTERFACES) if section != "input" else "",
            flags=2 if state is CtState.NEW else 16, type=kind, presumed=Presumed(state),
        ), state  # fmt: skip


def said(simulator: Simulator, packet: Packet) -> object:
    outcome: Outcome = simulator.send(packet)
    simulator.wait(1e7)
    if outcome.fate is Fate.REJECT and outcome.decision is not None:
        return outcome.decision.verdict
    if outcome.decision is None and outcome.fate is Fate.DROP:
        return None
    return outcome.fate


def simulated(text: str) -> Simulator:
    loaded = [Loaded(one.ruleset, one.flavour) for one in side(text).loaded]
    return Simulator(loaded, assumed_host([one.ruleset for one in loaded], INTERFACES))


def check(before: str, after: str, found: Difference, section: str, seed: int, count: int) -> None:
    assert found.complete
    left, right = simulated(before), simulated(after)
    for packet, state in packets(Random(seed), section, count):
        name = next((one for one in (packet.iif, packet.oif) if one and one not in found.interfaces.words), None)
        if name is not None and found.regions:
            # A name that no rule spells out stands for all others of its kind.
            continue
        ours, theirs = said(left, packet), said(right, packet)
        if ours is None or theirs is None:
            continue
        regions = [one for one in found.regions if inside(one, packet, state, found.interfaces)]
        assert len(regions) == (ours != theirs), (packet, ours, theirs, regions)


_SENT = (
    "accept web", "accept tcp/22 to not @admins", "drop tcp/80 to @servers", "drop to @admins", "accept icmp",
    "drop state invalid", "accept to lan", "reject to dmz", "use stateful", "accept udp/53,1000-2000 to wan",
)  # fmt: skip
_THROUGH = (
    "accept from lan to wan", "drop tcp/80 to dmz @servers", "accept ssh from wan @admins to dmz, lan",
    *(one for one in RULES if one != "use loopback"),
)  # fmt: skip
SECTIONS = {"input": RULES, "forward": _THROUGH, "output": _SENT}


@pytest.mark.parametrize("section", SECTIONS)
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_packets_that_differ_are_in_one_region(section: str, data: st.DataObject) -> None:
    rules = st.lists(st.sampled_from(SECTIONS[section]), max_size=6)
    defaults = st.sampled_from(["accept", "drop"])
    texts = [policy(data.draw(rules), data.draw(defaults), section) for _ in range(2)]
    if section == "output":
        texts = [text.replace(CHAINS, "") for text in texts]
    found = difference(side(texts[0]), side(texts[1]), Options(most=0))
    if any("limit" in condition for region in found.regions for condition in region.shape.conditions):
        return
    check(texts[0], texts[1], found, section, data.draw(st.integers(0, 1 << 30)), 150)
    for region in found.regions:
        assert region.witness is not None, region.unshown


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(RULES), min_size=1, max_size=8), st.data())
def test_one_changed_rule(rules: list[str], data: st.DataObject) -> None:
    """The way by which most of the rules are left out, and the whole one, come to the same."""
    at = data.draw(st.integers(0, len(rules) - 1))
    changed = [*rules[:at], *data.draw(st.lists(st.sampled_from(RULES), max_size=2)), *rules[at + 1 :]]
    texts = policy(rules), policy(changed)
    narrow = difference(side(texts[0]), side(texts[1]), Options(most=0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("polc.diffing.narrow._MOST_CHANGED", -1)
        whole = between(*texts, most=0)
    assert narrow.same == whole.same
    for found in (narrow, whole):
        if not any("limit" in one for region in found.regions for one in region.shape.conditions):
            check(*texts, found, "input", at, 150)


def test_the_same_is_the_same() -> None:
    text = policy(RULES)
    found = between(text, text)
    assert found.same
    assert found.regions == ()


def test_every_witness_replays() -> None:
    """What is printed is what ``polc simulate`` says of the packet."""
    texts = policy(RULES), policy(RULES[2:], "accept")
    found = between(*texts, most=0)
    assert found.regions
    for region in found.regions:
        witness = region.witness
        assert witness is not None, region.unshown
        if witness.given:
            continue
        for text, seen in zip(texts, (witness.before, witness.after), strict=True):
            loaded = [Loaded(one.ruleset, one.flavour) for one in side(text).loaded]
            host = assumed_host([one.ruleset for one in loaded], ())
            packet = read_packet(witness.packet, host)
            outcome = Simulator(loaded, host).send(packet)
            assert seen.fate.startswith(outcome.fate.value), witness
            assert outcome.decision is not None
            assert seen.rules[0].chain == outcome.decision.chain
            span = outcome.decision.origin.span
            assert span is not None
            assert seen.rules[0].line == span.line
        if region.change.kind is Kind.VERDICT:
            assert (witness.before.fate, witness.after.fate) == (region.change.before, region.change.after)


def test_packets_without_ports_are_in_regions_of_some_with_ports() -> None:
    """Invalid ICMP, and TCP to all ports but those of the web, are one region: of ICMP no port is asked."""
    after = ["accept web", "drop state invalid", "accept tcp/22 to not @admins", "accept icmp", "use stateful"]
    texts = [
        policy(rules, default, "output").replace(CHAINS, "")
        for rules, default in ((["reject to dmz"], "accept"), (after, "drop"))
    ]
    found = difference(side(texts[0]), side(texts[1]), Options(most=0))
    check(texts[0], texts[1], found, "output", 0, 150)
