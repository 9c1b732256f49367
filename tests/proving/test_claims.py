"""Claims about all packets: proofs, and packets that show the contrary and replay."""

from __future__ import annotations

import pytest
from firewalls import HEAD, ask

from polc.proving.model import Answer, Result
from polc.simulate import Fate
from polc.simulate.packet_format import format_packet

SERVER = """\
input:
  default: drop
  rules:
    - use stateful
    - use loopback
    - drop from @banned
    - accept ssh from wan @admins state new limit 10/minute
    - accept https
    - reject with tcp-reset tcp/25
forward:
  default: drop
  rules:
    - use stateful
    - accept from lan to wan
"""

ROUTER = """\
raw:
  prerouting:
    - drop from wan 10.0.0.0/8
    - notrack udp/53
mangle:
  prerouting:
    - mark set 1 tcp/80 from lan
input:
  default: drop
  rules:
    - use stateful
forward:
  default: drop
  rules:
    - use stateful
    - accept tcp/80 from wan to 192.0.2.10
    - accept from lan to wan where meta mark 1
    - accept udp/53 to 192.0.2.53 state untracked
nat:
  - dnat tcp/8000 from wan to 203.0.113.5 -> 192.0.2.10:80
  - masquerade from lan 0.0.0.0/0 to wan
"""

PROVEN = Result.PROVEN
REFUTED = Result.REFUTED


def only(text: str, assertion: str) -> Answer:
    (answer,) = ask(text, assertion)
    return answer


@pytest.mark.parametrize(
    ("assertion", "result"),
    [
        ("never accept ssh from wan not @admins", PROVEN),
        ("never accept ssh from wan @admins", REFUTED),
        ("always accept ssh from wan @admins to host", REFUTED),  # a limit, and a group that is filled
        ("may accept ssh from wan @admins to host", PROVEN),
        ("may accept ssh from wan to host", REFUTED),
        ("never drop https to host", REFUTED),
        ("may accept https to host", PROVEN),
        ("always reject tcp/25 from wan to host", REFUTED),
        ("may reject tcp/25 from wan to host", PROVEN),
        ("never reject tcp/26 to host", PROVEN),
        ("wan @admins may reach host:22", PROVEN),
        ("lan reaches wan", PROVEN),
        ("wan never reaches lan", PROVEN),
        ("never forward from wan", PROVEN),
        ("never forward from wan state established", REFUTED),
        ("never accept from wan state invalid", PROVEN),
        ("always accept from host", PROVEN),
        ("never accept from host", REFUTED),
    ],
)
def test_a_server(assertion: str, result: Result) -> None:
    assert only(SERVER, assertion).result is result


@pytest.mark.parametrize(
    ("assertion", "result"),
    [
        ("never forward tcp/80 from wan to not 192.0.2.10", PROVEN),
        ("never forward from wan 10.0.0.0/8", PROVEN),  # dropped in raw
        ("always forward tcp/80 from wan not 10.0.0.0/8 to dmz 192.0.2.10", PROVEN),
        ("always forward tcp/80 from wan to dmz 192.0.2.10", REFUTED),
        ("lan reaches wan tcp/80", PROVEN),  # by a mark that is set on the way
        ("lan reaches wan tcp/443", REFUTED),
        ("never forward tcp/8000 from wan", PROVEN),  # rules see the new port
        ("always forward udp/53 from lan to dmz 192.0.2.53 state untracked", PROVEN),
        ("never accept to 192.0.2.53 state untracked", REFUTED),
    ],
)
def test_whole_ways(assertion: str, result: Result) -> None:
    assert only(ROUTER, assertion).result is result


def test_a_packet_is_shown_as_it_comes_in() -> None:
    answer = only(ROUTER, "never forward tcp/80 from wan to 192.0.2.10")
    assert answer.result is REFUTED
    assert answer.counterexample is not None
    packet = answer.counterexample.packet
    assert (packet.iif, packet.dport) in (("eth0", 8000), ("eth0", 80))
    (seen,) = answer.counterexample.seen
    assert seen.fate is Fate.ACCEPT
    assert seen.outcome.decision is not None
    assert seen.outcome.decision.origin.span is not None
    assert seen.outcome.decision.origin.span.text == "accept tcp/80 from wan to 192.0.2.10"


