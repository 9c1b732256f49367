"""What becomes of a rule's packets without it: the rest of its chain, cut down to what each rule asks for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from polc.ir.ruleset import BaseChain, Chain, Hook
from polc.symbolic.arrivals import Arrivals
from polc.symbolic.chains import Function
from polc.symbolic.diagram import NONE, Manager, Node
from polc.symbolic.outcome import Step, Unknown, Way
from polc.symbolic.sequence import both, then


@dataclass(frozen=True, slots=True)
class _Block:
    """Rules next to each other, what they ask for, and what they do together."""

    numbers: tuple[int, ...]
    asked: Node
    does: Function
    halves: tuple[_Block, ...] = ()


@dataclass(frozen=True, slots=True)
class _Asking:
    """What the rules ``first..last`` ask for, of those that are looked at."""

    first: int
    last: int
    asked: Node
    halves: tuple[_Asking, ...] = ()


def needless(arrivals: Arrivals, chain: Chain, alive: Iterable[int]) -> list[int]:
    """The rules of a chain whose packets all fare alike without them: what is watched included. Only rules that
    are met (``alive``, by number) are looked at, or stand in for others; one whose packets would come to a rule that
    is not met now is needed, so that each of the found ones can go with all that are not met, and without them.

    Of a regular chain this holds whatever comes after it.
    """
    return _Remainders(arrivals, chain, alive).found()


class _Remainders:
    def __init__(self, arrivals: Arrivals, chain: Chain, alive: Iterable[int]) -> None:
        self.arrivals = arrivals
        self.chain = chain
        self.manager = arrivals.chains.space.manager
        self.needless: list[int] = []
        living = set(alive)
        alive = sorted(living)
        chains = arrivals.chains
        hook = chain.hook if isinstance(chain, BaseChain) else Hook.FORWARD
        self.blocks = [
            _Block((number,), chains.condition(chain.rules[number]), self._decided(chains.rule(chain, number, hook)))
            for number in alive
        ]
        self.changing = any(
            isinstance(value, Step) and value.end is Way.ON and value.changes
            for block in self.blocks
            for value in self.manager.values(block.does[0])
        )
        dead = [
            _Asking(number, number, chains.condition(rule))
            for number, rule in enumerate(chain.rules)
            if number not in living and chains.speaks(rule)
        ]
        self.dead = _paired(self.manager, dead)

    def found(self) -> list[int]:
        level = self.blocks
        while len(level) > 1:
            paired = []
            for at in range(0, len(level) - 1, 2):
                one, two = level[at], level[at + 1]
                asked = self.manager.over(one.asked, two.asked)
                does = both(self.manager, one.does, two.does)
                paired.append(_Block(one.numbers + two.numbers, asked, does, (one, two)))
            level = [*paired, *level[len(paired) * 2 :]]
        if level:
            self._look(level[0], self._end())
        return sorted(self.needless)

    def _end(self) -> Node:
        """What a packet gets that no rule has decided: in a regular chain the same as one that returns."""
        return self.manager.leaf(Step(self.chain.policy if isinstance(self.chain, BaseChain) else Way.LEFT))

    def _look(self, block: _Block, rest: Node) -> None:
        """``rest`` is what the packets that the block asks for get behind it."""
        if block.halves:
            first, second = block.halves
            self._look(second, self._cut(second, rest))
            self._look(first, self._cut(first, then(self.manager, self._cut(first, second.does[0]), rest)))
            return
        (number,) = block.numbers
        here = self.arrivals.meeting(self.chain.name, number)
        if here == NONE:
            return
        with_it = then(self.manager, self.manager.where(here, block.does[0]), rest)
        with_it = self.manager.where(here, with_it)
        if with_it != self.manager.where(here, rest) or any(map(_is_unknown, self.manager.values(with_it))):
            return
        if not any(self._revives(one, number, here) for one in self.dead):
            self.needless.append(number)

    def _revives(self, dead: _Asking, number: int, packets: Node) -> bool:
        """Whether packets of a rule would meet one behind it that is not met now."""
        if dead.last <= number or (not self.changing and self.manager.where(dead.asked, packets) == NONE):
            return False
        return not dead.halves or any(self._revives(one, number, packets) for one in dead.halves)

    def _cut(self, block: _Block, function: Node) -> Node:
        """The function for what a block asks for. Where rules change packets, they may come out as others."""
        return function if self.changing else self.manager.where(block.asked, function)

    def _decided(self, function: Function) -> Function:
        """In a base chain, what returns is decided by the policy."""
        if not isinstance(self.chain, BaseChain):
            return function
        policy = self.chain.policy

        def end(value: object) -> object:
            if not isinstance(value, Step) or value.end is not Way.LEFT:
                return value
            return Step(policy, value.changes, value.effects, value.nat)

        node, changed = function
        return self.manager.mapped(node, end), changed


def _paired(manager: Manager, level: list[_Asking]) -> list[_Asking]:
    while len(level) > 1:
        paired = []
        for at in range(0, len(level) - 1, 2):
            one, two = level[at], level[at + 1]
            paired.append(_Asking(one.first, two.last, manager.over(one.asked, two.asked), (one, two)))
        level = [*paired, *level[len(paired) * 2 :]]
    return level


def _is_unknown(value: object) -> bool:
    return isinstance(value, Step) and isinstance(value.end, Unknown)
