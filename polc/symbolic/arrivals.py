"""Which packets come to each rule: those of its chain's callers that no rule before it has ended.

Rules that do not change a packet stand in blocks, halved down to single rules. What comes to a block is cut down to
what its rules ask for before it is halved, so that each rule sees few nodes of it, and no diagram is made of the whole
chain for every rule.

The sets are those of packets as they are when they come. Where something is not known (what a stateful match answers,
a value that another one gave) they hold too much, never too little: that a set is empty is certain.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from polc.ir.ruleset import BaseChain, Chain, Hook
from polc.ir.verdicts import Goto, Jump, VerdictMap, chains_of
from polc.symbolic.chains import Chains
from polc.symbolic.diagram import HOLDS, NONE
from polc.symbolic.outcome import Changes, Step, Unknown, Way
from polc.symbolic.space import Of, Set

Changed = tuple[tuple[Set, Changes], ...]
"""Packets that go on changed, and how."""

_UNSURE = (Of.ANSWER, Of.TIMES, Of.FULL)


@dataclass(frozen=True, slots=True)
class Call:
    """A rule that leads to a chain, by its number, and the packets that it sends there, as they come to the rule."""

    chain: str
    number: int
    sent: Set


@dataclass(frozen=True, slots=True)
class Block:
    """The rules ``first..last`` of a chain: the packets that they ask for, those that go no further in it, those
    that go on changed, with how, and those to which they do what only the kernel knows. A block of several rules
    changes none.
    """

    first: int
    last: int
    asked: Set
    ended: Set
    changed: Changed = ()
    unknown: Set = NONE
    halves: tuple[Block, ...] = ()


@dataclass(slots=True)
class _Visit:
    """A chain as it was gone through: what came to it, by whom, and its blocks."""

    coming: Set = NONE
    calls: list[Call] = field(default_factory=list)
    blocks: tuple[Block, ...] = ()


class Arrivals:
    """The arrivals at the rules of one ruleset, from its base chains on; ``coming`` are the packets that come to each.

    Raises:
        OverBudget: from anything that makes nodes.
    """

    def __init__(self, chains: Chains, bases: Sequence[tuple[BaseChain, Set]]) -> None:
        self.chains = chains
        self.manager = chains.space.manager
        self._chains: dict[str, Chain] = {chain.name: chain for chain in chains.ruleset.chains}
        self._visits: dict[str, _Visit] = {}
        self._meeting: dict[tuple[str, int], Set] = {}
        self._ended: dict[tuple[str, int], Set] = {}
        self._sent_by: dict[tuple[str, int, str], Set] = {}
        for chain, coming in bases:
            self._visits[chain.name] = _Visit(coming)
        for name in _callers_first(self._chains, [chain.name for chain, _ in bases]):
            self._visit(name)

    def meeting(self, chain: str, number: int) -> Set:
        """The packets that come to a rule and meet those of its matches that keep no state."""
        return self._meeting.get((chain, number), NONE)

    def coming(self, chain: str) -> Set:
        """The packets that come to a chain."""
        return self._visits[chain].coming if chain in self._visits else NONE

    def calls(self, chain: str) -> tuple[Call, ...]:
        """The rules that lead to a chain."""
        return tuple(self._visits[chain].calls) if chain in self._visits else ()

    def sent(self, chain: str, number: int, to: str) -> Set:
        """The packets that a rule sends to a chain, as they come to the rule."""
        return self._sent_by.get((chain, number, to), NONE)

    def ended(self, chain: str, number: int) -> Set:
        """The packets that go no further in the chain once they have come to a rule."""
        return self._ended.get((chain, number), NONE)

    def is_plain(self, chain: str, number: int) -> bool:
        """Whether no rule before one changes packets, or does to them what only the kernel knows."""
        blocks = self._visits[chain].blocks if chain in self._visits else ()
        return not any(one.first < number and (one.changed or one.unknown != NONE) for one in blocks)

    def enders(self, chain: str, number: int, packets: Set) -> tuple[list[int], Set]:
        """The rules before one that keep these packets, a part of those that come to the chain, from it; and what of
        them still comes to it, as it is then.
        """
        found: list[int] = []
        if chain not in self._visits:
            return found, NONE
        for block in self._visits[chain].blocks:
            if packets == NONE or block.first >= number:
                break
            packets = self._through(block, number, packets, found)
        return found, packets

    def _through(self, block: Block, number: int, packets: Set, found: list[int]) -> Set:
        """What of the packets goes on behind the rules of a block that stand before a rule."""
        manager = self.manager
        if block.halves and block.last >= number:
            for half in block.halves:
                if half.first < number:
                    packets = self._through(half, number, packets, found)
            return packets
        if manager.where(packets, block.ended) == NONE and not block.changed and block.unknown == NONE:
            return packets
        if block.halves:
            for half in block.halves:
                packets = self._through(half, number, packets, found)
            return packets
        if manager.where(packets, block.ended) != NONE:
            found.append(block.first)
        return self._behind(block, packets)

    # How it is made

    def _visit(self, name: str) -> None:
        visit = self._visits.setdefault(name, _Visit())
        visit.blocks = tuple(self._blocks(self._chains[name]))
        packets = visit.coming
        for block in visit.blocks:
            asked = self.manager.where(block.asked, packets)
            self._arrive(name, block, asked)
            packets = self._behind(block, packets)

    def _arrive(self, name: str, block: Block, packets: Set) -> None:
        """``packets`` are those that come to the block, of those that it asks for."""
        manager = self.manager
        if packets == NONE:
            return
        if block.halves:
            first, second = block.halves
            self._arrive(name, first, manager.where(first.asked, packets))
            self._arrive(name, second, manager.where(second.asked, manager.minus(packets, first.ended)))
            return
        self._meeting[name, block.first] = packets
        self._call(name, block.first, packets)

    def _call(self, name: str, number: int, packets: Set) -> None:
        rule = self._chains[name].rules[number]
        match rule.verdict:
            case Jump(chain) | Goto(chain):
                self._sent(Call(name, number, packets), chain)
            case VerdictMap(key, elements):
                fields = self.chains.predicates.fields
                for element, verdict in elements:
                    if isinstance(verdict, Jump | Goto):
                        some = self.manager.where(fields.element(key, element), packets)
                        if some != NONE:
                            self._sent(Call(name, number, some), verdict.chain)
            case _:
                pass

    def _sent(self, call: Call, chain: str) -> None:
        visit = self._visits.setdefault(chain, _Visit())
        visit.calls.append(call)
        key = (call.chain, call.number, chain)
        self._sent_by[key] = self.manager.over(self._sent_by.get(key, NONE), call.sent)
        visit.coming = self.manager.over(visit.coming, self._as_changed(call))

    def _as_changed(self, call: Call) -> Set:
        """The packets of a call as the statements of its rule have made them."""
        rule = self._chains[call.chain].rules[call.number]
        if not rule.statements:
            return call.sent
        effects = self.chains.effects(rule)
        if self.manager.where(call.sent, self.manager.chosen(effects, _is_unknown)) != NONE:
            return HOLDS
        return self._moved(call.sent, self._changes(effects))

    def _behind(self, block: Block, packets: Set) -> Set:
        if self.manager.where(packets, block.unknown) != NONE:
            # They may come out as any packets.
            return HOLDS
        return self._moved(self.manager.minus(packets, block.ended), block.changed)

    def _moved(self, packets: Set, changed: Changed) -> Set:
        manager = self.manager
        moved = NONE
        for some, changes in changed:
            moved = manager.over(moved, self._image(manager.where(some, packets), changes))
        for some, _ in changed:
            packets = manager.minus(packets, self._surely(some))
        return manager.over(packets, moved)

    def _changes(self, node: int) -> Changed:
        """What of a function goes on changed, and how."""
        manager = self.manager
        return tuple(
            (manager.select(node, step), step.changes)
            for step in manager.values(node)
            if isinstance(step, Step) and step.end is Way.ON and step.changes
        )

    def _image(self, packets: Set, changes: Changes) -> Set:
        """The packets with what is changed in them; anything where that comes from another value."""
        manager = self.manager
        for variable, _ in changes:
            packets = manager.exists(packets, variable)
        numbers = {variable: change for variable, change in changes if isinstance(change, int)}
        for variable, value in numbers.items():
            packets = manager.where(self.chains.space.within(self.chains.space.variables[variable], value), packets)
        return packets

    def _blocks(self, chain: Chain) -> Iterator[Block]:
        """The chain as blocks, in order."""
        run: list[Block] = []
        for number in range(len(chain.rules)):
            block = self._single(chain, number)
            if block is None:
                continue
            if block.changed or block.unknown != NONE:
                yield from self._halved(run)
                yield block
                run = []
            else:
                run.append(block)
        yield from self._halved(run)

    def _halved(self, blocks: list[Block]) -> list[Block]:
        """One block of all; none where there are none."""
        manager = self.manager
        while len(blocks) > 1:
            paired = []
            for at in range(0, len(blocks) - 1, 2):
                one, two = blocks[at], blocks[at + 1]
                asked, ended = manager.over(one.asked, two.asked), manager.over(one.ended, two.ended)
                paired.append(Block(one.first, two.last, asked, ended, halves=(one, two)))
            blocks = [*paired, *blocks[len(paired) * 2 :]]
        return blocks

    def _single(self, chain: Chain, number: int) -> Block | None:
        rule = chain.rules[number]
        if not self.chains.speaks(rule):
            return None
        hook = chain.hook if isinstance(chain, BaseChain) else Hook.FORWARD
        node, _ = self.chains.rule(chain, number, hook)
        manager = self.manager
        ended = self._surely(manager.chosen(node, _ends))
        self._ended[chain.name, number] = ended
        unknown = manager.chosen(node, _is_unknown)
        return Block(number, number, self.chains.condition(rule), ended, self._changes(node), unknown)

    def _surely(self, members: Set) -> Set:
        """The packets that are in a set whatever stateful matches answer."""
        manager, variables = self.manager, self.chains.space.variables
        for number in manager.support(members):
            if variables[number].of in _UNSURE:
                members = manager.complement(manager.exists(manager.complement(members), number))
        return members


def _ends(value: object) -> bool:
    return isinstance(value, Step) and value.end is not Way.ON and not isinstance(value.end, Unknown)


def _is_unknown(value: object) -> bool:
    return isinstance(value, Step) and isinstance(value.end, Unknown)


def _callers_first(chains: dict[str, Chain], bases: Sequence[str]) -> list[str]:
    """The chains that packets of the base chains can come to, each behind all that lead to it."""
    done: dict[str, None] = {}
    for base in bases:
        ahead: list[tuple[str, bool]] = [(base, False)]
        while ahead:
            name, gone_into = ahead.pop()
            if name in done:
                continue
            if gone_into:
                done[name] = None
                continue
            ahead.append((name, True))
            ahead += [(one, False) for one in _called(chains[name]) if one not in done]
    return list(reversed(done))


def _called(chain: Chain) -> Iterator[str]:
    for rule in chain.rules:
        yield from chains_of(rule.verdict)
