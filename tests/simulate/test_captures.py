"""Packets as they were on the wire: captures of tcpdump."""

from __future__ import annotations

import io
import struct
import sys
from collections.abc import Callable

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packet_text import GATEWAY

from polc.diagnostics import Failure
from polc.ir.family import Family
from polc.ir.protocols import ICMP, SCTP, TCP, UDP
from polc.simulate import Host, Packet, Send, Step, Wait, assumed_host, format_packet
from polc.simulate.pcap import is_capture, read_capture
from polc.simulate.wire import NoDatagram, read_datagram

CLIENT, OWN = b"\xc6\x33\x64\x09", b"\xcb\x00\x71\x01"
CLIENT6, OWN6 = bytes.fromhex("20010db8" + "0" * 23 + "9"), bytes.fromhex("20010db80113" + "0" * 19 + "1")
ETHERNET, COOKED, COOKED2, RAW = 1, 113, 276, 101


def ip(body: bytes, protocol: int, source: bytes = CLIENT, destination: bytes = OWN, offset: int = 0) -> bytes:
    head = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 46 << 2 | 1, 20 + len(body), 7, offset, 60, protocol, 0, source, destination
    )
    return head + body


def ip6(body: bytes, protocol: int, source: bytes = CLIENT6, destination: bytes = OWN6) -> bytes:
    return struct.pack("!IHBB16s16s", 6 << 28 | 46 << 22, len(body), protocol, 60, source, destination) + body


def tcp(flags: int, options: bytes = b"", data: bytes = b"") -> bytes:
    size = 5 + len(options) // 4
    return struct.pack("!HHIIBBHHH", 4000, 22, 1000, 2000, size << 4, flags, 512, 0, 0) + options + data


def udp(data: bytes = b"", sport: int = 4000, dport: int = 53) -> bytes:
    return struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data


def capture(*frames: tuple[float, bytes], link: int = ETHERNET) -> bytes:
    file = io.BytesIO()
    writer = dpkt.pcap.Writer(file, linktype=link)
    for stamp, frame in frames:
        writer.writepkt(frame, stamp)
    return file.getvalue()


def ethernet(data: bytes, kind: int = 0x0800, tags: bytes = b"") -> bytes:
    return b"\2\0\x5e\0\0\x10" + b"\2\0\0\0\0\1" + tags + struct.pack("!H", kind) + data


def steps(data: bytes, host: Host = GATEWAY, interface: str = "") -> list[Step]:
    return list(read_capture(data, "a.pcap", host, interface))


def packet(data: bytes, host: Host = GATEWAY, interface: str = "") -> Packet:
    (step,) = steps(data, host, interface)
    assert isinstance(step, Send)
    return step.packet


def codes(read: Callable[[], object]) -> set[str]:
    """The codes of what is wrong."""
    try:
        read()
    except Failure as failure:
        return {one.code for one in failure.diagnostics}
    return set()


def test_tcp_with_options() -> None:
    options = b"\2\4\5\xb4" + b"\4\2" + b"\x08\x0a" + b"\0" * 8 + b"\1" + b"\3\3\7"
    found = read_datagram(ip(tcp(0x12, options + b"\0" * (-len(options) % 4), b"hi"), TCP))
    assert (found.family, found.protocol, found.sport, found.dport) == (Family.IP, TCP, 4000, 22)
    assert (found.ttl, found.dscp, found.ecn, found.flags) == (60, 46, 1, 0x12)
    assert (found.seq, found.ack, found.window, found.payload) == (1000, 2000, 512, b"hi")
    assert (found.mss, found.wscale, found.tcp_options) == (1460, 7, frozenset({2, 3, 4, 8}))


def test_fragments_have_no_ports() -> None:
    first, later = (read_datagram(ip(udp(b"x" * 16), UDP, offset=offset)) for offset in (0x2000, 0x2001))
    assert (first.sport, first.fragment) == (4000, False)
    assert (later.sport, later.fragment) == (None, True)


def test_headers_of_ipv6() -> None:
    hop_by_hop = bytes([44, 0, 5, 2, 0, 0, 1, 0])
    found = read_datagram(ip6(hop_by_hop + bytes([17, 0, 0, 1, 0, 0, 0, 9]) + udp(), 0))
    assert (found.protocol, found.sport, found.headers) == (UDP, 4000, frozenset({"hbh", "frag"}))
    assert not found.fragment
    assert (found.dscp, found.ttl) == (46, 60)
    assert read_datagram(ip6(bytes([17, 0, 0, 9, 0, 0, 0, 9]) + udp(), 44)).fragment


def test_icmp_and_what_an_error_quotes() -> None:
    ping = read_datagram(ip(struct.pack("!BBHHH", 8, 0, 0, 77, 1), ICMP))
    assert (ping.type, ping.id) == (8, 77)
    error = read_datagram(ip(bytes([3, 3, 0, 0, 0, 0, 0, 0]) + ip(udp()[:8], UDP, OWN, CLIENT), ICMP))
    assert error.quoted is not None
    assert (error.type, error.code, error.quoted.end(source=True)) == (3, 3, "203.0.113.1:4000")


def test_protocols_of_few() -> None:
    gre = read_datagram(ip(b"\x30\x81\x88\x0b\0\4\0\x63data", 47))
    assert gre.call_id == 99
    chunk = b"\1\0\0\x14" + struct.pack("!I", 5) + b"\0" * 12
    sctp = read_datagram(ip(struct.pack("!HHII", 1, 2, 9, 0) + chunk, SCTP))
    assert (sctp.chunks, sctp.vtag, sctp.init_tag) == ((1,), 9, 5)
    assert read_datagram(ip(b"\0\0\1\0\0\0\0\1", 50)).spi == 256


