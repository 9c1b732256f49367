"""One rule of nft as the rules of the IR that together mean it.

A rule of nft is a sequence: what is asked, counted and done stands in it in any order. A rule of the IR asks first,
what keeps state last, then does, then decides. Where the order is another, what follows goes into a chain of its own:
it is come to by those packets alone that came so far.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from polc.importers.nft_json.context import Context
from polc.importers.nft_json.demands import ANY, FLOW_PORTS, NOTHING, Condition, Demand, Transport, fits, service
from polc.importers.nft_json.pieces import Ask, Choice, Counted, Effect, End, Piece
from polc.ir.family import BOTH, Family
from polc.ir.matches import FieldMatch, FlagField, FlagsMatch, Match, OpaqueMatch, Syntax, protocol_of
from polc.ir.origin import Origin
from polc.ir.protocols import TCP
from polc.ir.ruleset import RegularChain, Rule
from polc.ir.stateful import Connections, Limit, Quota, RandomMatch
from polc.ir.statements import ClampMss, Counter, Log, OpaqueStatement, Statement, StripTcpOptions, Synproxy, Tproxy
from polc.ir.verdicts import Goto, Jump, Nat, NatMap, Reject, Verdict, leaves

_SYN = 0x02
_SHARED = "state that packets of both families share, which the IR keeps for each"
_CLAMP = "a change of the segment size of what is no SYN, or with something behind it"


_MANY = "too many types and codes at once"
_CONDITIONS = {
    Condition.PORTS: "ports of what may be no transport protocol with ports",
    Condition.TCP: "a TCP option that is missing from what may be no TCP",
    Condition.TYPES: "a code of ICMP without its type",
}


@dataclass(slots=True)
class _Segment:
    """A part of a rule in the order of the IR."""

    asks: list[Demand] = field(default_factory=list)
    counted: list[Counted] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    end: Verdict | Choice | None = None

    @property
    def does_nothing(self) -> bool:
        return not self.counted and not self.effects and self.end is None

    @property
    def repeatable(self) -> bool:
        """Whether the packets that came through can be told once more, and went on all of them."""
        return not self.counted and all(isinstance(one.statement, Counter | Log) for one in self.effects)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a packet at some place of a rule."""

    families: frozenset[Family]
    transport: Transport = ANY
    tcp: bool = False
    syn: bool = False

    def implies(self, demand: Demand) -> bool:
        return (
            not demand.matches
            and demand.condition is None
            and self.families <= demand.families
            and self.transport.meet(demand.transport) == self.transport
        )

    def after(self, demand: Demand) -> _Known:
        met = demand.met_by(self.transport, tcp=self.tcp)
        return _Known(
            self.families & demand.families,
            self.transport.meet(demand.transport) if met else self.transport,
            self.tcp or (met and any(protocol_of(match) == TCP for match in demand.matches)),
            self.syn or any(_of_syn(match) for match in demand.matches),
        )


def _of_syn(match: Match) -> bool:
    match match:
        case FlagsMatch(FlagField.TCP_FLAGS, mask, value, False):
            return bool(mask & value & _SYN)
        case FlagsMatch(FlagField.TCP_FLAGS, mask, 0, True):
            return mask == _SYN
        case _:
            return False


class NeverError(Exception):
    """No packet comes to the rest of the rule."""


def _segments(pieces: Sequence[Piece], context: Context) -> list[_Segment]:
    """The parts, in their order; what is asked for what a statement needs stands before it, unless it is known.

    Raises:
        NeverError: something follows a verdict.
    """
    found = [_Segment()]
    known = _Known(context.families)

    def ask(demand: Demand) -> None:
        nonlocal known
        if demand is NOTHING or known.implies(demand):
            return
        if demand.elsewhere and not known.families & demand.families:
            demand = Demand(demand.elsewhere)
        now = found[-1]
        counts = any(not isinstance(one.match, RandomMatch) for one in now.counted)
        if counts and not now.effects and _is_opaque(demand):
            # It stands among those that keep state anyway.
            now.counted += (Counted(match) for match in demand.matches)
            return
        if now.effects or counts:
            found.append(_Segment())
        found[-1].asks.append(demand)
        known = known.after(demand)

    for position, given in enumerate(pieces):
        piece = given if isinstance(given, Ask | Choice) else _settled(given, known, context)
        match piece:
            case Ask(demand):
                ask(demand)
            case Counted(demand=demand):
                ask(demand)
                if found[-1].effects:
                    found.append(_Segment())
                found[-1].counted.append(piece)
            case Effect(statement, demand):
                # For others it does nothing, and nothing follows.
                if not (isinstance(statement, StripTcpOptions) and position + 1 == len(pieces)):
                    ask(demand)
                found[-1].effects.append(piece)
            case End(verdict, demand):
                ask(demand)
                found[-1].end = verdict
            case Choice():
                if found[-1].counted or found[-1].effects:
                    found.append(_Segment())
                found[-1].end = piece
        if found[-1].end is not None and position + 1 < len(pieces):
            raise NeverError
    return found[:-1] if len(found) > 1 and found[-1].does_nothing else found


