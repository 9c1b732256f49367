"""Lists of xt_recent as named sets, whose elements expire when a match would no longer ask for them.

A list that is asked for addresses of the last N seconds is a set with a timeout of N, one for each N; recording a
packet puts its address into all of them. Addresses that are asked for at any time stay in a set for good, and hit
counts are approximated as in ``hits``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from polc.backends.nft.definitions import SetDefinition
from polc.backends.nft.expressions import Key, SetReference
from polc.backends.nft.groups import SUFFIX
from polc.backends.nft.hits import excess_limit
from polc.backends.nft.keys import key_of, key_types
from polc.backends.nft.names import FreshNames, check_name
from polc.backends.nft.refused import Refused
from polc.backends.nft.statements import Compare, Meter, RuleStatement, SetElement, SetOperation
from polc.ir.family import Family
from polc.ir.matches import STATEFUL
from polc.ir.ruleset import Rule, Ruleset
from polc.ir.stateful import RecentMatch, RecentVerb

NAME: Final = "recent-as-set"

_SIZE = 65535


class _Asked(NamedTuple):
    """What a match asks of a list: addresses seen at least ``hits`` times within ``seconds`` (None: at any time)."""

    seconds: int | None
    hits: int


@dataclass(slots=True)
class _List:
    """``asked`` in the order in which rules ask; ``recorded`` counts for each family the rules that record."""

    asked: dict[_Asked, None] = field(default_factory=dict)
    recorded: Counter[Family] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class RecentUse:
    """What a rule does for a match: ``statements`` in its own place, and ``before`` a rule that counts, if any.

    ``sets`` are those that the list is in; ``message`` states a difference, empty for none.
    """

    statements: tuple[RuleStatement, ...]
    before: tuple[RuleStatement, ...]
    sets: tuple[SetDefinition, ...]
    message: str


@dataclass(frozen=True, slots=True)
class RecentLists:
    """All lists of a ruleset, by name; ``names`` gives names that the table does not have yet."""

    lists: dict[str, _List]
    names: FreshNames
    _sets: dict[tuple[str, _Asked, Family], str] = field(default_factory=dict)

    @classmethod
    def of(cls, ruleset: Ruleset, names: FreshNames) -> RecentLists:
        lists: dict[str, _List] = {}
        for chain in ruleset.chains:
            for rule in chain.rules:
                for match in rule.matches:
                    if isinstance(match, RecentMatch):
                        _note(lists.setdefault(match.name, _List()), match, rule)
        for one in lists.values():
            if not one.asked:
                # No rule asks for it; somebody who lists the table may.
                one.asked[_Asked(None, 1)] = None
        return cls(lists, names)

    def use(self, match: RecentMatch, rule: Rule, family: Family) -> RecentUse:
        """Raises:
        Refused: nft has no form for it.
        """
        check_name("set", match.name)
        if match.ttl:
            raise Refused("a set of nft does not keep the TTL of the packet that an address was seen with")
        if match.negated and match.verb is not RecentVerb.RCHECK:
            raise Refused(f"nft has no form for `! --{match.verb.value}` of a list", "`! --rcheck`")
        key = key_of((match.key,), family)
        if key is None:
            raise Refused("a list of all addresses together has no form in nft")
        found = self.lists[match.name]
        if any(one.hits > 1 for one in found.asked):
            self._check_counted(match, rule, found, family)
        asked = _asked(match)
        statements: list[RuleStatement] = []
        before: tuple[RuleStatement, ...] = ()
        if asked is not None:
            holds = Compare(key, SetReference(self._name(match.name, asked, family)), match.negated)
            statements.append(holds)
        if match.verb is RecentVerb.REMOVE:
            statements += self._each(SetOperation.DELETE, match, key, found, family)
        elif match.verb is not RecentVerb.RCHECK:
            statements += self._each(SetOperation.UPDATE, match, key, found, family)
            before = self._counted(match, key, found, family, statements[:1] if asked is not None else [])
        sets = tuple(
            SetDefinition(name, key_types(key, family), _SIZE, None, timed=True)
            for one in found.asked
            for name in (self._name(match.name, one, family),)
        )
        return RecentUse(tuple(statements), before, sets, _message(match, asked, found))

    def _name(self, name: str, asked: _Asked, family: Family) -> str:
        known = self._sets.get((name, asked, family))
        if known is None:
            seconds = "" if asked.seconds is None else f"-{asked.seconds}s"
            hits = "" if asked.hits == 1 else f"-{asked.hits}hits"
            known = self._sets[name, asked, family] = self.names.like(f"recent-{name}{seconds}{hits}-{SUFFIX[family]}")
        return known

    def _each(
        self, operation: SetOperation, match: RecentMatch, key: Key, found: _List, family: Family
    ) -> list[RuleStatement]:
        """Records or takes away the address in all sets of the list. Who is over a hit count is put there before."""
        own = _asked(match)
        return [
            SetElement(
                operation,
                self._name(match.name, one, family),
                key,
                None if operation is SetOperation.DELETE else one.seconds,
            )
            for one in found.asked
            if one.hits == 1 or one == own
        ]

    def _check_counted(self, match: RecentMatch, rule: Rule, found: _List, family: Family) -> None:
        counts = [one for one in found.asked if one.hits > 1]
        if len(counts) > 1 or counts[0].seconds is None:
            raise Refused(
                f"nft has no form for several hit counts of the list `{match.name}`, or for one without seconds",
                "one `--seconds` and `--hitcount` for the list",
            )
        if match.verb is RecentVerb.REMOVE:
            raise Refused(f"nft cannot take an address off the list `{match.name}`, whose hits are counted")
        if match.verb in (RecentVerb.SET, RecentVerb.UPDATE) and _asked(match) not in counts:
            if found.recorded[family] > 1:
                raise Refused(f"nft cannot count the hits of the list `{match.name}` in several rules", "one rule")
            if sum(isinstance(one, STATEFUL) for one in rule.matches) > 1:
                raise Refused("hits and another limit in one rule have no form in nft", "one of the two alone")

    def _counted(
        self, match: RecentMatch, key: Key, found: _List, family: Family, guard: list[RuleStatement]
    ) -> tuple[RuleStatement, ...]:
        for one in found.asked:
            if one.hits > 1 and one.seconds is not None and one != _asked(match):
                limit, refill, _ = excess_limit(one.hits - 1, one.seconds)
                name = self._name(match.name, one, family)
                meter = Meter(self.names.like(f"recent-{match.name}-hits-{SUFFIX[family]}"), _SIZE, key, refill, limit)
                return (*guard, meter, SetElement(SetOperation.ADD, name, key, one.seconds))
        return ()


def _asked(match: RecentMatch) -> _Asked | None:
    match match.verb:
        case RecentVerb.SET:
            return None
        case RecentVerb.REMOVE:
            return _Asked(None, 1)
        case _:
            return _Asked(match.seconds, max(1, match.hits or 1))


def _note(found: _List, match: RecentMatch, rule: Rule) -> None:
    asked = _asked(match)
    if asked is not None:
        found.asked.setdefault(asked)
    counted = match.verb is RecentVerb.SET or (match.verb is RecentVerb.UPDATE and (match.hits or 1) <= 1)
    if counted:
        found.recorded.update(rule.families)


def _message(match: RecentMatch, asked: _Asked | None, found: _List) -> str:
    for one in found.asked:
        if one.hits > 1:
            _, _, rate = excess_limit(one.hits - 1, one.seconds or 1)
            return (
                f"instead of {one.hits} hits of the list `{match.name}` within the last {one.seconds} seconds nft "
                f"counts against a bucket of {one.hits - 1} that refills evenly at {rate}; who finds it empty is on "
                f"the list for {one.seconds} seconds"
            )
    if any(one.seconds is None for one in found.asked):
        return (
            f"the list `{match.name}` is a set of {_SIZE} addresses, which stay in it for good, where xt_recent keeps "
            "as many as `ip_list_tot` says and forgets the one seen longest ago"
        )
    return ""
