"""Addresses changed by a flow's first packet, and changed back for its answers."""

from __future__ import annotations

import pytest
from play import OPEN, Play, host

from polc.ir.matches import CtState
from polc.simulate import Fate, Outcome, format_packet

OUT = "udp 192.0.2.9:1000 -> 198.51.100.9:53 in eth1"
BASE = "zones: {wan: eth0, lan: eth1}\n" + OPEN


def ends(outcome: Outcome) -> str:
    assert outcome.leaves is not None, outcome.reason
    return f"{outcome.leaves.end(source=True)} -> {outcome.leaves.end(source=False)}"


def test_masquerade_and_its_way_back() -> None:
    play = Play(BASE + "nat: [masquerade to wan]\n")
    first = play.send(OUT)
    assert ends(first) == "203.0.113.1:1000 -> 198.51.100.9:53"
    assert [one.hook.value for one in first.rewrites] == ["postrouting"]
    back = play.send("reply")
    assert (ends(back), back.state) == ("198.51.100.9:53 -> 192.0.2.9:1000", CtState.ESTABLISHED)
    assert back.leaves is not None
    assert back.leaves.oif == "eth1"
    assert ends(play.send("reply")) == "203.0.113.1:1000 -> 198.51.100.9:53"


def test_two_hosts_with_one_port_do_not_clash() -> None:
    play = Play(BASE + "nat: [masquerade to wan]\n")
    play.send(OUT)
    second = ends(play.send(OUT.replace("192.0.2.9", "192.0.2.8")))
    address, _, port = second.partition(" -> ")[0].rpartition(":")
    assert address == "203.0.113.1"
    assert port != "1000"
    assert int(port) >= 1024 or 600 <= int(port) <= 1023
    assert ends(play.send("reply")) == "198.51.100.9:53 -> 192.0.2.8:1000"
    # To another server the port is free, but a source keeps the mapping that it has.
    third = play.send(OUT.replace("192.0.2.9", "192.0.2.8").replace("198.51.100.9", "198.51.100.10"))
    assert ends(third) == f"203.0.113.1:{port} -> 198.51.100.10:53"


@pytest.mark.parametrize(("port", "low", "high"), [(80, 1, 511), (700, 600, 1023), (5000, 1024, 65535)])
def test_a_port_that_is_taken_is_changed_within_its_kind(port: int, low: int, high: int) -> None:
    play = Play(BASE + "nat: [masquerade to wan]\n")
    for last in range(1, 6):
        found = ends(play.send(f"udp 192.0.2.{last + 10}:{port} -> 198.51.100.9:53 in eth1"))
        assert low <= int(found.partition(" -> ")[0].rpartition(":")[2]) <= high


def test_snat_with_ports_keeps_to_them() -> None:
    play = Play(BASE + "nat: ['snat udp from 192.0.2.0/24 to wan -> 203.0.113.9:2000-2003']\n")
    found = [ends(play.send(OUT.replace(".9:1000", f".{last}:1000"))) for last in range(10, 14)]
    ports = {one.partition(" -> ")[0] for one in found}
    assert ports == {f"203.0.113.9:{port}" for port in range(2000, 2004)}
    # All four are taken: the fifth gets one that another has, and the clash drops it.
    assert play.send(OUT.replace(".9:1000", ".99:1000")).fate is Fate.DROP


def test_dnat_changes_where_the_packet_goes() -> None:
    play = Play(BASE + "nat: ['dnat tcp/8080 from wan to 203.0.113.1 -> 192.0.2.10:80']\n")
    first = play.send("tcp 198.51.100.9:4000 -> host:8080 in eth0")
    assert first.hook.value == "postrouting"
    assert ends(first) == "198.51.100.9:4000 -> 192.0.2.10:80"
    assert ends(play.send("reply")) == "203.0.113.1:8080 -> 198.51.100.9:4000"
    # Only the first packet is asked of rules: what follows goes the same way.
    assert ends(play.send("reply")) == "198.51.100.9:4000 -> 192.0.2.10:80"


def test_redirect_goes_to_where_the_packet_came_in_and_of_the_host_itself_to_its_loopback() -> None:
    play = Play(BASE + "nat: ['redirect udp/53 -> :5353']\n")
    assert ends(play.send("udp 192.0.2.9:1 -> 198.51.100.9:53 in eth1")) == "192.0.2.9:1 -> 192.0.2.1:5353"
    assert ends(play.send("reply")) == "198.51.100.9:53 -> 192.0.2.9:1"