def _settled(piece: Counted | Effect | End, known: _Known, context: Context) -> Counted | Effect | End:
    """A statement whose condition is seen to hold, or is left in nft's words."""
    demand = piece.demand
    if demand.condition is None:
        return piece
    if demand.met_by(known.transport, tcp=known.tcp):
        return replace(piece, demand=replace(demand, condition=None))
    context.need(json.loads(piece.words))
    reason = _CONDITIONS[demand.condition]
    if isinstance(piece, Counted):
        return Counted(OpaqueMatch(piece.words, Syntax.NFT_JSON, reason), words=piece.words)
    return Effect(OpaqueStatement(piece.words, Syntax.NFT_JSON, reason), words=piece.words)


def _is_opaque(demand: Demand) -> bool:
    """Whether all that it asks is a match in nft's words."""
    alone = demand.transport == ANY and demand.families == BOTH and demand.condition is None
    return alone and bool(demand.matches) and all(isinstance(match, OpaqueMatch) for match in demand.matches)


def _hoisted(pieces: Sequence[Piece]) -> Sequence[Piece]:
    """nft itself asks at the very beginning for what a reject needs (nftables, src/evaluate.c)."""
    asked = [Ask(one.demand) for one in pieces if isinstance(one, End) and isinstance(one.verdict, Reject)]
    return [*asked, *pieces] if asked else pieces


@dataclass(slots=True)
class ChainWriter:
    """Writes the rules of the chain ``name``; ``place`` is where the next goes, ``chains`` come along."""

    context: Context
    name: str
    rules: list[Rule] = field(default_factory=list)
    chains: dict[str, tuple[list[Rule], Origin]] = field(default_factory=dict)
    place: list[Rule] = field(init=False)

    def __post_init__(self) -> None:
        self.place = self.rules

    def write(self, pieces: Sequence[Piece], origin: Origin, *, last: bool) -> None:
        """Add what the pieces of one rule mean; ``last``: no rule follows.

        Raises:
            NeverError: no packet comes to some part of it; what comes before is added.
        """
        segments = _segments(_hoisted(pieces), self.context)
        writer = _RuleWriter(self, origin)
        if len(segments) > 1 and _leaves(segments[-1].end):
            # It leaves this chain, which it could not from one below: so it is gone to, and so are the rules behind.
            follow = "" if last else self.fresh()
            try:
                writer.lay(segments, _Known(self.context.families), self.place, follow)
            finally:
                if follow:
                    self.place.append(Rule((), Goto(follow), (), self.context.families, origin))
                    self.place = self.open(follow, origin)
        else:
            writer.lay(segments, _Known(self.context.families), self.place, None)

    def fresh(self) -> str:
        return self.context.chain_names.like(f"{self.name}-{len(self.place) + 1}")

    def open(self, name: str, origin: Origin) -> list[Rule]:
        """A chain that comes along."""
        self.chains[name] = ([], origin)
        return self.chains[name][0]

    def regular_chains(self) -> tuple[RegularChain, ...]:
        return tuple(RegularChain(name, tuple(rules), origin) for name, (rules, origin) in self.chains.items())


def _leaves(end: Verdict | Choice | None) -> bool:
    if isinstance(end, Choice):
        return any(leaves(verdict) for _, verdict in end.options)
    return leaves(end)


