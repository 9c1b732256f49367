"""Interval decision diagrams: functions from points to values, in which equal functions are one node.

A node asks for one variable and has a child for each of its intervals; leaves are any hashable values. Variables are
numbers, and stand in their order on every way down (M. G. Gouda and A. X. Liu, Structured firewall design, 2007; the
sharing of equal nodes is R. E. Bryant's, 1986). A set is a diagram whose leaves are ``HOLDS`` and ``NONE``.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence

from polc.ir.intervals import Intervals

NONE, HOLDS = 0, 1
"""The leaf of points for which a function says nothing, and that of the members of a set."""

Node = int
"""A diagram of one manager: equal numbers are equal functions."""

Path = tuple[tuple[int, Intervals], ...]
"""A way down: for each variable that is asked on it, by its number and in order, the values that lead on."""

_LEAF = 1 << 30
_SPARE_FRAMES = 400


class OverBudget(Exception):
    """More nodes than the manager may have: the question stays undecided within the budget."""


class Manager:
    """Makes and keeps diagrams. ``budget`` is how many nodes it may have, about 200 bytes each with what is memoised.

    Raises:
        OverBudget: from anything that makes nodes.
    """

    def __init__(self, budget: int = 20_000_000) -> None:
        self.budget = budget
        self.highest: list[int] = []
        self._variable: list[int] = []
        self._bounds: list[tuple[int, ...]] = []
        self._children: list[tuple[int, ...]] = []
        self._unique: dict[tuple[int, tuple[int, ...], tuple[int, ...]], int] = {}
        self._leaves: dict[Hashable, int] = {}
        self._values: dict[int, Hashable] = {}
        self._over: dict[int, int] = {}
        self._where: dict[int, int] = {}
        self._complements: dict[int, int] = {}
        self._restricted: dict[tuple[int, int, int], int] = {}
        assert (self.leaf(None), self.leaf(True)) == (NONE, HOLDS)

    def __len__(self) -> int:
        return len(self._variable)

    # Making diagrams

    def variable(self, highest: int) -> int:
        """A new variable with the values 0..highest, below all others."""
        self.highest.append(highest)
        needed = 2 * len(self.highest) + _SPARE_FRAMES
        # Recursion is as deep as there are variables on one way; since Python 3.11 frames are no part of C's stack.
        if len(self.highest) > _SPARE_FRAMES // 2 and sys.getrecursionlimit() < needed + 1000:
            sys.setrecursionlimit(2 * needed + 1000)
        return len(self.highest) - 1

    def leaf(self, value: Hashable) -> Node:
        """The function that has this value everywhere."""
        found = self._leaves.get(value)
        if found is None:
            found = self._leaves[value] = len(self._variable)
            self._values[found] = value
            self._variable.append(_LEAF)
            self._bounds.append(())
            self._children.append(())
        return found

    def node(self, variable: int, bounds: Sequence[int], children: Sequence[Node]) -> Node:
        """Asks for the variable: ``children[i]`` for values of at most ``bounds[i]``, of which the last is the highest
        that there is.
        """
        made_bounds: list[int] = []
        made: list[int] = []
        for bound, child in zip(bounds, children, strict=True):
            if made and made[-1] == child:
                made_bounds[-1] = bound
            else:
                made_bounds.append(bound)
                made.append(child)
        return made[0] if len(made) == 1 else self._intern(variable, tuple(made_bounds), tuple(made))

    def _intern(self, variable: int, bounds: tuple[int, ...], children: tuple[int, ...]) -> Node:
        key = (variable, bounds, children)
        found = self._unique.get(key)
        if found is None:
            found = len(self._variable)
            if found >= self.budget:
                raise OverBudget(f"more than {self.budget} nodes")
            self._unique[key] = found
            self._variable.append(variable)
            self._bounds.append(bounds)
            self._children.append(children)
        return found

    def within(self, variable: int, values: Intervals, there: Node = HOLDS, elsewhere: Node = NONE) -> Node:
        """``there`` where the variable has one of the values, ``elsewhere`` where not; both ask for later ones."""
        top = self.highest[variable]
        bounds: list[int] = []
        children: list[int] = []
        at = 0
        for low, high in values.ranges:
            if low > top:
                break
            if low > at:
                bounds.append(low - 1)
                children.append(elsewhere)
            at = min(high, top) + 1
            bounds.append(at - 1)
            children.append(there)
        if at <= top:
            bounds.append(top)
            children.append(elsewhere)
        return self.node(variable, bounds, children)

    def box(self, parts: Mapping[int, Intervals], there: Node = HOLDS) -> Node:
        """``there`` where each variable has one of its values. ``there`` is a leaf or asks for later variables."""
        for variable in sorted(parts, reverse=True):
            there = self.within(variable, parts[variable], there)
        return there

    # Combining them

    def over(self, first: Node, second: Node) -> Node:
        """``first`` where it is not ``NONE``, elsewhere ``second``; of sets the union."""
        variable = self._variable

        def leaf(f: int, g: int) -> int:
            if f == NONE:
                return g
            return f if g == NONE or f == g or variable[f] == _LEAF else -1

        return self._zipped(first, second, leaf, self._over)

    def where(self, condition: Node, function: Node) -> Node:
        """``function`` on the members of a set, ``NONE`` elsewhere; of sets the intersection."""

        def leaf(f: int, g: int) -> int:
            if f == NONE or g == NONE:
                return NONE
            return g if f == HOLDS else -1

        return self._zipped(condition, function, leaf, self._where)

    def complement(self, members: Node) -> Node:
        """The points that are not in a set."""
        return self._mapped(members, lambda leaf: NONE if leaf == HOLDS else HOLDS, self._complements)

    def minus(self, members: Node, others: Node) -> Node:
        """The members that are not in the other set."""
        return self.where(self.complement(others), members)

    def either(self, condition: Node, yes: Node, no: Node) -> Node:
        """``yes`` on the members of a set, ``no`` elsewhere."""
        return self.over(self.where(condition, yes), self.where(self.complement(condition), no))

    def first_of(self, functions: Iterable[Node]) -> Node:
        """At each point the value of the first function that has one: ``over``, in a balanced tree."""
        level = [one for one in functions if one != NONE]
        while len(level) > 1:
            paired = [self.over(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
            if len(level) % 2:
                paired.append(level[-1])
            level = paired
        return level[0] if level else NONE

    def all_of(self, sets: Iterable[Node]) -> Node:
        """The points in every set; all of them where there is none."""
        found = HOLDS
        for one in sets:
            found = self.where(found, one)
        return found

    def differs(self, first: Node, second: Node) -> Node:
        """The points at which two functions have different values."""

        def leaf(f: int, g: int) -> int:
            if f == g:
                return NONE
            return HOLDS if self._variable[f] == _LEAF and self._variable[g] == _LEAF else -1

        return self._zipped(first, second, leaf, {})

    def pairs(self, first: Node, second: Node) -> Node:
        """The function whose values are those of both, as a tuple; ``NONE`` is None in it."""
        variable, values = self._variable, self._values

        def leaf(f: int, g: int) -> int:
            if variable[f] == _LEAF and variable[g] == _LEAF:
                return self.leaf((values[f], values[g]))
            return -1

        return self._zipped(first, second, leaf, {})

    def _zipped(self, first: Node, second: Node, leaf: Callable[[int, int], int], memo: dict[int, int]) -> Node:
        """Both at once; ``leaf`` says what two of their nodes come to, -1 where that hangs on what is below."""
        variable, bounds, children = self._variable, self._bounds, self._children
        intern = self._intern

        def go(f: int, g: int) -> int:
            found = leaf(f, g)
            if found >= 0:
                return found
            key = f << 32 | g
            known = memo.get(key)
            if known is not None:
                return known
            of, on = variable[f], variable[g]
            made_bounds: list[int] = []
            made: list[int] = []
            last = -1
            if of < on:
                for bound, child in zip(bounds[f], children[f], strict=True):
                    one = go(child, g)
                    if one == last:
                        made_bounds[-1] = bound
                    else:
                        made_bounds.append(bound)
                        made.append(one)
                        last = one
            elif on < of:
                of = on
                for bound, child in zip(bounds[g], children[g], strict=True):
                    one = go(f, child)
                    if one == last:
                        made_bounds[-1] = bound
                    else:
                        made_bounds.append(bound)
                        made.append(one)
                        last = one
            else:
                left, right, ours, theirs = bounds[f], bounds[g], children[f], children[g]
                top = left[-1]
                i = j = 0
                while True:
                    one = go(ours[i], theirs[j])
                    bound, other = left[i], right[j]
                    if bound < other:
                        i += 1
                    elif other < bound:
                        bound = other
                        j += 1
                    else:
                        i += 1
                        j += 1
                    if one == last:
                        made_bounds[-1] = bound
                    else:
                        made_bounds.append(bound)
                        made.append(one)
                        last = one
                    if bound == top:
                        break
            found = made[0] if len(made) == 1 else intern(of, tuple(made_bounds), tuple(made))
            memo[key] = found
            return found

        return go(first, second)

    # Changing them

    def mapped(self, function: Node, change: Callable[[Hashable], Hashable]) -> Node:
        """Each value changed; None is ``NONE``, before and after."""
        return self._mapped(function, lambda leaf: self.leaf(change(self._values[leaf])), {})

    def replaced(self, function: Node, change: Callable[[Hashable], Node]) -> Node:
        """As ``mapped``, with functions of the same point in the place of values, of which ``NONE`` is none."""
        found = NONE
        for value in self.values(function):
            there = change(value)
            if there != NONE:
                found = self.over(found, self.where(self.select(function, value), there))
        return found

    def select(self, function: Node, value: Hashable) -> Node:
        """The points at which the function has the value."""
        wanted = self.leaf(value)
        return self._mapped(function, lambda leaf: HOLDS if leaf == wanted else NONE, {})

    def chosen(self, function: Node, wanted: Callable[[Hashable], bool]) -> Node:
        """The points at which the function has a value that is wanted."""
        return self._mapped(function, lambda leaf: HOLDS if wanted(self._values[leaf]) else NONE, {})

    def _mapped(self, function: Node, change: Callable[[int], int], memo: dict[int, int]) -> Node:
        variable, bounds, children = self._variable, self._bounds, self._children

        def go(f: int) -> int:
            found = memo.get(f)
            if found is None:
                if variable[f] == _LEAF:
                    found = change(f)
                else:
                    found = self.node(variable[f], bounds[f], [go(child) for child in children[f]])
                memo[f] = found
            return found

        return go(function)

    def restricted(self, function: Node, variable: int, value: int) -> Node:
        """The function at points where the variable has this value, for which it no longer asks."""
        variables, bounds, children, memo = self._variable, self._bounds, self._children, self._restricted

        def go(f: int) -> int:
            if variables[f] > variable:
                return f
            key = (f, variable, value)
            found = memo.get(key)
            if found is None:
                if variables[f] == variable:
                    at = next(i for i, bound in enumerate(bounds[f]) if value <= bound)
                    found = children[f][at]
                else:
                    found = self.node(variables[f], bounds[f], [go(child) for child in children[f]])
                memo[key] = found
            return found

        return go(function)

    def substituted(self, function: Node, variable: int, where: Callable[[int, int], Node]) -> Node:
        """The function with a variable replaced by a function of the point: ``where(low, high)`` is the set of the
        points at which that has a value of ``low..high``.
        """
        variables, bounds, children = self._variable, self._bounds, self._children
        memo: dict[int, int] = {}

        def go(f: int) -> int:
            if variables[f] > variable:
                return f
            found = memo.get(f)
            if found is None:
                found = NONE
                on, low = variables[f], 0
                for bound, child in zip(bounds[f], children[f], strict=True):
                    if on == variable:
                        there, then = where(low, bound), child
                    else:
                        there, then = self.within(on, Intervals(((low, bound),))), go(child)
                    found = self.over(found, self.where(there, then))
                    low = bound + 1
                memo[f] = found
            return found

        return go(function)

    def exists(self, members: Node, variable: int) -> Node:
        """The points that are in the set for some value of the variable."""
        variables, bounds, children = self._variable, self._bounds, self._children
        memo: dict[int, int] = {}

        def go(f: int) -> int:
            if variables[f] > variable:
                return f
            found = memo.get(f)
            if found is None:
                if variables[f] == variable:
                    found = self.first_of(children[f])
                else:
                    found = self.node(variables[f], bounds[f], [go(child) for child in children[f]])
                memo[f] = found
            return found

        return go(members)

    # Asking them

    def value(self, leaf: Node) -> Hashable:
        """The value of a leaf; None of ``NONE``."""
        return self._values[leaf]

    def at(self, function: Node, point: Mapping[int, int]) -> Hashable:
        """The value at a point; a variable without a value there is 0."""
        return self._values[self._way(function, point, [])]

    def children(self, node: Node, values: Intervals | None = None) -> Collection[Node]:
        """The functions at some values of the variable that a node asks for, each once; None: at any."""
        children = self._children[node]
        if values is None:
            return dict.fromkeys(children)
        bounds = self._bounds[node]
        found: dict[Node, None] = {}
        for low, high in values.ranges:
            first = bisect_left(bounds, low)
            found.update(dict.fromkeys(children[first : bisect_left(bounds, high, first) + 1]))
        return found

    def asked(self, function: Node, point: Mapping[int, int]) -> list[int]:
        """The variables that are asked on the way to the value at a point."""
        found: list[int] = []
        self._way(function, point, found)
        return found

    def _way(self, function: Node, point: Mapping[int, int], asked: list[int]) -> Node:
        while self._variable[function] != _LEAF:
            asked.append(self._variable[function])
            value = point.get(self._variable[function], 0)
            bounds = self._bounds[function]
            low, high = 0, len(bounds) - 1
            while low < high:
                middle = (low + high) // 2
                if value <= bounds[middle]:
                    high = middle
                else:
                    low = middle + 1
            function = self._children[function][low]
        return function

    def reached(self, function: Node) -> Iterator[Node]:
        """Every node of a diagram, once."""
        seen, ahead = {function}, [function]
        while ahead:
            node = ahead.pop()
            yield node
            for child in self._children[node]:
                if child not in seen:
                    seen.add(child)
                    ahead.append(child)

    def size(self, function: Node) -> int:
        """How many nodes a diagram has, leaves included."""
        return sum(1 for _ in self.reached(function))

    def values(self, function: Node) -> list[Hashable]:
        """The values that a function has, without None, in the order in which they were made."""
        leaves = sorted(one for one in self.reached(function) if self._variable[one] == _LEAF and one != NONE)
        return [self._values[one] for one in leaves]

    def support(self, function: Node) -> frozenset[int]:
        """The variables on which a function hangs."""
        return frozenset(self._variable[one] for one in self.reached(function)) - {_LEAF}

    def count(self, members: Node, variables: Sequence[int]) -> int:
        """How many points of these variables, which are sorted and hold the set's own, are in a set."""
        place = {variable: at for at, variable in enumerate(variables)}
        place[_LEAF] = len(variables)
        sizes = [self.highest[one] + 1 for one in variables]
        memo: dict[int, int] = {NONE: 0, HOLDS: 1}

        def free(start: int, end: int) -> int:
            product = 1
            for at in range(start, end):
                product *= sizes[at]
            return product

        def go(f: int) -> int:
            found = memo.get(f)
            if found is None:
                found, low, own = 0, 0, place[self._variable[f]]
                for bound, child in zip(self._bounds[f], self._children[f], strict=True):
                    if child != NONE:
                        found += (bound - low + 1) * free(own + 1, place[self._variable[child]]) * go(child)
                    low = bound + 1
                memo[f] = found
            return found

        return 0 if members == NONE else free(0, place[self._variable[members]]) * go(members)

    def paths(self, function: Node) -> Iterator[tuple[Hashable, Path]]:
        """All ways down that end in a value (never None), disjoint, with the intervals to one child together."""
        ahead: list[tuple[int, Path]] = [(function, ())]
        while ahead:
            node, path = ahead.pop()
            if node == NONE:
                continue
            if self._variable[node] == _LEAF:
                yield self._values[node], path
                continue
            variable = self._variable[node]
            ahead += [(child, (*path, (variable, values))) for child, values in reversed(self.branches(node))]

    def branches(self, node: Node) -> list[tuple[Node, Intervals]]:
        """The children of a node that is no leaf, each once, with the values of its variable that lead there."""
        ranges: dict[int, list[tuple[int, int]]] = {}
        low = 0
        for bound, child in zip(self._bounds[node], self._children[node], strict=True):
            ranges.setdefault(child, []).append((low, bound))
            low = bound + 1
        return [(child, Intervals(tuple(pairs))) for child, pairs in ranges.items()]

    def asks(self, node: Node) -> int | None:
        """The variable that a node asks for; None: it is a leaf."""
        return None if self._variable[node] == _LEAF else self._variable[node]
