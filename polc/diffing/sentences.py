"""The difference of two lists of rulesets in a sentence each: for those who are about to load one in place of the
other.
"""

from __future__ import annotations

from collections.abc import Sequence

from polc.diffing.as_text import sentence
from polc.diffing.compare import difference
from polc.diffing.sides import Options, Side
from polc.diffing.words import change_text
from polc.ir.flavour import Flavour
from polc.ir.ruleset import Ruleset
from polc.symbolic.hooks import Loaded


def sentences(
    before: Sequence[Ruleset], after: Sequence[Ruleset], flavour: Flavour = Flavour.NFT, options: Options | None = None
) -> tuple[str, ...]:
    """What ``after`` treats differently, the biggest first; none where all packets are treated alike. Both are loaded
    on one host, with the words of ``flavour``.

    Raises:
        Failure: POL902: the simulator does not confirm what was found.
    """
    sides = [Side(tuple(Loaded(one, flavour) for one in rulesets)) for rulesets in (before, after)]
    found = difference(sides[0], sides[1], options)
    lines = [f"{change_text(one)}: {sentence(found, one)}" for one in found.regions]
    left = found.total - len(found.regions)
    if left:
        lines.append(f"and {left} {'smaller ones' if found.complete else 'or more'}")
    return (*lines, *(f"undecided: {one}" for one in found.undecided))
