"""One rule of the IR as lines of iptables.

iptables has one target a rule and matches without memory of their own, so a rule may take several lines.
Lines that stand side by side repeat the stateless matches: a packet cannot change between them, so they
hold on both or on none. A match that changes state (a limit, a hit count) is asked on exactly one line;
where more than one line depends on it, that line jumps to a chain with the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from polc.backends.cascade import NeedsChain, cascade
from polc.backends.iptables.extensions import comment, recent, registry, service
from polc.backends.iptables.extensions.words import Context, Difference, Piece, Refused, Words
from polc.ir.matches import STATEFUL, Match, ServiceMatch
from polc.ir.protocols import PORT_PROTOCOLS, TCP
from polc.ir.ruleset import Rule
from polc.ir.stateful import Hits
from polc.ir.statements import AssignHelper
from polc.ir.verdicts import Goto, Nat, Reject, RejectType, Return


@dataclass(slots=True)
class Lines:
    """``own`` stand where the rule stood, ``chains`` come along by name; each line lacks its ``-A CHAIN``."""

    own: list[str] = field(default_factory=list)
    chains: dict[str, list[str]] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Target:
    """``text`` is ``-j ...``; ``protocols``: a rule that holds it must name one of them (empty: any rule may)."""

    text: str
    protocols: tuple[int, ...] = ()


def lower(rule: Rule, context: Context, fresh: Callable[[], str]) -> Lines:
    """The lines of ``rule`` in one family's file; ``fresh`` gives unused chain names.

    Raises:
        Refused: iptables cannot say it.
    """
    bound = _bound(rule)
    lines = Lines()
    try:
        cascaded = cascade(rule, lambda match: registry.split(match, context.family), fresh)
        writer = _Writer(context, fresh, lines)
        for one in cascaded.rules:
            lines.own += writer.rule(one, bound)
        for chain in cascaded.chains:
            written: list[str] = []
            for one in chain.rules:
                written += writer.rule(one, bound)
            lines.chains[chain.name] = written
    except NeedsChain:
        raise Refused(
            "leaves-chain",
            "it takes a chain of its own, out of which `return` and `goto` cannot lead",
            "split it into rules that each name one address, interface or service, and no limit",
        ) from None
    return lines


def _targets(rule: Rule, bound: tuple[int, ...], context: Context) -> list[_Target]:
    found: list[_Target] = []
    for statement in rule.statements:
        text = registry.statement(statement)
        if text is not None:
            found.append(_Target(text, (statement.protocol,) if isinstance(statement, AssignHelper) else ()))
    if rule.verdict is not None:
        only = bound if isinstance(rule.verdict, Reject | Nat) else ()
        found.append(_Target(registry.verdict(rule.verdict, context.family), only))
    return found


def _bound(rule: Rule) -> tuple[int, ...]:
    """The protocols of which a rule with this verdict must name one, where the kernel insists."""
    services = [match for match in rule.matches if isinstance(match, ServiceMatch)]
    named = [{term.protocol for term in match.terms} for match in services]
    protocols = tuple(sorted(set.intersection(*named))) if named else ()
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
        plain = [match for match in rule.matches if not isinstance(match, STATEFUL)]
        held = [piece for match in plain for piece in self._words(match)]
        named = any(isinstance(match, ServiceMatch) for match in plain)
        targets = _per_protocol(_targets(rule, bound, self.context), named)
        origin = comment.pieces(rule.origin)
        leaves = isinstance(rule.verdict, Return | Goto)
        return self._lines(held, stateful, targets, origin, leaves)

    def _lines(
        self, held: list[Piece], stateful: list[Match], targets: list[_Target], origin: tuple[Piece, ...], leaves: bool
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
        if counted and len(targets) > 1:
            return [*written, self._jump(held, [], targets, origin, leaves)]
        if not targets:
            return [*written, _text([*held, *origin])]
        return [
            *written,
            *(_text([*held, *map(service.protocol, one.protocols), *origin], one.text) for one in targets),
        ]

    def _jump(
        self, held: list[Piece], rest: list[Match], targets: list[_Target], origin: tuple[Piece, ...], leaves: bool
    ) -> str:
        if leaves:
            raise NeedsChain
        name = self.fresh()
        self.lines.chains[name] = []
        self.lines.chains[name] += self._lines([], rest, targets, origin, leaves)
        return _text([*held, *origin], f"-j {name}")

    def _words(self, match: Match) -> tuple[Piece, ...]:
        found: Words = registry.words(match, self.context)
        self.lines.differences += found.differences
        return found.pieces


def _per_protocol(targets: list[_Target], named: bool) -> list[_Target]:
    """Each target once for each protocol that its line must name; none where the line names one already."""
    if named:
        return [replace(one, protocols=()) for one in targets]
    split: list[_Target] = []
    for one in targets:
        split += [replace(one, protocols=(number,)) for number in one.protocols] or [one]
    return split


def _text(pieces: list[Piece], target: str = "") -> str:
    words = [piece.text for piece in sorted(pieces, key=lambda piece: piece.rank) if piece.text]
    return " ".join((*words, target) if target else words)
