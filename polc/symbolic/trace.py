"""Which rules a single point comes by, and which one decides: what a difference of two rulesets hangs on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from polc.ir.ruleset import BaseChain, Chain, ChainType, Hook, Rule, Ruleset
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Nat, NatKind, NatMap, Reject, Return, Verdict, VerdictMap
from polc.symbolic.chains import Chains
from polc.symbolic.hooks import Hooks
from polc.symbolic.outcome import Binding, Changes, Derived, Step, Stolen, Unknown, Way
from polc.symbolic.witness import Point

_BOUND = Binding(Hook.PREROUTING, NatKind.DNAT)
End = Verdict | Stolen | Unknown | Way


@dataclass(frozen=True, slots=True)
class Met:
    """A rule whose matches all hold, the ``number``th from 0 of its chain; ``rule`` None: the policy of a base chain.

    ``decides``: it ends the packet's way through its base chain, ``base``.
    """

    ruleset: Ruleset
    chain: Chain
    number: int | None
    rule: Rule | None
    verdict: End | None
    decides: bool
    base: BaseChain


def met(hooks: Hooks, hook: Hook, point: Mapping[int, int]) -> list[Met]:
    """What a packet meets at a hook, base chain by base chain, up to whatever ends its way. NAT's chains are asked for
    what they are: the first packets of flows.
    """
    found: list[Met] = []
    now = dict(point)
    bound = False
    for ruleset, chain in hooks.base_chains(hook):
        if not hooks.is_early(chain):
            now = hooks.tracked(now)
        if chain.type is ChainType.NAT and (bound or not hooks.begins(now)):
            continue
        chains = hooks.chains(ruleset, early=hooks.is_early(chain))
        walk = _Walk(chains, ruleset, chain, now)
        end = walk.chain(chain)
        found += walk.met
        if end is None or end.end is Way.LEFT:
            found.append(Met(ruleset, chain, None, None, chain.policy, decides=True, base=chain))
            end = Step(chain.policy)
        now = walk.now
        bound = bound or bool(end.nat)
        if not isinstance(end.end, Accept):
            break
    return found


def deciding(hooks: Hooks, hook: Hook, point: Mapping[int, int]) -> Met | None:
    """Who decides: the rule or policy that ends the packet's way, or, where it is accepted, the last one that accepts
    it: a policy of a chain behind the filters' priority accepts whatever comes so far, and does not count where
    another one has accepted. None: no base chain decides.
    """
    decisions = [one for one in met(hooks, hook, point) if one.decides]
    if not decisions:
        return None
    if not isinstance(decisions[-1].verdict, Accept):
        return decisions[-1]
    accepting = [one for one in decisions if one.base.type is not ChainType.NAT]
    counting = [one for one in accepting if one.rule is not None or one.base.priority <= 0]
    return counting[-1] if counting else accepting[0] if accepting else decisions[-1]


class _Walk:
    """Through one base chain. ``now`` is the point as rules have changed it."""

    def __init__(self, chains: Chains, ruleset: Ruleset, base: BaseChain, point: Point) -> None:
        self.chains = chains
        self.ruleset = ruleset
        self.base = base
        self.now = dict(point)
        self.met: list[Met] = []

    def chain(self, chain: Chain) -> Step | None:
        """What ends the way through a chain; None where none of its rules does."""
        manager = self.chains.space.manager
        for number, rule in enumerate(chain.rules):
            if not self.chains.speaks(rule):
                continue
            value = manager.at(self.chains.meeting(chain, number), self.now)
            if not isinstance(value, Step):
                continue
            self._apply(value.changes)
            if value.end is Way.ON:
                # It was asked, and did not hold.
                continue
            if not isinstance(value.end, Accept):
                self._meet(chain, number, value.end, decides=True)
                return value
            end = self._end(chain, number, self._verdict(rule))
            if end is not None:
                return end
        return None

    def _end(self, chain: Chain, number: int, verdict: Verdict | None) -> Step | None:
        """What a rule that is met comes to; None: the packet goes on behind it."""
        match verdict:
            case None:
                self._meet(chain, number, None, decides=False)
                return None
            case Jump(name) | Goto(name):
                self._meet(chain, number, verdict, decides=False)
                end = self.chain(self.chains.chain(name))
                if end is None or end.end is Way.LEFT:
                    return Step(Way.LEFT) if isinstance(verdict, Goto) else None
                return end
            case Return():
                self._meet(chain, number, verdict, decides=False)
                return Step(Way.LEFT)
            case NatMap():
                fields, manager = self.chains.predicates.fields, self.chains.space.manager
                if all(manager.at(fields.element(verdict.key, one), self.now) is None for one, _ in verdict.elements):
                    return None
        self._meet(chain, number, verdict, decides=True)
        if isinstance(verdict, Nat | NatMap):
            return Step(Accept(), nat=(_BOUND,))
        return Step(verdict if isinstance(verdict, Accept | Drop | Reject) else Accept())

    def _meet(self, chain: Chain, number: int, verdict: End | None, *, decides: bool) -> None:
        self.met.append(Met(self.ruleset, chain, number, chain.rules[number], verdict, decides, self.base))

    def _verdict(self, rule: Rule) -> Verdict | None:
        if not isinstance(rule.verdict, VerdictMap):
            return rule.verdict
        fields, manager = self.chains.predicates.fields, self.chains.space.manager
        for element, one in rule.verdict.elements:
            if manager.at(fields.element(rule.verdict.key, element), self.now) is not None:
                return one
        return None

    def _apply(self, changes: Changes) -> None:
        before = dict(self.now)
        for variable, change in changes:
            self.now[variable] = change.of(before[change.source]) if isinstance(change, Derived) else change
