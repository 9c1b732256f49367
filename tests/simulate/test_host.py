"""Descriptions of hosts, and where packets go by them."""

from __future__ import annotations

import json
from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from play import OPEN, Play, host, ruleset

from polc.diagnostics import Failure
from polc.ir.family import Family
from polc.ir.matches import AddressType
from polc.simulate import Fate, Host, Route, assumed_host, read_host, read_packet
from polc.simulate.host import Hop, Routing
from polc.simulate.settings import Settings
from polc.simulate.sysctls import settings_of
from polc.source import SourceFile

WORDS = "eth0 203.0.113.1/24 2001:db8:113::1/64 mtu 1400, eth1 192.0.2.1/24 group 2 mac 02:00:00:00:00:01,\n"
WORDS += "0.0.0.0/0 via eth0, 10.0.0.0/8 blackhole, fd00::/8 prohibit"
JSON = {
    "interfaces": {
        "eth0": {"addresses": ["203.0.113.1/24", "2001:db8:113::1/64"], "mtu": 1400},
        "eth1": {"addresses": ["192.0.2.1/24"], "group": 2, "mac": "02:00:00:00:00:01"},
    },
    "routes": [
        {"to": "0.0.0.0/0", "interface": "eth0"},
        {"to": "10.0.0.0/8", "type": "blackhole"},
        {"to": "fd00::/8", "type": "prohibit"},
    ],
}


def test_words_and_json_are_one() -> None:
    described = host(WORDS)
    assert described == host(json.dumps(JSON))
    assert [one.name for one in described.interfaces] == ["lo", "eth0", "eth1"]
    eth0, eth1 = described.interface("eth0"), described.interface("eth1")
    assert eth0 is not None
    assert eth1 is not None
    assert (eth0.mtu, eth1.group, eth1.mac) == (1400, 2, 0x020000000001)
    assert described.routes[1] == Route(Family.IP, 10 << 24, 8, "", AddressType.BLACKHOLE)
    assert (described.forwarding, described.rp_filter) == (True, 0)


def test_json_says_what_words_do_not() -> None:
    described = host(json.dumps({**JSON, "forwarding": False, "rp_filter": 2}))
    assert (described.forwarding, described.rp_filter) == (False, 2)


@pytest.mark.parametrize(
    ("text", "code", "at", "message"),
    [
        ("", "POL061", "", ""),
        ("eth0 203.0.113.1/33", "POL062", "203.0.113.1/33", "32"),
        ("eth0 203.0.113.256/24", "POL062", "203.0.113.256/24", ""),
        ("eth0 mtu 9999999", "POL062", "9999999", "65536"),
        ("eth0, 10.0.0.0/8 via eth1", "POL063", "", "eth1"),
        ("eth0, eth0", "POL063", "", "twice"),
        ("eth0, 10.0.0.0/8 local", "POL062", "local", "blackhole"),
        ("eth0 mac 02:00", "POL062", "02:00", ""),
        ("10.0.0.0/8 blackhole", "POL063", "", "no interface"),
        ("eth0 ~", "POL061", "~", ""),
        ('{"interfaces": 7}', "POL063", "", "object"),
        ('{"interfaces": {"eth0": {"address": []}}}', "POL063", "", "`address`"),
        ('{"interfaces": {"eth0": {"addresses": 7}}}', "POL063", "", "list"),
        ('{"interfaces": {"eth0": {"addresses": [true]}}}', "POL063", "", "text"),
        ('{"interfaces": {"eth0": {}}, "forwarding": 1}', "POL063", "", "true or false"),
        ('{"interfaces": {"eth0": {}}, "routes": [{"to": "0.0.0.0/0"}]}', "POL063", "", "text"),
        ('{"interfaces": ', "POL063", "", "JSON"),
    ],
)
def test_descriptions_that_are_wrong(text: str, code: str, at: str, message: str) -> None:
    with pytest.raises(Failure) as caught:
        read_host(SourceFile("host", text))
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert message in f"{found.message} {found.help}"
    if at:
        assert found.span is not None
        assert found.span.text == at


@given(st.text(max_size=60) | st.text('{}[]":,0eth via.', max_size=60))
def test_any_text_is_a_host_or_a_diagnostic(text: str) -> None:
    try:
        found = read_host(SourceFile("host", text))
    except Failure as failure:
        codes = {one.code for one in failure.diagnostics}
    else:
        codes = set()
        assert isinstance(found, Host)
    assert codes <= {"POL061", "POL062", "POL063"}