def test_what_is_no_datagram() -> None:
    for data in (b"", b"\x45\0", b"\x60\0", b"\x00" * 40, b"\x41" + b"\0" * 30):
        with pytest.raises(NoDatagram):
            read_datagram(data)


@given(st.binary(max_size=120), st.sampled_from([b"", b"\x45", b"\x4f", b"\x60"]))
def test_any_bytes_are_a_packet_or_none(data: bytes, first: bytes) -> None:
    try:
        found = read_datagram(first + data)
    except NoDatagram:
        return
    assert format_packet(found)


@given(st.binary(max_size=120))
def test_a_cut_off_body_is_read_as_far_as_it_goes(data: bytes) -> None:
    for protocol in (TCP, UDP, ICMP, SCTP, 33, 47, 50, 51, 136):
        assert read_datagram(ip(data, protocol)).protocol == protocol
        assert read_datagram(ip6(data, 58 if protocol == ICMP else protocol)).family is Family.IP6


def test_packets_in_and_out_and_the_time_between() -> None:
    there, back = ip(tcp(2), TCP), ip(tcp(0x12), TCP, OWN, CLIENT)
    found = steps(capture((1.5, ethernet(there)), (4.0, ethernet(back)), (4.0, ethernet(there))))
    assert [type(one) for one in found] == [Send, Wait, Send, Send]
    assert isinstance(found[1], Wait)
    assert found[1].seconds == 2.5
    into, out = (one.packet for one in found[::2] if isinstance(one, Send))
    assert (into.iif, into.oif, into.mac, into.mac_to) == ("eth0", "", 0x020000000001, 0x02005E000010)
    assert (out.iif, out.oif, out.mac) == ("", "eth0", None)


def test_tags_of_vlans() -> None:
    tags = struct.pack("!HH", 0x8100, 3 << 13 | 42)
    assert packet(capture((0.0, ethernet(ip(udp(), UDP), tags=tags)))).vlan == 42


def test_frames_that_are_none_of_ip_are_passed_over() -> None:
    assert steps(capture((0.0, ethernet(b"\0" * 28, 0x0806)), (1.0, ethernet(ip6(udp(), UDP), 0x86DD))))[-1]
    assert len(steps(capture((0.0, ethernet(b"\0" * 28, 0x0806))))) == 0


def test_cooked_captures_say_which_way() -> None:
    mac = struct.pack("!HH6s2x", 1, 6, b"\2\0\0\0\0\1")
    for outgoing, kind in ((False, 0), (True, 4)):
        ends = (OWN, CLIENT) if outgoing else (CLIENT, OWN)
        data = ip(udp(), UDP, *ends)
        first = struct.pack("!H", kind) + mac + b"\x08\0" + data
        second = b"\x08\0\0\0" + struct.pack("!I", 2) + struct.pack("!HBB", 1, kind, 6) + b"\2\0\0\0\0\1\0\0" + data
        for frame, link in ((first, COOKED), (second, COOKED2)):
            found = packet(capture((0.0, frame), link=link))
            assert (found.oif if outgoing else found.iif) == "eth0"
            assert found.mac == (None if outgoing else 0x020000000001)
    nobody = assumed_host([], ["eth0"])
    frame = struct.pack("!H", 0) + mac + b"\x08\0" + ip(udp(), UDP)
    assert packet(capture((0.0, frame), link=COOKED), nobody, "eth0").iif == "eth0"


def test_a_raw_capture_and_an_interface_by_its_name() -> None:
    assert packet(capture((0.0, ip(udp(), UDP)), link=RAW), interface="eth1").iif == "eth1"


def test_where_it_cannot_be_told() -> None:
    with pytest.raises(Failure) as caught:
        packet(capture((0.0, ethernet(ip(udp(), UDP)))), assumed_host([], ["eth0"]))
    assert caught.value.diagnostics[0].code == "POL063"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xd4\xc3\xb2\xa1" + b"\0" * 5, "capture"),
        (capture((0.0, b"x"), link=105), "link type 105"),
        (capture((0.0, ethernet(b"\x99" * 30))), "packet 1"),
        (capture((0.0, ethernet(ip(udp(), UDP))))[:-5], "behind packet 0: it is cut off"),
        (capture((0.0, b"x" * 20))[:-20], "packet 1 is cut off"),
    ],
)
def test_captures_that_are_wrong(data: bytes, message: str) -> None:
    assert is_capture(data)
    with pytest.raises(Failure) as caught:
        steps(data)
    (found,) = caught.value.diagnostics
    assert found.code == "POL064"
    assert message in found.message


@given(st.binary(max_size=200), st.sampled_from([b"\xd4\xc3\xb2\xa1", b"\n\r\r\n", b"\xa1\xb2\xc3\xd4"]))
def test_any_bytes_are_a_capture_or_a_diagnostic(data: bytes, magic: bytes) -> None:
    assert is_capture(magic + data)
    assert codes(lambda: steps(magic + data)) <= {"POL063", "POL064"}


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dpkt", None)
    with pytest.raises(Failure) as caught:
        steps(b"\xd4\xc3\xb2\xa1")
    (found,) = caught.value.diagnostics
    assert (found.code, "polc[pcap]" in found.help) == ("POL601", True)
