"""Every verdict, clause and field loads at each place where a policy may have it: what one kernel takes, all take."""

from __future__ import annotations

from pathlib import Path

import pytest
from compiled import every_loader
from place_table import INET, INGRESS, NAT, RAW, RULES, TRACKED, at, written

from polc.compiler import ANY_APPROXIMATION, compile_policy
from polc.diagnostics import Failure
from polc.kernel.devices import add_devices
from polc.kernel.loaders import Loader
from polc.kernel.netns import Namespace

NO_WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "iptables": {
        "count web": (*INET, *NAT),
        "accept where fragment": (*INET, *NAT),
        # A helper is attached in the table raw, by hooks that a packet passes before this one.
        "helper ftp tcp/21": ("mangle.postrouting", "nat.postrouting"),
        # The devgroup match takes no group of the incoming interface there.
        "accept where meta iifgroup 1": ("mangle.postrouting", "nat.postrouting"),
        "accept where ether daddr 02:00:5e:00:53:01": at("prerouting", "input", "forward"),
        "accept where ether type ip": at("prerouting", "input", "forward"),
        "accept where vlan id 5": at("prerouting", "input", "forward"),
        "accept where meta rtclassid 5": at("input", "forward", "output", "postrouting"),
        "ct timeout set short tcp": TRACKED,
        "flow add @fast": at("forward"),
    },
    "nft": {
        "dup to 192.0.2.1 device eth1": (*INET, *NAT),
        "ip6 hoplimit dec 1": tuple(one for one in INET if one.startswith("mangle")),
        # For the oldest nft, and in its JSON.
        "reset tcp option sack-perm": tuple(one for one in INET if one.startswith("mangle")),
        "ct timeout set short tcp": TRACKED,
        # nft attaches a helper to a flow, which is not there yet.
        "helper ftp tcp/21": ("raw.prerouting", "raw.output"),
    },
}
"""Rules that a target cannot say, and where."""

NOT_IN_EVERY_KERNEL = ("queue", "flow add")
"""What rules of nft begin with that some kernels lack."""


def rules_of(place: str, target: str) -> list[str]:
    refused = NO_WORDS[target]
    found = [rule for rule, places in RULES.items() if place in places and place not in refused.get(rule, ())]
    # Before conntrack a helper is attached where all packets come by.
    alone = place in RAW and target == "iptables"
    found = [rule for rule in found if not (alone and rule.startswith("helper"))]
    return [rule for rule in found if target != "nft" or not rule.startswith(NOT_IN_EVERY_KERNEL)]


def without_flowtables(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("flowtables:"))


@every_loader("conntrack", "nat", "hashlimit", "recent", "ftp-helper")
@pytest.mark.parametrize("place", [*INET, *NAT, "nat"])
def test_rules_load_where_they_may_stand(place: str, loader: Loader, scratch: Namespace, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(without_flowtables(written(place, *rules_of(place, loader.target))))
    output = compile_policy(str(path), loader.target, allow=frozenset({ANY_APPROXIMATION}))
    loader.load(scratch, output)
    for emitted, listed in zip(output.files, loader.read_back(scratch, output), strict=True):
        assert loader.differences(emitted.text, listed.text) == ()


@pytest.mark.kernel("nft")
def test_rules_load_at_ingress(scratch: Namespace, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(without_flowtables(written(INGRESS, *rules_of(INGRESS, "nft"))))
    output = compile_policy(str(path), "nft", "text", allow=frozenset({ANY_APPROXIMATION}))
    add_devices(scratch, ["eth0"])
    done = scratch.run(["nft", "-f", "-"], input=output.files[0].text)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("target", "rule", "place"),
    [(target, rule, place) for target, rules in NO_WORDS.items() for rule in rules for place in rules[rule]],
)
def test_what_a_target_cannot_say_is_refused(target: str, rule: str, place: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(written(place, rule))
    with pytest.raises(Failure) as refused:
        compile_policy(str(path), target, allow=frozenset({ANY_APPROXIMATION}))
    assert {one.code for one in refused.value.diagnostics} == {"POL402"}