def test_what_memory_has_to_say_is_told() -> None:
    answer = only(SERVER, "always accept ssh from wan @admins to host")
    assert answer.counterexample is not None
    assert any("banned" in one or "limit" in one for one in answer.counterexample.presumed)
    assert "198.51.100." in format_packet(answer.counterexample.packet)


def test_assumptions() -> None:
    always, may = ask(SERVER, "never accept ssh from wan not @admins", "may accept https to host")
    assert any("may say anything" in one for one in always.assumes)
    assert any("let" in one for one in may.assumes) or len(may.assumes) == 1
    assert always.about == "IPv4 and IPv6, in `input` and `forward`, state invalid, new, untracked"


NATIVE = """\
input:
  default: drop
  rules:
    - {native: {iptables: -p tcp -m tcp --dport 80 -m cpu --cpu 0 -j ACCEPT}}
    - accept tcp/22 from wan
"""


def test_native_words_leave_it_undecided() -> None:
    never, always = ask(NATIVE, "never accept tcp/81 to host", "always accept tcp/22 from wan to host")
    assert never.result is Result.UNDECIDED
    assert "only the kernel knows" in never.reason
    assert always.result is Result.UNDECIDED


def test_a_budget_that_is_too_small() -> None:
    rules = "".join(f"    - accept tcp/{port} from 10.{port % 250}.0.0/16\n" for port in range(1000, 1400))
    (answer,) = ask(f"input:\n  default: drop\n  rules:\n{rules}", "never accept tcp/22 to host", budget=300)
    assert answer.result is Result.UNDECIDED
    assert "more than 300 nodes" in answer.reason


def test_a_class_without_packets() -> None:
    answer = only(SERVER, "never accept icmp/echo-reply to host state new")
    assert (answer.result, answer.reason) == (PROVEN, "no packet is of this class")


OTHER = SERVER.replace("- accept https", "- accept https, http")


def test_comparisons() -> None:
    others = {"same.yaml": SERVER, "other.yaml": OTHER}
    found = ask(
        SERVER, "equivalent same.yaml", "equivalent other.yaml", "implies other.yaml",
        "equivalent other.yaml for https", "equivalent other.yaml for tcp from wan to host", others=others,
    )  # fmt: skip
    assert [one.result for one in found] == [PROVEN, REFUTED, PROVEN, PROVEN, REFUTED]
    example = found[1].counterexample
    assert example is not None
    assert [one.fate for one in example.seen] == [Fate.DROP, Fate.ACCEPT]
    assert example.packet.dport == 80
    (answer,) = ask(OTHER, "implies same.yaml", others=others)
    assert answer.result is REFUTED


@pytest.mark.parametrize("condition", ["ip dscp 8", "ip ttl 7", "meta length 100", "ct mark 5", "ct status assured"])
def test_what_is_asked_on_a_whole_way_is_presumed(condition: str) -> None:
    answer = only(
        HEAD + f"forward: {{default: accept, rules: [drop where {condition}]}}\n", "never drop from 10.0.0.0/8"
    )
    assert answer.result is REFUTED
    assert answer.counterexample is not None
    assert [one.fate.value for one in answer.counterexample.seen] == ["drop"]


def test_nat_is_part_of_what_is_the_same() -> None:
    others = {"other.yaml": ROUTER.replace("192.0.2.10:80", "192.0.2.10:81")}
    (answer,) = ask(ROUTER, "equivalent other.yaml", others=others)
    assert answer.result is REFUTED


def test_families_of_a_policy() -> None:
    text = HEAD + "settings: {family: ip}\ninput: {default: drop, rules: [use stateful]}\n"
    answer = only(text, "never accept from wan to host")
    assert answer.result is PROVEN
    assert answer.about.startswith("IPv4, in")
