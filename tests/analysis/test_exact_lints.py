"""Lints about all packets: what they find is so, and what they do not find has a packet."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polc.analysis.exact import Exact, Part
from polc.analysis.registry import exact_findings
from polc.analysis.takers import takers_of
from polc.diagnostics import Collector
from polc.diagnostics.codes import CODES
from polc.firewalls import read_firewall
from polc.ir.matches import STATEFUL
from polc.ir.ruleset import Chain, Rule, Ruleset
from polc.ir.verdicts import Drop
from polc.policy.read import inspect_policy, inspect_source
from polc.proving.replay import NoReplay, agree, replay
from polc.source import SourceFile
from polc.symbolic.diagram import NONE
from polc.symbolic.hooks import Hooks, Loaded
from polc.symbolic.witness import witness_of
from tests.importers.corpus import NEEDED, saved
from tests.strategies import rulesets
from tests.symbolic.points import hooks_with_chains, walk

ROOT = Path(__file__).parents[2]
PACKETS = int(os.environ.get("POLC_SHADOW_PACKETS", "3"))
"""For each rule that is said to be never met, family and hook."""
HEAD = "polc: 1\nzones: {wan: eth0, lan: eth1}\naddresses: {admins: [192.0.2.0/24, '2001:db8::/32']}\n"


def found(text: str) -> list[tuple[str, str, list[str]]]:
    """Code, the rule's text, and those of the rules that it is pointed out with."""
    inspected = inspect_source(SourceFile("policy.yaml", text), Collector())
    return [
        (one.code, one.labels[0].span.text, [label.span.text for label in one.labels[1:]])
        for one in exact_findings(Exact(inspected.ruleset))
    ]


def rules(*some: str, default: str = "drop", head: str = "") -> str:
    return f"{HEAD}{head}input:\n  default: {default}\n  rules:\n" + "".join(f"    - {one}\n" for one in some)


@pytest.mark.parametrize("code", ["POL320", "POL321", "POL322", "POL323"])
def test_the_example_triggers_it(code: str) -> None:
    assert code in {one[0] for one in found(CODES[code].example)}


@pytest.mark.parametrize(
    ("text", "shadowed", "by"),
    [
        (rules("accept tcp/1-1024", "drop tcp/23"), "drop tcp/23", ["accept tcp/1-1024"]),
        # By several, none of which would do alone; the one that takes nothing of it is not named.
        (
            rules("drop tcp/10-19", "drop tcp/30", "drop tcp/20-29", "accept tcp/15-25"),
            "accept tcp/15-25",
            ["drop tcp/10-19", "drop tcp/20-29"],
        ),
        # By one for each family.
        (
            rules("drop tcp/80 from 0.0.0.0/0", "drop tcp/80 from '::/0'", "accept tcp/80 from @admins").replace(
                "'::/0'", "::/0"
            ),
            "accept tcp/80 from @admins",
            ["drop tcp/80 from 0.0.0.0/0", "drop tcp/80 from ::/0"],
        ),
        (rules("accept from wan", "drop tcp/23 from wan"), "drop tcp/23 from wan", ["accept from wan"]),
        (rules("use stateful", "accept tcp/22 state established"), "accept tcp/22 state established", ["use stateful"]),
        (
            rules("drop tcp where tcp flags syn", "accept tcp/22 where tcp flags syn / syn, ack"),
            "accept tcp/22 where tcp flags syn / syn, ack",
            ["drop tcp where tcp flags syn"],
        ),
        # A chain that does not come back is a rule that takes everything of its jump.
        (
            rules("jump web tcp/80", "accept tcp/80 from @admins", head="chains: {web: [drop]}\n"),
            "accept tcp/80 from @admins",
            ["jump web tcp/80"],
        ),
        # In a chain, by rules before the jump to it.
        (
            rules("drop tcp/80", "jump web tcp/80-81", head="chains: {web: [accept tcp/80, accept tcp/81]}\n"),
            "accept tcp/80",
            ["drop tcp/80"],
        ),
        # Marks are what rules before have made of them.
        (
            "polc: 1\nmangle:\n  prerouting: [mark set 1, drop where meta mark 2]\n",
            "drop where meta mark 2",
            [],
        ),
    ],
)
def test_shadowed(text: str, shadowed: str, by: list[str]) -> None:
    assert [(one[1], one[2]) for one in found(text) if one[0] in ("POL320", "POL321")] == [(shadowed, by)]


