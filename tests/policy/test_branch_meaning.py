"""A rule with several ways to match means what it says: a walk through what comes of it, and a naive reading of it.

Both ask stateful matches in the same order, and get the same answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from policies import policy, read_bytes
from strategies import BASES
from walk import SEEDS, Memory, Packet, run, traffic

from polc.ir.family import Family
from polc.ir.ruleset import BaseChain, Hook, RegularChain, Ruleset
from polc.passes import pipeline

HEAD = """\
zones:
  plain: eth0
  bound: {interfaces: eth1, addresses: [198.51.100.0-198.51.100.20, "2001:db8::-2001:db8::14"]}
addresses:
  near: [198.51.100.0-198.51.100.20, "2001:db8::-2001:db8::14"]
  four: 198.51.100.0-198.51.100.30
  bad: {dynamic: true, timeout: 1h}
chains: {c: ['log "inside"', return, drop]}
"""
Test = Callable[[Packet], bool]
Three = Callable[[Packet, bool], bool]
"""Whether a packet meets a condition, or, asked so, its opposite: without the field it meets neither."""


@dataclass(frozen=True)
class Condition:
    words: str
    holds: Three


@st.composite
def leaves(draw: st.DrawFn) -> Condition:
    name, family = draw(st.sampled_from((("ip ttl", Family.IP), ("ip6 hoplimit", Family.IP6))))
    operator = draw(st.sampled_from(("<", ">=", "==", "!=")))
    value = draw(st.sampled_from((1, 2, 64, 254)))
    compare: dict[str, Callable[[int], bool]] = {
        "<": lambda ttl: ttl < value, ">=": lambda ttl: ttl >= value,
        "==": lambda ttl: ttl == value, "!=": lambda ttl: ttl != value,
    }  # fmt: skip
    found = compare[operator]
    return Condition(
        f"{name} {operator} {value}",
        lambda packet, negated: packet.family is family and found(packet.ttl) is not negated,
    )


def negation(inner: Condition) -> Condition:
    return Condition(f"not ({inner.words})", lambda packet, negated: inner.holds(packet, not negated))


def both(one: Condition, other: Condition) -> Condition:
    def holds(packet: Packet, negated: bool) -> bool:
        found = (one.holds(packet, negated), other.holds(packet, negated))
        return any(found) if negated else all(found)

    return Condition(f"({one.words} and {other.words})", holds)


def either(one: Condition, other: Condition) -> Condition:
    def holds(packet: Packet, negated: bool) -> bool:
        found = (one.holds(packet, negated), other.holds(packet, negated))
        return all(found) if negated else any(found)

    return Condition(f"({one.words} or {other.words})", holds)


conditions = st.recursive(
    leaves(),
    lambda inner: st.one_of(
        st.builds(negation, inner), st.builds(both, inner, inner), st.builds(either, inner, inner)
    ),
    max_leaves=4,
)  # fmt: skip


def _near(packet: Packet, last: int = 20) -> bool:
    return 0 <= packet.saddr - BASES[packet.family] <= last


def _bound(packet: Packet) -> bool:
    return packet.iif == "eth1" and _near(packet)


SOURCES: dict[str, Test] = {
    "": lambda _: True,
    "from plain": lambda packet: packet.iif == "eth0",
    "from bound": _bound,
    "from plain, bound": lambda packet: packet.iif == "eth0" or _bound(packet),
    "from not bound": lambda packet: not _bound(packet),
    "from not plain, bound": lambda packet: packet.iif != "eth0" and not _bound(packet),
    "from not @near": lambda packet: not _near(packet),
    "from @four": lambda packet: packet.family is Family.IP and _near(packet, 30),
    "from bound not @four": lambda packet: _bound(packet) and packet.family is not Family.IP,
}
SERVICES: dict[str, Test] = {
    "": lambda _: True,
    "tcp": lambda packet: packet.protocol == 6,
    "tcp/20-25, udp": lambda packet: packet.protocol == 17 or (packet.protocol == 6 and 20 <= packet.high <= 25),
}
VERDICTS = ("accept", "drop", "reject", "jump c", "return", "goto c", "")


@dataclass(frozen=True)
class Written:
    """A rule's words, and what each of them says."""

    verdict: str
    service: str
    source: str
    condition: Condition | None
    limit: str
    log: str
    does: tuple[str, ...]

    def words(self) -> str:
        clauses = [self.source, self.limit, self.log, *self.does]
        begins = self.verdict
        if not begins:
            # A rule without a verdict begins with what it does, and its service follows that.
            begins = next(one for one in (self.log, *self.does) if one)
            clauses.remove(begins)
        where = f"where {self.condition.words}" if self.condition else ""
        return " ".join(one for one in (begins, self.service, *clauses, where) if one)

    def meets(self, packet: Packet) -> bool:
        return (
            SERVICES[self.service](packet)
            and SOURCES[self.source](packet)
            and (self.condition is None or self.condition.holds(packet, False))
        )

    def fate(self, packet: Packet, memory: Memory) -> str:
        """What becomes of a packet, in a chain that accepts what goes through it to the end."""
        ended = self._verdict(packet, memory) if self.meets(packet) else ""
        if ended:
            return ended
        memory.events.append(("log", "end"))
        return "accept"

    def _verdict(self, packet: Packet, memory: Memory) -> str:
        if self.limit and not memory.ask("limit", ""):
            return ""
        if " at " in self.log and memory.ask("limit", ""):
            memory.events.append(("log", "x"))
        if any(one.startswith("ban") for one in self.does):
            memory.events.append(("ban", "bad-v4" if packet.family is Family.IP else "bad-v6"))
        if "counter" in self.does:
            memory.events.append(("count", ""))
        if self.log and " at " not in self.log:
            memory.events.append(("log", "x"))
        if self.verdict in ("jump c", "goto c"):
            memory.events.append(("log", "inside"))
        return {"": "", "jump c": "", "return": "accept", "goto c": "accept"}.get(self.verdict, self.verdict)


