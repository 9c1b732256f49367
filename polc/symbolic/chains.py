"""Rules and chains as functions of packets: what ends the way of a packet, ``NONE`` where none of the rules does.

A regular chain is one function, made once for all that jump to it.
"""

from __future__ import annotations

from typing import assert_never

from polc.ir.flavour import Flavour
from polc.ir.matches import Match, SetMatch
from polc.ir.ruleset import BaseChain, Chain, Hook, Rule, Ruleset
from polc.ir.stateful import Connections
from polc.ir.verdicts import (
    Accept,
    Drop,
    Goto,
    Jump,
    MapVerdict,
    Nat,
    NatMap,
    NatTarget,
    Queue,
    Reject,
    Return,
    Verdict,
    VerdictMap,
)
from polc.symbolic.answers import Answers, Members
from polc.symbolic.diagram import HOLDS, NONE
from polc.symbolic.outcome import Binding, Step, Watch, Way
from polc.symbolic.predicates import Predicates
from polc.symbolic.sequence import goes_on, in_turn
from polc.symbolic.space import Set, Space
from polc.symbolic.statements import Statements
from polc.symbolic.states import Counting, State, States, shared_names

Function = tuple[int, bool]
"""A diagram of ``Step``s, and whether any of them goes on with the packet changed."""


