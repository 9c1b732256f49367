"""A rule whose clauses say `or`: the rules and chains that together do it once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations, product
from typing import NamedTuple

from polc.ir.family import BOTH, Family
from polc.ir.fields import Field
from polc.ir.matches import (
    AddressMatch,
    FieldMatch,
    InterfaceMatch,
    Match,
    OriginalAddressMatch,
    ServiceMatch,
    SetMatch,
)
from polc.ir.origin import Origin
from polc.ir.ruleset import RegularChain, Rule
from polc.ir.selectors import Selector, Transport
from polc.ir.stateful import Connections, KeyField, Limit
from polc.ir.statements import (
    AssignHelper,
    AssignTimeout,
    ClampMss,
    Log,
    MapMark,
    Statement,
    StripTcpOptions,
    Synproxy,
    Tproxy,
)
from polc.ir.verdicts import Goto, Jump, Nat, NatMap, Reject, RejectType, Verdict, VerdictMap, leaves

MOST_BRANCHES = 64
"""Ways in which a rule may match; each is a rule of the output."""


class Branch(NamedTuple):
    """Matches that must all hold, for packets of ``families``; a rule has one or several, of which one must hold."""

    matches: tuple[Match, ...] = ()
    families: frozenset[Family] = BOTH


class Outcome(NamedTuple):
    """What a rule does with packets of ``families``; a rule that changes addresses has one a family or target."""

    statements: tuple[Statement, ...]
    verdict: Verdict | None
    families: frozenset[Family] = BOTH
    matches: tuple[Match, ...] = ()


class Pace(NamedTuple):
    """A log line that is held to a rate of its own."""

    limit: Limit
    log: Log


class Plan(NamedTuple):
    """A rule that is ready to be written: ``branches`` before ``tail``, both before ``stateful``."""

    branches: tuple[Branch, ...]
    tail: tuple[Match, ...]
    stateful: tuple[Match, ...]
    outcomes: tuple[Outcome, ...]
    pace: Pace | None
    origin: Origin


class NotOnce(Exception):
    """The verdict cannot leave the chains that would be needed."""


def combine(choices: Iterable[tuple[Branch, ...]]) -> tuple[Branch, ...]:
    """One branch of each choice, in every way that a packet can meet."""
    found = []
    for some in product(*choices):
        families = frozenset.intersection(BOTH, *(one.families for one in some))
        if families:
            matches = sorted((match for one in some for match in one.matches), key=_place)
            found.append(Branch(tuple(matches), families))
    return tuple(found)


def _place(match: Match) -> int:
    """Interfaces first and addresses next, as people read rules and as both targets test them fastest."""
    match match:
        case InterfaceMatch():
            return 0
        case AddressMatch():
            return 1
        case SetMatch():
            return 2
        case OriginalAddressMatch():
            return 3
        case _:
            return 4


def write(plan: Plan, fresh: Callable[[], str]) -> tuple[tuple[Rule, ...], tuple[RegularChain, ...]]:
    """The rules for the rule's own chain, and the chains that they need, of names that ``fresh`` gives.

    Rules side by side do the same as one with an `or` where no packet meets two of them, or where the first that it
    meets ends its way and nothing was counted before. Else the ways lead to one chain that has the rest of the rule.

    Raises:
        NotOnce: the rule needs such a chain, and `return` or `goto` in it would not be that of the rule.
    """
    if plan.pace and not any(one.statements or one.verdict for one in plan.outcomes):
        # Nothing but the line: what it is held to, the rule is.
        line = Outcome((plan.pace.log,), None)
        plan = plan._replace(stateful=(*plan.stateful, plan.pace.limit), outcomes=(line,), pace=None)
    shared = bool(plan.stateful) and any(one.families & other.families for one, other in combinations(plan.outcomes, 2))
    if plan.pace is None and not shared and (_apart(plan) or not (plan.stateful or _goes_on(plan))):
        return _side_by_side(plan), ()
    if any(leaves(one.verdict) for one in plan.outcomes):
        raise NotOnce
    origin = plan.origin
    chains: list[RegularChain] = []

    def chain(rules: tuple[Rule, ...]) -> str:
        chains.append(RegularChain(fresh(), rules, origin))
        return chains[-1].name

    if plan.pace or shared:
        # What is counted or paced is so once, before one of several outcomes is chosen.
        families = frozenset(family for one in plan.outcomes for family in one.families)
        paced = (Rule((plan.pace.limit,), None, (plan.pace.log,), families, origin),) if plan.pace else ()
        # Helpers are attached by the rule itself: iptables does that before any chain of filters.
        helpers = tuple(one for one in plan.outcomes[0].statements if isinstance(one, AssignHelper))
        rest = tuple(
            Rule((*_again(plan.tail, one), *one.matches), one.verdict, statements, one.families, origin)
            for one in plan.outcomes
            if (statements := tuple(each for each in one.statements if each not in helpers)) or one.verdict
        )
        plan = plan._replace(outcomes=(Outcome(helpers, Jump(chain((*paced, *rest))), families),), pace=None)
    if _apart(plan):
        return _side_by_side(plan), tuple(chains)
    ends = tuple(
        Rule(
            (*_again(plan.tail, one, plan.stateful), *plan.stateful, *one.matches),
            one.verdict,
            one.statements,
            one.families,
            origin,
        )
        for one in plan.outcomes
    )
    # The end of a chain that was gone to is the end of the one that was jumped to.
    end = chain(ends)
    ways = chain(
        tuple(
            Rule((*_beside(plan.tail, one), *one.matches), Goto(end), (), one.families, origin) for one in plan.branches
        )
    )
    return (Rule(plan.tail, Jump(ways), (), BOTH, origin),), tuple(chains)


_PORTS = (Field.CT_ORIGINAL_SPORT, Field.CT_ORIGINAL_DPORT, Field.CT_REPLY_SPORT, Field.CT_REPLY_DPORT)
_OF_PROTOCOLS = (AssignHelper, AssignTimeout, ClampMss, StripTcpOptions, Synproxy, Tproxy)
"""Statements for packets of some protocols alone."""


def _again(tail: tuple[Match, ...], outcome: Outcome, stateful: tuple[Match, ...] = ()) -> tuple[Match, ...]:
    """The service, where the rest of a rule needs one beside it: targets look at each rule alone."""
    match outcome.verdict:
        case Nat(ports=ports):
            needed = ports is not None
        case NatMap(key=key) | VerdictMap(key=key):
            needed = _asks_ports(key) or isinstance(outcome.verdict, NatMap)
        case Reject(type):
            needed = type is RejectType.TCP_RESET
        case _:
            needed = False
    needed |= any(isinstance(one, _OF_PROTOCOLS) for one in outcome.statements)
    needed |= any(isinstance(one, MapMark) and _asks_ports(one.key) for one in outcome.statements)
    needed |= any(
        part.field in (KeyField.SPORT, KeyField.DPORT)
        for one in stateful
        if isinstance(one, Limit | Connections)
        for part in one.key
    )
    return _services(tail) if needed else ()


def _asks_ports(key: tuple[Selector, ...]) -> bool:
    return Transport.SPORT in key or Transport.DPORT in key


def _beside(tail: tuple[Match, ...], branch: Branch) -> tuple[Match, ...]:
    """The service again, for a way that asks for ports: which protocol's those are, nft wants to know there."""
    asks = any(isinstance(one, FieldMatch) and one.field in _PORTS for one in branch.matches)
    return _services(tail) if asks else ()


