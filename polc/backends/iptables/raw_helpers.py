"""Where in table raw helpers are attached, beside rules that assign zones or exempt packets from conntrack.

There the first ``-j CT`` that a packet meets decides. Helpers come first, so that no rule ends a packet's way before it
is given one; but where such a packet may be put into a zone, or be exempted, they come last, and a zone is assigned
together with the helper.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from polc.backends.iptables.extensions.words import Refused
from polc.backends.iptables.helper import disjoint
from polc.backends.iptables.places import Places
from polc.ir.family import Family
from polc.ir.ruleset import Rule, Ruleset
from polc.ir.statements import AssignZone, Native, Notrack, OpaqueStatement
from polc.ir.verdicts import Drop, Jump, Reject

_OWN = (Notrack, AssignZone)


@dataclass(slots=True)
class RawTable:
    """A built-in chain of table raw: the rules that attach helpers, and those that say something else of tracking.

    ``ends``: some rule ends a packet's way there, and does not drop it. ``zones`` are the chains that assign a zone and
    the helper of whoever is to have one.
    """

    others: tuple[Rule, ...]
    ends: bool
    helpers: list[Rule] = field(default_factory=list)
    zones: dict[AssignZone, str] = field(default_factory=dict)

    def _meets(self, helper: Rule) -> bool:
        return any(not disjoint(helper, one) for one in self.others)

    @property
    def last(self) -> bool:
        """Whether helpers come after all other rules."""
        return not self.ends and any(map(self._meets, self.helpers))

    @property
    def assigned(self) -> list[AssignZone]:
        """The zones that are assigned there."""
        return list(dict.fromkeys(one for rule in self.others for one in _zones(rule)))

    def check(self, helper: Rule) -> None:
        """
        Raises:
            Refused: there is no place where it is attached to all that it should be, and to nothing else.
        """
        if self.ends and self._meets(helper):
            raise Refused(
                "helper-zone",
                "its flows are put into a zone, or exempted from conntrack, by a chain that ends the way of other "
                "packets: iptables has no place for the helper before that or behind it",
                "rules in raw without `accept`, `return` and `goto`",
            )

    def together(self, zone: AssignZone, family: Family) -> list[Rule]:
        """What is done instead of assigning a zone: with a helper for its flows, without for all others."""
        if not any(zone in _zones(rule) and family in rule.families for rule in self.others):
            return []
        both = [replace(one, statements=(*one.statements, zone)) for one in self.helpers if family in one.families]
        return [*both, Rule((), None, (zone,), frozenset({family}))]


def raw_table(ruleset: Ruleset, places: Places, name: str) -> RawTable:
    """The chain ``name`` of table raw, no helpers there yet."""
    rules = [
        rule
        for chain in ruleset.chains
        if any((at.table, at.chain) == ("raw", name) for at in places.get(chain.name, ()))
        for rule in chain.rules
    ]
    others = tuple(rule for rule in rules if any(isinstance(one, _OWN) for one in rule.statements))
    return RawTable(others, any(map(_ends, rules)))


def _zones(rule: Rule) -> list[AssignZone]:
    return [one for one in rule.statements if isinstance(one, AssignZone)]


def _ends(rule: Rule) -> bool:
    """Whether a packet may leave table raw by the rule, and not be dropped; a return may, from a base chain."""
    native = any(isinstance(one, Native | OpaqueStatement) for one in rule.statements)
    return native or not isinstance(rule.verdict, Drop | Reject | Jump | None)
