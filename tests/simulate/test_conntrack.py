"""Flows packet by packet, each state where the kernel has it."""

from __future__ import annotations

import pytest
from play import OPEN, STATEFUL, Play

from polc.ir.matches import CtState
from polc.simulate import Fate, Settings

SYN = "tcp 198.51.100.9:4000 -> host:22 in eth0"


def tcp_state(play: Play) -> str:
    (flow,) = play.simulator.flows
    return flow.protocol_state


def walk(play: Play, *steps: tuple[str, str, str]) -> None:
    """Steps with the conntrack state of each and TCP's after it."""
    for words, state, after in steps:
        outcome = play.send(words)
        assert outcome.state_name == state, words
        if after:
            assert tcp_state(play) == after, words


def test_a_handshake_packet_by_packet() -> None:
    play = Play(STATEFUL)
    walk(
        play,
        (SYN, "new", "syn_sent"),
        ("reply", "established", "syn_recv"),
        ("reply", "established", "established"),
        ('reply payload "hello"', "established", "established"),
        ("reply", "established", "established"),
    )
    (flow,) = play.simulator.flows
    assert flow.status_names == ("seen-reply", "assured", "confirmed")
    assert (flow.packets, flow.expires) == ((3, 2), 432000.0)


def test_a_flow_ends_by_both_fins() -> None:
    play = Play(STATEFUL)
    walk(
        play,
        (SYN, "new", "syn_sent"),
        ("reply", "established", "syn_recv"),
        ("reply", "established", "established"),
        ("tcp host:22 -> 198.51.100.9:4000 out eth0 flags fin,ack", "established", "fin_wait"),
        (f"{SYN} flags ack", "established", "close_wait"),
        (f"{SYN} flags fin,ack", "established", "last_ack"),
        ("tcp host:22 -> 198.51.100.9:4000 out eth0 flags ack", "established", "time_wait"),
        # RFC 1122: a SYN opens the flow anew, and it is a new one.
        (SYN, "new", "syn_sent"),
    )


@pytest.mark.parametrize(("state", "seconds"), [("syn_sent", 120), ("syn_recv", 60)])
def test_a_flow_is_forgotten_when_its_time_is_over(state: str, seconds: int) -> None:
    play = Play(OPEN)
    play.send(SYN)
    if state == "syn_recv":
        play.send("reply")
    play.do(f"wait {seconds - 1}s")
    assert len(play.simulator.flows) == 1
    play.do("wait 1s")
    assert not play.simulator.flows


def test_a_syn_that_is_sent_again_does_not_keep_a_flow() -> None:
    play = Play(OPEN)
    play.send(SYN)
    play.do("wait 100s")
    assert play.send(SYN).state is CtState.NEW
    play.do("wait 20s")
    assert not play.simulator.flows


def test_the_middle_of_a_flow_is_new_where_tcp_loose_is_on() -> None:
    assert Play(OPEN).send(f"{SYN} flags ack").state is CtState.NEW
    assert Play(OPEN, settings=Settings(tcp_loose=False)).send(f"{SYN} flags ack").state is CtState.INVALID


@pytest.mark.parametrize("flags", ["syn,ack", "fin,ack", "rst", "none", "syn,fin", "fin"])
def test_what_begins_no_flow_is_invalid(flags: str) -> None:
    play = Play(OPEN)
    assert play.send(f"{SYN} flags {flags}").state is CtState.INVALID
    assert not play.simulator.flows


def test_an_ack_before_the_answer_is_invalid() -> None:
    play = Play(OPEN)
    walk(play, (SYN, "new", "syn_sent"), (f"{SYN} flags ack", "invalid", "syn_sent"))


def test_a_reset_that_answers_a_syn_ends_the_flow() -> None:
    play = Play(OPEN)
    walk(play, (SYN, "new", "syn_sent"), ("reply flags rst,ack", "established", ""))
    assert not play.simulator.flows


def test_an_established_flow_is_reset() -> None:
    play = Play(OPEN)
    walk(
        play, (SYN, "new", ""), ("reply", "established", ""), ("reply", "established", "established"),
        (f"{SYN} flags rst", "established", "close"),
    )  # fmt: skip
    (flow,) = play.simulator.flows
    assert flow.expires == 10


def test_both_ends_may_open_at_once() -> None:
    play = Play(OPEN)
    walk(
        play, (SYN, "new", "syn_sent"), ("tcp host:22 -> 198.51.100.9:4000 out eth0", "established", "syn_sent2"),
        (f"{SYN} flags syn,ack", "established", "syn_recv"),
    )  # fmt: skip


