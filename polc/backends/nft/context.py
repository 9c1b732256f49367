"""What the lowering of a rule knows besides the rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from polc.backends.features import Feature
from polc.backends.nft.definitions import Definition
from polc.backends.nft.groups import Groups
from polc.backends.nft.names import FreshNames
from polc.backends.nft.recent import RecentLists
from polc.backends.nft.refused import Refused
from polc.backends.nft.require import require
from polc.backends.nft.sharing import Sharing
from polc.backends.profile import Profile
from polc.ir.ruleset import DynamicSet, Flowtable, TableFamily


@dataclass(frozen=True, slots=True)
class Context:
    """``json`` tells the format to come; ``sets`` and ``flowtables`` are those of the ruleset that nft has a form for.

    ``chain_names`` and ``names`` give names of chains, and of sets and other objects, that the table does not have yet.
    """

    profile: Profile
    json: bool
    table: TableFamily
    sets: Mapping[str, DynamicSet]
    flowtables: Mapping[str, Flowtable]
    sharing: Sharing
    recent: RecentLists
    groups: Groups
    chain_names: FreshNames
    names: FreshNames
    _objects: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def object_name(self, kind: str, table: str, suffix: str) -> str:
        """The name of the one object that all rules of a ``table`` of limits share."""
        known = self._objects.get((kind, table, suffix))
        if known is None:
            known = self._objects[kind, table, suffix] = self.names.like(f"{table}-{suffix}")
        return known

    def need(self, feature: Feature) -> None:
        """Raises:
        Refused: the profile has it not.
        """
        require(self.profile, feature)

    def set(self, name: str) -> DynamicSet:
        """Raises:
        Refused: a set that was refused itself.
        """
        if name not in self.sets:
            raise Refused(f"nft has no form for the set `{name}`")
        return self.sets[name]


@dataclass(slots=True)
class Along:
    """What comes along with a rule: definitions, and the differences from what it means, with their names and helps."""

    definitions: list[Definition] = field(default_factory=list)
    differences: list[tuple[str, str, str]] = field(default_factory=list)
