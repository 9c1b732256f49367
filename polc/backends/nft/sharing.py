"""State that several rules name: what nft can share between rules."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from polc.backends.features import Feature
from polc.backends.nft.refused import Refused
from polc.backends.profile import Profile
from polc.ir.family import FAMILIES, Family
from polc.ir.ruleset import Ruleset
from polc.ir.stateful import Connections, Hits, Limit, Quota

_Kept = Limit | Hits | Connections | Quota


@dataclass(frozen=True, slots=True)
class Sharing:
    """Which tables of limits more than one rule uses, and the distinct limits that do.

    A limit or a quota without a key is then a named object, one with a key a declared set.
    """

    users: dict[str, int]
    forms: dict[str, frozenset[_Kept]]
    profile: Profile
    json: bool

    @classmethod
    def of(cls, ruleset: Ruleset, profile: Profile, *, json: bool) -> Sharing:
        """``json`` is the format to come: in it nft before 1.0.6 drops in silence the limit of an element of a declared
        set.
        """
        users: Counter[tuple[str, Family]] = Counter()
        forms: dict[str, set[_Kept]] = {}
        for chain in ruleset.chains:
            for rule in chain.rules:
                for match in rule.matches:
                    if isinstance(match, Limit | Hits | Connections | Quota):
                        both = not isinstance(match, Hits) and match.both
                        users.update((match.table, family) for family in (FAMILIES if both else rule.families))
                        forms.setdefault(match.table, set()).add(match)
        most: dict[str, int] = {}
        for (table, _), count in users.items():
            most[table] = max(most.get(table, 0), count)
        return cls(most, {table: frozenset(found) for table, found in forms.items()}, profile, json)

    def is_shared(self, table: str) -> bool:
        return self.users[table] > 1

    def check(self, kept: Limit | Quota) -> None:
        """Raises:
        Refused: it shares its state in a way that nft has no form for.
        """
        if not self.is_shared(kept.table):
            return
        if len(self.forms[kept.table]) > 1:
            raise Refused(
                f"the rules that share `{kept.table}` do not agree: in nft it keeps one rate or amount, one burst and "
                "one direction",
                "the same in all of them",
            )
        if isinstance(kept, Limit) and kept.key and self.json and not self.profile.has(Feature.SET_STATEMENT_JSON):
            reason, _ = self.profile.lacks(Feature.SET_STATEMENT_JSON)
            raise Refused(f"several rules share the buckets `{kept.table}`, and {reason}", "`--format text`")

    def check_hits(self, hits: Hits) -> None:
        """Raises:
        Refused: several rules share the hits.
        """
        if self.is_shared(hits.table):
            raise Refused(f"nft cannot share the hits `{hits.table}` between rules", "one rule that jumps to a chain")

    def check_alone(self, table: str) -> None:
        """Raises:
        Refused: several rules share a count of connections.
        """
        if self.is_shared(table):
            raise Refused(f"nft cannot share the count `{table}` between rules", "one rule that jumps to a chain")
