"""What a comparison comes to."""

from __future__ import annotations

from dataclasses import dataclass

from polc.diffing.changes import Change
from polc.diffing.names import Names
from polc.diffing.roads import Road
from polc.diffing.shapes import Shape
from polc.ir.family import Family
from polc.symbolic.atoms import Names as Interfaces


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule or policy that had a say: ``path``, ``line`` (0: it stands in no file), ``chain``, whether it is that
    chain's policy, and its words.
    """

    path: str
    line: int
    chain: str
    policy: bool
    words: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What the simulator says of a packet on one side: ``fate`` in a word or two, ``rules`` that decided, the one that
    decided the verdict first; ``nat`` in words, empty where there was none.
    """

    fate: str
    rules: tuple[Rule, ...]
    nat: str = ""


@dataclass(frozen=True, slots=True)
class Witness:
    """A packet of a region, in the words of ``polc simulate --packet``, as both sides treat it. ``given`` is what has
    to be so besides (elements of sets, limits that are used up), in words.
    """

    packet: str
    before: Seen
    after: Seen
    given: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Region:
    """Packets on one way that are treated alike on each side. ``weight`` is their share of all packets of the way, by
    which regions are sorted; ``witness`` None: no packet of it can be shown, and ``unshown`` says why.
    """

    road: Road
    change: Change
    shape: Shape
    weight: float
    witness: Witness | None
    unshown: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """``regions`` are disjoint, the biggest first, at most as many as were asked for, of ``total`` (``complete`` False:
    of more than that). ``undecided`` says what could not be decided; ``assumed`` on what the answer rests.
    ``interfaces`` and ``names`` are what shapes are told in; ``tracked``: rules ask for the states of conntrack.
    ``tally`` counts all regions by what changes.
    """

    regions: tuple[Region, ...]
    total: int
    complete: bool
    undecided: tuple[str, ...]
    assumed: tuple[str, ...]
    families: tuple[Family, ...]
    interfaces: Interfaces
    names: Names
    tracked: bool = False
    tally: tuple[tuple[str, int], ...] = ()

    @property
    def same(self) -> bool:
        """Whether it is certain that both treat all packets alike."""
        return not self.regions and not self.undecided