def _services(tail: tuple[Match, ...]) -> tuple[Match, ...]:
    return tuple(one for one in tail if isinstance(one, ServiceMatch))


def _apart(plan: Plan) -> bool:
    """Whether no packet meets two of the branches."""
    return not any(one.families & other.families for one, other in combinations(plan.branches, 2))


def _goes_on(plan: Plan) -> bool:
    """Whether a packet that a rule was met by can meet the next."""
    return any(
        one.verdict is None
        or isinstance(one.verdict, Jump | VerdictMap | NatMap)
        or any(isinstance(each, MapMark) for each in one.statements)
        for one in plan.outcomes
    )


def _side_by_side(plan: Plan) -> tuple[Rule, ...]:
    return tuple(
        Rule(
            (*_early(branch), *plan.tail, *_late(branch), *plan.stateful, *outcome.matches),
            outcome.verdict,
            outcome.statements,
            branch.families & outcome.families,
            plan.origin,
        )
        for branch in plan.branches
        for outcome in plan.outcomes
        if branch.families & outcome.families
    )


def _early(branch: Branch) -> tuple[Match, ...]:
    return tuple(match for match in branch.matches if _place(match) < 3)


def _late(branch: Branch) -> tuple[Match, ...]:
    return tuple(match for match in branch.matches if _place(match) >= 3)