def test_netmap_keeps_hosts() -> None:
    play = Play(BASE + "nat: ['netmap from wan to 203.0.113.128/28 -> 192.0.2.64/28']\n")
    assert ends(play.send("udp 198.51.100.9:1 -> 203.0.113.130:4 in eth0")) == "198.51.100.9:1 -> 192.0.2.66:4"


def test_an_error_about_a_changed_flow_is_changed_inside_and_outside() -> None:
    play = Play(BASE + "nat: [masquerade to wan]\n")
    play.send(OUT)
    error = play.send("reply icmp/3/3 by 198.51.100.1")
    assert error.state is CtState.RELATED
    assert error.leaves is not None
    assert format_packet(error.leaves) == (
        "icmp/destination-unreachable/3 198.51.100.1 -> 192.0.2.9 in eth0 out eth1 ttl 63 "
        "about udp 192.0.2.9:1000 -> 198.51.100.9:53 ttl 63"
    )


def test_an_error_from_behind_dnat_seems_to_come_from_the_address_that_was_asked() -> None:
    play = Play(BASE + "nat: ['dnat udp/5000 from wan to 203.0.113.1 -> 192.0.2.10:53']\n")
    play.send("udp 198.51.100.9:4000 -> host:5000 in eth0")
    error = play.send("reply icmp/3/3")
    assert error.leaves is not None
    assert error.leaves.end(source=True) == "203.0.113.1"
    assert error.leaves.quoted is not None
    assert error.leaves.quoted.end(source=False) == "203.0.113.1:5000"


def test_pings_of_two_hosts_get_identifiers_of_their_own() -> None:
    play = Play(BASE + "nat: [masquerade to wan]\n")
    first = play.send("icmp 192.0.2.9 -> 198.51.100.9 in eth1 id 7")
    second = play.send("icmp 192.0.2.8 -> 198.51.100.9 in eth1 id 7")
    assert first.leaves is not None
    assert second.leaves is not None
    assert first.leaves.id == 7 != second.leaves.id
    back = play.send("reply")
    assert back.leaves is not None
    assert (back.leaves.end(source=False), back.leaves.id) == ("192.0.2.8", 7)


def test_flows_of_the_host_keep_their_port_until_nat_has_it() -> None:
    """A null binding: nothing is changed, unless the answer could not be told from another flow's."""
    play = Play(BASE + "nat: [masquerade from lan to wan]\n")
    play.send(OUT)
    own = ends(play.send("udp host:1000 -> 198.51.100.9:53 out eth0"))
    assert own.startswith("203.0.113.1:")
    assert own != "203.0.113.1:1000 -> 198.51.100.9:53"


def test_a_flow_that_leaves_elsewhere_than_it_was_masqueraded_for_ends() -> None:
    two = "eth1 192.0.2.1/24, eth0 203.0.113.1/24, eth2 198.51.100.1/24, 0.0.0.0/0 via eth0"
    play = Play("zones: {lan: eth1}\n" + OPEN + "nat: [masquerade from lan]\n", host(two))
    play.send("udp 192.0.2.9:1 -> 10.0.0.1:53 in eth1")
    assert play.send("udp 192.0.2.9:1 -> 10.0.0.1:53 in eth1 out eth2").fate is Fate.DROP
    assert ends(play.send("udp 192.0.2.9:1 -> 10.0.0.1:53 in eth1 out eth2")) == "198.51.100.1:1 -> 10.0.0.1:53"


def test_persistent_gives_a_source_one_address_for_all_it_calls() -> None:
    def sources(rule: str) -> set[str]:
        play = Play(BASE + f"nat: ['{rule}']\n")
        found = [ends(play.send(f"udp 192.0.2.9:{port} -> 198.51.100.{port}:53 in eth1")) for port in range(1, 30)]
        return {one.partition(":")[0] for one in found}

    assert len(sources("snat udp to wan -> 203.0.113.8-203.0.113.15")) > 1
    assert len(sources("snat udp to wan -> 203.0.113.8-203.0.113.15 persistent")) == 1
