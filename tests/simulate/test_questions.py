"""What administrators ask, packet by packet: why a session is cut off, what lets an answer in, how two hosts behind
NAT find each other.
"""

from __future__ import annotations

import pytest
from play import STATEFUL, Play, host, ruleset

from polc.ir.matches import CtState
from polc.simulate import Fate, Outcome, Packet, Settings, Simulator, read_packet

SSH = "tcp 198.51.100.9:4000 -> host:22 in eth0"


def guard(states: str) -> Play:
    """At most nine packets in 100 seconds, of connections that begin or of any."""
    return Play(
        "input:\n  default: drop\n  rules:\n"
        f"    - drop ssh state {states} hits 10 in 100s per source\n"
        "    - use stateful\n    - accept ssh state new\noutput: {default: accept}\n"
    )


def attempt(play: Play, port: int) -> Fate:
    return play.send(SSH.replace("4000", str(port))).fate


def test_a_guard_that_counts_what_begins() -> None:
    play = guard("new")
    # A person's session, and then many keys typed into it: none of them counts.
    play.play("accept new: " + SSH, "accept established: reply", "accept established: reply")
    for _ in range(50):
        play.play('accept established: reply payload "x"')
    assert [attempt(play, port) for port in range(5000, 5008)] == [Fate.ACCEPT] * 8
    assert [attempt(play, port) for port in range(6000, 6003)] == [Fate.DROP] * 3
    # The session goes on all the same.
    play.play(f"accept established: {SSH} flags ack")
    # Without `refresh` what was dropped counts too, because it was seen: quiet is what helps.
    play.do("wait 101s")
    assert attempt(play, 7000) is Fate.ACCEPT


def test_a_guard_that_counts_every_packet_cuts_off_who_is_in() -> None:
    play = guard("new,established,related")
    play.play("accept new: " + SSH, "accept established: reply", "accept established: reply")
    typed = f'{SSH} flags psh,ack payload "x"'
    assert [play.send(typed).fate for _ in range(8)] == [Fate.ACCEPT] * 7 + [Fate.DROP]
    dropped = play.send(typed)
    assert (dropped.fate, dropped.state) == (Fate.DROP, CtState.ESTABLISHED)
    assert dropped.decision is not None
    assert dropped.decision.number == 0
    # A packet that the guard drops is not the end of the flow: after the window it goes on.
    play.do("wait 101s")
    assert play.send(typed).fate is Fate.ACCEPT


def test_a_handshake_and_where_each_part_is_seen() -> None:
    play = Play(STATEFUL)
    begun = play.send(SSH)
    assert (begun.state, begun.before, begun.fate) == (CtState.NEW, None, Fate.ACCEPT)
    assert begun.after is not None
    assert begun.after.protocol_state == "syn_sent"
    answered = play.send("reply")
    assert (answered.state, answered.reply) == (CtState.ESTABLISHED, True)
    assert answered.before is not None
    assert answered.after is not None
    assert (answered.before.protocol_state, answered.after.protocol_state) == ("syn_sent", "syn_recv")
    done = play.send("reply")
    assert done.after is not None
    assert done.after.protocol_state == "established"
    assert "assured" in done.after.status_names


def test_an_ack_out_of_the_blue_is_new_unless_the_kernel_is_strict() -> None:
    ack = f"{SSH} flags ack"
    assert Play(STATEFUL).send(ack).state is CtState.NEW
    strict = Play(STATEFUL, settings=Settings(tcp_loose=False)).send(ack)
    assert (strict.state, strict.fate) == (CtState.INVALID, Fate.DROP)


def test_a_reply_to_one_way_udp() -> None:
    play = Play(
        "output: {default: accept}\n"
        "input: {default: drop, rules: [accept state established, accept udp/514 state new]}\n"
    )
    play.play("accept new: udp host:5000 -> 198.51.100.9:53 out eth0", "accept established: reply")
    # A log server that never answers: every line is NEW, until something comes back.
    log = "udp 198.51.100.9:514 -> host:514 in eth0"
    play.play(*[f"accept new: {log}"] * 3, "accept established: reply", f"accept established: {log}")
    # Half a minute after the last packet of a flow without an answer, an answer is a stranger's.
    play.play("accept new: udp host:5001 -> 198.51.100.9:53 out eth0", "wait 31s")
    play.play("drop new: udp 198.51.100.9:53 -> host:5001 in eth0")