written = st.builds(
    Written,
    st.sampled_from(VERDICTS),
    st.sampled_from(list(SERVICES)),
    st.sampled_from(list(SOURCES)),
    st.none() | conditions,
    st.sampled_from(("", "", "limit 3/second", "over 3/second")),
    st.sampled_from(("", 'log "x"', 'log "x" at 1/minute')),
    st.lists(st.sampled_from(("counter", "ban @bad")), max_size=2, unique=True).map(tuple),
).filter(lambda rule: bool(rule.verdict or rule.log or rule.does))


def _events(memory: Memory) -> list[tuple[str, str]]:
    """Without the names of the limits' state."""
    return [(kind, "" if kind == "limit" else name) for kind, name in memory.events]


@given(written, SEEDS, st.lists(st.booleans(), min_size=1, max_size=4).map(tuple))
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_rule_means_what_it_says(rule: Written, seed: int, answers: tuple[bool, ...]) -> None:
    text = policy(f"'{rule.words()}'", "'log \"end\"'", chain="forward", head=HEAD)
    found = read_bytes(text.replace("default: drop", "default: accept").encode())
    packets = traffic(Hook.FORWARD, seed)
    if not isinstance(found, Ruleset):
        (one,) = found
        if one.code == "POL247":
            # Only what counts or is paced needs a chain that these cannot leave.
            assert rule.verdict in ("return", "goto c")
            assert rule.limit or " at " in rule.log
            return
        assert one.code == "POL220", one
        assert not any(rule.meets(packet) for packet in packets)
        return
    for ruleset in (found, pipeline.run(found)):
        base, *rest = ruleset.chains
        assert isinstance(base, BaseChain)
        chains = {chain.name: chain for chain in rest if isinstance(chain, RegularChain)}
        for packet in packets:
            naive, walked = Memory(answers), Memory(answers)
            expected = rule.fate(packet, naive)
            assert run(base, chains, packet, walked) == expected
            assert _events(walked) == _events(naive)