def test_the_longest_prefix_leads() -> None:
    routing = Routing(host("eth0 203.0.113.1/24, eth1 192.0.2.1/24, 0.0.0.0/0 via eth0, 198.51.100.0/24 via eth1"))

    def of(address: int) -> Hop | None:
        return routing.lookup(Family.IP, address)

    assert of(0xC6336409) == Hop(AddressType.UNICAST, "eth1")
    assert of(0x08080808) == Hop(AddressType.UNICAST, "eth0")
    assert of(0xCB007101) == Hop(AddressType.LOCAL, "lo")
    assert of(0xC00002FF) == Hop(AddressType.BROADCAST, "eth1")
    assert of(0x7F000009) is not None
    assert routing.type_of(Family.IP, 0x7F000009) is AddressType.LOCAL
    assert routing.type_of(Family.IP, 0xE0000001) is AddressType.MULTICAST
    assert routing.lookup(Family.IP6, 0x20010DB8 << 96) is None


def test_a_host_that_nobody_described_is_learnt_from_packets() -> None:
    play = Play(OPEN, assumed_host([], ["eth0", "eth1"]))
    # In and nothing else: it is for the host. In and out: it goes through.
    assert play.send("udp 198.51.100.9:1 -> 10.9.9.9:53 in eth0").delivered
    through = play.send("udp 192.0.2.9:1 -> 198.51.100.9:53 in eth1 out eth0")
    assert through.leaves is not None
    assert through.leaves.oif == "eth0"
    back = play.send("reply")
    assert back.leaves is not None
    assert back.leaves.oif == "eth1"
    # `host` is an address that was invented.
    invented = play.send("udp 198.51.100.9:1 -> host:53 in eth0")
    assert invented.delivered
    assert invented.packet.end(source=False).startswith("198.18.")


def test_where_nothing_is_known_the_outcome_is_not_either() -> None:
    play = Play(OPEN + "nat: ['dnat udp/53 -> 10.0.0.1']\n", assumed_host([], ["eth0"]))
    outcome = play.send("udp 198.51.100.9:1 -> host:53 in eth0")
    assert outcome.fate is Fate.UNKNOWN
    assert "not described" in outcome.reason


def test_interfaces_of_rules_are_assumed() -> None:
    text = "zones: {wan: eth7}\ninput: {default: drop, rules: [accept ssh from wan]}\n"
    assumed = assumed_host([ruleset(text)], ["eth1"])
    assert [one.name for one in assumed.interfaces] == ["lo", "eth1", "eth7"]


def test_a_packet_names_an_interface_that_the_host_has_not() -> None:
    with pytest.raises(Failure):
        read_packet("udp 198.51.100.9:1 -> host:53 in eth9", host(WORDS))


def test_sysctls() -> None:
    made = settings_of(
        [
            "net.netfilter.nf_conntrack_tcp_loose=0",
            "nf_conntrack_udp_timeout=9",
            "net/netfilter/nf_conntrack_tcp_timeout_established=60",
            "nf_conntrack_sctp_timeout_closed=1",
            "nf_conntrack_max=7",
        ]
    )
    assert (made.tcp_loose, made.udp_timeout, made.conntrack_max) == (False, 9, 7)
    assert made.tcp_timeouts == {**Settings().tcp_timeouts, "established": 60}
    assert made.sctp_timeouts["closed"] == 1
    for wrong in (
        "nf_conntrack_tcp_loose",
        "nf_conntrack_acct=1",
        "x=1",
        "nf_conntrack_max=-1",
        "udp_timeout=1e9",
    ):
        with pytest.raises(ValueError, match="--sysctl"):
            settings_of([wrong])


@pytest.mark.parametrize(
    ("near", "interface", "source"),
    [
        # As `ip -6 route get` of Linux 6.18 answers on this host.
        ("2001:2::1", "eth0", "2001:db8:100::a"),
        ("2001:db8:100::77", "eth0", "2001:db8:100::a"),
        ("2001:db8:100::8", "eth0", "2001:db8:100::a"),
        ("2a00:2::1", "eth0", "2a00:1::5"),
        ("fd01::1", "eth0", "fd00::1"),
        ("2001:db8:300::1", "eth1", "2001:db8:300::9"),
        ("2001:db8:3ff::1", "eth0", "2001:db8:100::a"),
        ("8000::1", "eth0", "2a00:1::5"),
        ("fe80::5", "eth1", "fe80::77"),
        # To itself it sends from the address itself, whatever the interface says.
        ("2001:db8:100::9", "lo", "2001:db8:100::9"),
        ("2001:db8:300::9", "lo", "2001:db8:300::9"),
        ("::1", "lo", "::1"),
    ],
)
def test_source_of_ipv6(near: str, interface: str, source: str) -> None:
    words = "eth0 2001:db8:100::9/64 2001:db8:100::a/64 2a00:1::5/64 fd00::1/64, eth1 2001:db8:300::9/64 fe80::77/64"
    routing = Routing(host(words))
    assert routing.source(Family.IP6, interface, int(IPv6Address(near))) == int(IPv6Address(source))