def test_a_syn_within_a_flow_is_let_through_and_both_get_in_sync_again() -> None:
    play = Play(OPEN)
    walk(
        play, (SYN, "new", ""), ("reply", "established", ""), ("reply", "established", "established"),
        (SYN, "established", "established"),
        ("tcp host:22 -> 198.51.100.9:4000 out eth0 flags syn,ack", "established", "syn_recv"),
        (f"{SYN} flags ack", "established", "established"),
    )  # fmt: skip


NUMBERED = (
    f"{SYN} seq 1000 window 1000",
    "tcp host:22 -> 198.51.100.9:4000 out eth0 flags syn,ack seq 5000 ack 1001 window 1000",
    f"{SYN} flags ack seq 1001 ack 5001 window 1000",
)


@pytest.mark.parametrize(
    ("segment", "valid"),
    [
        ("seq 1001 ack 5001", True),
        ("seq 2001 ack 5001", True),
        ("seq 2002 ack 5001", True),
        ("seq 9000 ack 5001", False),
        ("seq 0 ack 5001", True),
        ("seq 1001 ack 5002", False),
        ('seq 1001 ack 5001 payload "x"', True),
        ("seq 3000 ack 5001 flags rst", True),
    ],
)
def test_what_is_outside_of_the_window_is_invalid_unless_one_is_liberal(segment: str, valid: bool) -> None:
    for liberal in (False, True):
        play = Play(OPEN, settings=Settings(tcp_be_liberal=liberal))
        for words in NUMBERED:
            assert play.send(words).state is not CtState.INVALID
        flags = "" if "flags" in segment else "flags ack"
        found = play.send(f"{SYN} {flags} {segment} window 1000").state
        assert (found is CtState.ESTABLISHED) is (valid or liberal)


def test_udp_is_a_stream_when_it_is_active_after_two_seconds() -> None:
    play = Play(OPEN)
    play.play("accept new: udp 198.51.100.9:5 -> host:53 in eth0", "accept established: reply")
    assert [flow.expires for flow in play.simulator.flows] == [30.0]
    play.do("wait 3s")
    play.play("accept established: udp 198.51.100.9:5 -> host:53 in eth0")
    (flow,) = play.simulator.flows
    assert (flow.expires, flow.status_names) == (120.0, ("seen-reply", "assured", "confirmed"))


def test_udp_without_an_answer_stays_new() -> None:
    play = Play(OPEN)
    one = "udp 198.51.100.9:5 -> host:53 in eth0"
    play.play(f"accept new: {one}", f"accept new: {one}", "wait 29s", f"accept new: {one}")
    assert play.send(one).after is not None
    assert len(play.simulator.flows) == 1


def test_the_answer_to_a_one_way_flow_is_established_while_it_is_remembered() -> None:
    play = Play(STATEFUL)
    out, back = "udp host:5 -> 198.51.100.9:514 out eth0", "udp 198.51.100.9:514 -> host:5 in eth0"
    play.play(f"drop new: {back}", f"accept new: {out}", "wait 29s", f"accept established: {back}")
    play.play("wait 31s", f"drop new: {back}")


def test_what_is_dropped_leaves_no_flow() -> None:
    play = Play(STATEFUL)
    play.play("drop new: udp 198.51.100.9:5 -> host:53 in eth0", "accept new: udp host:53 -> 198.51.100.9:5 out eth0")


def test_echo_requests_and_replies() -> None:
    play = Play(STATEFUL.replace("accept ssh state new", "accept ping"))
    ping = "icmp 198.51.100.9 -> host in eth0 id 7"
    play.play(
        f"accept new: {ping}", "accept established: reply",
        "drop invalid: icmp/echo-reply 198.51.100.9 -> host in eth0 id 8",
        "accept new: icmp host -> 198.51.100.8 out eth0 id 9",
        "accept established: icmp/echo-reply 198.51.100.8 -> host in eth0 id 9",
        "drop invalid: icmp/echo-reply 198.51.100.8 -> host in eth0 id 10",
    )  # fmt: skip


def test_an_error_about_a_flow_is_related_and_one_out_of_the_blue_invalid() -> None:
    play = Play(STATEFUL)
    query = "udp host:500 -> 198.51.100.9:53"
    error = "icmp/3/3 198.51.100.9 -> host in eth0"
    play.play(
        f"drop invalid: {error} about {query}",
        f"accept new: {query} out eth0",
        "accept related: reply icmp/3/3",
        # By whoever on the way, but to nobody else than the flow's.
        f"accept related: icmp/11 203.0.113.250 -> host in eth0 about {query}",
        f"drop invalid: icmp/3/3 198.51.100.9 -> 192.0.2.1 in eth0 about {query}",
        f"drop invalid: {error} about udp host:501 -> 198.51.100.9:53",
        f"drop invalid: {error}",
    )


