"""Flows that belong to others: let in when a helper has read of them, and only then."""

from __future__ import annotations

import pytest
from play import Play

from polc.ir.matches import CtState
from polc.simulate import Fate, Flavour, Outcome

SERVER = """\
zones: {wan: eth0, lan: eth1}
input:
  default: drop
  rules:
    - HELPER
    - use stateful
    - accept tcp/21 state new
    - accept udp/69 state new
    - accept tcp/6667 state new
    - accept udp/5060 state new
    - accept tcp/1723 state new
output: {default: accept}
"""
GATEWAY = """\
zones: {wan: eth0, lan: eth1}
input: {default: drop}
forward:
  default: drop
  rules:
    - HELPER
    - use stateful
    - accept from lan to wan state new
output: {default: accept}
NAT
"""
CLIENT, SERVED = "198.51.100.9", "203.0.113.1"


def server(helper: str = "") -> Play:
    return Play(SERVER.replace("    - HELPER\n", f"    - {helper}\n" if helper else ""))


def gateway(helper: str = "", nat: str = "", flavour: Flavour = Flavour.NFT) -> Play:
    text = GATEWAY.replace("    - HELPER\n", f"    - {helper}\n" if helper else "")
    return Play(text.replace("NAT\n", f"nat: ['{nat}']\n" if nat else ""), flavour=flavour)


def control(play: Play, words: str, *said: str) -> list[Outcome]:
    """A TCP connection is made, and each end says its lines: the client's begin with ``>``, the server's with ``<``.

    Both have said something before, as the ends of FTP do: nothing is read of the first line of either.
    """
    done = [play.send(words), play.send("reply"), play.send("reply")]
    assert [one.fate for one in done] == [Fate.ACCEPT] * 3
    client = True
    for number, line in enumerate(("<220 ready", ">USER ftp", *said)):
        way, text = line[0], line[1:].strip()
        if (way == ">") is client:
            # Whoever has just spoken goes on: the other end acknowledges first.
            play.send("reply flags ack")
        client = way == ">"
        spoken = play.send(f'reply flags psh,ack payload "{text}\\r\\n"')
        done += [spoken] if number > 1 else []
    return done


FTP = f"tcp {CLIENT}:4000 -> {SERVED}:21 in eth0"
ACTIVE = f"tcp {SERVED}:20 -> {CLIENT}:5001 out eth0"
PASSIVE = f"tcp {CLIENT}:4001 -> {SERVED}:50001 in eth0"


@pytest.mark.parametrize(
    "line", ["<227 Entering Passive Mode (203,0,113,1,195,81)", "<229 Entering Extended Passive Mode (|||50001|)"]
)
def test_passive_ftp_needs_the_helper(line: str) -> None:
    for helper, state, fate in (("helper ftp tcp/21", CtState.RELATED, Fate.ACCEPT), ("", CtState.NEW, Fate.DROP)):
        play = server(helper)
        control(play, FTP, ">PASV", line)
        data = play.send(PASSIVE)
        assert (data.state, data.fate) == (state, fate)
        if helper:
            assert data.after is not None
            assert data.after.master == 1
            assert "expected" in data.after.status_names
            assert play.send("reply").state is CtState.ESTABLISHED
            # Once: what the helper expects is one flow.
            assert play.send(PASSIVE.replace(":4001", ":4002")).fate is Fate.DROP


@pytest.mark.parametrize("line", [">PORT 198,51,100,9,19,137", ">EPRT |1|198.51.100.9|5001|"])
def test_active_ftp_comes_from_the_server(line: str) -> None:
    play = server("helper ftp tcp/21")
    control(play, FTP, line)
    assert play.send(ACTIVE).state is CtState.RELATED
    plain = server()
    control(plain, FTP, line)
    assert plain.send(ACTIVE).state is CtState.NEW


def test_ftp_over_ipv6() -> None:
    play = server("helper ftp tcp/21")
    control(play, "tcp [2001:db8::9]:4000 -> [2001:db8:113::1]:21 in eth0", ">EPRT |2|2001:db8::9|5001|")
    active = play.send("tcp [2001:db8:113::1]:20 -> [2001:db8::9]:5001 out eth0")
    assert active.state is CtState.RELATED