@pytest.mark.parametrize(
    "text",
    [
        rules("accept tcp/1-1024 from wan", "drop tcp/23"),
        rules("drop tcp/10-19", "drop tcp/21-29", "accept tcp/15-25"),
        rules("drop tcp/80 from 0.0.0.0/0", "accept tcp/80 from @admins"),
        # What a limit lets by, it lets by.
        rules("drop tcp/22 over 10/minute burst 10 per source", "accept tcp/22"),
        rules("accept udp/53 limit 5/second", "accept udp/53 limit 5/second"),
        rules("jump web tcp/80", "accept tcp/80 from @admins", head="chains: {web: [return from @admins, drop]}\n"),
        "polc: 1\nmangle:\n  prerouting: [mark set 2 tcp/80, drop where meta mark 2]\n",
        # Nobody knows what native words do.
        rules("{native: {nft: accept, iptables: -j ACCEPT}}", "accept tcp/80"),
        rules("accept tcp/80 from @banned", "drop tcp/80", head="").replace(
            "addresses: {", "addresses: {banned: {dynamic: true, timeout: 1h, size: 100}, "
        ),
    ],
)
def test_not_shadowed(text: str) -> None:
    assert not [one for one in found(text) if one[0] in ("POL320", "POL321", "POL323")]


@pytest.mark.parametrize(
    ("text", "redundant"),
    [
        (rules("accept tcp/80 from @admins", "accept tcp/80"), ["accept tcp/80 from @admins"]),
        (rules("accept tcp/80", "drop tcp/81"), ["drop tcp/81"]),
        (rules("accept tcp/80", "drop tcp/81", "accept tcp/80-90"), ["accept tcp/80"]),
        # It would be logged, or counted, or limited, without the rule before.
        (rules("drop tcp/81", "'log \"in\"'"), []),
        (rules("accept tcp/81", "accept tcp/80-90 limit 5/second", default="accept"), []),
        (rules("drop tcp/81", "drop tcp/80-90 ban @b", head="").replace("{admins", "{b: {dynamic: true}, admins"), []),
        # What returns is what comes to the end of its chain.
        (rules("jump web tcp/80", head="chains: {web: [accept from @admins, return from wan]}\n"), ["return from wan"]),
        (rules("jump web tcp/80", head="chains: {web: [return from wan, accept from @admins]}\n"), []),
        (rules("{native: {nft: accept, iptables: -j ACCEPT}}", "{native: {nft: accept, iptables: -j ACCEPT}}"), []),
        # Either of two alike, and not both.
        (rules("accept tcp/80", "accept tcp/80"), []),
        # Without it, another one would no longer be shadowed.
        (rules("drop tcp/81", "accept tcp/81 from wan"), []),
        (rules("drop tcp/81", "accept tcp/82-83", "accept tcp/80-81"), []),
    ],
)
def test_redundant(text: str, redundant: list[str]) -> None:
    assert [one[1] for one in found(text) if one[0] == "POL322"] == redundant


def changed(ruleset: Ruleset, place: tuple[str, int], rule: Rule | None) -> Ruleset:
    """The ruleset with another rule in a place, or none."""

    def in_chain(chain: Chain) -> Chain:
        at = place[1]
        own = chain.name == place[0]
        return (
            replace(chain, rules=(*chain.rules[:at], *([rule] if rule else ()), *chain.rules[at + 1 :]))
            if own
            else chain
        )

    return replace(ruleset, chains=tuple(map(in_chain, ruleset.chains)))


