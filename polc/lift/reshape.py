"""Rules that fit into no rule of a policy, as several that do the same.

What has no place beside the rest goes into a chain below: the packets that come there have met the rest. Effects that
have no order in a policy stand in rules of their own, one behind the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from polc.ir.family import Family
from polc.ir.matches import ElementMatch, Match, SetMatch
from polc.ir.protocols import PORT_PROTOCOLS
from polc.ir.ruleset import RegularChain, Rule
from polc.ir.selectors import Side, Transport
from polc.ir.stateful import Connections, KeyField, Limit
from polc.ir.statements import (
    AssignHelper,
    AssignTimeout,
    AssignZone,
    ClampMss,
    CopyMark,
    Counter,
    Duplicate,
    Log,
    MapMark,
    MarkField,
    Native,
    Notrack,
    Offload,
    OpaqueStatement,
    SetDscp,
    SetHops,
    SetMark,
    SetPriority,
    Statement,
    StripTcpOptions,
    Synproxy,
    Tproxy,
    Trace,
    UpdateSet,
)
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Nat, NatMap, Reject, RejectType, Return, VerdictMap, leaves
from polc.lift.model import Unsayable
from polc.lift.slots import Slots, in_one_rule, sort

_PORTS = frozenset({Transport.SPORT, Transport.DPORT})
_MAPPED = (Accept, Drop, Jump, Goto, Return)


class _Leaves(Exception):
    """The rest of a rule, for packets that meet ``matches``, ends the chain that it is for."""

    def __init__(self, matches: tuple[Match, ...], rest: tuple[Rule, ...]) -> None:
        super().__init__()
        self.matches = matches
        self.rest = rest


@dataclass(slots=True)
class Reshaper:
    """``policy`` are the families of all packets, ``fresh`` gives names of chains that are not taken, and ``widened`` a
    rule for all packets that can meet it. ``problem`` is told of a rule that cannot be said, and why, ``lost`` of one
    that no packet can meet. ``chains`` come along.
    """

    policy: frozenset[Family]
    fresh: Callable[[str], str]
    widened: Callable[[Rule], Rule]
    problem: Callable[[Rule, str], None]
    lost: Callable[[Rule], None]
    chains: list[RegularChain] = field(default_factory=list)
    behind: list[tuple[str, Sequence[Rule], Rule]] = field(default_factory=list)
    """Chains that are not made yet, with their rules, and the rule that they are behind."""

    def all_of(self, rules: Sequence[Rule], chain: str) -> tuple[Rule, ...]:
        """The rules of a chain as ones that fit; those of the chains that they need, too."""
        found = tuple(self.reshape(rules, chain))
        while self.behind:
            name, rest, rule = self.behind.pop()
            self.chains.append(RegularChain(name, tuple(self.reshape(rest, name)), rule.origin))
        return found

    def reshape(self, rules: Sequence[Rule], chain: str) -> Iterator[Rule]:
        """The rules of ``chain`` as ones that fit; for each that does not, ``problem`` is told why."""
        for number, rule in enumerate(rules):
            try:
                yield from self._fitting(rule, chain)
            except Unsayable as reason:
                self.problem(rule, str(reason))
            except _Leaves as leaving:
                yield from self._gone_to(rule, leaving, rules[number + 1 :], chain)
                return

    def _gone_to(self, rule: Rule, leaving: _Leaves, behind: Sequence[Rule], chain: str) -> Iterator[Rule]:
        """A rule that leaves its chain, which it could not from one below: so it is gone to, and so is what follows."""
        end: tuple[Rule, ...] = ()
        if behind:
            # Made later: there may be thousands of them, one behind the other.
            name = self.fresh(chain)
            self.behind.append((name, behind, rule))
            end = (Rule((), Goto(name), (), self.policy, rule.origin),)
        inside = self._below(chain, (*leaving.rest, *end), rule)
        yield Rule(leaving.matches, Goto(inside), (), rule.families, rule.origin)
        yield from end

    def _fitting(self, rule: Rule, chain: str) -> tuple[Rule, ...]:
        """The rules that stand where the rule stood in ``chain``.

        Raises:
            Unsayable: there are no such rules.
            _Leaves: they would have to leave a chain below.
        """
        if any(isinstance(one, Native) for one in rule.statements):
            return (rule,)
        slots = sort(rule.matches, rule.families)
        if slots.never:
            self.lost(rule)
            return ()
        if slots.left:
            return self._apart(rule, slots, chain)
        at = in_one_rule(slots.counted)
        if at < len(slots.counted):
            first = (*slots.stateless, *slots.counted[:at])
            return (
                self._jump(rule, first, replace(rule, matches=self._again(rule, slots, slots.counted[at:])), chain),
            )
        matches = (*slots.stateless, *slots.counted)
        runs = list(_runs(rule.statements))
        if len(runs) < 2:
            return (replace(rule, matches=matches),)
        if not slots.counted and not any(map(_is_seen, rule.statements)):
            parts = [replace(rule, matches=matches, statements=run, verdict=None) for run in runs]
            return (*parts[:-1], replace(parts[-1], verdict=rule.verdict))
        again = _services(rule, slots)
        below = [replace(rule, matches=again, statements=run, verdict=None) for run in runs]
        return (self._jump(rule, matches, (*below[:-1], replace(below[-1], verdict=rule.verdict)), chain),)

    def _apart(self, rule: Rule, slots: Slots, chain: str) -> tuple[Rule, ...]:
        """What has no place: a question to a concatenation as a map of its verdict, or in a chain below."""
        first, *more = slots.left
        for match in slots.left:
            if isinstance(match, SetMatch) and not (len(match.key) == 1 and isinstance(match.key[0], Side)):
                raise Unsayable(f"the set `{match.set_name}` has other keys than single addresses")
        match first:
            case ElementMatch(key, elements, negated=False) if not more and not slots.counted and not rule.statements:
                if isinstance(rule.verdict, _MAPPED):
                    # What is in none of the elements goes on, as with the match.
                    mapped = VerdictMap(key, tuple((one, rule.verdict) for one in elements))
                    return (replace(rule, matches=slots.stateless, verdict=mapped),)
            case _:
                pass
        rest = (*slots.left, *slots.counted)
        match first:
            case ElementMatch():
                return (self._elements(rule, slots, first, rest[1:], chain),)
            case _:
                inner = replace(rule, matches=self._again(rule, slots, rest))
                return (self._jump(rule, slots.stateless, inner, chain),)

    def _elements(self, rule: Rule, slots: Slots, match: ElementMatch, rest: tuple[Match, ...], chain: str) -> Rule:
        """The rule, where a packet is in an element or, negated, in none: what else it asks and does stands below."""
        inner = replace(rule, matches=self._again(rule, slots, rest))
        if not match.negated:
            if leaves(rule.verdict):
                raise Unsayable("it asks for a concatenation, and does more than leave its chain")
            below = self._below(chain, (inner,), rule)
            mapped = VerdictMap(match.key, tuple((one, Jump(below)) for one in match.elements))
            return replace(rule, matches=slots.stateless, statements=(), verdict=mapped)
        with_ports = slots.service is not None and all(one.protocol in PORT_PROTOCOLS for one in slots.service.terms)
        # A packet that lacks a part of the key is in no element either, and is not meant.
        if not all(_always_there(part, with_ports) for part in match.key):
            raise Unsayable("it asks that a packet is in none of several concatenations, of which it may lack a part")
        mapped = VerdictMap(match.key, tuple((one, Return()) for one in match.elements))
        first = Rule((slots.service,) if slots.service else (), mapped, (), rule.families, rule.origin)
        return self._jump(rule, slots.stateless, (first, inner), chain)

    def _jump(self, rule: Rule, matches: tuple[Match, ...], inner: Rule | tuple[Rule, ...], chain: str) -> Rule:
        rules = (inner,) if isinstance(inner, Rule) else inner
        if leaves(rule.verdict):
            raise _Leaves(matches, rules)
        return Rule(matches, Jump(self._below(chain, rules, rule)), (), rule.families, rule.origin)

    def _below(self, chain: str, rules: Iterable[Rule], rule: Rule) -> str:
        """A new chain, to which no packets come but those of ``rule``; its rules are reshaped in turn."""
        name = self.fresh(chain)
        position = len(self.chains)
        found = tuple(self.reshape([self.widened(one) for one in rules], name))
        self.chains.insert(position, RegularChain(name, found, rule.origin))
        return name

    def _again(self, rule: Rule, slots: Slots, rest: Iterable[Match]) -> tuple[Match, ...]:
        rest = tuple(rest)
        asks_ports = any(
            part.field in (KeyField.SPORT, KeyField.DPORT)
            for one in rest
            if isinstance(one, Limit | Connections)
            for part in one.key
        ) or any(isinstance(one, ElementMatch) and not _PORTS.isdisjoint(one.key) for one in rest)
        return (*_services(rule, slots, needed=asks_ports), *rest)


def _always_there(part: object, ports: bool) -> bool:
    match part:
        case Side():
            return True
        case Transport.PROTOCOL:
            return True
        case Transport():
            return ports
        case _:
            return False


def _services(rule: Rule, slots: Slots, *, needed: bool = False) -> tuple[Match, ...]:
    """The service again, for a part of a rule that needs one beside it: targets look at each rule alone."""
    match rule.verdict:
        case Nat(ports=ports):
            needed |= ports is not None
        case NatMap():
            needed = True
        case VerdictMap(key=key):
            needed |= Transport.SPORT in key or Transport.DPORT in key
        case Reject(RejectType.TCP_RESET):
            needed = True
        case _:
            pass
    needed |= any(
        isinstance(one, AssignHelper | AssignTimeout | ClampMss | StripTcpOptions | Synproxy | Tproxy | MapMark)
        for one in rule.statements
    )
    return (slots.service,) if needed and slots.service else ()


_ORDER: dict[type[Statement], int] = {
    AssignHelper: 0, UpdateSet: 1, Trace: 2, Counter: 3, Notrack: 5, AssignZone: 6, SetMark: 7, CopyMark: 7,
    SetPriority: 9, SetDscp: 10, ClampMss: 11, StripTcpOptions: 12, Synproxy: 13, AssignTimeout: 14, Offload: 15,
    Log: 16, Tproxy: 17, SetHops: 18, Duplicate: 19, MapMark: 20, OpaqueStatement: 22,
}  # fmt: skip
"""The order in which a rule of a policy does things, however it is written (``polc/policy/lower``)."""
_BREAKS = (UpdateSet, MapMark, OpaqueStatement)
"""After these a rule may be over."""
_SHOWS = (Log, Duplicate)
_CHANGES = (SetMark, CopyMark, SetDscp, SetHops, ClampMss, StripTcpOptions, SetPriority, MapMark)


def _place(one: Statement) -> int:
    match one:
        case Counter(name=str()):
            return 4
        case SetMark(MarkField.CT):
            return 8
        case MapMark(MarkField.CT):
            return 21
        case _:
            return _ORDER[type(one)]


def _clause(one: Statement) -> object:
    """What of a rule the statement is, which it has once."""
    match one:
        case SetMark(MarkField.META) | CopyMark() | MapMark(MarkField.META):
            return "mark"
        case SetMark() | MapMark():
            return "ct mark"
        case Counter(name):
            return "counter" if name is None else "count"
        case _:
            return type(one)


def _runs(statements: tuple[Statement, ...]) -> Iterable[tuple[Statement, ...]]:
    """The statements in parts that a rule can do in the order in which it does things."""
    run: list[Statement] = []
    for one in statements:
        if any(_clause(one) == _clause(other) or (_later(other, one) and not _commute(one, other)) for other in run):
            yield tuple(run)
            run = []
        run.append(one)
    yield tuple(run)


def _later(one: Statement, other: Statement) -> bool:
    return _place(one) > _place(other)


def _commute(one: Statement, other: Statement) -> bool:
    for first, second in ((one, other), (other, one)):
        if isinstance(first, _BREAKS) or (isinstance(first, _SHOWS) and isinstance(second, _CHANGES)):
            return False
        if isinstance(first, CopyMark) and isinstance(second, SetMark | MapMark | CopyMark):
            return False
    return True


def _is_seen(statement: Statement) -> bool:
    """Whether a rule that is asked again after it may get another answer."""
    return isinstance(statement, (*_CHANGES, *_BREAKS))