def test_ftp_of_somebody_else_and_lines_that_cannot_be_read() -> None:
    play = server("helper ftp tcp/21")
    control(play, FTP, ">PORT 198,51,100,8,19,137")
    assert play.send(ACTIVE.replace(CLIENT, "198.51.100.8")).state is CtState.NEW
    for line in (">PORT 198,51,100,9,19", ">PORT 300,51,100,9,19,137", ">EPRT |1|nowhere|5001|", "<227 no (1,2,3)"):
        done = control(server("helper ftp tcp/21"), FTP, *([">NOOP"] if line[0] == "<" else []), line)
        assert (done[-1].fate, done[-1].reason) == (Fate.DROP, "the helper `ftp` drops it"), line


def test_an_expectation_is_over_after_five_minutes() -> None:
    play = server("helper ftp tcp/21")
    control(play, FTP, ">PASV", "<229 Entering Extended Passive Mode (|||50001|)")
    play.do("wait 301s")
    assert play.send(PASSIVE).state is CtState.NEW


def test_the_helper_is_attached_by_the_first_packet_alone() -> None:
    play = Play(SERVER.replace("HELPER", "helper ftp tcp/21 state established"))
    control(play, FTP, ">PASV", "<229 Entering Extended Passive Mode (|||50001|)")
    assert play.send(PASSIVE).fate is Fate.DROP


INSIDE = "tcp 192.0.2.9:4000 -> 198.51.100.9:21 in eth1"


def test_active_ftp_through_masquerade_is_said_anew() -> None:
    play = gateway("helper ftp tcp/21", "masquerade to wan")
    done = control(play, INSIDE, ">PORT 192,0,2,9,19,137")
    said = done[-1].leaves
    assert said is not None
    assert said.payload == b"PORT 203,0,113,1,19,137\r\n"
    data = play.send("tcp 198.51.100.9:20 -> 203.0.113.1:5001 in eth0")
    assert data.state is CtState.RELATED
    assert data.leaves is not None
    assert data.leaves.end(source=False) == "192.0.2.9:5001"
    assert play.send("reply").state is CtState.ESTABLISHED


def test_extended_active_ftp_through_masquerade() -> None:
    play = gateway("helper ftp tcp/21", "masquerade to wan")
    said = control(play, INSIDE, ">EPRT |1|192.0.2.9|5001|")[-1].leaves
    assert said is not None
    assert said.payload == b"EPRT |1|203.0.113.1|5001|\r\n"


def test_a_port_that_is_expected_already_becomes_another() -> None:
    play = gateway("helper ftp tcp/21", "masquerade to wan")
    control(play, INSIDE, ">PORT 192,0,2,9,19,137")
    said = control(play, INSIDE.replace("2.9", "2.8"), ">PORT 192,0,2,8,19,137")[-1].leaves
    assert said is not None
    assert said.payload.startswith(b"PORT 203,0,113,1,")
    assert said.payload != b"PORT 203,0,113,1,19,137\r\n"
    high, low = said.payload.strip().split(b",")[-2:]
    data = play.send(f"tcp 198.51.100.9:20 -> 203.0.113.1:{int(high) << 8 | int(low)} in eth0")
    assert data.leaves is not None
    assert data.leaves.end(source=False) == "192.0.2.8:5001"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("<227 Entering Passive Mode (192,0,2,10,195,81)", b"227 Entering Passive Mode (203,0,113,1,195,81)\r\n"),
        ("<229 Extended Passive Mode (|||50001|)", b"229 Extended Passive Mode (|||50001|)\r\n"),
    ],
)
def test_passive_ftp_to_a_server_behind_dnat(line: str, said: bytes) -> None:
    play = Play(
        "zones: {wan: eth0, lan: eth1}\ninput: {default: drop}\noutput: {default: accept}\nforward:\n  default: drop\n"
        "  rules: [helper ftp tcp/21, use stateful, accept tcp/21 to 192.0.2.10 state new]\n"
        "nat: ['dnat tcp/21 from wan to 203.0.113.1 -> 192.0.2.10:21']\n"
    )
    done = control(play, FTP, ">PASV", line)
    assert done[-1].leaves is not None
    assert done[-1].leaves.payload == said
    data = play.send(PASSIVE)
    assert data.state is CtState.RELATED
    assert data.leaves is not None
    assert data.leaves.end(source=False) == "192.0.2.10:50001"


