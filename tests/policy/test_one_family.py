"""Policies of one family, and rules of one."""

from __future__ import annotations

from pathlib import Path

import pytest
from policies import errors, read

from polc.analysis.registry import findings
from polc.compiler import compile_policy
from polc.diagnostics import Collector
from polc.ir.family import BOTH, Family
from polc.ir.ruleset import TableFamily
from polc.passes import pipeline
from polc.policy.read import inspect_source
from polc.source import SourceFile

IP, IP6 = frozenset({Family.IP}), frozenset({Family.IP6})


def policy(*rules: str, family: str = "ip", head: str = "") -> str:
    written = "".join(f"    - {rule}\n" for rule in rules)
    return f"polc: 1\nsettings: {{family: {family}}}\n{head}input:\n  default: drop\n  rules:\n{written}"


def test_every_rule_is_of_it() -> None:
    found = read(policy("use icmp-essentials", "accept ssh", "drop from @b", head="addresses: {b: {dynamic: true}}\n"))
    assert found.family is TableFamily.IP
    assert {rule.families for chain in found.chains for rule in chain.rules} == {IP}
    assert [one.name for one in found.sets] == ["b-v4"]
    # Errors and echo; discovery and listeners are of IPv6.
    assert len(pipeline.run(found).chains[0].rules) == 4


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("accept ssh from 2001:db8::/32", "2001:db8::/32"),
        ("accept icmpv6/echo-request", "icmpv6/echo-request"),
        ("accept where ip6 hoplimit 255", "where ip6 hoplimit 255"),
        ("accept where meta nfproto ipv6", "where meta nfproto ipv6"),
        ("{native: {iptables: -j ACCEPT, family: ip6}}", "ip6"),
    ],
)
def test_what_is_of_the_other_is_an_error(rule: str, words: str) -> None:
    (one,) = errors(policy(rule))
    assert (one.code, one.span and one.span.text) == ("POL220", words)
    assert len(read(policy(rule, family="ip6")).chains[0].rules) == 1


def test_an_answer_of_it_needs_nothing_to_say_so() -> None:
    assert read(policy("reject with net-unreachable")).chains[0].rules[0].families == IP
    (one,) = errors(policy("reject with net-unreachable", family="ip6"))
    assert one.code == "POL225"


def test_a_condition_tells_the_family() -> None:
    text = "polc: 1\ninput: {default: drop, rules: [RULE]}\n"
    for condition, families in (
        ("meta nfproto ipv4", IP), ("meta nfproto != ipv4", IP6), ("not meta nfproto ipv6", IP), ("meta mark 1", BOTH),
    ):  # fmt: skip
        assert read(text.replace("RULE", f"accept where {condition}")).chains[0].rules[0].families == families
    assert read(text.replace("RULE", "reject with net-unreachable where meta nfproto ipv4")).chains[0].rules
    (one,) = errors(text.replace("RULE", "reject with net-unreachable where meta nfproto ipv6"))
    assert one.code == "POL225"


def test_its_files_are_of_it_alone(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(policy("accept ssh"))
    assert [one.name for one in compile_policy(str(path), "iptables").files] == ["rules.v4"]
    assert "table ip polc" in compile_policy(str(path), "nft", "text").files[0].text


def test_lints_know_that_there_is_no_other() -> None:
    text = policy("use stateful", "use loopback", "accept ssh state new")
    inspection = inspect_source(SourceFile("policy.yaml", text), Collector())
    assert not list(findings(inspection))
    # POL304: IPv6 is cut off.
    both = inspect_source(SourceFile("policy.yaml", text.replace("settings: {family: ip}\n", "")), Collector())
    assert [one.code for one in findings(both)] == ["POL304"]
