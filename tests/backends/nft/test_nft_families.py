"""Tables of one family, of bridges, of devices and of ARP: each node loads there, or is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from nft_help import Written, load_written
from node_samples import SAMPLES, Place, Sample

from polc.backends.features import Feature
from polc.backends.model import Fidelity, Options
from polc.backends.nft.backend import NftBackend
from polc.backends.nft.compare import differences
from polc.backends.nft.needs import needs
from polc.ir.family import Family
from polc.ir.ruleset import BaseChain, ChainType, Hook, TableFamily
from polc.kernel.capabilities import measure
from polc.kernel.netns import Namespace

PLACES: dict[str, tuple[TableFamily, Hook | None]] = {
    "ip": (TableFamily.IP, None),
    "ip6": (TableFamily.IP6, None),
    "inet at ingress": (TableFamily.INET, Hook.INGRESS),
    "netdev": (TableFamily.NETDEV, Hook.INGRESS),
    "netdev at egress": (TableFamily.NETDEV, Hook.EGRESS),
    "bridge": (TableFamily.BRIDGE, None),
    "arp": (TableFamily.ARP, Hook.INPUT),
}
LOADED = {
    "ip": 290,
    "ip6": 270,
    "inet at ingress": 260,
    "netdev": 200,
    "netdev at egress": 200,
    "bridge": 170,
    "arp": 80,
}
"""How many of the nodes each has, at least."""

_CONNTRACK = {Feature.CT, Feature.CT_MARK, Feature.CT_HELPER, Feature.CT_TIMEOUT, Feature.CT_ZONE, Feature.CONNLIMIT}
_MODULES = {*_CONNTRACK, Feature.REJECT}
"""What bridges have in modules of their own, with which few kernels are built."""


def _moved(name: str) -> Iterator[tuple[str, Sample]]:
    family, hook = PLACES[name]
    for sample_name, sample in SAMPLES.items():
        place, rule = sample.place, sample.rule
        if place.family is not TableFamily.INET:
            continue
        if family in (TableFamily.IP, TableFamily.IP6):
            only = Family(family.value)
            if only not in rule.families:
                continue
            rule = replace(rule, families=frozenset({only}))
        kind = ChainType.FILTER if hook or family is TableFamily.BRIDGE else place.type
        devices = ("lo",) if hook in (Hook.INGRESS, Hook.EGRESS) else ()
        yield sample_name, Sample(rule, Place(hook or place.hook, place.priority, kind, family, devices))


@pytest.mark.kernel("nft", "conntrack", "ftp-helper")
@pytest.mark.parametrize("name", PLACES)
def test_each_node_loads_or_is_refused(name: str, scratch: Namespace, tmp_path: Path) -> None:
    host = measure(frozenset({"nft"}))
    written: list[Written] = []
    for sample_name, sample in _moved(name):
        ruleset = sample.ruleset()
        base = ruleset.chains[0]
        taken = {feature for rule in base.rules for feature in needs(rule, ())}
        if ruleset.family is TableFamily.BRIDGE and taken & _MODULES:
            continue
        outputs = {kind: NftBackend().emit(ruleset, Options(kind, host)) for kind in ("json", "text")}
        forms = {
            kind: one.files[0].text
            for kind, one in outputs.items()
            if one.files and not any(each.fidelity is Fidelity.REFUSED for each in one.deviations)
        }
        if forms:
            written.append(Written(sample_name, ruleset.family.value, forms))
    assert len(written) > LOADED[name]
    for one, loaded in zip(written, load_written(scratch, tmp_path, written), strict=True):
        if "json" in one.forms:
            assert differences(one.forms["json"], loaded.listed_json) == (), one.name
        if len(one.forms) == 2:
            assert loaded.by_text == loaded.by_json, one.name


REFUSED: dict[str, tuple[str, str, str]] = {
    "state": ("state NEW", "netdev", "tables of the family netdev have no conntrack"),
    "route": ("daddr local", "bridge", "tables of the family bridge have no look-ups of routes"),
    "route at ingress": ("daddr local", "inet at ingress", "no looks at the routing table at ingress"),
    "nat": ("masquerade", "bridge", "nft rewrites addresses in chains of type nat alone"),
    "route's MSS": ("clamp", "bridge", "have no route of which to take the MSS"),
    "reject of bridges": ("reject port-unreachable", "bridge", "family bridge reject at prerouting and input alone"),
    "ports of ARP": ("ports", "arp", "packets of ARP have none of what `ServiceMatch` asks for"),
    "key of ARP": ("ports listed", "arp", "packets of ARP have none of what `l4proto` asks for"),
    "helper at ingress": ("helper", "inet at ingress", "only after conntrack has seen the packet"),
    "zone of an input": ("zone", "arp", "a zone has no effect once conntrack has seen the packet"),
    "nat of a filter": ("dnat by port", "netdev", "`dnat` at prerouting and output alone"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str) -> None:
    sample_name, place, words = REFUSED[name]
    sample = dict(_moved(place))[sample_name]
    output = NftBackend().emit(sample.ruleset(), Options("text"))
    messages = [one.message for one in output.deviations if one.fidelity is Fidelity.REFUSED]
    assert any(words in one for one in messages), messages


def _chain(**changes: object) -> str:
    """Why a base chain is refused, or ""."""
    sample = Sample(SAMPLES["drop"].rule, Place(Hook.INGRESS, family=TableFamily.NETDEV, devices=("lo",)))
    ruleset = sample.ruleset()
    (chain,) = ruleset.chains
    assert isinstance(chain, BaseChain)
    family = changes.pop("family", TableFamily.NETDEV)
    assert isinstance(family, TableFamily)
    changed = replace(chain, **changes)  # type: ignore[arg-type]
    output = NftBackend().emit(replace(ruleset, chains=(changed,), family=family), Options("text"))
    return output.deviations[0].message if output.deviations else ""


def test_chains_of_devices() -> None:
    assert _chain() == ""
    assert _chain(devices=("eth0.5", "br-lan")) == ""
    assert _chain(devices=("wg@0",)) == ""
    assert _chain(devices=()) == "a chain at the ingress hook needs a device"
    assert "cannot be named as a device" in _chain(devices=('a"b',))
    assert "cannot stand in a list of devices" in _chain(devices=("lo", "wg@0"))
    assert "cannot stand in a list of devices" in _chain(devices=("lo", "icmp"))
    assert "nft has no chain of type filter at the input hook of tables of the family netdev" in _chain(hook=Hook.INPUT)
    assert "has no devices" in _chain(hook=Hook.INPUT, family=TableFamily.INET)
    assert "has no chains at egress" in _chain(hook=Hook.EGRESS)
    assert "no chain of type nat" in _chain(
        type=ChainType.NAT, hook=Hook.PREROUTING, devices=(), family=TableFamily.ARP
    )


def test_words_for_both_families_in_a_table_of_one() -> None:
    """Tables of one IP family have neither `icmpx` nor `nfproto`."""
    for family, answers in ((TableFamily.IP, ("icmp type host-unreachable", "icmp type net-unreachable")),
                            (TableFamily.IP6, ("icmpv6 type addr-unreachable", "icmpv6 type no-route"))):  # fmt: skip
        for name, answer in zip(("reject host-unreachable", "reject no-route"), answers, strict=True):
            sample = SAMPLES[name]
            rule = replace(sample.rule, families=frozenset({Family(family.value)}))
            ruleset = Sample(rule, replace(sample.place, family=family)).ruleset()
            text = NftBackend().emit(ruleset, Options("text")).files[0].text
            assert f"\t\treject with {answer}\n" in text


def test_a_rule_of_both_families_is_one_where_there_are_others() -> None:
    """In two it would leave out the packets of neither family."""
    limited = SAMPLES["limit over"]
    for family, count in ((TableFamily.INET, 2), (TableFamily.BRIDGE, 1)):
        text = NftBackend().emit(replace(limited, place=Place(Hook.FORWARD, family=family)).ruleset(), Options("text"))
        assert text.files[0].text.count("limit rate over 10/second") == count
    by_source = SAMPLES["limit by source"]
    bridged = replace(by_source, place=Place(Hook.FORWARD, family=TableFamily.BRIDGE)).ruleset()
    assert len(bridged.chains[0].rules) == 2
