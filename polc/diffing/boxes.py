"""A set of packets as disjoint boxes: one set of values for each variable, as large as they can be, the big ones first.

A box is grown from the heaviest way down through the diagram: one variable after the other gets all values for which
the whole box stays inside. Points that are no packets count as inside, so that a box need not say what is so anyway;
what an earlier box has is taken away, so that each packet is in one box alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from polc.diffing.ranges import meet
from polc.ir.intervals import EMPTY, Intervals
from polc.symbolic.diagram import HOLDS, NONE, Manager, Node

Box = Mapping[int, Intervals]
"""By number of variable; one that is not there may have any value."""


_FEW = 255
"""Variables with more values than this have none that cannot be."""


class Boxes:
    """The members of a set, box after box. ``impossible`` are the points that are no packets; ``order`` has the
    variables that are to be widened first, the others follow. Of ``exact`` ones boxes have no value that no member
    has.
    """

    def __init__(
        self, manager: Manager, members: Node, impossible: Node, order: Sequence[int], exact: Collection[int] = ()
    ) -> None:
        self.manager = manager
        self.left = manager.minus(members, impossible)
        self.impossible = impossible
        self.order = {variable: at for at, variable in enumerate(order)}
        self.exact = exact
        self.work = 0
        self._weights: dict[Node, float] = {NONE: 0.0, HOLDS: 1.0}
        self._branches: dict[Node, list[tuple[Node, Intervals]]] = {}

    @property
    def weight(self) -> float:
        """The share of all points that is left, of 1."""
        return self._weight(self.left)

    def take(self) -> Box | None:
        """The next box, which is taken away from what is left; None: nothing is."""
        if self.left == NONE:
            return None
        manager = self.manager
        allowed = manager.over(self.left, self.impossible)
        box = self._heaviest()
        for variable in sorted(box, key=lambda one: (self.order.get(one, len(self.order)), one)):
            values = self._widest(allowed, variable, box)
            if values.covers(0, manager.highest[variable]):
                del box[variable]
            else:
                box[variable] = values
                if variable in self.exact:
                    # A value that no packet has here would keep other variables from being widened.
                    box[variable] = self._occurring(manager.where(manager.box(box), self.left), variable, values)
        inside = manager.where(manager.box(box), self.left)
        self.left = manager.minus(self.left, manager.box(box))
        return {variable: self._occurring(inside, variable, values) for variable, values in box.items()}

    def _occurring(self, members: Node, variable: int, values: Intervals) -> Intervals:
        """The values that members have, or with others that none has, where that is told in fewer words."""
        top = self.manager.highest[variable]
        if top > _FEW:
            return values
        found: list[tuple[int, int]] = []
        for node in self.manager.reached(members):
            if self.manager.asks(node) == variable:
                for child, there in self._children(node):
                    found += there.ranges if child != NONE else ()
        few = Intervals.of(found) if found else values
        if variable in self.exact:
            return few
        return min((few, values), key=lambda one: min(len(one.ranges), len(one.complement(0, top).ranges)))

    def _children(self, node: Node) -> list[tuple[Node, Intervals]]:
        found = self._branches.get(node)
        if found is None:
            found = self._branches[node] = self.manager.branches(node)
            self.work += len(found)
        return found

    def _weight(self, node: Node) -> float:
        found = self._weights.get(node)
        if found is None:
            variable = self.manager.asks(node)
            assert variable is not None
            whole = self.manager.highest[variable] + 1
            found = 0.0
            for child, values in self._children(node):
                if child != NONE:
                    count = sum(high - low + 1 for low, high in values.ranges)
                    found += count / whole * self._weight(child)
            self._weights[node] = found
        return found

    def _heaviest(self) -> dict[int, Intervals]:
        box: dict[int, Intervals] = {}
        node = self.left
        while (variable := self.manager.asks(node)) is not None:
            node, box[variable] = max(
                self._children(node),
                key=lambda one: sum(high - low + 1 for low, high in one[1].ranges) * self._weight(one[0]),
            )
        return box

    def _widest(self, allowed: Node, variable: int, box: Box) -> Intervals:
        """The values of the variable with which every point of the box is allowed."""
        manager = self.manager
        whole = Intervals(((0, manager.highest[variable]),))
        memo: dict[Node, Intervals] = {NONE: EMPTY, HOLDS: whole}

        def go(node: Node) -> Intervals:
            found = memo.get(node)
            if found is not None:
                return found
            self.work += 1
            asked = manager.asks(node)
            assert asked is not None
            if asked == variable:
                parts: list[tuple[int, int]] = []
                for child, values in self._children(node):
                    parts += meet(values, go(child)).ranges
                found = Intervals.of(parts)
            else:
                found = whole
                for child in manager.children(node, box.get(asked)):
                    here = go(child)
                    if here is not whole:
                        found = here if found is whole else meet(found, here)
                        if not found:
                            break
            memo[node] = found
            return found

        return go(allowed)
