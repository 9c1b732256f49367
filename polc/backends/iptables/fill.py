"""Members that come into ipsets which are made already (ipset(8), ADD)."""

from __future__ import annotations

from collections.abc import Sequence

from polc.backends.iptables import ipsets
from polc.ir.ruleset import DynamicSet, Ruleset


def commands(ruleset: Ruleset, sets: Sequence[DynamicSet]) -> str:
    """Lines for `ipset restore` that put the elements of ``sets`` into the sets of the ruleset that have these names.

    Raises:
        Refused: an ipset has no such members.
    """
    changes = ipsets.Changes.of(rule for chain in ruleset.chains for rule in chain.rules)
    made = [ipsets.made(one, changes)[1] for one in sets]
    return "".join(f"add {one.name} {member}\n" for one in made for member in one.members)
