"""Rules for targets whose matches take one value where ours take several.

A target says for each match what its alternatives are; this module writes the rules that together mean
the one rule. Alternatives are disjoint, so a packet takes at most one of them.

- One match with alternatives, no state: the rule once for each.
- Several, or state to be shared (a limit counts once, whichever alternative led to it): regular chains,
  one a match, each jumping to the next, the action in the last.
- A negated list: a chain that returns on each member and then goes on.
- Two matches for one slot of a rule: the second in a chain of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from operator import is_

from polc.ir.matches import STATEFUL, Match
from polc.ir.ruleset import RegularChain, Rule
from polc.ir.verdicts import Jump, Return
from polc.ir.verdicts import leaves as leaves_chain


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Disjoint matches of which one must hold (``excluded``: none may), each of which the target can say.

    ``slot`` names what one rule of the target has room for once ("" where it has room for any number).
    """

    options: tuple[Match, ...]
    excluded: bool = False
    slot: str = ""

    @property
    def single(self) -> bool:
        return len(self.options) == 1 and not self.excluded


class NeedsChain(Exception):
    """The rule's verdict leaves its own chain (return, goto), so it cannot be moved into a chain below it."""


@dataclass(frozen=True, slots=True)
class Cascade:
    """``rules`` stand where the rule stood; ``chains`` come along."""

    rules: tuple[Rule, ...]
    chains: tuple[RegularChain, ...] = ()


def cascade(rule: Rule, split: Callable[[Match], Alternatives], fresh: Callable[[], str]) -> Cascade:
    """Write ``rule`` with matches that have one alternative each.

    ``fresh`` gives unused chain names.

    Raises:
        NeedsChain: it would take a chain, and the verdict is a return or goto.
    """
    action = tuple(match for match in rule.matches if isinstance(match, STATEFUL))
    found = [split(match) for match in rule.matches if not isinstance(match, STATEFUL)]
    if all(one.single and not one.slot for one in found):
        matches = (*(one.options[0] for one in found), *action)
        same = all(map(is_, matches, rule.matches))
        return Cascade((rule if same else replace(rule, matches=matches),))
    slots = Counter(one.slot for one in found if one.slot)
    always = tuple(one.options[0] for one in found if one.single and slots[one.slot] < 2)
    lists = [one for one in found if not (one.single and slots[one.slot] < 2)]
    if not lists:
        return Cascade((replace(rule, matches=(*always, *action)),))
    leaves = leaves_chain(rule.verdict)
    plain = not action and not any(one.excluded for one in lists) and all(slots[one.slot] < 2 for one in lists)
    if plain and (leaves or len(lists) == 1):
        return Cascade(tuple(replace(rule, matches=matches) for matches in _product(always, lists)))
    if leaves:
        raise NeedsChain
    # Positive lists first: what they turn away never enters the chain of an excluded list.
    lists.sort(key=lambda one: one.excluded)
    return _chained(rule, always, lists, action, fresh)


def _product(always: tuple[Match, ...], lists: list[Alternatives]) -> list[tuple[Match, ...]]:
    found = [always]
    for one in lists:
        found = [(*matches, option) for matches in found for option in one.options]
    return found


def _chained(
    rule: Rule,
    always: tuple[Match, ...],
    lists: list[Alternatives],
    action: tuple[Match, ...],
    fresh: Callable[[], str],
) -> Cascade:
    def plain(matches: tuple[Match, ...], verdict: Jump | Return) -> Rule:
        return replace(rule, matches=matches, statements=(), verdict=verdict)

    done = replace(rule, matches=action)
    chains: list[RegularChain] = []
    inner: tuple[Rule, ...] = (done,)
    # Built from the last list outwards; `inner` are the rules that follow once the lists so far have been met.
    for position in range(len(lists) - 1, -1, -1):
        one = lists[position]
        outermost = position == 0
        prefix = always if outermost else ()
        if one.excluded:
            returns = tuple(plain((option,), Return()) for option in one.options)
            inner = (*returns, *inner)
            if outermost:
                chains.append(RegularChain(fresh(), inner, rule.origin))
                inner = (plain(prefix, Jump(chains[-1].name)),)
        elif inner == (done,) and not action:
            inner = tuple(replace(done, matches=(*prefix, option)) for option in one.options)
        else:
            chains.append(RegularChain(fresh(), inner, rule.origin))
            inner = tuple(plain((*prefix, option), Jump(chains[-1].name)) for option in one.options)
    return Cascade(inner, tuple(reversed(chains)))
