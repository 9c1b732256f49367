"""Packets in words: what they mean, where they are wrong, and that every packet can be written and read again."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packet_text import GATEWAY

from polc.diagnostics import Diagnostic, Failure
from polc.ir.family import Family
from polc.ir.fields import CT_STATUS_BITS
from polc.ir.matches import CtState
from polc.ir.protocols import DCCP, ICMP, ICMPV6, PORT_PROTOCOLS, SCTP, TCP, UDP
from polc.simulate import Packet, Presumed, Reply, Send, Wait, format_packet, packet_json, read_packet, read_step
from polc.simulate.json_steps import read_json_steps
from polc.source import SourceFile

NINE = 0xC6336409  # 198.51.100.9
OWN = 0xCB007101  # 203.0.113.1


def step(words: str) -> object:
    return read_step(words, SourceFile("step", words).span).step(GATEWAY)


def test_a_tcp_packet_is_a_syn_from_any_port() -> None:
    packet = read_packet("tcp 198.51.100.9 -> host:22 in eth0", GATEWAY)
    assert packet == Packet(Family.IP, TCP, NINE, OWN, 40000, 22, iif="eth0", flags=2)


def test_options() -> None:
    packet = read_packet(
        "tcp 198.51.100.9:4000 -> host:22 in eth0 flags syn,ack seq 1 ack 0x2 window 3 options sack-perm,timestamp "
        'mss 1460 wscale 7 ttl 5 dscp ef ecn ce length 100 mark 0x10 mac 02:00:00:00:00:01 os "Linux" '
        'payload "a\\r\\x00"',
        GATEWAY,
    )
    assert packet == Packet(
        Family.IP, TCP, NINE, OWN, 4000, 22, iif="eth0", flags=0x12, seq=1, ack=2, window=3, options=frozenset({4, 8}),
        mss=1460, wscale=7, ttl=5, dscp=46, ecn=3, length=100, mark=16, mac=0x020000000001, os="Linux",
        payload=b"a\r\0",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "protocol", "type", "code"),
    [
        ("icmp 198.51.100.9 -> host in eth0", ICMP, 8, 0),
        ("icmp/3/3 198.51.100.9 -> host in eth0", ICMP, 3, 3),
        ("icmp/time-exceeded 198.51.100.9 -> host in eth0 code 1", ICMP, 11, 1),
        ("icmpv6/packet-too-big 2001:db8:9::9 -> host in eth0", ICMPV6, 2, 0),
        ("icmpv6 host -> 2001:db8:9::9 out eth0", ICMPV6, 128, 0),
        ("47 198.51.100.9 -> host in eth0", 47, 0, 0),
        ("ospf 198.51.100.9 -> host in eth0", 89, 0, 0),
    ],
)
def test_protocols(words: str, protocol: int, type: int, code: int) -> None:
    packet = read_packet(words, GATEWAY)
    assert (packet.protocol, packet.type, packet.code) == (protocol, type, code)


def test_neighbour_discovery_comes_with_all_hops_unless_it_says_otherwise() -> None:
    words = "icmpv6/nd-neighbor-solicit fe80::1 -> host in eth0"
    assert read_packet(words, GATEWAY).ttl == 255
    assert read_packet(f"{words} ttl 64", GATEWAY).ttl == 64


def test_host_is_the_address_of_the_interface_in_the_family_of_the_other_end() -> None:
    assert read_packet("tcp host:1 -> [2001:db8:9::9]:2 out eth1", GATEWAY).end(source=True) == "[2001:db8:2::1]:1"
    error = read_packet("icmp/3/3 198.51.100.9 -> host in eth0 about udp host:5 -> 198.51.100.9:53", GATEWAY)
    assert error.quoted is not None
    assert error.quoted.saddr == OWN


def test_what_the_host_sends_need_not_say_where() -> None:
    assert read_packet("udp 203.0.113.1:5 -> 192.0.2.9:53", GATEWAY).oif == "eth1"


def test_replies_and_waits() -> None:
    assert step("wait 1h30m250ms") == Wait(5400.25)
    assert step("wait 7") == Wait(7.0)
    reply = step("reply icmp/3/1 by 198.51.100.1 ttl 9")
    assert isinstance(reply, Reply)
    assert (reply.protocol, reply.type, reply.code, reply.by) == (ICMP, 3, 1, 0xC6336401)
    assert reply.changes[0](Packet(Family.IP, ICMP, 1, 2)).ttl == 9


def test_what_is_presumed() -> None:
    packet = read_packet(
        "tcp 198.51.100.9:1 -> host:22 in eth0 flags ack status assured,seen-reply ct-mark 5 ct-direction reply "
        "ct-helper ftp ct-original 192.0.2.9:7 -> 198.51.100.9:1",
        GATEWAY,
    )
    assert packet.presumed == Presumed(
        CtState.ESTABLISHED, CT_STATUS_BITS["assured"] | CT_STATUS_BITS["seen-reply"], 5, True, "ftp",
        (0xC0000209, 7, NINE, 1),
    )  # fmt: skip
    assert read_packet("udp 198.51.100.9:1 -> host:2 in eth0 ct-helper sip", GATEWAY).presumed == Presumed(
        CtState.RELATED, helper="sip"
    )


WRONG = {
    "": ("POL061", 1),
    "tcp": ("POL061", 1),
    "tcp 198.51.100.9:1": ("POL061", 5),
    "tcp 198.51.100.9:1 -> in eth0": ("POL061", 23),
    "tcp example.com:1 -> host:22 in eth0": ("POL062", 5),
    "tcp 198.51.100.9:1 -> host:22 in eth0 flags": ("POL061", 39),
    "tcp 198.51.100.9:1 -> host:22 in eth0 flgs syn": ("POL061", 39),
    "tcp 198.51.100.9:1 -> host:22 in eth0 flags syn,sny": ("POL062", 49),
    "tcp 198.51.100.9:1 -> host:22 in eth9": ("POL063", 34),
    "tcp 198.51.100.9:1 -> host:22": ("POL063", 23),
    "tcp 198.51.100.9:1 -> 198.51.100.8:22": ("POL063", 1),
    "tcp 198.51.100.9:1 -> host in eth0": ("POL062", 23),
    "tcp 198.51.100.9:70000 -> host:22 in eth0": ("POL062", 5),
    "tcp 198.51.100.0/24 -> host:22 in eth0": ("POL062", 5),
    "tcp 198.51.100.9:1 -> [2001:db8::1]:22 in eth0": ("POL062", 23),
    "tcp [198.51.100.9]:1 -> host:22 in eth0": ("POL062", 5),
    "icmp 2001:db8::1 -> host in eth0": ("POL062", 1),
    "icmp 198.51.100.9:5 -> host in eth0": ("POL062", 6),
    "icmp/echo 198.51.100.9 -> host in eth0": ("POL062", 1),
    "icmp 198.51.100.9 -> host in eth0 about udp host:1 -> 198.51.100.9:2": ("POL062", 35),
    "udp 198.51.100.9:1 -> host:2 in eth0 flags syn": ("POL062", 44),
    "udp 198.51.100.9:1 -> host:2 in eth0 ttl 256": ("POL062", 42),
    "udp 198.51.100.9:1 -> host:2 in eth0 ttl 5 ttl 6": ("POL062", 44),
    "udp 198.51.100.9:1 -> host:2 in eth0 state fresh": ("POL062", 44),
    'udp 198.51.100.9:1 -> host:2 in eth0 payload "a\\q"': ("POL062", 46),
    'udp 198.51.100.9:1 -> host:2 in eth0 payload "a': ("POL061", 46),
    "udp 198.51.100.9:1 -> host:2 in eth0 mac 02:00": ("POL062", 42),
    "udp [2001:db8::9]:1 -> host:2 in eth0 headers mh": ("POL062", 47),
    "udp [2001:db8::9]:1 -> host:2 in eth0 mh-type 5": ("POL062", 47),
    "135 198.51.100.9 -> host in eth0 mh-type 5": ("POL062", 42),
    "wait": ("POL061", 1),
    "wait soon": ("POL062", 6),
    "reply about udp host:1 -> 198.51.100.9:2": ("POL062", 7),
    "tcp:22 198.51.100.9 -> host:22 in eth0": ("POL061", 1),
}  # fmt: skip


@pytest.mark.parametrize("words", WRONG)
def test_errors_stand_at_their_words(words: str) -> None:
    with pytest.raises(Failure) as failure:
        step(words)
    (found,) = failure.value.diagnostics
    assert found.span is not None
    assert (found.code, found.span.column) == WRONG[words], found


addresses = {Family.IP: st.integers(1 << 24, (1 << 32) - 1), Family.IP6: st.integers(1 << 124, (1 << 125) - 1)}


@st.composite
def any_packet(draw: st.DrawFn, deep: bool = True) -> Packet:
    """A packet that words can say."""
    family = draw(st.sampled_from(Family))
    icmp = ICMP if family is Family.IP else ICMPV6
    protocol = draw(st.sampled_from([TCP, UDP, icmp, SCTP, DCCP, 47, 50, 89]))
    fragment = draw(st.booleans()) and protocol not in (icmp, 47, 50, SCTP, DCCP)
    ports = protocol in PORT_PROTOCOLS and not fragment
    port = st.integers(0, 65535)
    packet = Packet(
        family, protocol, draw(addresses[family]), draw(addresses[family]), draw(port) if ports else None,
        draw(port) if ports else None, ttl=draw(st.integers(0, 255)), dscp=draw(st.integers(0, 63)),
        ecn=draw(st.integers(0, 3)), mark=draw(st.integers(0, 2**32 - 1)), fragment=fragment,
        length=draw(st.none() | st.integers(0, 65535)), payload=draw(st.binary(max_size=8)),
        uid=draw(st.none() | st.integers(0, 9)), mac=draw(st.none() | st.integers(0, 2**48 - 1)),
        pkttype=draw(st.none() | st.integers(0, 3)), ipsec=draw(st.booleans()), socket=draw(st.booleans()),
        bad_checksum=draw(st.booleans()), vlan=draw(st.none() | st.integers(0, 4095)),
        priority=draw(st.integers(0, 9)), cpu=draw(st.integers(0, 3)), realm=draw(st.integers(0, 3)),
        iif=draw(st.sampled_from(["", "eth0"])) if deep else "",
    )  # fmt: skip
    packet = replace(packet, oif="eth1" if deep and not packet.iif else "")
    if protocol == TCP and not fragment:
        packet = replace(
            packet, flags=draw(st.integers(0, 255)), seq=draw(st.none() | st.integers(0, 2**32 - 1)),
            ack=draw(st.none() | st.integers(0, 9)), window=draw(st.integers(0, 65535)),
            options=frozenset(draw(st.sets(st.sampled_from([4, 8, 30, 99])))), mss=draw(st.none() | st.just(1460)),
            wscale=draw(st.none() | st.integers(0, 14)), sack=tuple(draw(st.lists(st.integers(0, 9), max_size=2))),
        )  # fmt: skip
    if protocol == icmp:
        packet = replace(packet, type=draw(st.integers(0, 255)), code=draw(st.integers(0, 15)), id=draw(port))
        if packet.is_icmp_error and deep:
            inner = draw(any_packet(deep=False))
            packet = replace(packet, quoted=inner if inner.family is family else None)
    if protocol == SCTP:
        packet = replace(packet, chunks=draw(st.none() | st.just((1,)) | st.just((0, 99))), vtag=draw(st.none() | port))
    if protocol == 50:
        packet = replace(packet, spi=draw(st.none() | port))
    if protocol == DCCP:
        packet = replace(packet, dccp_type=draw(st.integers(0, 15)))
    if protocol == 47:
        packet = replace(packet, call_id=draw(st.none() | port))
    if family is Family.IP6:
        packet = replace(packet, headers=frozenset(draw(st.sets(st.sampled_from(["hbh", "dst"])))))
    if deep and draw(st.booleans()):
        packet = replace(
            packet,
            presumed=Presumed(
                draw(st.sampled_from(list(CtState))), draw(st.none() | st.just(6)), draw(st.none() | st.just(7)),
                draw(st.none() | st.booleans()), draw(st.sampled_from(["", "ftp"])),
            ),
        )  # fmt: skip
    return packet


@settings(max_examples=400, deadline=None)
@given(any_packet())
def test_every_packet_can_be_written_and_read_again(packet: Packet) -> None:
    assert read_packet(format_packet(packet), GATEWAY) == packet
    text = json.dumps([packet_json(packet)])
    (draft,) = read_json_steps(SourceFile("packets.json", text))
    assert draft.step(GATEWAY) == Send(packet)


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=40) | st.lists(st.sampled_from(
    ["tcp", "udp", "icmp/3", "->", "198.51.100.9:4", "host:22", "host", "[::1]:5", "in", "eth0", "flags", "syn", ",",
     "ack", "5", "about", "reply", "wait", "5s", '"x"', "state", "new", "payload", "options", "mac", "::", "by"]
)).map(" ".join))  # fmt: skip
def test_any_text_is_a_step_or_told(words: str) -> None:
    found: tuple[Diagnostic, ...] = ()
    try:
        step(words)
    except Failure as failure:
        found = failure.diagnostics
    assert all(one.code in ("POL061", "POL062", "POL063") and one.span for one in found)


JSON_STEPS = """[
  {"protocol": "tcp", "source": "198.51.100.9:4000", "destination": "host:22", "in": "eth0", "flags": ["syn"]},
  {"reply": true, "flags": ["syn", "ack"]}, {"wait": "5s"},
  {"protocol": "icmp/3/3", "source": "198.51.100.9", "destination": "host", "in": "eth0",
   "about": {"protocol": "udp", "source": "host:5", "destination": "198.51.100.9:53"}}
]"""


def test_json_says_the_same() -> None:
    steps = [draft.step(GATEWAY) for draft in read_json_steps(SourceFile("packets.json", JSON_STEPS))]
    assert steps[0] == step("tcp 198.51.100.9:4000 -> host:22 in eth0")
    assert isinstance(steps[1], Reply)
    assert steps[2:] == [
        Wait(5.0),
        step("icmp/3/3 198.51.100.9 -> host in eth0 about udp host:5 -> 198.51.100.9:53"),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"protocol": "tcp"}', 1),
        ('{"wait": "5s", "reply": true}', 1),
        ('{"reply": 1}', 1),
        ('[{"reply": true},\n {"protocol": "tcp", "source": "x", "destination": "y"}]', 2),
        ('[{"reply": true},\n 5]', 2),
        ('{"reply": true}\n{"reply": tru', 2),
        ('{"reply": true, "colour": "red"}', 1),
        ('{"reply": true, "ttl": [5]}', 1),
        ('{"reply": true, "ttl": 5.5}', 1),
        ("[" * 5000, 1),
    ],
)
def test_wrong_json_is_told_with_its_line(text: str, line: int) -> None:
    with pytest.raises(Failure) as failure:
        [draft.step(GATEWAY) for draft in read_json_steps(SourceFile("packets.json", text))]
    (found,) = failure.value.diagnostics
    assert found.span is not None
    assert (found.code[:5], found.span.line) == ("POL06", line)