def marked(part: Part) -> Rule:
    """The rule as one that decides whatever meets it, so that a simulator tells that something has."""
    matches = tuple(one for one in part.rule.matches if not isinstance(one, STATEFUL))
    return replace(part.rule, matches=matches, statements=(), verdict=Drop())


def never_met(exact: Exact, part: Part, random: Random, packets: int) -> int:
    """How many packets of the rule's own match the simulator has sent, none of which has come to it."""
    sent = 0
    decides = changed(exact.ruleset, (part.chain, part.number), marked(part))
    for view in exact.views:
        hooks = Hooks(view.space, [Loaded(decides, exact.flavour)])
        manager = view.space.manager
        wanted = view.arrivals.chains.condition(part.rule)
        for hook in hooks_with_chains(view.hooks):
            own = manager.where(view.hooks.valid(hook), wanted)
            for _ in range(packets if own != NONE else 0):
                point = walk(view.space, own, random)
                assert point is not None
                try:
                    outcome = replay(hooks, hook, witness_of(view.space, point))
                except NoReplay:
                    continue
                sent += 1
                decision = outcome.decision
                assert decision is None or (decision.chain, decision.number) != (part.chain, part.number), str(part)
    return sent


@NEEDED
@pytest.mark.parametrize("path", saved(), ids=lambda path: path.name)
def test_what_is_shadowed_in_real_rulesets_is_never_met(path: Path) -> None:
    firewall = read_firewall(str(path), Collector())
    (ruleset,) = firewall.rulesets
    if sum(len(chain.rules) for chain in ruleset.chains) > 1000 and PACKETS < 1000:
        return  # Minutes, for the few largest: by hand.
    exact = Exact(ruleset, firewall.flavour)
    random = Random(path.name)
    for rule in exact.unmet:
        assert takers_of(exact, rule) or not any(
            view.space.manager.where(view.arrivals.chains.condition(part.rule), view.arrivals.coming(part.chain))
            != NONE
            for view in exact.views
            for part in rule.parts
        )
        for part in rule.parts:
            never_met(exact, part, random, PACKETS)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(rulesets(hit_counts=False, fields=True), st.randoms(use_true_random=False))
def test_any_ruleset(ruleset: Ruleset, random: Random) -> None:
    """Each rule that is met has a packet that comes to it; of those that are not, none of their packets does."""
    exact = Exact(ruleset)
    for chain in ruleset.chains:
        for number, rule in enumerate(chain.rules):
            part = Part(chain.name, number, rule)
            if not exact.is_met(part):
                never_met(exact, part, random, 2)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(rulesets(hit_counts=False, fields=True), st.randoms(use_true_random=False))
def test_any_ruleset_without_what_is_redundant(ruleset: Ruleset, random: Random) -> None:
    from polc.symbolic.remainders import needless

    exact = Exact(ruleset)
    for view in exact.views:
        for chain in ruleset.chains:
            alive = [at for at in range(len(chain.rules)) if view.arrivals.meeting(chain.name, at) != NONE]
            for number in needless(view.arrivals, chain, alive):
                less = Hooks(view.space, [Loaded(changed(ruleset, (chain.name, number), None), exact.flavour)])
                manager = view.space.manager
                own = view.arrivals.meeting(chain.name, number)
                for hook in hooks_with_chains(view.hooks):
                    for _ in range(3):
                        point = walk(view.space, manager.where(view.hooks.valid(hook), own), random)
                        if point is None:
                            break
                        said = manager.at(view.hooks.outcomes(hook), point)
                        try:
                            assert agree(said, replay(less, hook, witness_of(view.space, point)))
                        except NoReplay:
                            continue


def test_examples_have_nothing_to_say() -> None:
    for path in sorted((ROOT / "examples").glob("*.yaml")):
        inspected = inspect_policy(str(path), Collector())
        assert not list(exact_findings(Exact(inspected.ruleset))), path


def test_too_large_is_told() -> None:
    inspected = inspect_source(SourceFile("policy.yaml", rules("accept tcp/80 from @admins")), Collector())
    assert {one.code for one in exact_findings(Exact(inspected.ruleset, budget=10))} == {"POL329"}
