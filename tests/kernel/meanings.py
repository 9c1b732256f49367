"""Random policies as words, each word with what it means for a packet: a judge that shares nothing with polc.

Drawn of few values, about which the packets are too, so that rules overlap and packets lie at their borders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address, ip_address

from hypothesis import strategies as st
from packet_text import Packet

Holds = Callable[[Packet], bool]

HOSTS = {"eth0": ("203.0.113.1", "2001:db8:113::1"), "eth1": ("192.0.2.1", "2001:db8:2::1")}
OWN = {address for both in HOSTS.values() for address in both}
NEAR = {"eth0": ("198.51.100.{}", "2001:db8:9::{:x}"), "eth1": ("192.0.2.{}", "2001:db8:2::{:x}")}
ZONES = {"wan": "eth0", "lan": "eth1"}
TCP, UDP, ICMP, GRE, ICMPV6 = 6, 17, 1, 47, 58
SYN, ACK = 2, 16


@dataclass
class Rule:
    """``verdict`` is a verdict, ``return``, ``jump NAME`` or "" for a rule that only counts."""

    words: str
    verdict: str
    holds: list[Holds]
    counts: Count | None = None


@dataclass
class Count:
    """A bucket of ``burst`` packets that does not fill again while the test runs, for each family and key.

    The same words in `input` and `forward` are two rules with a bucket each; in a chain of both they are one.
    """

    burst: int
    over: bool
    per_source: bool
    seen: dict[object, int] = field(default_factory=dict)

    def holds(self, packet: Packet, section: str) -> bool:
        key = (section, version(packet), packet.source if self.per_source else "")
        self.seen[key] = self.seen.get(key, 0) + 1
        return (self.seen[key] > self.burst) is self.over


@dataclass
class Policy:
    """``default`` of `input` and `forward`; ``chains`` can be jumped to."""

    default: str
    rules: list[Rule]
    chains: dict[str, list[Rule]]

    def text(self) -> str:
        zones = ", ".join(f"{name}: {interface}" for name, interface in ZONES.items())
        lines = ["polc: 1", f"zones: {{{zones}}}"]
        if self.chains:
            lines.append("chains:")
            for name, rules in self.chains.items():
                lines += [f"  {name}:", *(f"    - '{rule.words}'" for rule in rules)]
        for section in ("input", "forward"):
            lines += [f"{section}:", f"  default: {self.default}", "  rules:"]
            lines += [f"    - '{rule.words}'" for rule in self.rules]
        return "\n".join(lines) + "\n"

    def verdict(self, packet: Packet) -> str:
        section = "input" if packet.destination in OWN else "forward"
        if section == "forward":
            # A hop is used up before the rules of forward are asked (net/ipv4/ip_forward.c, ip6_output.c).
            packet = replace(packet, ttl=packet.ttl - 1)
        found = self._walk(self.rules, packet, section)
        return self.default if found in ("", "return") else found

    def _walk(self, rules: Iterable[Rule], packet: Packet, section: str = "") -> str:
        for rule in rules:
            if not all(one(packet) for one in rule.holds) or (rule.counts and not rule.counts.holds(packet, section)):
                continue
            word, _, name = rule.verdict.partition(" ")
            if word == "goto":
                return self._walk(self.chains[name], packet) or "return"
            if word == "jump":
                found = self._walk(self.chains[name], packet)
                if found not in ("", "return"):
                    return found
            elif word:
                return word
        return ""


def version(packet: Packet) -> int:
    return ip_address(packet.source).version


@st.composite
def packets(draw: st.DrawFn) -> Packet:
    interface = draw(st.sampled_from(["eth0", "eth1"]))
    six = draw(st.integers(0, 1))
    there = "eth1" if interface == "eth0" else "eth0"
    source = NEAR[interface][six].format(draw(st.integers(8, 13)))
    inside = draw(st.booleans())
    destination = HOSTS[draw(st.sampled_from([interface, there]))][six] if inside else ""
    destination = destination or NEAR[there][six].format(draw(st.integers(8, 13)))
    protocol = draw(st.sampled_from([TCP, TCP, TCP, UDP, UDP, GRE, ICMPV6 if six else ICMP]))
    return Packet(
        protocol,
        128 if six else 8,
        source,
        draw(st.integers(19, 24)),
        destination,
        draw(st.integers(19, 24)),
        interface,
        draw(st.sampled_from([SYN, SYN, SYN | ACK, ACK])),
        draw(st.integers(3, 6)) if draw(st.booleans()) else 64,
        draw(st.sampled_from([0, 10, 46])),
        "",
    )


@st.composite
def port_lists(draw: st.DrawFn) -> tuple[str, Callable[[int], bool]]:
    ranges = []
    for _ in range(draw(st.integers(1, 2))):
        low = draw(st.integers(18, 25))
        ranges.append((low, draw(st.integers(low, 26)) if draw(st.booleans()) else low))
    text = ",".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges)
    return text, lambda port: any(low <= port <= high for low, high in ranges)


@st.composite
def services(draw: st.DrawFn) -> tuple[str, Holds]:
    named: list[tuple[str, Holds]] = []
    for _ in range(draw(st.integers(1, 2))):
        kind = draw(st.sampled_from(["tcp", "tcp", "udp", "all tcp", "gre", "icmp", "icmpv6"]))
        if kind in ("tcp", "udp"):
            text, among = draw(port_lists())
            number = TCP if kind == "tcp" else UDP

            def ports(packet: Packet, number: int = number, among: Callable[[int], bool] = among) -> bool:
                return packet.protocol == number and among(packet.dport)

            named.append((f"{kind}/{text}", ports))
        else:
            words, number = {
                "all tcp": ("tcp", TCP), "gre": ("proto gre", GRE),
                "icmp": ("icmp/echo-request", ICMP), "icmpv6": ("icmpv6/echo-request", ICMPV6),
            }[kind]  # fmt: skip
            named.append((words, lambda packet, number=number: packet.protocol == number))
    return ", ".join(words for words, _ in named), lambda packet: any(one(packet) for _, one in named)


@st.composite
def addresses(draw: st.DrawFn, *, of_source: bool) -> tuple[str, Holds]:
    texts, ranges = [], []
    for _ in range(draw(st.integers(1, 3))):
        six = draw(st.integers(0, 1))
        pattern = NEAR[draw(st.sampled_from(["eth0", "eth1"]))][six]
        kind = draw(st.sampled_from(["one", "range", "prefix", "host"]))
        low = draw(st.integers(7, 14))
        if kind == "host":
            texts.append(HOSTS[draw(st.sampled_from(["eth0", "eth1"]))][six])
            ranges.append((ip_address(texts[-1]), ip_address(texts[-1])))
            continue
        high = draw(st.integers(low, 14)) if kind == "range" else low
        if kind == "prefix":
            low, high = 8, 11
        first, last = ip_address(pattern.format(low)), ip_address(pattern.format(high))
        ranges.append((first, last))
        texts.append(
            f"{first}/{126 if six else 30}" if kind == "prefix" else str(first) if low == high else f"{first}-{last}"
        )
    negated = draw(st.integers(0, 3)) == 0

    def among(packet: Packet) -> bool:
        own = ip_address(packet.source if of_source else packet.destination)
        return any(_between(own, *one) for one in ranges) is not negated

    return ("not " if negated else "") + ", ".join(texts), among


Address = IPv4Address | IPv6Address


def _between(own: Address, low: Address, high: Address) -> bool:
    return own.version == low.version and int(low) <= int(own) <= int(high)


@st.composite
def zones(draw: st.DrawFn) -> tuple[str, Holds]:
    names = draw(st.lists(st.sampled_from([*ZONES]), min_size=1, max_size=2, unique=True))
    negated = draw(st.integers(0, 3)) == 0
    interfaces = {ZONES[name] for name in names}
    words = ("not " if negated else "") + ", ".join(names)
    return words, lambda packet: (packet.interface in interfaces) is not negated


Test = tuple[str, Callable[[Packet, bool], bool]]
"""Words, and whether they (or, on False, their opposite) hold; of what a packet lacks neither does."""


@st.composite
def comparisons(draw: st.DrawFn) -> Test:
    kind = draw(st.sampled_from(["ip ttl", "ip6 hoplimit", "ip dscp", "ip6 dscp", "tcp flags", "meta length", "fib"]))
    match kind:
        case "ip ttl" | "ip6 hoplimit":
            wanted, bound = 4 if kind == "ip ttl" else 6, draw(st.integers(3, 6))
            sign = draw(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]))
            compare = {
                "<": lambda ttl: ttl < bound, "<=": lambda ttl: ttl <= bound, ">": lambda ttl: ttl > bound,
                ">=": lambda ttl: ttl >= bound, "==": lambda ttl: ttl == bound, "!=": lambda ttl: ttl != bound,
            }[sign]  # fmt: skip
            return (
                f"{kind} {sign} {bound}",
                lambda packet, yes: version(packet) == wanted and compare(packet.ttl) is yes,
            )
        case "ip dscp" | "ip6 dscp":
            wanted = 4 if kind == "ip dscp" else 6
            values = draw(st.lists(st.sampled_from([0, 10, 46]), min_size=1, max_size=2, unique=True))
            listed = ", ".join(map(str, values))
            return (
                f"{kind} in {{{listed}}}",
                lambda packet, yes: version(packet) == wanted and (packet.dscp in values) is yes,
            )
        case "tcp flags":
            words, mask, value = draw(
                st.sampled_from(
                    [("syn / syn,ack", SYN | ACK, SYN), ("ack / ack", ACK, ACK), ("syn,ack / syn,ack", 18, 18)]
                )
            )
            return (
                f"tcp flags {words}",
                lambda packet, yes: packet.protocol == TCP and (packet.flags & mask == value) is yes,
            )
        case "meta length":
            # Every packet here carries 8 bytes; TCP's header has 20.
            return (
                "meta length <= 45",
                lambda packet, yes: (_length(packet) <= 45) is yes,
            )
        case _:
            return "fib daddr type local", lambda packet, yes: (packet.destination in OWN) is yes


def _length(packet: Packet) -> int:
    return (20 if version(packet) == 4 else 40) + 8 + {TCP: 20, UDP: 8, GRE: 4}.get(packet.protocol, 8)


def _either(parts: list[Test]) -> Test:
    return (
        "(" + " or ".join(words for words, _ in parts) + ")",
        lambda packet, yes: (any if yes else all)(one(packet, yes) for _, one in parts),
    )


def _both(parts: list[Test]) -> Test:
    return (
        "(" + " and ".join(words for words, _ in parts) + ")",
        lambda packet, yes: (all if yes else any)(one(packet, yes) for _, one in parts),
    )


def _opposite(part: Test) -> Test:
    words, holds = part
    return f"not {words}", lambda packet, yes: holds(packet, not yes)


TESTS = st.recursive(
    comparisons(),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(_either),
        st.lists(inner, min_size=2, max_size=2).map(_both),
        inner.map(_opposite),
    ),
    max_leaves=4,
)


@st.composite
def rules(draw: st.DrawFn, jumps: tuple[str, ...]) -> Rule:
    verdicts = ["accept", "drop", "drop", "reject", *(f"{word} {name}" for name in jumps for word in ("jump", "goto"))]
    if not jumps:
        verdicts.append("return")
    verdict = draw(st.sampled_from(verdicts))
    words, holds = [verdict], list[Holds]()
    if draw(st.integers(0, 3)):
        text, meets = draw(services())
        words.append(text)
        holds.append(meets)
    for side in ("from", "to"):
        parts = []
        if side == "from" and draw(st.integers(0, 2)) == 0:
            parts.append(draw(zones()))
        if draw(st.integers(0, 2)) == 0:
            parts.append(draw(addresses(of_source=side == "from")))
        if parts:
            words.append(f"{side} " + " ".join(text for text, _ in parts))
            holds += (meets for _, meets in parts)
    if draw(st.integers(0, 3)) == 0:
        text, test = draw(TESTS)
        words.append(f"where {text}")
        holds.append(lambda packet: test(packet, True))
    counts = None
    if draw(st.integers(0, 4)) == 0:
        counts = Count(draw(st.integers(1, 3)), draw(st.booleans()), draw(st.booleans()))
        words.append(
            f"{'over' if counts.over else 'limit'} 1/hour burst {counts.burst}{' per source' * counts.per_source}"
        )
    return Rule(" ".join(words), verdict, holds, counts)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    chains = {
        name: draw(st.lists(rules(()), min_size=1, max_size=3)) for name in ("one", "two")[: draw(st.integers(0, 2))]
    }
    default = draw(st.sampled_from(["accept", "drop", "reject"]))
    return Policy(default, draw(st.lists(rules(tuple(chains)), min_size=1, max_size=5)), chains)
