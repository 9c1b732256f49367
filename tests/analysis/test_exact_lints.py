"""Lints about all packets: what they find is so, and what they do not find has a packet."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polc.analysis.exact import Exact, Part, View
from polc.analysis.model import Wanted
from polc.analysis.registry import EXACT_LINTS, exact_findings
from polc.analysis.takers import takers_of
from polc.diagnostics import Collector
from polc.diagnostics.codes import CODES
from polc.firewalls import read_firewall
from polc.ir.matches import STATEFUL
from polc.ir.origin import Origin
from polc.ir.ruleset import IP_HOOKS, BaseChain, Chain, Hook, Rule, Ruleset
from polc.ir.verdicts import Drop
from polc.policy.read import inspect_policy, inspect_source
from polc.proving.replay import NoReplay, Replay, agree, replay
from polc.source import SourceFile
from polc.symbolic.by_chance import by_chance
from polc.symbolic.diagram import HOLDS, NONE
from polc.symbolic.hooks import Hooks, Loaded
from polc.symbolic.outcome import Outcome, Step, Unknown
from polc.symbolic.witness import witness_of
from tests.importers.corpus import NEEDED, saved
from tests.strategies import rulesets
from tests.symbolic.points import hooks_with_chains

ROOT = Path(__file__).parents[2]
FULL = "POLC_SHADOW_PACKETS" in os.environ
PACKETS = int(os.environ.get("POLC_SHADOW_PACKETS", "3"))
"""For each rule that is said to be never met, family and hook: of ``SAMPLE`` rules, or of all where it is set."""
SAMPLE = 5
MARK = "never met"
HEAD = "polc: 1\nzones: {wan: eth0, lan: eth1}\naddresses: {admins: [192.0.2.0/24, '2001:db8::/32']}\n"


def found(text: str, *select: str) -> list[tuple[str, str, list[str]]]:
    """Code, the rule's text, and those of the rules that it is pointed out with."""
    inspected = inspect_source(SourceFile("policy.yaml", text), Collector())
    return [
        (one.code, one.labels[0].span.text, [label.span.text for label in one.labels[1:]])
        for one in exact_findings(Exact(inspected.ruleset, policy=inspected), Wanted(select))
    ]


def rules(*some: str, default: str = "drop", head: str = "") -> str:
    return f"{HEAD}{head}input:\n  default: {default}\n  rules:\n" + "".join(f"    - {one}\n" for one in some)


@pytest.mark.parametrize(("rule", "dead"), [
    ("accept where vlan id 5", True),
    ("accept where not vlan id 5 and ether type ip", True),
    ("accept where ether type vlan", True),
    ("accept where ether type ip", False),
    ("accept tcp state new where tcp flags syn,ack / syn,ack", True),
    ("accept tcp state established where tcp flags syn,ack / syn,ack", False),
    ("accept tcp state new where tcp flags syn / syn,ack", False),
    ("accept tcp state established where tcp flags fin,syn / fin,syn", True),
    ("accept tcp state invalid where tcp flags fin,syn / fin,syn", False),
    ("accept tcp where mh type 5", True),
    ("accept where mh type 5", False),
])  # fmt: skip
def test_what_the_kernel_makes_sure_of(rule: str, dead: bool) -> None:
    """A tag is seen by ingress alone, a VLAN that is not there has no number; flags and headers that cannot be."""
    assert bool([one for one in found(rules(rule)) if one[0] == "POL321"]) is dead