# The others


def test_tftp_answers_from_another_port() -> None:
    ask = f'udp {CLIENT}:4000 -> {SERVED}:69 in eth0 payload "\\x00\\x01file\\x00octet\\x00"'
    answer = f"udp {SERVED}:50000 -> {CLIENT}:4000 out eth0"
    play = server("helper tftp udp/69")
    play.send(ask)
    assert play.send(answer).state is CtState.RELATED
    assert play.send(f"udp {CLIENT}:4000 -> {SERVED}:50000 in eth0").fate is Fate.ACCEPT
    plain = server()
    plain.send(ask)
    assert plain.send(answer).state is CtState.NEW


def test_tftp_through_masquerade() -> None:
    play = gateway("helper tftp udp/69", "masquerade to wan")
    play.send('udp 192.0.2.9:4000 -> 198.51.100.9:69 in eth1 payload "\\x00\\x01file\\x00octet\\x00"')
    data = play.send("udp 198.51.100.9:50000 -> 203.0.113.1:4000 in eth0")
    assert data.state is CtState.RELATED
    assert data.leaves is not None
    assert data.leaves.end(source=False) == "192.0.2.9:4000"


IRC = "tcp 192.0.2.9:4000 -> 198.51.100.9:6667 in eth1"
OFFER = ">PRIVMSG you :\\x01DCC SEND file 3221225993 5001 12\\x01"


def test_irc_clients_are_called_by_anybody() -> None:
    play = gateway("helper irc tcp/6667")
    control(play, IRC, OFFER)
    assert play.send("tcp 198.51.100.77:9 -> 192.0.2.9:5001 in eth0").state is CtState.RELATED
    forged = gateway("helper irc tcp/6667")
    control(forged, IRC, OFFER.replace("3221225993", "3221225994"))
    assert forged.send("tcp 198.51.100.77:9 -> 192.0.2.10:5001 in eth0").state is CtState.NEW


def test_irc_through_masquerade() -> None:
    play = gateway("helper irc tcp/6667", "masquerade to wan")
    said = control(play, IRC, OFFER)[-1].leaves
    assert said is not None
    assert b"DCC SEND file 3405803777 5001 12" in said.payload
    data = play.send("tcp 198.51.100.77:9 -> 203.0.113.1:5001 in eth0")
    assert data.leaves is not None
    assert data.leaves.end(source=False) == "192.0.2.9:5001"


INVITE = (
    "INVITE sip:you@198.51.100.9 SIP/2.0\\r\\nCSeq: 1 INVITE\\r\\nContact: <sip:me@192.0.2.9>\\r\\n\\r\\n"
    "v=0\\r\\nc=IN IP4 192.0.2.9\\r\\nm=audio 20000 RTP/AVP 0\\r\\n"
)
SIP = f'udp 192.0.2.9:5060 -> 198.51.100.9:5060 in eth1 payload "{INVITE}"'


def test_sip_media_come_to_the_ports_that_were_offered() -> None:
    play = gateway("helper sip udp/5060")
    play.send(SIP)
    rtp, rtcp = (play.send(f"udp 198.51.100.9:30000 -> 192.0.2.9:{port} in eth0") for port in (20000, 20001))
    assert (rtp.state, rtcp.state) == (CtState.RELATED, CtState.RELATED)
    assert play.send("udp 198.51.100.9:30000 -> 192.0.2.9:20002 in eth0").state is CtState.NEW


