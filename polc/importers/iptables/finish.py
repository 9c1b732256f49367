"""Drafts to rules of the IR, in which what counts packets comes last, and which know no "or" and no exact "not".

Where a draft does not fit it is taken apart with chains: a jump asks the first part, and the chain the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from polc.importers.iptables.draft import Ask, Draft, Either, Unless, is_stateful
from polc.ir.family import Family
from polc.ir.matches import Match
from polc.ir.ruleset import RegularChain, Rule
from polc.ir.statements import Counter, Log, Statement
from polc.ir.verdicts import Jump, Return, Verdict


@dataclass(slots=True)
class Finished:
    """``rules`` stand where the draft stood; ``chains`` come along."""

    rules: list[Rule] = field(default_factory=list)
    chains: list[RegularChain] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Rest:
    """What a rule does in the end."""

    statements: tuple[Statement, ...]
    verdict: Verdict | None
    draft: Draft
    families: frozenset[Family]

    def rule(self, matches: tuple[Match, ...]) -> Rule:
        return Rule(matches, self.verdict, self.statements, self.families, self.draft.origin)

    def jump(self, matches: tuple[Match, ...], chain: str) -> Rule:
        return Rule(matches, Jump(chain), (), self.families, self.draft.origin)


class Finisher:
    """``fresh`` gives names of chains that are not taken."""

    def __init__(self, family: Family, fresh: Callable[[], str]) -> None:
        self.families = frozenset({family})
        self.fresh = fresh

    def finish(self, draft: Draft) -> Finished:
        """The rules of a draft that some packet can meet."""
        counter = () if draft.counter is None else (Counter(None, *draft.counter),)
        rest = _Rest((*counter, *draft.statements), draft.verdict, draft, self.families)
        done = Finished()
        done.rules = self._rules(draft.asks, rest, done)
        return done

    def _rules(self, asks: tuple[Ask, ...], rest: _Rest, done: Finished) -> list[Rule]:
        plain: list[Match] = []
        others: list[Either | Unless] = []
        at = 0
        while at < len(asks) and not is_stateful(asks[at]):
            ask = asks[at]
            if isinstance(ask, Either | Unless):
                others.append(ask)
            else:
                plain.append(ask)
            at += 1
        counting: list[Match] = []
        while at < len(asks):
            ask = asks[at]
            if not is_stateful(ask) or isinstance(ask, Either | Unless):
                break
            counting.append(ask)
            at += 1
        later = asks[at:]
        if others:
            return self._apart(plain, others, (*counting, *later), rest, done)
        if not later:
            return [rest.rule((*plain, *counting))]
        first = later[0]
        if isinstance(first, Unless) and is_stateful(first):
            name = self._chain(later[1:], rest, done, (self._leave(first, rest),))
        else:
            name = self._chain(later, rest, done)
        return [rest.jump((*plain, *counting), name)]

    def _chain(self, asks: tuple[Ask, ...], rest: _Rest, done: Finished, first: tuple[Rule, ...] = ()) -> str:
        """A new chain that begins with rules and then asks the rest."""
        name = self.fresh()
        position = len(done.chains)
        rules = (*first, *self._rules(asks, rest, done))
        done.chains.insert(position, RegularChain(name, rules, rest.draft.origin))
        return name

    def _apart(
        self, plain: list[Match], others: list[Either | Unless], asks: tuple[Ask, ...], rest: _Rest, done: Finished
    ) -> list[Rule]:
        """What is not plain, of which the order does not matter: first one "or", then all that must not hold."""
        first = others[0]
        if isinstance(first, Either):
            remaining = (*others[1:], *asks)
            if not remaining and all(isinstance(one, Log) for one in rest.statements):
                return [rest.rule((*plain, *alternative)) for alternative in first.alternatives]
            name = self._chain(remaining, rest, done)
            return [rest.jump((*plain, *alternative), name) for alternative in first.alternatives]
        returns = tuple(self._leave(one, rest) for one in others if isinstance(one, Unless))
        either = tuple(one for one in others if isinstance(one, Either))
        return [rest.jump(tuple(plain), self._chain((*either, *asks), rest, done, returns))]

    def _leave(self, one: Unless, rest: _Rest) -> Rule:
        return Rule(one.matches, Return(), (), self.families, rest.draft.origin)
