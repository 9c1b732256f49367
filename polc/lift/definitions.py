"""What the rules of a policy name: its definitions, as they are asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from polc.ir.statements import AssignTimeout
from polc.lift.groups import Groups
from polc.lift.model import Unsayable
from polc.lift.names import Names
from polc.lift.services import Services
from polc.lift.zones import Zones

_COUNTER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")


@dataclass(slots=True)
class Definitions:
    """``filled`` are the groups that rules fill, by the sets that they are, ``forever`` the sets whose elements have no
    time; ``chains`` are the names of regular chains.
    """

    zones: Zones
    groups: Groups
    services: Services
    filled: dict[str, str]
    forever: frozenset[str]
    chains: dict[str, str]
    flowtables: dict[str, str]
    timeouts: dict[AssignTimeout, str] = field(default_factory=dict)
    free_timeouts: Names = field(default_factory=lambda: Names(suffix="timeout"))

    def dynamic(self, set_name: str) -> str:
        """Raises:
        Unsayable: the set is of something else than addresses.
        """
        found = self.filled.get(set_name)
        if found is None:
            raise Unsayable(f"the set `{set_name}` has other keys than single addresses")
        return found

    def timeout(self, assigned: AssignTimeout) -> str:
        if assigned not in self.timeouts:
            self.timeouts[assigned] = self.free_timeouts.near(assigned.name)
        return self.timeouts[assigned]

    def counter(self, name: str) -> str:
        """Raises:
        Unsayable: a policy has no counter of that name.
        """
        if not _COUNTER.fullmatch(name):
            raise Unsayable(f"`{name}` is not the name of a counter that a policy can have")
        return name
