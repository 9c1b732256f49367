"""Where outcomes are looked at: at one hook, or at the end of a whole way."""

from __future__ import annotations

from dataclasses import dataclass

from polc.ir.ruleset import Hook
from polc.ir.way import Way
from polc.symbolic.ways import HOOKS, Course

COURSES = {Way.INPUT: Course.RECEIVED, Way.FORWARD: Course.FORWARDED, Way.OUTPUT: Course.SENT}


@dataclass(frozen=True, slots=True)
class Place:
    """``hook`` is where packets enter; ``course`` None: that hook alone is looked at."""

    hook: Hook
    course: Course | None = None

    @property
    def name(self) -> str:
        """``input`` for the hook, ``received`` for the way."""
        return self.hook.value if self.course is None else self.course.value


def way(of: Way) -> Place:
    """The whole of a way."""
    course = COURSES[of]
    return Place(HOOKS[course][0], course)


WAYS = tuple(way(one) for one in Way)
ALL_HOOKS = tuple(Place(hook) for hook in Hook)
