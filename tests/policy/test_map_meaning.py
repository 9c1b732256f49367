"""A map does what its elements do as rules of their own, one behind the other: no packet is in two."""

from __future__ import annotations

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st
from policies import policy, read

from polc.ir.ruleset import Ruleset
from polc.simulate import Simulator, assumed_host, read_packet

HEAD = """\
zones: {a: eth0, b: eth1, w: "wg*"}
addresses: {mixed: [198.51.100.1, "2001:db8:1::/48"]}
chains:
  c: [accept tcp/22, return tcp/80, drop from 198.51.100.2]
  d: ['vmap tcp dport {22: drop, 80: goto c}', accept udp]
"""
# Part of the key -> its values, and the same as words of a rule: a service, or a clause.
PORTS = {"22": "tcp/22", "80": "tcp/80", "81-90": "tcp/81-90", "53": "tcp/53"}
SOURCES = {
    "198.51.100.1": "from 198.51.100.1", "198.51.100.2-198.51.100.9": "from 198.51.100.2-198.51.100.9",
    "2001:db8:1::1": "from 2001:db8:1::1", "2001:db8:2::/48": "from 2001:db8:2::/48",
}  # fmt: skip
INTERFACES = {"eth0": "a", "eth1": "b", "wg*": "w"}
STATES = ("new", "established", "related", "invalid")
VERDICTS = ("accept", "drop", "return", "jump c", "goto c", "jump d")


@st.composite
def maps(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A map, and the rules that do the same."""
    kind = draw(st.sampled_from(["port", "source", "group", "interface", "state", "both", "protocol"]))
    match kind:
        case "port":
            key, places = "tcp dport", {value: (words, "") for value, words in PORTS.items()}
        case "source":
            key, places = "saddr", {value: ("", words) for value, words in SOURCES.items()}
        case "group":
            key, places = "saddr", {"@mixed": ("", "from @mixed"), "198.51.100.2": ("", "from 198.51.100.2")}
        case "interface":
            key, places = "iifname", {value: ("", f"from {zone}") for value, zone in INTERFACES.items()}
        case "state":
            key, places = "ct state", {state: ("", f"state {state}") for state in STATES}
        case "protocol":
            key = "meta l4proto . dport"
            places = {f"{one} . {port}": (f"{one}/{port}", "") for one, port in product(("tcp", "udp"), (22, 53))}
        case _:
            key = "iifname . tcp dport . saddr"
            places = {
                " . ".join((name, port, source)): (service, words.replace("from", f"from {zone}"))
                for (name, zone), (port, service), (source, words) in product(
                    INTERFACES.items(), PORTS.items(), SOURCES.items()
                )
            }
    some = draw(st.lists(st.sampled_from(sorted(places)), min_size=1, max_size=6, unique=True))
    chosen = {one: draw(st.sampled_from(VERDICTS)) for one in some}
    elements = ", ".join(f"{one} : {verdict}" for one, verdict in chosen.items())
    beside = draw(st.sampled_from(["", "", "state new", "counter", "where meta length < 9999"]))
    plain = [
        " ".join(filter(None, (verdict, *places[one], _without(beside, places[one]))))
        for one, verdict in chosen.items()
    ]
    return f"vmap {key} {{{elements}}} {beside}", plain


def _without(beside: str, words: tuple[str, str]) -> str:
    return "" if beside.startswith("state") and words[1].startswith("state") else beside


def packets() -> list[str]:
    """One after the other on one host: some belong to flows of those before."""
    ends = (("198.51.100.1", "203.0.113.1"), ("198.51.100.2", "203.0.113.1"), ("2001:db8:1::1", "2001:db8:9::1"))
    return [
        f"{protocol} {source if ':' not in source else f'[{source}]'}:4000 -> "
        f"{target if ':' not in target else f'[{target}]'}:{port} in {interface}"
        for (source, target), protocol, port, interface in product(
            ends, ("tcp", "udp"), (22, 53, 80, 85, 99), ("eth0", "wg5", "lan9")
        )
    ]


def fates(ruleset: Ruleset) -> list[str]:
    host = assumed_host([ruleset], ("eth0", "eth1", "wg5", "lan9"))
    simulator = Simulator([ruleset], host)
    return [simulator.send(read_packet(text, host)).fate.value for text in packets()]


@settings(max_examples=60, deadline=None)
@given(maps(), st.sampled_from(["drop", "reject", "accept"]))
def test_a_map_is_its_elements(both: tuple[str, list[str]], default: str) -> None:
    mapped, plain = both

    def of(*rules: str) -> list[str]:
        text = policy(*(f"'{rule}'" for rule in rules), "accept udp/99", head=HEAD)
        return fates(read(text.replace("default: drop", f"default: {default}")))

    assert of(mapped) == of(*plain)
