"""What lines and sets take of a kernel, by their words."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from polc.backends.features import Feature
from polc.backends.iptables.needs import features, features_of_set
from polc.backends.model import Options
from polc.backends.profile import HOST, OLDEST
from polc.backends.registry import BACKENDS
from polc.compiler import read

GOLDEN = Path(__file__).parents[2] / "golden"
ALWAYS = {"tcp", "udp", "icmp", "icmp6", "ACCEPT", "DROP", "RETURN"}
"""Modules that are there with xtables itself."""


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("-p tcp -m tcp --dport 22 -j ACCEPT", []),
        ("-m recent --set --name x -j SET --add-set y src", [Feature.XT_RECENT, Feature.XT_SET_TARGET]),
        ('-m comment --comment "x -m recent \\" -j TEE" -j LOG', [Feature.XT_COMMENT, Feature.XT_LOG]),
        ("-m comment --comment -mrecent -j input-1", [Feature.XT_COMMENT]),
        ("-m connmark --mark 0x1 -j CONNMARK --save-mark", [Feature.XT_CONNMARK, Feature.XT_CONNMARK_TARGET]),
        ("-g TEE", []),
        ("", []),
    ],
)
def test_lines(line: str, found: list[Feature]) -> None:
    assert list(features(line)) == found


def test_sets() -> None:
    assert list(features_of_set("create banned-v4 hash:ip family inet")) == [Feature.IPSET_HASH_IP]
    assert list(features_of_set("create x hash:net,iface")) == [Feature.IPSET_HASH_NET_IFACE]


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.rules.v[46]")), ids=lambda path: path.name)
def test_every_module_that_is_emitted_can_be_found_missing(path: Path) -> None:
    text = re.sub(r'"(?:\\.|[^"\\])*"', "", path.read_text())
    chains = set(re.findall(r"^:(\S+)", text, re.MULTILINE))
    named = set(re.findall(r" -[mj] (\S+)", text)) - ALWAYS - chains
    known = {one.value.partition(" ")[2] for one in Feature}
    assert not named - known


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.sets.ipset")), ids=lambda path: path.name)
def test_every_type_of_set_that_is_emitted_can_be_found_missing(path: Path) -> None:
    for line in path.read_text().splitlines():
        if line.startswith("create "):
            assert list(features_of_set(line))


def test_rules_with_a_missing_module_are_refused_and_no_others(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(
        "polc: 1\ninput:\n  default: drop\n"
        "  rules:\n    - drop ssh hits 5 in 10s per source\n    - accept ssh state new\n"
    )
    ruleset = read(str(path))
    host = replace(OLDEST, name=HOST, absent=frozenset({Feature.XT_RECENT}))
    output = BACKENDS["iptables"].emit(ruleset, Options("restore", host))
    (refused,) = output.deviations
    assert (refused.name, refused.message) == ("missing-module", "this host has no match `recent`")
    assert refused.origin.span is not None
    assert refused.origin.span.line == 5
    for file in output.files:
        assert "recent" not in re.sub(r"^#.*", "", file.text, flags=re.MULTILINE)
        assert "--dport 22" in file.text


def test_a_set_of_a_missing_type_takes_its_rules_with_it(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(
        "polc: 1\naddresses: {bad: {dynamic: true, timeout: 1h, size: 100}}\n"
        "input: {default: accept, rules: [drop from @bad, ban @bad tcp/23]}\n"
    )
    host = replace(OLDEST, name=HOST, absent=frozenset({Feature.IPSET_HASH_IP}))
    output = BACKENDS["iptables"].emit(read(str(path)), Options("restore", host))
    assert {one.message for one in output.deviations} == {"this host has no sets of type `hash:ip`"}
    assert all("bad" not in file.text for file in output.files)
