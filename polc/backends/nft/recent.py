"""Lists of xt_recent as named sets, whose elements expire when a match would no longer ask for them.

A list that is asked for addresses of the last N seconds is a set with a timeout of N, one for each N; recording a
packet puts its address into all of them. Addresses that are asked for at any time stay in a set for good. A hit count
is approximated as in ``hits``: a bucket for each address, and a set of those that found theirs empty. Buckets belong to
one rule of nft, so a list with hit counts has a chain that records, and all rules that record jump to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from polc.backends.nft.definitions import LONGEST_COMMENT, ChainDefinition, RuleDefinition, SetDefinition
from polc.backends.nft.expressions import Key, SetReference
from polc.backends.nft.groups import SUFFIX
from polc.backends.nft.hits import excess_limit
from polc.backends.nft.keys import key_of, key_types
from polc.backends.nft.limits import rate_limit
from polc.backends.nft.names import FreshNames
from polc.backends.nft.refused import Refused
from polc.backends.nft.statements import Compare, Meter, RateLimit, RuleStatement, SetElement, SetOperation
from polc.ir.family import Family
from polc.ir.origin import Origin
from polc.ir.ruleset import Rule, Ruleset
from polc.ir.stateful import KeyPart, RecentMatch, RecentVerb

NAME: Final = "recent-as-set"

_SIZE = 65535
_WEEK = 604800


class _Asked(NamedTuple):
    """What a match asks of a list: addresses seen at least ``hits`` times within ``seconds`` (None: at any time)."""

    seconds: int | None
    hits: int


@dataclass(slots=True)
class _List:
    """``asked`` in the order in which rules ask; ``keys`` are those that rules record."""

    asked: dict[_Asked, None] = field(default_factory=dict)
    keys: set[KeyPart] = field(default_factory=set)

    @property
    def counted(self) -> list[_Asked]:
        return [one for one in self.asked if one.hits > 1]


@dataclass(frozen=True, slots=True)
class RecentUse:
    """What a rule does for a match: it ``asks``, then it ``records``, by itself or in the chain ``recorder``.

    ``holds`` False: the match holds for no packet, and the rule does nothing else. ``sets`` are those that the list is
    in; ``message`` states a difference, empty for none.
    """

    asks: tuple[RuleStatement, ...]
    records: tuple[RuleStatement, ...]
    recorder: str | None
    holds: bool
    sets: tuple[SetDefinition, ...]
    message: str


@dataclass(frozen=True, slots=True)
class RecentLists:
    """All lists of a ruleset, by name; ``names`` and ``chain_names`` give names that the table does not have yet."""

    lists: dict[str, _List]
    names: FreshNames
    chain_names: FreshNames
    _sets: dict[tuple[str, _Asked, Family], str] = field(default_factory=dict)
    _recorders: dict[tuple[str, Family], ChainDefinition] = field(default_factory=dict)

    @classmethod
    def of(cls, ruleset: Ruleset, names: FreshNames, chain_names: FreshNames) -> RecentLists:
        lists: dict[str, _List] = {}
        for chain in ruleset.chains:
            for rule in chain.rules:
                for match in rule.matches:
                    if isinstance(match, RecentMatch):
                        _note(lists.setdefault(match.name, _List()), match)
        for one in lists.values():
            if not one.asked:
                # No rule asks for it; somebody who lists the table may.
                one.asked[_Asked(None, 1)] = None
        return cls(lists, names, chain_names)

    @property
    def chains(self) -> tuple[ChainDefinition, ...]:
        """Those that record, as far as rules have used them."""
        return tuple(self._recorders.values())

    def use(self, match: RecentMatch, rule: Rule, family: Family) -> RecentUse:
        """Raises:
        Refused: nft has no form for it.
        """
        if match.ttl:
            raise Refused("a set of nft does not keep the TTL of the packet that an address was seen with")
        if match.negated and match.verb in (RecentVerb.UPDATE, RecentVerb.REMOVE):
            raise Refused(f"nft has no form for `! --{match.verb.value}` of a list", "`! --rcheck`")
        key = key_of((match.key,), family)
        if key is None:
            raise Refused("a list of all addresses together has no form in nft")
        found = self.lists[match.name]
        asked = _asked(match)
        own = None if asked is None else self._name(match.name, asked, family)
        asks = () if own is None else (Compare(key, SetReference(own), match.negated),)
        records: tuple[RuleStatement, ...] = ()
        recorder = None
        if match.verb is RecentVerb.REMOVE:
            records = tuple(
                SetElement(SetOperation.DELETE, self._name(match.name, one, family), key) for one in found.asked
            )
        elif match.verb is not RecentVerb.RCHECK and found.counted:
            if len(found.keys) > 1:
                raise Refused(f"nft cannot count the hits of the list `{match.name}` by several keys", "one key")
            recorder = self._recorder(match.name, key, family, rule.origin)
            # Who is over a hit count stays so while it goes on.
            if own is not None and asked is not None and asked.hits > 1:
                records = (SetElement(SetOperation.UPDATE, own, key, asked.seconds),)
        elif match.verb is not RecentVerb.RCHECK:
            records = self._each(match.name, key, family)
        sets = tuple(
            SetDefinition(self._name(match.name, one, family), key_types(key, family), _SIZE, None, timed=True)
            for one in found.asked
        )
        holds = not (match.verb is RecentVerb.SET and match.negated)
        return RecentUse(asks, records, recorder, holds, sets, _message(match, asked, found))

    def _name(self, name: str, asked: _Asked, family: Family) -> str:
        known = self._sets.get((name, asked, family))
        if known is None:
            seconds = "" if asked.seconds is None else f"-{asked.seconds}s"
            hits = "" if asked.hits == 1 else f"-{asked.hits}hits"
            wanted = f"recent-{name}{seconds}{hits}-{SUFFIX[family]}"
            known = self._sets[name, asked, family] = self.names.like(wanted)
        return known

    def _each(self, name: str, key: Key, family: Family) -> tuple[SetElement, ...]:
        """Records the address in all sets that keep every one that was seen."""
        return tuple(
            SetElement(SetOperation.UPDATE, self._name(name, one, family), key, one.seconds)
            for one in self.lists[name].asked
            if one.hits == 1
        )

    def _recorder(self, name: str, key: Key, family: Family, origin: Origin) -> str:
        known = self._recorders.get((name, family))
        if known is None:
            bodies: list[tuple[RuleStatement, ...]] = []
            if each := self._each(name, key, family):
                bodies.append(each)
            for one in self.lists[name].counted:
                limit, refill, _ = _bucket(one)
                meter = Meter(self.names.like(f"recent-{name}-hits-{SUFFIX[family]}"), _SIZE, key, refill, limit)
                over = SetElement(SetOperation.UPDATE, self._name(name, one, family), key, one.seconds)
                bodies.append((meter, over))
            comment = origin.label(LONGEST_COMMENT)
            known = self._recorders[name, family] = ChainDefinition(
                self.chain_names.like(f"recent-{name}-{SUFFIX[family]}"),
                None,
                tuple(RuleDefinition(body, comment) for body in bodies),
            )
        return known.name


def _bucket(asked: _Asked) -> tuple[RateLimit, int | None, str]:
    """What is empty for who is over a hit count, how many seconds it takes to fill (None: it is kept for good), and its
    rate.
    """
    if asked.seconds is None:
        # The slowest that nft has: one a week.
        return rate_limit(1, "week", _WEEK, asked.hits - 1, over=True), None, "1/week"
    return excess_limit(asked.hits - 1, asked.seconds)


def _asked(match: RecentMatch) -> _Asked | None:
    match match.verb:
        case RecentVerb.SET:
            return None
        case RecentVerb.REMOVE:
            return _Asked(None, 1)
        case _:
            return _Asked(match.seconds, max(1, match.hits or 1))


def _note(found: _List, match: RecentMatch) -> None:
    if match.verb in (RecentVerb.SET, RecentVerb.UPDATE):
        found.keys.add(match.key)
    asked = _asked(match)
    if asked is not None:
        found.asked.setdefault(asked)


def _message(match: RecentMatch, asked: _Asked | None, found: _List) -> str:
    parts = [_ask_message(match.name, asked)] if asked else []
    if match.verb in (RecentVerb.SET, RecentVerb.UPDATE):
        parts += [_record_message(match.name, one) for one in found.asked if one != asked]
    if match.verb is RecentVerb.REMOVE and found.counted:
        parts.append(f"who is taken off the list `{match.name}` has no full bucket again at once")
    return "; ".join(dict.fromkeys(part for part in parts if part))


def _ask_message(name: str, asked: _Asked) -> str:
    """What is different where a rule asks; empty for nothing."""
    if asked.hits == 1:
        return "" if asked.seconds else _FOR_GOOD.format(name)
    passes = asked.hits - 1
    _, _, rate = _bucket(asked)
    if asked.seconds is None:
        return (
            f"instead of {asked.hits} hits of the list `{name}` at any time nft counts against a bucket of {passes} "
            "that gets one back each week; who finds it empty is on the list for good"
        )
    return (
        f"instead of {asked.hits} hits of the list `{name}` within the last {asked.seconds} seconds nft counts against "
        f"a bucket of {passes} that refills evenly at {rate}: the first {passes} are no match, but up to about "
        f"{2 * passes} may be none within the first {asked.seconds} seconds; who finds it empty is on the list until "
        f"{asked.seconds} seconds after the last packet that was over, or that `--update` matched"
    )


def _record_message(name: str, asked: _Asked) -> str:
    """What is different where a rule records for one that asks."""
    if asked.hits == 1:
        return _ask_message(name, asked)
    within = "" if asked.seconds is None else f" within {asked.seconds} seconds"
    return f"nft counts what is recorded of the list `{name}` against a bucket, for {asked.hits} hits{within}"


_FOR_GOOD = (
    "the list `{}` is a set of 65535 addresses, which stay in it for good, where xt_recent keeps as many as "
    "`ip_list_tot` says and forgets the one seen longest ago"
)
