"""Chains as functions: each rule is made into closures once, for packets of one family, and by protocol.

A rule's test says whether its matches hold; its action does what it says and gives its decision, None to go on, or
``LEAVE`` where the packet leaves the chain undecided.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import assert_never

from polc.ir.family import Family
from polc.ir.matches import Match, OpaqueMatch, ServiceMatch, protocol_of
from polc.ir.origin import Origin
from polc.ir.reachable import depths
from polc.ir.ruleset import BaseChain, Chain, Rule, Ruleset
from polc.ir.statements import Counter, Duplicate, Log, Trace
from polc.ir.verdicts import (
    Accept,
    Drop,
    Goto,
    Jump,
    MapVerdict,
    Nat,
    NatKind,
    NatMap,
    NatTarget,
    Queue,
    Reject,
    Return,
    Verdict,
    VerdictMap,
    chains_of,
)
from polc.simulate import nat
from polc.simulate.counting import HotDrop
from polc.simulate.effects import Effects
from polc.simulate.elements import Lookup
from polc.simulate.ends import LEAVE, Leave, Stolen
from polc.simulate.fields import key_of
from polc.simulate.flight import Flight
from polc.simulate.matching import Matching, Test
from polc.simulate.settings import MOST_QUEUES, Queues
from polc.simulate.unknown import OnlyKernelKnows
from polc.simulate.world import World


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decided: a rule, counted from 0 in its chain, or the policy of a base chain (``rule`` None)."""

    verdict: Verdict | Stolen
    chain: str
    rule: Rule | None
    number: int | None
    origin: Origin


Action = Callable[[Flight], "Decision | Leave | None"]
Step = tuple[Test, Action, "Code"]


DEEPEST = 100
"""Chains that call each other below a rule; nft itself takes 15, iptables-legacy any number."""


@dataclass(eq=False, slots=True)
class Code:
    """A rule: its tests in order, and how many packets it has met so far."""

    rule: Rule
    number: int
    tests: tuple[tuple[Match, Test], ...]
    action: Action
    decision: Decision
    hits: list[int] = field(default_factory=lambda: [0])


class ChainCode:
    """A chain, for packets of one family. ``rules`` are those that speak of the family, as ``Code``."""

    __slots__ = ("_world", "by_protocol", "chain", "others", "rules")

    def __init__(self, chain: Chain, world: World) -> None:
        self.chain = chain
        self._world = world
        self.rules: tuple[Code, ...] = ()
        self.by_protocol: dict[int, tuple[Step, ...]] = {}
        self.others: tuple[Step, ...] = ()

    def run(self, flight: Flight) -> Decision | Leave | None:
        """The decision of the first rule that takes one.

        Raises:
            OnlyKernelKnows: with the rule that it is about.
        """
        if self._world.tracer is not None:
            return self._world.tracer.walk(self, flight)
        for test, action, code in self.by_protocol.get(flight.protocol, self.others):
            try:
                if test(flight):
                    found = action(flight)
                    if found is not None:
                        return found
            except OnlyKernelKnows as unknown:
                unknown.decision = unknown.decision or code.decision
                raise
            except HotDrop:
                return Decision(Drop(), code.decision.chain, code.rule, code.number, code.rule.origin)
        return None

    def fill(self, rules: tuple[Code, ...]) -> None:
        """Give the chain its rules, once all chains are there that they jump to."""
        self.rules = rules
        steps = [(protocols_of(one.rule), (_all([test for _, test in one.tests]), one.action, one)) for one in rules]
        self.others = tuple(step for protocols, step in steps if protocols is None)
        named = {protocol for protocols, _ in steps for protocol in protocols or ()}
        self.by_protocol = {
            protocol: tuple(step for protocols, step in steps if protocols is None or protocol in protocols)
            for protocol in named
        }