def test_sip_calls_that_end_or_are_refused_expect_nothing() -> None:
    for answer in ("BYE sip:me@192.0.2.9 SIP/2.0\\r\\nCSeq: 2 BYE\\r\\n", "SIP/2.0 486 Busy\\r\\nCSeq: 1 INVITE\\r\\n"):
        play = gateway("helper sip udp/5060")
        play.send(SIP)
        play.send(f'reply payload "{answer}\\r\\n"')
        assert play.send("udp 198.51.100.9:30000 -> 192.0.2.9:20000 in eth0").state is CtState.NEW


def test_sip_clients_that_registered_are_called() -> None:
    contact = "CSeq: 7 REGISTER\\r\\nContact: <sip:me@192.0.2.9:5062>;expires=60\\r\\n"
    register, ok = f"REGISTER sip:198.51.100.9 SIP/2.0\\r\\n{contact}", f"SIP/2.0 200 OK\\r\\n{contact}"
    play = gateway("helper sip udp/5060")
    play.send(f'udp 192.0.2.9:5060 -> 198.51.100.9:5060 in eth1 payload "{register}\\r\\n"')
    call = "udp 198.51.100.9:5060 -> 192.0.2.9:5062 in eth0"
    play.send(f'reply payload "{ok}\\r\\n"')
    play.do("wait 59s")
    assert play.send(call).state is CtState.RELATED


def test_sip_without_a_sequence_number_is_dropped() -> None:
    play = gateway("helper sip udp/5060")
    assert play.send(SIP.replace("CSeq", "Seq")).fate is Fate.DROP


def _pptp(message: int, *fields: int) -> str:
    body = (
        b"\0\x9c\0\1\x1a\x2b\x3c\x4d" + bytes([0, message, 0, 0]) + b"".join(one.to_bytes(2, "big") for one in fields)
    )
    return "".join(f"\\x{one:02x}" for one in body)


def _pptp_call(play: Play) -> None:
    for words in (f"tcp {CLIENT}:4000 -> {SERVED}:1723 in eth0", "reply", "reply"):
        assert play.send(words).fate is Fate.ACCEPT
    play.send("reply flags ack")
    for body in (
        _pptp(1, 0x0100, 0),
        _pptp(2, 0x0100, 0x0100),
        _pptp(7, 77, 1),
        _pptp(8, 99, 77, 0x0100),
    ):
        play.send(f'reply flags psh,ack payload "{body}"')


def test_pptp_expects_gre_both_ways() -> None:
    play = server("helper pptp tcp/1723")
    _pptp_call(play)
    gre = play.send(f"gre {CLIENT} -> {SERVED} in eth0 call-id 99")
    assert (gre.state, gre.fate) == (CtState.RELATED, Fate.ACCEPT)
    assert gre.after is not None
    assert gre.after.expires == 600
    back = play.send(f"gre {SERVED} -> {CLIENT} out eth0 call-id 77")
    assert back.state is CtState.ESTABLISHED
    plain = server()
    _pptp_call(plain)
    assert plain.send(f"gre {CLIENT} -> {SERVED} in eth0 call-id 99").state is CtState.NEW


@pytest.mark.parametrize(
    ("helper", "words"), [("sip udp/5060", SIP), ("pptp tcp/1723", "tcp 192.0.2.9:4000 -> 198.51.100.9:1723 in eth1")]
)
def test_what_helpers_make_of_natted_flows_only_the_kernel_knows(helper: str, words: str) -> None:
    play = gateway(f"helper {helper}", "masquerade to wan")
    outcome = play.send(words)
    if "tcp" in words:
        play.send("reply")
        play.send("reply")
        outcome = play.send(f'reply flags psh,ack payload "{_pptp(2, 0x0100, 0x0100)}"')
    assert outcome.fate is Fate.UNKNOWN
    assert "NAT changes" in outcome.reason


def test_helpers_that_are_not_known_here() -> None:
    play = Play(SERVER.replace("    - HELPER\n", "    - accept udp/137 helper netbios-ns\n"))
    outcome = play.send(f"udp {CLIENT}:137 -> {SERVED}:137 in eth0")
    assert outcome.fate is Fate.UNKNOWN
    assert "netbios-ns" in outcome.reason
