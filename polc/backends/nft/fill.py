"""Elements that come into sets of a table which is loaded already (libnftables-json(5), ADD)."""

from __future__ import annotations

from collections.abc import Sequence

from polc.backends.nft.json_expressions import values
from polc.backends.nft.json_value import Json, compact
from polc.backends.nft.renames import renamed
from polc.backends.nft.sets import elements_of
from polc.ir.ruleset import DynamicSet, Ruleset


def commands(ruleset: Ruleset, sets: Sequence[DynamicSet]) -> str:
    """Commands that put the elements of ``sets`` into the sets of the ruleset that have these names.

    Raises:
        Refused: nft has no form for an element.
    """
    spelled, _ = renamed(ruleset)
    names = {one.name: other.name for one, other in zip(ruleset.sets, spelled.sets, strict=True)}
    place: dict[str, Json] = {"family": ruleset.family.value, "table": ruleset.table}
    found: list[Json] = [
        {"add": {"element": {**place, "name": names[one.name], "elem": values(elements_of(one))}}} for one in sets
    ]
    return compact({"nftables": found})