def protocols_of(rule: Rule) -> frozenset[int] | None:
    """The protocols whose packets alone can meet a rule, before anything that keeps state; None: any."""
    found: frozenset[int] | None = None
    for match in rule.matches:
        if isinstance(match, ServiceMatch):
            here: frozenset[int] | None = frozenset(term.protocol for term in match.terms)
        else:
            only = protocol_of(match)
            here = None if only is None else frozenset({only})
        if here is not None:
            found = here if found is None else found & here
    return found


def _all(tests: list[Test]) -> Test:
    match tests:
        case []:
            return lambda flight: True
        case [one]:
            return one
        case [one, two]:
            return lambda flight: one(flight) and two(flight)
        case [one, two, three]:
            return lambda flight: one(flight) and two(flight) and three(flight)
        case _:
            return lambda flight: _every(tests, flight)


def _every(tests: list[Test], flight: Flight) -> bool:
    return all(test(flight) for test in tests)


@dataclass(slots=True)
class Compiler:
    """Makes the chains of one ruleset for packets of one family."""

    ruleset: Ruleset
    family: Family
    matching: Matching
    effects: Effects
    chains: dict[str, ChainCode] = field(default_factory=dict)
    depths: dict[str, int] = field(default_factory=dict)

    def compile(self) -> dict[str, ChainCode]:
        """All chains by name."""
        self.chains = {chain.name: ChainCode(chain, self.matching.world) for chain in self.ruleset.chains}
        self.depths = depths(
            {one.name: [name for rule in one.rules for name in chains_of(rule.verdict)] for one in self.ruleset.chains}
        )
        for chain in self.ruleset.chains:
            numbered = [(number, rule) for number, rule in enumerate(chain.rules) if self.family in rule.families]
            self.chains[chain.name].fill(tuple(self._rule(chain, number, rule) for number, rule in numbered))
        return self.chains

    def _rule(self, chain: Chain, number: int, rule: Rule) -> Code:
        tests = tuple((match, self._test(chain.name, number, at, match)) for at, match in enumerate(rule.matches))
        if rule.verdict is None and all(isinstance(one, Counter | Log | Trace | Duplicate) for one in rule.statements):
            # Whether such a rule met the packet changes nothing for it.
            tests = tuple((match, _or_not(test) if isinstance(match, OpaqueMatch) else test) for match, test in tests)
        decision = Decision(rule.verdict or Return(), chain.name, rule, number, rule.origin)
        hits = [0]
        action = self._action(rule, decision, hits)
        return Code(rule, number, tests, action, decision, hits)

    def _test(self, chain: str, number: int, at: int, match: Match) -> Test:
        test, presume, ruleset = self.matching.test(match), self.matching.world.presume, self.ruleset
        if presume is None:
            return test

        def presumed(flight: Flight) -> bool:
            known = presume(ruleset, chain, number, at, match)
            return test(flight) if known is None else known

        return presumed

    def _action(self, rule: Rule, decision: Decision, hits: list[int]) -> Action:
        effects = tuple(self.effects.effect(one) for one in rule.statements)
        end = self._verdict(rule.verdict, decision)
        if not effects:

            def plain(flight: Flight) -> Decision | Leave | None:
                hits[0] += 1
                return end(flight)

            return plain

        def action(flight: Flight) -> Decision | Leave | None:
            hits[0] += 1
            for one in effects:
                gone = one(flight)
                if gone is not None:
                    return self._broken_off(gone, decision)
            return end(flight)

        return action

    def _broken_off(self, gone: Verdict | Stolen | Leave, decision: Decision) -> Decision | None:
        """What an effect that ends the rule leads to: a verdict of its own, or the next rule."""
        if isinstance(gone, Leave):
            return None
        return Decision(gone, decision.chain, decision.rule, decision.number, decision.origin)

    def _verdict(self, verdict: Verdict | None, decision: Decision) -> Action:
        match verdict:
            case None:
                return lambda flight: None
            case Accept() | Drop() | Reject():
                return lambda flight: decision
            case Jump() | Goto() | Return():
                return self._way(verdict, decision)
            case Nat():
                return self._nat(verdict, decision)
            case NatMap(key=selectors, elements=elements):
                return self._mapped_nat(verdict, Lookup(elements), decision)
            case Queue():
                return self._queue(verdict, decision)
            case VerdictMap(selectors, elements):
                ways = {one: self._map_verdict(one, decision) for _, one in elements}
                lookup = Lookup((element, ways[one]) for element, one in elements)
                key = key_of(selectors, self.matching.world)

                def mapped(flight: Flight) -> Decision | Leave | None:
                    found = key(flight)
                    way = None if found is None else lookup.get(found)
                    return None if way is None else way(flight)

                return mapped
            case _:
                assert_never(verdict)

    def _queue(self, verdict: Queue, decision: Decision) -> Action:
        first, last = verdict.first, verdict.last
        if self.matching.world.settings.queues is Queues.DROP and last - first < MOST_QUEUES:
            return lambda flight: decision
        queues = f"queue {first}" if first == last else f"queues {first} to {last}"
        return _unknown(f"a program that listens on {queues} decides")

    def _map_verdict(self, verdict: MapVerdict, decision: Decision) -> Action:
        own = Decision(verdict, decision.chain, decision.rule, decision.number, decision.origin)
        if isinstance(verdict, Accept | Drop):
            return lambda flight: own
        return self._way(verdict, own)

    def _way(self, verdict: Jump | Goto | Return, decision: Decision) -> Action:
        if isinstance(verdict, Jump | Goto) and self.depths[verdict.chain] >= DEEPEST:
            return _unknown(f"calls lead more than {DEEPEST} chains deep from here, further than the simulator follows")
        match verdict:
            case Jump(name):
                below = self.chains[name]

                def jump(flight: Flight) -> Decision | Leave | None:
                    found = below.run(flight)
                    return None if found is LEAVE else found

                return jump
            case Goto(name):
                there = self.chains[name]

                def goto(flight: Flight) -> Decision | Leave | None:
                    found = there.run(flight)
                    return LEAVE if found is None else found

                return goto
            case Return():
                return lambda flight: LEAVE
            case _:
                assert_never(verdict)

    def _nat(self, verdict: Nat | NatMap, decision: Decision, target: NatTarget | None = None) -> Action:
        world = self.matching.world
        source = nat.is_source(verdict)
        accepted = Decision(verdict, decision.chain, decision.rule, decision.number, decision.origin)
        dropped = Decision(Drop(), decision.chain, decision.rule, decision.number, decision.origin)

        def bind(flight: Flight) -> Decision:
            flow = flight.flow
            if flow is None:
                return accepted
            wanted = nat.range_of(verdict, target, flight, world)
            if wanted is None or not nat.setup(world, flow, wanted, source=source):
                return dropped
            if verdict.kind is NatKind.MASQUERADE:
                flow.masq_out = flight.oif
            return accepted

        return bind

    def _mapped_nat(self, verdict: NatMap, lookup: Lookup[NatTarget], decision: Decision) -> Action:
        key = key_of(verdict.key, self.matching.world)
        binds = {target: self._nat(verdict, decision, target) for _, target in verdict.elements}

        def bind(flight: Flight) -> Decision | Leave | None:
            found = key(flight)
            target = None if found is None else lookup.get(found)
            return None if target is None else binds[target](flight)

        return bind


def _or_not(test: Test) -> Test:
    def quiet(flight: Flight) -> bool:
        try:
            return test(flight)
        except OnlyKernelKnows:
            return False

    return quiet


def _unknown(reason: str) -> Action:
    def action(flight: Flight) -> Decision | Leave | None:
        raise OnlyKernelKnows(reason)

    return action


def policy_decision(chain: BaseChain) -> Decision:
    """What a base chain decides where none of its rules does."""
    return Decision(chain.policy, chain.name, None, None, chain.origin)