@pytest.mark.parametrize("code", [code for lint in EXACT_LINTS for code in lint.codes])
def test_the_example_triggers_it(code: str) -> None:
    assert code in {one[0] for one in found(CODES[code].example, code)}


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
        # One that does alone is named alone, and no more than are needed.
        (rules("drop tcp/10-19", "drop tcp/10-29", "accept tcp/15-25"), "accept tcp/15-25", ["drop tcp/10-29"]),
        (
            rules("drop tcp/10-19", "drop tcp/15-24", "drop tcp/20-29", "accept tcp/12-28"),
            "accept tcp/12-28",
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
        # On each of the ways that lead to its chain.
        (
            rules(
                "drop tcp/80 from wan",
                "jump web from wan",
                "drop tcp/80-90",
                "jump web from lan",
                head="chains: {web: [accept tcp/80, accept tcp/443]}\n",
            ),
            "accept tcp/80",
            ["drop tcp/80 from wan", "drop tcp/80-90"],
        ),
        (
            rules("goto web tcp/80", "accept tcp/80 from @admins", head="chains: {web: [accept from wan]}\n"),
            "accept tcp/80 from @admins",
            ["goto web tcp/80"],
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
        # Hops are what a chain before has made of them, which is more than packets come with.
        "polc: 1\nmangle: {forward: [ip6 hoplimit set 255 tcp]}\n"
        "forward: {default: drop, rules: [accept where ip6 hoplimit 255]}\n",
        # What is exempted from conntrack is untracked later.
        "polc: 1\nraw: {prerouting: [notrack udp/53]}\ninput: {default: drop, rules: [accept state untracked]}\n",
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


@pytest.mark.parametrize(
    ("text", "told"),
    [
        # A rule and an exception to it, equal verdicts, and rules that have nothing in common.
        (rules("accept tcp/80", "drop tcp/1-1024"), []),
        (rules("accept tcp/1-1024 from @admins", "accept tcp/80"), []),
        (rules("accept tcp/22 from @admins", "drop tcp/80"), []),
        (rules("accept tcp/1-1024 from @admins", "drop tcp/80"), ["drop tcp/80"]),
        (rules("use stateful", "drop tcp/80"), []),
    ],
)
def test_correlated(text: str, told: list[str]) -> None:
    assert [one[1] for one in found(text, "POL324")] == told
    assert not [one for one in found(text) if one[0] == "POL324"]


GROUPS = "addresses: {a: [192.0.2.7, 198.51.100.7], b: ['@a', 203.0.113.7]}\n"


@pytest.mark.parametrize(
    ("some", "told"),
    [
        (("drop from 192.0.2.0/24", "accept ssh from @b"), ["192.0.2.7"]),
        (("drop to 192.0.2.0/24", "accept ssh from @b"), []),
        (("drop from 192.0.2.0/24", "accept ssh from @b", "drop to @a"), []),
        (("drop tcp/80 from 192.0.2.0/24", "accept ssh from @b"), []),
        # A negation asks about members too, of packets that meet the rest.
        (("drop ssh from 192.0.2.0/24", "accept ssh from not @b"), ["192.0.2.7"]),
        (("drop tcp/80 from 192.0.2.0/24", "accept ssh from not @b"), []),
        # A list of several groups has the name of none.
        (("drop from 192.0.2.0/24", "accept ssh from @a", "accept tcp/80 to @a, @b"), []),
        (("accept ssh",), []),
    ],
)
def test_members_that_never_matter(some: tuple[str, ...], told: list[str]) -> None:
    text = rules(*some).replace("addresses: {admins: [192.0.2.0/24, '2001:db8::/32']}\n", GROUPS)
    assert [one[1] for one in found(text, "POL325")] == told


def test_members_that_are_asked_for_before_conntrack() -> None:
    text = "polc: 1\naddresses: {a: [192.0.2.7, 198.51.100.7]}\nraw:\n  prerouting: [%s drop from not @a]\n"
    assert not found(text % "", "POL325")
    assert [one[1] for one in found(text % "drop from 192.0.2.0/24,", "POL325")] == ["192.0.2.7"]


def test_elements_that_never_matter() -> None:
    text = rules("drop from 192.0.2.0/24", "drop from @bad").replace(
        "admins: [192.0.2.0/24, '2001:db8::/32']", "bad: {dynamic: true, elements: [192.0.2.7, 198.51.100.7]}"
    )
    assert [one[0] for one in found(text, "POL325")] == ["POL325"]
    assert not found(text.replace("from 192.0.2.0/24", "tcp/80 from 192.0.2.0/24"), "POL325")


USED = ("use stateful", "use loopback", "use icmp-essentials")


@pytest.mark.parametrize(
    ("text", "decides"),
    [
        (rules("drop icmpv6", *USED), ["drop icmpv6"]),
        (rules("drop icmpv6/nd-neighbor-solicit where ip6 hoplimit 255", *USED),
         ["drop icmpv6/nd-neighbor-solicit where ip6 hoplimit 255"]),
        (rules("drop icmpv6/nd-neighbor-solicit where ip6 hoplimit 1-254", *USED), []),
        (rules("drop icmpv6 from wan", *USED), []),
        (rules("drop tcp", *USED), ["drop tcp"]),
        (rules("drop tcp state established from wan", *USED), []),
        (rules("drop tcp", default="accept"), ["drop tcp"]),
        (rules(*USED), []),
        # POL302 has spoken.
        (rules("use loopback", "accept ssh"), []),
        # A hook that lets nothing through is meant to be closed.
        ("polc: 1\nforward: {default: drop, rules: []}\n", []),
    ],
)  # fmt: skip
def test_cut_off(text: str, decides: list[str]) -> None:
    assert list(dict.fromkeys(one[1] for one in found(text, "POL327"))) == decides


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
    return replace(part.rule, matches=matches, statements=(), verdict=Drop(), origin=Origin(name=MARK))


def around(view: View, part: Part, ruleset: Ruleset) -> Ruleset:
    """The ruleset with the rule marked, and without those that none of its packets meets, however they are changed:
    simulators of thousands of rules take seconds to make.
    """
    chains, manager = view.arrivals.chains, view.space.manager
    wanted = chains.condition(part.rule)
    for statements, rule in {rule.statements: rule for one in ruleset.chains for rule in one.rules}.items():
        for value in manager.values(chains.effects(rule)) if statements else ():
            assert isinstance(value, Step)
            if isinstance(value.end, Unknown):
                wanted = HOLDS
            for variable, _ in value.changes:
                wanted = manager.exists(wanted, variable)

    def in_chain(chain: Chain) -> Chain:
        kept = [
            marked(part) if (chain.name, number) == (part.chain, part.number) else rule
            for number, rule in enumerate(chain.rules)
            if manager.where(chains.condition(rule), wanted) != NONE
        ]
        return replace(chain, rules=tuple(kept))

    return replace(ruleset, chains=tuple(map(in_chain, ruleset.chains)))


def hooks_of(exact: Exact, name: str) -> set[Hook]:
    """The hooks from which rules lead to a chain."""
    ahead, seen = [name], set()
    while ahead:
        one = ahead.pop()
        if one not in seen:
            seen.add(one)
            ahead += [caller for caller, _ in exact.callers.get(one, ())]
    bases = [exact.chains[one] for one in sorted(seen)]
    return {chain.hook for chain in bases if isinstance(chain, BaseChain) and chain.hook in IP_HOOKS}


def never_met(exact: Exact, part: Part, random: Random, packets: int) -> int:
    """How many packets of the rule's own match the simulator has sent, none of which has come to it."""
    sent = 0
    for view in exact.views:
        wanted = view.arrivals.chains.condition(part.rule)
        if wanted == NONE:
            continue
        hooks = Hooks(view.space, [Loaded(around(view, part, exact.ruleset), exact.flavour)])
        for hook in hooks_of(exact, part.chain):
            own = view.space.manager.where(view.hooks.valid(hook), wanted)
            using = Replay(hooks, (hook,))
            for _ in range(packets if own != NONE else 0):
                point = by_chance(view.space, own, random)
                assert point is not None
                try:
                    outcome = replay(hooks, hook, witness_of(view.space, point), using)
                except NoReplay:
                    continue
                sent += 1
                assert outcome.decision is None or outcome.decision.origin.name != MARK, str(part)
    return sent


@NEEDED
@pytest.mark.parametrize("path", saved(), ids=lambda path: path.name)
def test_what_is_shadowed_in_real_rulesets_is_never_met(path: Path) -> None:
    firewall = read_firewall(str(path), Collector())
    (ruleset,) = firewall.rulesets
    exact = Exact(ruleset, firewall.flavour)
    unmet = [part for rule in exact.unmet for part in rule.parts]
    random = Random(path.name)
    for rule in exact.unmet if FULL else exact.unmet[:SAMPLE]:
        # Somebody is named, or nothing that comes could have met it.
        assert takers_of(exact, rule) or not any(
            view.space.manager.where(view.arrivals.chains.condition(part.rule), view.arrivals.coming(part.chain))
            != NONE
            for view in exact.views
            for part in rule.parts
        )
    for part in unmet if FULL or len(unmet) <= SAMPLE else random.sample(unmet, SAMPLE):
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
                        point = by_chance(view.space, manager.where(view.hooks.valid(hook), own), random)
                        if point is None:
                            break
                        said = manager.at(view.hooks.outcomes(hook), point)
                        assert isinstance(said, Outcome)
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
