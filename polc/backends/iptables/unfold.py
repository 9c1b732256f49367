"""Maps and sets of elements as rules: iptables has neither.

Elements are disjoint, so a packet meets at most one of the lines that they become; where something before such a line,
or a chain that the packet comes back from, may change what the next line asks, they stand in a chain that is left with
``goto``, whose end is the end of that chain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from polc.backends.cascade import Cascade, NeedsChain
from polc.backends.iptables.disturb import changes_on_the_way, disturbs
from polc.backends.iptables.elements import asks_transport, joined, matches_of, parts_of
from polc.ir.matches import STATEFUL, ElementMatch, Match, PortTerm, ServiceMatch
from polc.ir.ruleset import RegularChain, Rule
from polc.ir.selectors import Element, Selector
from polc.ir.statements import MapMark, SetMark, Statement
from polc.ir.verdicts import Goto, Jump, Nat, NatMap, Reject, RejectType, Return, Verdict, VerdictMap, leaves


def unfold(rule: Rule, kept: Callable[[ElementMatch], bool], fresh: Callable[[], str]) -> Cascade:
    """The rule as rules without maps, and without sets of elements but those that are ``kept``.

    Raises:
        NeedsChain: it takes a chain, and the verdict leaves its own.
    """
    if not _folded(rule, kept):
        return Cascade((rule,))
    found = _Unfolding(rule, fresh).once(kept)
    rules, chains = list[Rule](), list[RegularChain]()
    for one in found.rules:
        inner = unfold(one, kept, fresh)
        rules += inner.rules
        chains += inner.chains
    for chain in found.chains:
        lines = list[Rule]()
        for one in chain.rules:
            inner = unfold(one, kept, fresh)
            lines += inner.rules
            chains += inner.chains
        chains.append(replace(chain, rules=tuple(lines)))
    return Cascade(tuple(rules), tuple(chains))


def _folded(rule: Rule, kept: Callable[[ElementMatch], bool]) -> bool:
    return (
        isinstance(rule.verdict, VerdictMap | NatMap)
        or any(isinstance(one, ElementMatch) and not kept(one) for one in rule.matches)
        or any(isinstance(one, MapMark) for one in rule.statements)
    )


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Way:
    """What an element leads to."""

    matches: tuple[Match, ...]
    statements: tuple[Statement, ...]
    verdict: Verdict | None


class _Unfolding:
    def __init__(self, rule: Rule, fresh: Callable[[], str]) -> None:
        self.rule = rule
        self.fresh = fresh
        self.plain = tuple(match for match in rule.matches if not isinstance(match, STATEFUL))
        self.state = tuple(match for match in rule.matches if isinstance(match, STATEFUL))
        self.leaves = leaves(rule.verdict)

    def once(self, kept: Callable[[ElementMatch], bool]) -> Cascade:
        """Unfold the first of what there is."""
        for match in self.plain:
            if isinstance(match, ElementMatch) and not kept(match):
                return self._excluded(match) if match.negated else self._elements(match)
        for place, statement in enumerate(self.rule.statements):
            if isinstance(statement, MapMark):
                return self._marks(place, statement)
        match self.rule.verdict:
            case VerdictMap(key, elements):
                ways = [_Way(found, (), one) for found, one in self._options(key, elements, self.plain)]
                return self._mapped(ways, self.rule.statements)
            case NatMap(kind, key, elements, family, random, persistent):
                targets = (
                    (element, Nat(kind, family, one.addresses, one.ports, random, persistent))
                    for element, one in elements
                )
                ways = [_Way(found, (), one) for found, one in self._options(key, targets, self.plain)]
                return self._mapped(ways, self.rule.statements)
            case _:
                raise AssertionError("nothing to unfold")

    def _elements(self, match: ElementMatch) -> Cascade:
        rest = tuple(one for one in self.plain if one is not match)
        options = self._options(match.key, ((element, None) for element in match.elements), rest)
        if asks_transport(match.key):
            # Each option has the rule's services in it.
            rest = tuple(one for one in rest if not isinstance(one, ServiceMatch))
        if len(options) == 1:
            return Cascade((replace(self.rule, matches=(*rest, *options[0][0], *self.state)),))
        rule = self.rule
        lone = not self.state and not self._interferes([found for found, _ in options])
        if lone and (self.leaves or not rest):
            return Cascade(tuple(replace(rule, matches=(*rest, *found)) for found, _ in options))
        if self.leaves:
            raise NeedsChain
        chains: list[RegularChain] = []
        if lone:
            inner = tuple(replace(rule, matches=found) for found, _ in options)
        else:
            done = self.fresh()
            named = self._naming((), rule.verdict, [found for found, _ in options])
            chains.append(RegularChain(done, (replace(rule, matches=(*named, *self.state)),), rule.origin))
            inner = tuple(self._bare(found, Goto(done)) for found, _ in options)
        ways = RegularChain(self.fresh(), inner, rule.origin)
        return Cascade((self._bare(rest, Jump(ways.name)),), (ways, *chains))

    def _excluded(self, match: ElementMatch) -> Cascade:
        if self.leaves:
            raise NeedsChain
        rest = tuple(one for one in self.plain if one is not match)
        services = [one for one in rest if isinstance(one, ServiceMatch)]
        parts = parts_of(match.key, joined(services))
        if parts is None:
            return Cascade(())
        options = self._options(match.key, ((element, None) for element in match.elements), rest)
        rest = tuple(one for one in rest if not isinstance(one, ServiceMatch))
        named = self._naming((), self.rule.verdict, [parts])
        done = replace(self.rule, matches=(*named, *self.state))
        lines = (*(self._bare(found, Return()) for found, _ in options), done)
        chain = RegularChain(self.fresh(), lines, self.rule.origin)
        return Cascade((self._bare((*parts, *rest), Jump(chain.name)),), (chain,))

    def _marks(self, place: int, statement: MapMark) -> Cascade:
        """The rule is broken off where the packet has no element: what comes before the map is done all the same."""
        before, after = self.rule.statements[:place], self.rule.statements[place + 1 :]
        ways = [
            _Way(found, (SetMark(statement.field, value), *after), self.rule.verdict)
            for found, value in self._options(statement.key, statement.elements, self.plain)
        ]
        return self._mapped(ways, before)

    def _mapped(self, ways: list[_Way], before: tuple[Statement, ...]) -> Cascade:
        """The rule's matches and ``before``, and then the way that the packet has an element for."""
        rule = self.rule
        changes = [one for way in ways for one in way.statements]
        returns = [way.verdict for way in ways if isinstance(way.verdict, Jump)]
        asked = [match for way in ways for match in way.matches]
        interferes = len(ways) > 1 and (
            any(disturbs(one, match) for one in changes for match in asked)
            or any(changes_on_the_way(one, match) for one in returns for match in asked)
        )
        broken = any(disturbs(one, match) for one in before for match in self.plain)
        if self.leaves and (self.state or interferes or broken):
            raise NeedsChain
        if self.leaves or not (self.state or before or interferes or (self.plain and len(ways) > 1)):
            first = (replace(rule, statements=before, verdict=None),) if before else ()
            return Cascade((*first, *(self._beside(way) for way in ways)))
        chains: dict[_Way, RegularChain] = {}
        lines = tuple(self._line(way, chains, interferes) for way in ways)
        chain = RegularChain(self.fresh(), lines, rule.origin)
        return Cascade((replace(rule, statements=before, verdict=Jump(chain.name)),), (chain, *chains.values()))

    def _line(self, way: _Way, chains: dict[_Way, RegularChain], interferes: bool) -> Rule:
        """The way as one line of a chain, after which a packet meets no other line there."""
        named = self._naming(way.matches, way.verdict)
        match way.verdict:
            case Jump(chain) if not way.statements:
                return self._bare(way.matches, Goto(chain))
            case verdict if not interferes and not isinstance(verdict, Jump):
                return replace(self.rule, matches=named, statements=way.statements, verdict=verdict)
            case _:
                # One chain for all that lead to the same.
                what = replace(way, matches=self._naming((), way.verdict, [way.matches]))
                if what not in chains:
                    does = replace(self.rule, matches=what.matches, statements=way.statements, verdict=way.verdict)
                    chains[what] = RegularChain(self.fresh(), (does,), self.rule.origin)
                return self._bare(way.matches, Goto(chains[what].name))

    def _options(
        self, key: tuple[Selector, ...], elements: Iterable[tuple[Element, _T]], beside: tuple[Match, ...]
    ) -> list[tuple[tuple[Match, ...], _T]]:
        """What packets of each element meet, but for elements that none meets."""
        services = (one for one in beside if isinstance(one, ServiceMatch))
        service = joined(services) if asks_transport(key) else None
        return [
            (found, what)
            for element, what in elements
            if (found := matches_of(key, element, self.rule.families, service)) is not None
        ]

    def _beside(self, way: _Way) -> Rule:
        """The way with all that the rule asks for; services that its option has in it already stand there once."""
        has_services = any(isinstance(one, ServiceMatch) for one in way.matches)
        plain = [one for one in self.plain if not (has_services and isinstance(one, ServiceMatch))]
        return replace(
            self.rule, matches=(*plain, *way.matches, *self.state), statements=way.statements, verdict=way.verdict
        )

    def _naming(
        self, found: tuple[Match, ...], verdict: Verdict | None, options: Iterable[tuple[Match, ...]] = ()
    ) -> tuple[Match, ...]:
        """``found``, and the protocols that packets there have, where the verdict must be told them."""
        needs = (isinstance(verdict, Nat) and verdict.ports is not None) or verdict == Reject(RejectType.TCP_RESET)
        if not needs or any(isinstance(one, ServiceMatch) for one in found):
            return found
        places = [*options] or [()]
        numbers: set[int] = set()
        for option in places:
            service = joined(one for one in (*option, *self.plain) if isinstance(one, ServiceMatch))
            if service is None:
                return found
            numbers |= {term.protocol for term in service.terms}
        return (ServiceMatch(tuple(PortTerm(number) for number in sorted(numbers))), *found)

    def _interferes(self, options: list[tuple[Match, ...]]) -> bool:
        """Whether a packet may meet a second option, changed by what the rule did."""
        rule = self.rule
        asked = [match for option in options for match in option]
        return any(disturbs(one, match) for one in rule.statements for match in asked) or (
            any(changes_on_the_way(rule.verdict, match) for match in asked)
        )

    def _bare(self, matches: tuple[Match, ...], verdict: Verdict) -> Rule:
        return replace(self.rule, matches=matches, statements=(), verdict=verdict)
