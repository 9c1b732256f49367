"""What an extension may need to know about where a rule stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from polc.backends.iptables.extensions.settypes import Form
from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.matches import ElementMatch
from polc.ir.statements import AssignZone


@dataclass(frozen=True, slots=True)
class Context:
    """Of one family's file.

    ``shared`` names the limit tables that more than one of its rules counts in, ``lists`` the lists of xt_recent that
    have another name in it. ``sets`` are the forms of named sets; ``groups`` (by name and members) and ``elements``
    are what is an ipset of its own, and its name. ``zones`` are the chains that put a packet into a zone where a helper
    may go along with it.
    """

    family: Family
    shared: frozenset[str] = frozenset()
    lists: Mapping[str, str] = field(default_factory=dict)
    sets: Mapping[str, Form] = field(default_factory=dict)
    groups: Mapping[tuple[str, Intervals], str] = field(default_factory=dict)
    elements: Mapping[ElementMatch, tuple[str, Form]] = field(default_factory=dict)
    zones: Mapping[AssignZone, str] = field(default_factory=dict)