def test_errors_of_icmpv6() -> None:
    play = Play(STATEFUL)
    query = "udp [2001:db8:113::1]:500 -> [2001:db8:9::9]:53"
    play.play(
        f"accept new: {query} out eth0", "accept related: reply icmpv6/1/4",
        f"accept related: icmpv6/packet-too-big 2001:db8:9::1 -> host in eth0 about {query}",
    )  # fmt: skip


@pytest.mark.parametrize(
    "kind", ["nd-neighbor-solicit", "nd-router-advert", "mld-listener-query", "mld2-listener-report"]
)
def test_neighbour_and_listener_discovery_are_not_tracked(kind: str) -> None:
    assert Play(OPEN).send(f"icmpv6/{kind} fe80::9 -> host in eth0").state is CtState.UNTRACKED


def test_other_protocols_are_flows_of_their_addresses() -> None:
    play = Play(OPEN)
    play.play(
        "accept new: gre 198.51.100.9 -> host in eth0", "accept established: reply",
        "accept new: esp 198.51.100.9 -> host in eth0", "accept established: esp host -> 198.51.100.9 out eth0",
    )  # fmt: skip
    gre, esp = play.simulator.flows
    assert (gre.expires, esp.expires) == (30.0, 600.0)
    play.play("accept established: gre 198.51.100.9 -> host in eth0")
    assert play.simulator.flows[0].expires == 180.0


def test_sctp_by_its_chunks() -> None:
    play = Play(OPEN)
    one = "sctp 198.51.100.9:5 -> host:36412 in eth0"
    walk(
        play, (one, "new", "closed"), ("reply", "established", "cookie_wait"),
        (f"{one} chunks cookie-echo", "established", "cookie_echoed"), ("reply", "established", "established"),
        (f"{one} chunks data", "established", "established"),
        (f"{one} chunks shutdown", "established", "shutdown_sent"),
        ("reply", "established", "shutdown_ack_sent"),
        (f"{one} chunks shutdown-complete", "established", "closed"),
    )  # fmt: skip
    assert Play(OPEN).send(f"{one} chunks data").state is CtState.INVALID
    assert Play(OPEN).send(f"{one} chunks abort").state is CtState.INVALID


def test_sctp_keeps_the_tags_that_were_chosen() -> None:
    play = Play(OPEN)
    one = "sctp 198.51.100.9:5 -> host:36412 in eth0"
    play.play(f"accept new: {one} vtag 0 init-tag 7", "accept established: reply vtag 7 init-tag 9")
    assert play.send(f"{one} chunks data vtag 8").state is CtState.INVALID
    assert play.send(f"{one} chunks data vtag 9").state is CtState.ESTABLISHED


def test_a_bad_checksum_is_invalid_where_checksums_are_looked_at() -> None:
    words = "udp 198.51.100.9:5 -> host:53 in eth0 bad-checksum"
    assert Play(OPEN).send(words).state is CtState.INVALID
    assert Play(OPEN, settings=Settings(checksum=False)).send(words).state is CtState.NEW


def test_a_full_table_loses_flows_that_are_not_assured_and_then_drops() -> None:
    play = Play(OPEN, settings=Settings(conntrack_max=2))
    for port in (1, 2, 3):
        assert play.send(f"udp 198.51.100.9:{port} -> host:53 in eth0").fate is Fate.ACCEPT
    assert len(play.simulator.flows) == 2
    for port in (2, 3):
        play.send(f"udp host:53 -> 198.51.100.9:{port} out eth0")
        play.do("wait 3s")
        play.send(f"udp host:53 -> 198.51.100.9:{port} out eth0")
    assert play.send("udp 198.51.100.9:4 -> host:53 in eth0").fate is Fate.DROP


def test_a_packet_may_presume_what_conntrack_knows() -> None:
    play = Play(
        "input: {default: drop, rules: [accept state established where ct mark 5, accept state related where ct helper "
        "ftp, accept udp/9 state untracked, accept where ct status dnat and ct original daddr 192.0.2.7]}\n"
    )
    play.play(
        "accept established: tcp 198.51.100.9:1 -> host:22 in eth0 flags ack state established ct-mark 5",
        "drop established: tcp 198.51.100.9:2 -> host:22 in eth0 flags ack state established ct-mark 6",
        "accept related: tcp 198.51.100.9:3 -> host:3000 in eth0 ct-helper ftp",
        "drop related: tcp 198.51.100.9:4 -> host:3000 in eth0 ct-helper sip",
        "accept untracked: udp 198.51.100.9:5 -> host:9 in eth0 state untracked",
        "drop invalid: udp 198.51.100.9:5 -> host:9 in eth0 state invalid",
        "accept new: udp 198.51.100.9:6 -> host:7 in eth0 status dnat ct-original 198.51.100.9:6 -> 192.0.2.7:7",
    )
    assert play.send("tcp 198.51.100.9:1 -> host:22 in eth0 flags ack").state is CtState.ESTABLISHED