def test_icmp_errors_about_a_flow_and_out_of_the_blue() -> None:
    play = Play("output: {default: accept}\ninput: {default: drop, rules: [accept state related]}\n")
    play.play("accept new: udp host:5000 -> 198.51.100.9:33434 out eth0", "accept related: reply icmp/3/3")
    play.play(
        "drop invalid: icmp/3/3 198.51.100.9 -> host in eth0 about udp host:5001 -> 198.51.100.9:33434",
        "accept related: icmp/11/0 198.51.100.1 -> host in eth0 about udp host:5000 -> 198.51.100.9:33434",
        "drop new: icmp/8 198.51.100.9 -> host in eth0",
        "drop invalid: icmp/0 198.51.100.9 -> host in eth0",
    )


MASQUERADE = """\
zones: {wan: eth0, lan: eth1}
input: {default: drop, rules: [use stateful]}
forward: {default: drop, rules: [use stateful, accept from lan to wan state new]}
output: {default: accept}
nat: [masquerade to wan]
"""
MEDIATOR = "198.51.100.1:3478"


class Site:
    """A host at 192.0.2.9 behind a gateway that masquerades."""

    def __init__(self, public: str, policy: str = MASQUERADE) -> None:
        self.host = host(f"eth0 {public}/24, eth1 192.0.2.1/24, 0.0.0.0/0 via eth0")
        self.simulator = Simulator([ruleset(policy)], self.host)

    def out(self, to: str) -> str:
        """The host sends from its port 5000; what it seems to come from."""
        sent = self.simulator.send(read_packet(f"udp 192.0.2.9:5000 -> {to} in eth1", self.host))
        assert sent.leaves is not None, sent.reason
        return sent.leaves.end(source=True)

    def into(self, source: str, to: str) -> Outcome:
        return self.simulator.send(read_packet(f"udp {source} -> {to} in eth0", self.host))


def got_through(outcome: Outcome) -> bool:
    return outcome.leaves is not None and outcome.leaves.end(source=False) == "192.0.2.9:5000"


def test_udp_hole_punching_with_a_mediator() -> None:
    one, two = Site("203.0.113.1"), Site("203.0.113.2")
    # The mediator tells each the address that it has seen of the other.
    seen_one, seen_two = one.out(MEDIATOR), two.out(MEDIATOR)
    assert (seen_one, seen_two) == ("203.0.113.1:5000", "203.0.113.2:5000")
    # Neither can call the other as long as that one has not called.
    assert not got_through(two.into(seen_one, seen_two))
    # Each calls the other from the same port: the first call is lost, and opens the way back.
    assert one.out(seen_two) == seen_one
    assert not got_through(two.into(seen_one, seen_two))
    assert two.out(seen_one) == seen_two
    answer = one.into(seen_two, seen_one)
    assert got_through(answer)
    assert answer.state is CtState.ESTABLISHED
    assert got_through(two.into(seen_one, seen_two))


def test_ports_drawn_by_chance_cannot_be_told() -> None:
    one = Site("203.0.113.1", MASQUERADE.replace("masquerade to wan", "masquerade to wan random"))
    seen = one.out(MEDIATOR)
    assert one.out("203.0.113.2:5000") != seen
    assert not got_through(one.into("203.0.113.2:5000", seen))


def test_a_gateway_that_takes_in_the_first_call_spoils_the_port() -> None:
    """What came in is a flow of the gateway itself, and NAT must not give its port to the host behind."""
    accepting = MASQUERADE.replace("input: {default: drop, rules: [use stateful]}", "input: {default: accept}")
    two = Site("203.0.113.2", accepting)
    seen = two.out(MEDIATOR)
    two.into("203.0.113.1:5000", seen)
    assert two.out("203.0.113.1:5000") != seen


@pytest.mark.parametrize("state", ["new", "established", "related", "invalid", "untracked"])
def test_a_state_that_is_only_claimed(state: str) -> None:
    """As counterexamples do that speak of a state and not of the packets before."""
    play = Play("input: {default: drop, rules: [accept state " + state + "]}\n")
    packet: Packet = read_packet(f"tcp 198.51.100.9:4000 -> host:80 in eth0 state {state}", play.host)
    assert play.simulator.send(packet).fate is Fate.ACCEPT