@dataclass(frozen=True, slots=True)
class _RuleWriter:
    chain: ChainWriter
    origin: Origin

    def lay(self, segments: Sequence[_Segment], known: _Known, place: list[Rule], follow: str | None) -> None:
        """Write segments to ``place``. ``follow`` None: chains below are jumped to; else they are gone to, and go on in
        the chain of that name, or, where it is empty, end.
        """
        first, *rest = segments
        if not rest:
            self._end(first, known, place)
        elif first.repeatable:
            place.append(self._rule(first, known, None)[0])
            merged = replace(rest[0], asks=[*first.asks, *rest[0].asks])
            self.lay([merged, *rest[1:]], known, place, follow)
        else:
            name = self.chain.fresh()
            rule, after = self._rule(first, known, Jump(name) if follow is None else Goto(name))
            place.append(rule)
            below = self.chain.open(name, self.origin)
            try:
                self.lay(rest, after, below, follow)
            finally:
                if follow:
                    below.append(Rule((), Goto(follow), (), after.families, self.origin))

    def _end(self, segment: _Segment, known: _Known, place: list[Rule]) -> None:
        if isinstance(segment.end, Choice):
            self._choose(segment.asks, segment.end, known, place)
        else:
            place.append(self._rule(segment, known, segment.end)[0])

    def _choose(self, asks: list[Demand], choice: Choice, known: _Known, place: list[Rule]) -> None:
        """A rule for each option. A chain that a packet comes back from must not lead it to the next option: one such
        stands last, several are gone to from a chain that is jumped to.
        """
        jumps: list[Rule] = []
        for demand, verdict in choice.options:
            try:
                matches, after = self._asked([*asks, demand], known, transport=False)
            except NeverError:
                continue
            rule = Rule(matches, verdict, (), after.families, self.origin)
            (jumps if isinstance(verdict, Jump) else place).append(rule)
        if len(jumps) < 2:
            place += jumps
            return
        name = self.chain.fresh()
        matches, after = self._asked(asks, known, transport=False)
        place.append(Rule(matches, Jump(name), (), after.families, self.origin))
        self.chain.open(name, self.origin).extend(
            replace(rule, verdict=Goto(rule.verdict.chain)) for rule in jumps if isinstance(rule.verdict, Jump)
        )

    def _rule(self, segment: _Segment, known: _Known, verdict: Verdict | None) -> tuple[Rule, _Known]:
        """The rule of a segment that ends so, and what is known behind it."""
        statements = [one.statement for one in segment.effects]
        of_ports = any(isinstance(one, Synproxy | Tproxy) for one in statements) or isinstance(verdict, Nat | NatMap)
        matches, after = self._asked(segment.asks, known, transport=of_ports)
        for position, one in enumerate(segment.effects):
            if isinstance(one.statement, ClampMss):
                behind = position + 1 < len(segment.effects) or verdict is not None
                statements[position] = self._clamp(one, after, behind=behind)
        counted = tuple(self._counted(one, after) for one in segment.counted)
        return Rule((*matches, *counted), verdict, tuple(statements), after.families, self.origin), after

    def _clamp(self, effect: Effect, known: _Known, *, behind: bool) -> Statement:
        if known.syn and not behind:
            return effect.statement
        return OpaqueStatement(effect.words, Syntax.NFT_JSON, _CLAMP)

    def _counted(self, one: Counted, known: _Known) -> Match:
        match one.match:
            case RandomMatch() | OpaqueMatch():
                return one.match
            case Limit() | Quota() | Connections() if len(known.families) > 1 and self.chain.context.layer3:
                return replace(one.match, both=True)
            case found if len(known.families) == 1:
                return found
            case _:
                return self._opaque(one.words, _SHARED)

    def _opaque(self, words: str, reason: str) -> OpaqueMatch:
        self.chain.context.need(json.loads(words))
        return OpaqueMatch(words, Syntax.NFT_JSON, reason)

    def _asked(self, asks: list[Demand], known: _Known, *, transport: bool) -> tuple[tuple[Match, ...], _Known]:
        """The matches, those in nft's words last, and what is known behind them.

        ``transport``: the rule has to name the transport protocol, where it is known.

        Raises:
            NeverError: no packet meets all of them.
        """
        after = known
        for one in asks:
            if one.condition is None:
                after = after.after(one)
        met = [one for one in asks if one.met_by(after.transport, tcp=after.tcp)]
        for one in met:
            after = after.after(one)
        if not after.families or after.transport.impossible:
            raise NeverError
        if not fits(after.transport):
            met = [one for one in met if one.transport.types is None and one.transport.codes is None]
        matches: list[Match] = []
        opaque: list[Match] = []
        named = False
        for one in asks:
            if one not in met:
                reason = _MANY if one.condition is None else _CONDITIONS[one.condition]
                opaque.append(self._opaque(one.words, reason))
                continue
            if _names_transport(one) and not named:
                named = True
                matches += _service(after)
            for match in one.matches:
                (opaque if isinstance(match, OpaqueMatch) else matches).append(match)
        if not named and (transport or any(isinstance(one, FieldMatch) and one.field in FLOW_PORTS for one in matches)):
            matches += _service(after)
        return (*matches, *opaque), after


def _service(known: _Known) -> tuple[Match, ...]:
    found = service(known.transport, known.families)
    return () if found is None else (found,)


def _names_transport(demand: Demand) -> bool:
    """Whether it asks for the transport header otherwise than by a field that is of one protocol anyway."""
    of_fields = bool(demand.matches) and all(protocol_of(one) is not None for one in demand.matches)
    return demand.transport != ANY and not of_fields
