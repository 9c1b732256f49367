"""Whole ways of packets: hook after hook, with addresses as NAT has changed them for the hooks behind it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.protocols import ICMPV6
from polc.ir.ruleset import Hook
from polc.symbolic.diagram import NONE, Node
from polc.symbolic.hooks import Hooks
from polc.symbolic.outcome import Change, Derived, Operation, Step, Way, sorted_changes
from polc.symbolic.sequence import in_turn
from polc.symbolic.services import of_services
from polc.symbolic.space import UNTRACKED, Of, Set, Space
from polc.symbolic.translation import begun
from polc.symbolic.wellformed import NOT_TRACKED, valid


class Course(Enum):
    """The ways there are; which one a packet takes is routing's to say, after prerouting. A packet that is sent to the
    host itself comes back over the loopback interface: its way there is one of ``RECEIVED`` of its own.
    """

    RECEIVED = "received"
    FORWARDED = "forwarded"
    SENT = "sent"


HOOKS = {
    Course.RECEIVED: (Hook.PREROUTING, Hook.INPUT),
    Course.FORWARDED: (Hook.PREROUTING, Hook.FORWARD, Hook.POSTROUTING),
    Course.SENT: (Hook.OUTPUT, Hook.POSTROUTING),
}


class Ways:
    """Outcomes of whole ways, as functions of the packet as it is before its first hook.

    ``ct`` is what conntrack makes of the packet where no rule exempts it. Of a packet that is not its flow's first, and
    of one for which the kernel chooses an address, what later hooks see is a variable of its own (``Of.LATE``). The
    interface where a sent packet goes out is taken to stay what it is, unless NAT changes its destination.
    """

    def __init__(self, hooks: Hooks) -> None:
        self.hooks = hooks
        self._known: dict[Course, Node] = {}

    def outcomes(self, course: Course) -> Node:
        """The outcome of every packet that takes a way; the leaves are ``Outcome``s."""
        found = self._known.get(course)
        if found is None:
            hooks, manager = self.hooks, self.hooks.space.manager
            parts: list[tuple[Node, bool]] = [(self._begins(), True)]
            for hook in HOOKS[course]:
                node = hooks.steps(hook)
                if hook is Hook.PREROUTING:
                    # Nobody knows yet where the packet goes out.
                    node = manager.restricted(node, hooks.space.variable(Of.OIF).number, 0)
                if hook is Hook.FORWARD:
                    parts.append((self._hop(), True))
                parts.append((node, True))
            found = self._known[course] = hooks.finished(hooks.begun(in_turn(manager, parts)[0]))
        return found

    def valid(self, course: Course) -> Set:
        """The packets that can take the way. Where there is NAT, ask once all functions of a comparison are made: what
        the kernel chooses is from the pools that are known by then.
        """
        space, manager = self.hooks.space, self.hooks.space.manager
        hook = Hook.FORWARD if course is Course.FORWARDED else HOOKS[course][0]
        found = valid(space, hook, arriving=True, translates=self.hooks.translates)
        # Only what the kernel itself does not track is untracked before any rule says so.
        untracked = space.within(space.variable(Of.CT), UNTRACKED)
        own: Set = NONE
        if space.family is Family.IP6:
            own = manager.box({
                space.variable(Of.PROTOCOL).number: Intervals.single(ICMPV6),
                space.variable(Of.TYPE).number: Intervals.of((one, one) for one in NOT_TRACKED),
            })  # fmt: skip
        return manager.minus(found, manager.minus(untracked, own))

    def _begins(self) -> Node:
        changes = begun(self.hooks.space)
        manager = self.hooks.space.manager
        return manager.where(self.hooks.first(), manager.leaf(Step(Way.ON, changes))) if changes else NONE

    def _hop(self) -> Node:
        """A packet that is forwarded has one hop less (net/ipv4/ip_forward.c, net/ipv6/ip6_output.c), and of IPv4 the
        class of tc that its type of service gives it.
        """
        space, manager = self.hooks.space, self.hooks.space.manager
        field, changes = _hops(space), list[tuple[int, Change]]()
        if field in space.facts.reads:
            variable = space.field(field)
            changes.append((variable.number, Derived(variable.number, ((Operation.ADD, -1),), variable.highest)))
        if space.family is Family.IP and Field.META_PRIORITY in space.facts.reads:
            priority = space.field(Field.META_PRIORITY).number
            return manager.first_of(
                manager.where(members, self._step([*changes, (priority, value)]))
                for value, members in of_services(space)
            )
        return self._step(changes) if changes else NONE

    def _step(self, changes: Sequence[tuple[int, Change]]) -> Node:
        return self.hooks.space.manager.leaf(Step(Way.ON, sorted_changes(dict(changes))))


def _hops(space: Space) -> Field:
    return Field.TTL if space.family is Family.IP else Field.HOPLIMIT
