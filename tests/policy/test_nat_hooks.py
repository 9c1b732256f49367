"""`nat` with its hooks."""

from __future__ import annotations

from pathlib import Path

import pytest
from policies import errors, read

from polc.diagnostics import Collector, Failure
from polc.ir.ruleset import BaseChain, ChainType
from polc.ir.verdicts import Accept, Nat, NatKind
from polc.policy import read_policy

HEAD = "polc: 1\nzones: {wan: eth0}\n"


def test_a_chain_for_each_hook() -> None:
    text = "nat:\n" + "".join(f"  {hook}: [accept]\n" for hook in ("postrouting", "output", "input", "prerouting"))
    chains = [one for one in read(HEAD + text).chains if isinstance(one, BaseChain)]
    assert [(one.name, one.priority) for one in chains] == [
        ("nat-prerouting", -100), ("nat-input", 100), ("nat-output", -100), ("nat-postrouting", 100),
    ]  # fmt: skip
    assert {(one.type, one.policy) for one in chains} == {(ChainType.NAT, Accept())}


def test_netmap_maps_what_its_hook_does() -> None:
    rule = "netmap from 10.0.0.0/24 to 10.0.1.0/24 -> 192.0.2.0/24"
    for hook, kind in (("prerouting", NatKind.NETMAP_DESTINATION), ("postrouting", NatKind.NETMAP_SOURCE)):
        (found,) = read(f"{HEAD}nat: {{{hook}: ['{rule}']}}\n").chains[0].rules
        assert isinstance(found.verdict, Nat)
        assert found.verdict.kind is kind
    both = f"{HEAD}chains: {{c: ['{rule}']}}\nnat: {{prerouting: [jump c], postrouting: [jump c]}}\n"
    assert [one.code for one in errors(both)] == ["POL248"]
    (one,) = errors(f"{HEAD}nat: {{postrouting: ['netmap to 10.0.1.0/24 -> 192.0.2.0/24']}}\n")
    assert (one.code, "`from` names here" in one.message) == ("POL248", True)


@pytest.mark.parametrize(
    ("rule", "code"),
    [("use stateful", "POL222"), ("drop", "POL241"), ("reject", "POL241"), ("queue", "POL241"), ("use mine", "POL241")],
)
def test_nothing_decides_about_packets(rule: str, code: str) -> None:
    found = errors(f"{HEAD}macros: {{mine: [drop]}}\nnat: {{prerouting: [{rule}]}}\n")
    assert [one.code for one in found] == [code]


def test_chains_of_nat_and_of_filters_are_not_the_same() -> None:
    text = f"{HEAD}chains: {{c: [masquerade]}}\nnat: {{postrouting: [jump c]}}\n"
    assert read(text)
    assert [one.code for one in errors(f"{text}forward: {{default: drop, rules: [jump c]}}\n")] == ["POL241"]


def test_includes_have_the_same_form(tmp_path: Path) -> None:
    def of(main: str, other: str) -> list[str]:
        (tmp_path / "a.yaml").write_text(f"polc: 1\nnat: {other}\n")
        (tmp_path / "main.yaml").write_text(f"polc: 1\ninclude: a.yaml\nnat: {main}\n")
        try:
            chains = read_policy(str(tmp_path / "main.yaml"), Collector()).chains
        except Failure as failure:
            return [one.code for one in failure.diagnostics]
        return [rule.origin.span.text for chain in chains for rule in chain.rules if rule.origin.span]

    assert of("{postrouting: [masquerade udp]}", "{postrouting: [masquerade tcp]}") == [
        "masquerade tcp",
        "masquerade udp",
    ]
    assert of("[masquerade]", "{postrouting: [masquerade]}") == ["POL213"]
    assert of("{postrouting: [masquerade]}", "[masquerade]") == ["POL213"]
