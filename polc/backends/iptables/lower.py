"""One rule of the IR as lines of iptables.

iptables has one target a rule and matches without memory of their own, so a rule may take several lines.
Lines that stand side by side repeat the stateless matches: a packet cannot change between them, so they
hold on both or on none. A match that changes state (a limit, a hit count) is asked on exactly one line;
where more than one line depends on it, that line jumps to a chain with the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from polc.backends.cascade import NeedsChain, cascade
from polc.backends.iptables.disturb import changes_on_the_way, disturbs
from polc.backends.iptables.extensions import comment, ct, recent, registry, rewriting, service, tcpflags
from polc.backends.iptables.extensions.context import Context
from polc.backends.iptables.extensions.joined import joined
from polc.backends.iptables.extensions.words import Difference, Piece, Rank, Refused, Target, Words, leaving_chain
from polc.ir.matches import STATEFUL, Match, ServiceMatch
from polc.ir.protocols import PORT_PROTOCOLS, PROTOCOL_NAMES, TCP, UDP
from polc.ir.ruleset import Rule
from polc.ir.stateful import Hits
from polc.ir.statements import (
    AssignHelper,
    AssignZone,
    ClampMss,
    Counter,
    MarkField,
    SetMark,
    Statement,
    StripTcpOptions,
    Synproxy,
    Tproxy,
)
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Nat, Reject, RejectType, Return
from polc.ir.verdicts import leaves as leaves_chain

_STATEMENT_PROTOCOLS: dict[type[Statement], frozenset[int]] = {
    ClampMss: frozenset({TCP}),
    StripTcpOptions: frozenset({TCP}),
    Synproxy: frozenset({TCP}),
    Tproxy: frozenset({TCP, UDP}),
}


@dataclass(slots=True)
class Lines:
    """``own`` stand where the rule stood, ``chains`` come along by name; each line lacks its ``-A CHAIN``."""

    own: list[str] = field(default_factory=list)
    chains: dict[str, list[str]] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)

    def add(self, other: Lines) -> None:
        self.own += other.own
        self.chains |= other.chains
        self.differences += other.differences

    def all(self) -> Iterator[str]:
        yield from self.own
        for lines in self.chains.values():
            yield from lines


def lower(rule: Rule, context: Context, fresh: Callable[[], str]) -> Lines:
    """The lines of ``rule`` in one family's file; ``fresh`` gives unused chain names.

    Raises:
        Refused: iptables cannot say it.
    """
    bound = _bound(rule)
    lines = Lines()
    disturbed = tuple(match for match in rule.matches if any(disturbs(one, match) for one in rule.statements))
    repeated = tuple(
        match
        for match in rule.matches
        if (match in disturbed or changes_on_the_way(rule.verdict, match)) and not registry.split(match, context).single
    )
    # A counter is no line of its own: each line has one.
    effects = sum(not isinstance(one, Counter) for one in rule.statements)
    try:
        if repeated and not isinstance(rule.verdict, Accept | Drop | Reject | Return | Goto):
            rule = _once(rule, repeated, bound, _Writer(context, fresh, lines))
        elif disturbed and (rule.verdict is not None or effects > 1):
            if leaves_chain(rule.verdict):
                raise NeedsChain
            # Its own chain: what the first line does there, the second does not ask about any more.
            name = fresh()
            inner = replace(rule, matches=())
            lines.chains[name] = _Writer(context, fresh, lines).rule(inner, bound)
            rule = replace(rule, statements=(), verdict=Jump(name))
        cascaded = cascade(rule, lambda match: registry.split(match, context), fresh)
        writer = _Writer(context, fresh, lines)
        for one in cascaded.rules:
            lines.own += writer.rule(one, bound)
        for chain in cascaded.chains:
            written: list[str] = []
            for one in chain.rules:
                written += writer.rule(one, bound)
            lines.chains[chain.name] = written
    except NeedsChain:
        raise leaving_chain("rules that each name one address, interface or service, and no limit") from None
    return lines


def _once(rule: Rule, repeated: tuple[Match, ...], bound: tuple[int, ...], writer: _Writer) -> Rule:
    """A packet that comes back from one alternative must not meet the next one, changed as it is: the alternatives
    stand in a chain of their own and go to what the rule does, whose end is the end of that chain.
    """
    done, ways = writer.fresh(), writer.fresh()
    stateful = tuple(match for match in rule.matches if isinstance(match, STATEFUL))
    writer.lines.chains[done] = writer.rule(replace(rule, matches=stateful), bound)
    asks = replace(rule, matches=repeated, statements=(), verdict=Goto(done))
    found = cascade(asks, lambda match: registry.split(match, writer.context), writer.fresh)
    writer.lines.chains[ways] = [line for one in found.rules for line in writer.rule(one, ())]
    left = tuple(match for match in rule.matches if match not in repeated and match not in stateful)
    return replace(rule, matches=left, statements=(), verdict=Jump(ways))


def _targets(rule: Rule, bound: tuple[int, ...], context: Context) -> list[Target]:
    found: list[Target] = []
    left = list(rule.statements)
    if rule.verdict != Accept() and any(isinstance(one, Tproxy) for one in left):
        # net/netfilter/xt_TPROXY.c, tproxy_tg4
        raise Refused("tproxy-verdict", "what a transparent socket takes is accepted by `-j TPROXY` itself")
    while left:
        match left:
            case [AssignHelper() as helper, AssignZone() as zone, *left] | [
                AssignZone() as zone,
                AssignHelper() as helper,
                *left,
            ]:
                # The first `-j CT` that a packet meets decides: both in one.
                found.append(Target(ct.target(helper, zone), (helper.protocol,)))
            case [SetMark(field=MarkField.META) as mark, Tproxy() as proxy] if rule.verdict == Accept():
                # Whoever it takes is accepted, with that mark, and all others are dropped.
                return [*found, rewriting.tproxy(proxy, context.family, mark)]
            case [statement, *left]:
                target = registry.statement(statement, context)
                if target is not None:
                    found.append(target)
    if rule.verdict is not None:
        only = bound if isinstance(rule.verdict, Reject | Nat) else ()
        found.append(Target(registry.verdict(rule.verdict, context.family), only))
    return found


def _bound(rule: Rule) -> tuple[int, ...]:
    """The protocols of which a rule with this verdict must name one, where the kernel insists."""
    services = [match for match in rule.matches if isinstance(match, ServiceMatch)]
    named = [{term.protocol for term in match.terms} for match in services]
    protocols = tuple(sorted(set.intersection(*named))) if named else ()
    for statement in rule.statements:
        takes = _STATEMENT_PROTOCOLS.get(type(statement))
        if isinstance(statement, AssignHelper):
            takes = frozenset({statement.protocol})
        if takes is not None and named and not all(takes.issuperset(one) for one in named):
            words = " or ".join(PROTOCOL_NAMES.get(one, str(one)) for one in sorted(takes))
            raise Refused(
                "statement-protocol", f"what it does is for {words} alone", f"name only {words} services in the rule"
            )
    match rule.verdict:
        case Reject(RejectType.TCP_RESET):
            if protocols != (TCP,):
                raise Refused("reset-protocol", "only TCP can be reset", "name a tcp service in the rule")
            return protocols
        case Nat(ports=ports) if ports is not None:
            if not protocols or not PORT_PROTOCOLS.issuperset(protocols):
                raise Refused("nat-protocol", "a new port needs a protocol that has ports", "name a tcp or udp service")
            return protocols
        case _:
            return ()


@dataclass(frozen=True, slots=True)
class _Writer:
    context: Context
    fresh: Callable[[], str]
    lines: Lines

    def rule(self, rule: Rule, bound: tuple[int, ...]) -> list[str]:
        """The lines of a rule that ``cascade`` gave; ``bound`` are the protocols that its verdict must have named."""
        stateful: list[Match] = [match for match in rule.matches if isinstance(match, STATEFUL)]
        plain: list[Match] = [match for match in rule.matches if not isinstance(match, STATEFUL)]
        held = list(dict.fromkeys(piece for match in plain for piece in self._words(match)))
        protocols = [piece for piece in held if piece.rank is Rank.PROTOCOL]
        if len(protocols) > 1:
            # No packet is of two protocols: this line of the rule would hold for none.
            return []
        targets = _per_protocol(_targets(rule, bound, self.context), _protocols(plain) if protocols else None)
        origin = comment.pieces(rule.origin)
        leaves = leaves_chain(rule.verdict)
        return self._lines(held, stateful, targets, origin, leaves)

    def _lines(
        self, held: list[Piece], stateful: list[Match], targets: list[Target], origin: tuple[Piece, ...], leaves: bool
    ) -> list[str]:
        written: list[str] = []
        counted = False
        for position, match in enumerate(stateful):
            if isinstance(match, Hits):
                if counted:
                    rest = stateful[position:]
                    return [*written, self._jump(held, rest, targets, origin, leaves)]
                record = recent.record(match, self.context).pieces
                written.append(_text([*held, *record, *origin]))
            held = [*held, *self._words(match)]
            counted = True
        asks = tcpflags.asks_flags(held) or counted
        if (counted and len(targets) > 1) or (asks and any(one.pieces for one in targets)):
            return [*written, self._jump(held, [], targets, origin, leaves)]
        if not targets:
            return [*written, _text([*held, *origin])]
        named = any(piece.rank is Rank.PROTOCOL for piece in held)
        return [
            *written,
            *(
                _text([*held, *map(service.protocol, () if named else one.protocols), *one.pieces, *origin], one.text)
                for one in targets
            ),
        ]

    def _jump(
        self, held: list[Piece], rest: list[Match], targets: list[Target], origin: tuple[Piece, ...], leaves: bool
    ) -> str:
        if leaves:
            raise NeedsChain
        name = self.fresh()
        self.lines.chains[name] = []
        # The chain's lines name no protocol yet, and what a target asks by itself is asked of TCP.
        inner = [replace(one, protocols=(TCP,)) if one.pieces else one for one in targets]
        self.lines.chains[name] += self._lines([], rest, inner, origin, leaves)
        return _text([*held, *origin], f"-j {name}")

    def _words(self, match: Match) -> tuple[Piece, ...]:
        found: Words = registry.words(match, self.context)
        self.lines.differences += found.differences
        return found.pieces


def _protocols(plain: list[Match]) -> frozenset[int]:
    """Those of all services that a line asks for."""
    services = [match for match in plain if isinstance(match, ServiceMatch)]
    return frozenset.intersection(*(frozenset(term.protocol for term in one.terms) for one in services or [_NONE]))


_NONE = ServiceMatch(())


def _per_protocol(targets: list[Target], named: frozenset[int] | None) -> list[Target]:
    """Each target once for each protocol that its line must name, which is one of those that are ``named`` already."""
    if named is not None:
        return [replace(one, protocols=tuple(sorted(named.intersection(one.protocols)))) for one in targets]
    split: list[Target] = []
    for one in targets:
        split += [replace(one, protocols=(number,)) for number in one.protocols] or [one]
    return split


def _text(pieces: list[Piece], target: str = "") -> str:
    words = [
        piece.text for piece in sorted(joined(tcpflags.joined(pieces)), key=lambda piece: piece.rank) if piece.text
    ]
    return " ".join((*words, target) if target else words)
