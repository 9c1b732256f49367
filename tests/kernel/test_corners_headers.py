"""Headers that few packets have: simulator and kernel agree on what rules see of each."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product
from pathlib import Path

import pytest

from polc.ir.addresses import parse_address
from polc.ir.family import Family
from polc.ir.protocols import ICMPV6, MOBILITY, SCTP, TCP, UDP
from polc.kernel.loaders import IptablesLoader, Loader, NftLoader
from polc.simulate.packet import SYN, Packet
from tests.kernel.test_corners import STATES, host, policy, wrong

_AH = 51
_BETWEEN = ("hbh", "rt", "dst", "frag")
_SUBSETS = [frozenset(some) for count in range(len(_BETWEEN) + 1) for some in combinations(_BETWEEN, count)]
_PROTOCOLS: tuple[dict[str, object], ...] = (
    {"protocol": UDP, "sport": 1, "dport": 9},
    {"protocol": TCP, "sport": 2, "dport": 9, "flags": SYN},
    {"protocol": SCTP, "sport": 3, "dport": 9, "chunks": (1,)},
    {"protocol": ICMPV6, "type": 128, "id": 5},
    {"protocol": ICMPV6, "type": 1},
    {"protocol": 253, "payload": b"12345678"},
    {"protocol": _AH, "spi": 7},
    {"protocol": 50, "spi": 8},
    *({"protocol": MOBILITY, "mh_type": kind} for kind in (0, 5, 8)),
)


def ends(family: Family) -> tuple[int, ...]:
    """Of somebody behind the first link, of the host, and of somebody behind the second link."""
    near = "10.0.0.7 198.18.1.1 198.18.2.7" if family is Family.IP else "2001:2:0:1::7 2001:2:0:1::1 2001:2:0:2::7"
    return tuple(parse_address(one)[1] for one in near.split())


def with_headers(*, fragments: bool) -> Iterator[Packet]:
    source, *destinations = ends(Family.IP6)
    made = product(_PROTOCOLS, _SUBSETS, destinations, (False, True) if fragments else (False,))
    for number, (fields, headers, destination, fragment) in enumerate(made):
        if "frag" in headers and not fragments:
            continue
        if fragment:
            # What stands behind it is asked for by nobody but iptables, which takes it for the header of one of AH.
            fields = {"protocol": UDP if fields["protocol"] == _AH else fields["protocol"], "payload": b"12345678"}
        away = source + (number << 32)
        yield Packet(
            Family.IP6, saddr=away, daddr=destination, iif="eth0", headers=headers, fragment=fragment, **fields
        )  # type: ignore[arg-type]


@pytest.mark.kernel("nft", "iptables-nft")
@pytest.mark.parametrize("loader", [NftLoader(), IptablesLoader("nft")], ids=lambda loader: loader.name)
@pytest.mark.parametrize("words", [
    *(f"exthdr {name} {whether}" for name in (*_BETWEEN, "mh") for whether in ("exists", "missing")),
    "mh type binding-update", "mh type != 5", "meta length 48-60", "meta length > 64", "ah spi 7", "esp spi 8",
])  # fmt: skip
def test_extension_headers(words: str, loader: Loader, tmp_path: Path) -> None:
    """Where nothing tracks connections, and so nobody puts fragments together."""
    path = tmp_path / "policy.yaml"
    path.write_text(f'polc: 1\nraw: {{prerouting: ["drop where {words}"]}}\n')
    assert wrong(path, list(with_headers(fragments=True)), host(), loader) == []


@pytest.mark.kernel("nft", "conntrack")
def test_flows_behind_extension_headers(tmp_path: Path) -> None:
    assert wrong(policy(tmp_path, *STATES), list(with_headers(fragments=False)), host(), NftLoader()) == []


@pytest.mark.kernel("nft")
@pytest.mark.parametrize("family", Family, ids=lambda family: family.value)
def test_classes_of_what_is_forwarded(family: Family, tmp_path: Path) -> None:
    source, _, other = ends(family)
    rules = ", ".join(f"drop udp/{value + 1} where meta priority 0:{value:x}" for value in range(8))
    path = tmp_path / "policy.yaml"
    path.write_text(f"polc: 1\nforward: {{default: accept, rules: [{rules}]}}\n")
    packets = [
        Packet(family, UDP, source, other, 9, port, iif="eth0", dscp=dscp, ecn=ecn)
        for dscp, ecn, port in product(range(64), (0, 3), range(1, 9))
    ]
    assert wrong(path, packets, host(), NftLoader()) == []


@pytest.mark.kernel("nft")
@pytest.mark.parametrize("rule", ["", "drop where vlan id 5", "drop where vlan id 0", "drop where ether type vlan"])
def test_tags_of_vlans(rule: str, tmp_path: Path) -> None:
    """Behind ingress no rule sees a tag, and what has one is not for the interface itself."""
    path = tmp_path / "policy.yaml"
    path.write_text(f'polc: 1\nraw: {{prerouting: ["{rule or "drop udp/1"}"]}}\n')
    packets = [
        Packet(family, UDP, ends(family)[0], destination, 9, 9, iif="eth0", vlan=vlan)
        for family in Family
        for destination in ends(family)[1:]
        for vlan in (None, 0, 5, 4095)
    ]
    assert wrong(path, packets, host(), NftLoader()) == []