class Chains:
    """The chains of one ruleset, for packets of the space's family. ``early``: as they are before conntrack. ``place``
    is which of a host's rulesets it is, from 0.
    """

    def __init__(
        self,
        space: Space,
        ruleset: Ruleset,
        flavour: Flavour = Flavour.NFT,
        watch: Watch = Watch.NOTHING,
        *,
        early: bool = False,
        place: int = 0,
    ) -> None:
        self.space = space
        self.ruleset = ruleset
        self.watch = watch
        self.predicates = Predicates(space, early=early)
        self.members = Members(self.predicates.fields, ruleset, place)
        self._by_name: dict[str, Chain] = {chain.name: chain for chain in ruleset.chains}
        self._known: dict[str, Function] = {}
        self._states = States(ruleset, shared_names(space.rulesets), place)
        self._answers = Answers(self.predicates.fields, flavour, watched=Watch.STATE in watch)
        self._statements = Statements(self.predicates.fields, self.members, flavour, watch)

    # Chains

    def regular(self, name: str) -> Function:
        """The function of a regular chain; a return in it, and its end, are ``NONE``."""
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = self._back(*self.rules(self._by_name[name]))
        return found

    def base(self, chain: BaseChain, hook: Hook | None = None) -> Function:
        """The function of a base chain, its policy included: an accepted packet goes on behind it."""
        manager = self.space.manager
        node, changed = self.rules(chain, hook or chain.hook)

        def end(value: object) -> Step | None:
            if value is None:
                return _accepted(Step(chain.policy))
            assert isinstance(value, Step)
            if not isinstance(value.end, Way):
                return _accepted(value)
            return _accepted(Step(chain.policy, value.changes, value.effects, value.nat))

        made = manager.mapped(node, lambda value: end(value))
        return made, changed or any(goes_on(value) for value in manager.values(made))

    def rules(self, chain: Chain, hook: Hook | None = None) -> Function:
        """The rules of a chain alone; what has left it undecided ends in ``Way.LEFT``."""
        hook = hook or (chain.hook if isinstance(chain, BaseChain) else Hook.FORWARD)
        return in_turn(
            self.space.manager,
            [self.rule(chain, number, hook) for number, rule in enumerate(chain.rules) if self.speaks(rule)],
        )

    def _back(self, node: int, changed: bool) -> Function:
        """A packet that has left a chain goes on behind the jump to it, with what was changed before it left."""
        manager = self.space.manager
        if not any(isinstance(one, Step) and one.end is Way.LEFT for one in manager.values(node)):
            return node, changed
        back = manager.mapped(
            node, lambda one: one.ending(Way.ON) if isinstance(one, Step) and one.end is Way.LEFT else one
        )
        return back, changed or any(goes_on(one) for one in manager.values(back))

    # Rules

    def speaks(self, rule: Rule) -> bool:
        """Whether the rule is about packets of this family."""
        return self.space.family in rule.families

    def condition(self, rule: Rule) -> Set:
        """The packets that meet all matches of a rule that keep no state: whether the others hold hangs on more."""
        if not self.speaks(rule):
            return NONE
        found = HOLDS
        for match in rule.matches:
            if not isinstance(match, Counting):
                found = self.space.manager.where(found, self.match(match))
        return found

    def match(self, match: Match) -> Set:
        """The packets that meet a match that keeps no state; membership in a named set is a variable."""
        return self.members.of(match) if isinstance(match, SetMatch) else self.predicates.of(match)

    def effects(self, rule: Rule) -> int:
        """What the statements of a rule do, where it is met."""
        made = NONE
        for statement in reversed(rule.statements):
            made = self._statements.before(statement, made)
        return made

    def rule(self, chain: Chain, number: int, hook: Hook) -> Function:
        """The function of one rule, by its number from 0."""
        return self._rule(chain, number, *self._verdict(chain.rules[number].verdict, hook))

    def meeting(self, chain: Chain, number: int) -> int:
        """The function of one rule as if it accepted every packet that meets it: statements may still end its way."""
        return self._rule(chain, number, self.space.manager.leaf(Step(Accept())), False)[0]

    def asks(self, chain: Chain, number: int) -> bool:
        """Whether a rule's stateful matches are asked at all: not where nothing that is watched comes of it."""
        body, _ = self._verdict(chain.rules[number].verdict, Hook.FORWARD)
        for statement in reversed(chain.rules[number].statements):
            body = self._statements.before(statement, body)
        return body != NONE or self._always_asks(chain.rules[number])

    def _always_asks(self, rule: Rule) -> bool:
        """Whether it matters that a rule is asked which does nothing: where connections are counted, packets that have
        none are dropped.
        """
        return Watch.STATE in self.watch or any(isinstance(one, Connections) for one in rule.matches)

    def state(self, chain: str, number: int, at: int, match: Counting) -> State:
        """What the match at a place keeps: in a chain the rule's number, in the rule the match's, both from 0."""
        return self._states.of(chain, number, at, match)

    def chain(self, name: str) -> Chain:
        """The chain of that name."""
        return self._by_name[name]

    def _rule(self, chain: Chain, number: int, body: int, changed: bool) -> Function:
        rule, manager = chain.rules[number], self.space.manager
        if rule.statements:
            for statement in reversed(rule.statements):
                body = self._statements.before(statement, body)
            changed = changed or any(goes_on(one) for one in manager.values(body))
        if body == NONE and not self._always_asks(rule):
            # Nothing comes of it, whatever its matches say.
            return NONE, False
        stateless = next((at for at, one in enumerate(rule.matches) if isinstance(one, Counting)), len(rule.matches))
        for at in range(len(rule.matches) - 1, stateless - 1, -1):
            match = rule.matches[at]
            if isinstance(match, Counting):
                state = self._states.of(chain.name, number, at, match)
                body = self._answers.ask(match, state, body)
                changed = changed or state.most > 1 or Watch.STATE in self.watch
            else:
                body = manager.where(self.match(match), body)
        condition = HOLDS
        for match in rule.matches[:stateless]:
            condition = manager.where(condition, self.match(match))
        return manager.where(condition, body), changed

    # Verdicts

    def _verdict(self, verdict: Verdict | None, hook: Hook) -> Function:
        manager = self.space.manager
        match verdict:
            case None:
                return NONE, False
            case Accept() | Drop() | Reject():
                return manager.leaf(Step(verdict)), False
            case Jump() | Goto() | Return():
                return self._way(verdict)
            case Nat(addresses=addresses, ports=ports):
                return self._bound(verdict, NatTarget(addresses, ports), hook), False
            case NatMap(key=key, elements=elements):
                fields = self.predicates.fields
                return manager.first_of(
                    manager.where(fields.element(key, element), self._bound(verdict, target, hook))
                    for element, target in elements
                ), False
            case Queue():
                return manager.leaf(Step(Accept(), (), (verdict,))), False
            case VerdictMap(key, elements):
                fields = self.predicates.fields
                ways = {one: self._map_verdict(one) for _, one in elements}
                found = manager.first_of(
                    manager.where(fields.element(key, element), ways[one][0]) for element, one in elements
                )
                return found, any(changed for _, changed in ways.values())
            case _:
                assert_never(verdict)

    def _map_verdict(self, verdict: MapVerdict) -> Function:
        if isinstance(verdict, Accept | Drop):
            return self.space.manager.leaf(Step(verdict)), False
        return self._way(verdict)

    def _way(self, verdict: Jump | Goto | Return) -> Function:
        manager = self.space.manager
        match verdict:
            case Jump(name):
                return self.regular(name)
            case Goto(name):
                node, changed = self.regular(name)
                left = Step(Way.LEFT)

                def leave(value: object) -> object:
                    if value is None:
                        return left
                    return value.ending(Way.LEFT) if goes_on(value) and isinstance(value, Step) else value

                return manager.mapped(node, leave), changed
            case Return():
                return manager.leaf(Step(Way.LEFT)), False
            case _:
                assert_never(verdict)

    def _bound(self, verdict: Nat | NatMap, target: NatTarget, hook: Hook) -> int:
        edges = (one.ranges[0] if one else None for one in (target.addresses, target.ports))
        names = ("random", "persistent", "fully_random")
        flags = tuple(name for name in names if getattr(verdict, name, False))
        addresses, ports = edges
        binding = Binding(hook, verdict.kind, addresses, ports, flags)
        return self.space.manager.leaf(Step(Accept(), nat=(binding,)))


def _accepted(step: Step) -> Step | None:
    """An accepted packet goes on with the next base chain."""
    return step.ending(Way.ON) if isinstance(step.end, Accept) else step
