"""Finds packets that a rule decides: put together from what it asks for, tried in the simulator, and led past the
rules that take them before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice

from polc.analysis.walk import Step
from polc.ir.family import Family
from polc.ir.fields import CT_STATUS_BITS, Field
from polc.ir.matches import (
    CtState,
    CtStateMatch,
    Direction,
    ElementMatch,
    FieldMatch,
    FlagField,
    FlagsMatch,
    InterfaceMatch,
    InterfacePattern,
    Match,
    SetMatch,
)
from polc.ir.ruleset import BaseChain, Hook, Rule, Ruleset
from polc.ir.selectors import Element
from polc.ir.stateful import Amount, Connections, EveryNth, Limit, RecentMatch, RecentVerb
from polc.ir.statements import AssignZone, Notrack, SetMark, Statement, Tproxy, UpdateSet
from polc.ir.verdicts import Nat, NatKind, NatMap, VerdictMap
from polc.kernel.stage.scene import FAR_MAC, macs
from polc.probing.bench import Bench, Trial
from polc.probing.build import build, holds
from polc.probing.edges import edges
from polc.probing.fit import misses, times_of
from polc.probing.found import Found, as_source, can_vary, in_a_row
from polc.probing.model import ONLY_KERNEL, Place
from polc.probing.paths import PATHS, Path
from polc.probing.real import answered, realised
from polc.probing.scenes import is_unicast
from polc.probing.tracking import tracks
from polc.simulate.outcome import Fate
from polc.simulate.packet import FRAGMENT, Packet

MOST_TIMES = 300
"""Packets in a row that a probe may take."""

_TRIES = 48
"""Packets tried for a rule on each path."""

_FEW_TRIES, _MOST_BEHIND = 6, 24
"""Packets tried for a rule together with another one, and how many others."""

_CHANGES = 12
"""Of one packet, how many others are made to get past what took it."""

_MARKS = frozenset({Field.META_MARK, Field.CT_MARK})
_FRAME = frozenset({Field.ETHER_SADDR, Field.ETHER_DADDR})

_DEEPEST = 3
_DNAT = CT_STATUS_BITS["dnat"]


@dataclass(slots=True)
class Search:
    """For one ruleset on a bench. ``steps`` are those of all its base chains. ``notes``: its rules fill sets;
    ``zoned``: they put flows into zones; ``counting``: what each rule that counts flows asks for besides; ``framed``:
    they ask for addresses of links; ``tracked``: whatever is loaded tracks connections; ``contents``: what is in
    sets in the beginning, by their names.
    """

    ruleset: Ruleset
    bench: Bench
    steps: Sequence[tuple[BaseChain, Step]]
    rules: dict[Place, Rule] = field(default_factory=dict)
    zoned: bool = False
    notes: bool = False
    counting: tuple[tuple[Match, ...], ...] = ()
    framed: bool = False
    tracked: bool = False
    contents: dict[str, tuple[Element, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rules = [rule for chain in self.ruleset.chains for rule in chain.rules]
        self.notes = any(isinstance(one, UpdateSet) for rule in rules for one in rule.statements)
        self.zoned = any(isinstance(one, AssignZone) for rule in rules for one in rule.statements)
        self.counting = tuple(
            tuple(one for one in rule.matches if not isinstance(one, Connections))
            for rule in rules
            if any(isinstance(one, Connections) for one in rule.matches)
        )
        self.tracked = any(tracks(one.ruleset) for one in self.bench.loaded)
        self.framed = any(_is_framed(one) for rule in rules for one in rule.matches)
        self.contents = {one.name: one.elements for one in self.ruleset.sets if one.elements}
        self.rules = {
            (chain.name, number): rule for chain in self.ruleset.chains for number, rule in enumerate(chain.rules)
        }

    def sendable(self, packet: Packet) -> Iterator[tuple[Packet, ...]]:
        """As ``realised``. Conntrack is not told of flows where rules put them into zones, or count them: they alone
        say in which, and how many. There flows have to be real. Where it tracks connections no rule sees a fragment.
        """
        if self.tracked and (packet.fragment or FRAGMENT in packet.headers):
            return
        if self.zoned and packet.presumed is not None and packet.presumed.state is CtState.ESTABLISHED:
            yield from answered(packet)
        for real in realised(packet):
            if not all(self._fits(one) for one in real):
                continue
            if not any(one.presumed and (self.zoned or self._is_counted(one)) for one in real):
                yield tuple(self._framed(one) for one in real) if self.framed else real

    def _is_counted(self, packet: Packet) -> bool:
        """Whether rules may count its flow. Of one that is told of its beginning was not counted."""
        return any(all(holds(one, packet) for one in matches) for matches in self.counting)

    def _fits(self, packet: Packet) -> bool:
        """Whether its first link takes it as it is (net/core/dev.c, is_skb_forwardable)."""
        name = packet.iif or packet.oif
        interface = self.bench.links.host.interface(name)
        return interface is None or packet.total_length <= interface.mtu

    def _framed(self, packet: Packet) -> Packet:
        """With the addresses of its link, where rules ask for them."""
        if not packet.iif:
            return packet
        own = macs(self.bench.links.host).get(packet.iif, "")
        plain = own and packet.pkttype is None and is_unicast(packet.family, packet.daddr)
        to = int(own.replace(":", ""), 16) if plain else None
        return replace(
            packet,
            mac=int(FAR_MAC.replace(":", ""), 16) if packet.mac is None else packet.mac,
            mac_to=to if packet.mac_to is None else packet.mac_to,
        )

    def telling(self, base: BaseChain, step: Step, serial: int, before: Sequence[Packet], most: int) -> Iterator[Found]:
        """Packets that meet the rule, and of which something else would become without it: those that also meet what
        rules behind it ask for, which do something else with them. ``before`` is what goes before them; ``most`` are
        looked for.
        """
        place = (step.chain, step.number)
        for other_base, other in self._behind(base, step):
            for path in PATHS[base.hook]:
                if path not in PATHS[other_base.hook]:
                    continue
                for family in sorted(step.whole.families & other.whole.families, key=lambda one: one.value):
                    matches = (*step.whole.matches, *other.whole.matches)
                    made = build(path, family, matches, self.bench.links, serial)
                    if made is None or not all(holds(one, made) for one in step.whole.matches):
                        continue
                    first = tuple(as_source(one, made) for one in before)
                    found = self._led(base, place, made, first, step.whole.matches, path, _FEW_TRIES)
                    if isinstance(found, Found) and self.bench.tells(found.packets, place):
                        yield found
                        most -= 1
                        if most <= 0:
                            return
                        break

    def noted(self, rule: Rule, packet: Packet, serial: int) -> Iterator[tuple[Packet, ...]]:
        """Packets by whose sender a rule does not ask for any more, before one that met it: another rule notes it."""
        for match in rule.matches:
            if isinstance(match, SetMatch) and match.negated:
                for base, other in self._steps_with(partial(_fills, match.set_name)):
                    first = self.decided(base, other, serial, _DEEPEST)
                    if isinstance(first, Found):
                        yield tuple(as_source(one, packet) for one in first.packets)

    def _behind(self, base: BaseChain, step: Step) -> Iterator[tuple[BaseChain, Step]]:
        """Rules that packets of this one may meet without it, and which decide something else: the nearest first."""
        verdict, here = step.rule.verdict, False
        left = _MOST_BEHIND
        for other_base, other in (*self.steps, *self.steps):
            if other.rule is step.rule:
                if here:
                    return
                here = True
            elif here and other.rule.verdict is not None and other.rule.verdict != verdict:
                left -= 1
                if left < 0:
                    return
                yield other_base, other

    def decided(self, base: BaseChain, step: Step, serial: int, depth: int = 0) -> Found | str:
        """Packets the last of which meets the rule; or why none was found. ``depth``: for how many other rules in turn
        this one is to do something.
        """
        place, reason = (step.chain, step.number), ""
        if isinstance(base, BaseChain) and base.devices:
            device = InterfaceMatch(
                Direction.OUT if base.hook is Hook.EGRESS else Direction.IN, (InterfacePattern(base.devices[0]),)
            )
            step = step._replace(rule=replace(step.rule, matches=(device, *step.rule.matches)))
        for path in PATHS[base.hook]:
            for family in sorted(step.whole.families, key=lambda one: one.value):
                for matches, before in self._wanted(step, family, serial, depth):
                    made = build(path, family, matches, self.bench.links, serial)
                    if made is None:
                        continue
                    before = tuple(as_source(one, made) for one in before)
                    found = self._led(base, place, made, before, matches, path)
                    if isinstance(found, Found):
                        return found
                    # The usual path comes first, and says most.
                    reason = reason or found
        return reason or "no packet can be made that is as it asks"

    def _wanted(
        self, step: Step, family: Family, serial: int, depth: int
    ) -> Iterator[tuple[Sequence[Match], tuple[Packet, ...]]]:
        """What is asked of the packet, with what it takes of other rules; and packets to be sent before it."""
        matches = step.whole.matches
        yield matches, ()
        members = [
            one for one in matches if isinstance(one, SetMatch) and not one.negated and one.set_name in self.contents
        ]
        if len(members) > 1:
            others = tuple(one for one in matches if one not in members)
            yield (*others, *(next(self.known(one)) for one in members)), ()
        for match in step.whole.matches if depth < _DEEPEST else ():
            match match:
                case CtStateMatch(states) if CtState.UNTRACKED in states:
                    for other in self._doing(_exempts):
                        yield (*matches, *other.whole.matches), ()
                case FlagsMatch(FlagField.CT_STATUS) if _asks_for_dnat(match):
                    for other in self._changing():
                        yield (*_without(matches, match), *other.whole.matches), ()
                case FieldMatch(Field.META_MARK):
                    for other in self._doing(partial(_gives, match)):
                        yield (*_without(matches, match), *other.whole.matches), ()
                    yield (*_without(matches, match), replace(match, field=Field.CT_MARK)), ()
                    plain = tuple(one for one in matches if not (isinstance(one, FieldMatch) and one.field in _MARKS))
                    for name in self.bench.links.names[:_FEW_TRIES]:
                        # What rules do to any packet that comes in there may be enough.
                        yield (InterfaceMatch(Direction.IN, (InterfacePattern(name),)), *plain), ()
                case RecentMatch(verb=RecentVerb.RCHECK | RecentVerb.UPDATE | RecentVerb.REMOVE, name=name, hits=hits):
                    for base, other in self._steps_with(partial(_notes, name)):
                        if other.rule is not step.rule:
                            first = self.decided(base, other, serial, depth + 1)
                            if isinstance(first, Found):
                                for times in dict.fromkeys(((hits or 1), max(0, (hits or 1) - 1))):
                                    yield matches, first.packets * times
                case SetMatch(_, name, False):
                    for known in self.known(match):
                        yield (*_without(matches, match), known), ()
                    for base, other in self._steps_with(partial(_fills, name)):
                        if other.rule is not step.rule:
                            first = self.decided(base, other, serial, depth + 1)
                            if isinstance(first, Found):
                                yield matches, first.packets
                case _:
                    pass

    def known(self, match: Match) -> Iterator[ElementMatch]:
        """What a match asks of a set that has elements from the beginning: of all of them, then of each by itself."""
        elements = self.contents.get(match.set_name, ()) if isinstance(match, SetMatch) else ()
        if isinstance(match, SetMatch) and elements:
            yield ElementMatch(match.key, elements, match.negated)
            if len(elements) > 1:
                yield from (ElementMatch(match.key, (one,), match.negated) for one in elements[:_FEW_TRIES])

    def _doing(self, wanted: Callable[[Statement], bool]) -> list[Step]:
        return [step for _, step in self.steps if any(wanted(one) for one in step.rule.statements)][:4]

    def _changing(self) -> list[Step]:
        """Rules that change destinations."""
        kinds = (NatKind.DNAT, NatKind.REDIRECT)
        found = [
            step for _, step in self.steps if isinstance(step.rule.verdict, Nat) and step.rule.verdict.kind in kinds
        ]
        return found[:6]

    def _steps_with(self, wanted: Callable[[Rule], bool]) -> list[tuple[BaseChain, Step]]:
        return [pair for pair in self.steps if wanted(pair[1].rule)][:2]

    def _led(
        self,
        base: BaseChain,
        place: Place,
        made: Packet,
        before: tuple[Packet, ...],
        matches: Sequence[Match],
        path: Path,
        tries: int = _TRIES,
    ) -> Found | str:
        times = max((times_of(one, made.total_length) for one in matches), default=1) if not before else 1
        if times > MOST_TIMES:
            return f"it takes {times} packets in a row"
        # Of several TCP packets each is seen for itself only where their ends differ.
        varied = any(isinstance(one, Connections) for one in matches) or (times > 1 and can_vary(made, matches))
        waiting, seen = deque([made]), {made}
        reason, left = "", tries
        while waiting and left > 0:
            packet = waiting.popleft()
            for real in self.sendable(packet):
                left -= 1
                packets = (*before, *in_a_row(real, times, varied))
                trial = self.bench.tried(packets)
                if place in trial.way.met():
                    return Found(packet, packets, path, varied)
                spent = self._spent(base, trial)
                if 1 < spent <= MOST_TIMES and times == 1:
                    # A limit before it lets the rest of them come here.
                    for apart in (False, True):
                        packets = (*before, *in_a_row(real, spent, apart))
                        if place in self.bench.tried(packets).way.met():
                            return Found(packet, packets, path, apart)
                reason = self._why(base, trial, reason)
                for changed in self._past(base, trial, packet, matches):
                    if changed not in seen:
                        seen.add(changed)
                        waiting.append(changed)
        return reason or "no packet can be made that is as it asks"

    def _past(self, base: BaseChain, trial: Trial, packet: Packet, matches: Sequence[Match]) -> list[Packet]:
        """Changes of a packet by which the rules miss it that took it, and which leave what is asked for as it is."""
        runs = [one for one in trial.way.runs if one.chain == base.name] or trial.way.runs[-1:]
        found: list[Packet] = []
        # What is loaded beside has rules of its own.
        for place in reversed([place for run in runs for place in run.met if place in self.rules]):
            if any(isinstance(one, Tproxy) for one in self.rules[place].statements) and not packet.socket:
                found.append(replace(packet, socket=True))
            for match in (*self.rules[place].matches, *_looked_up(self.rules[place])):
                if match in matches:
                    continue
                changes = [change(packet) for change in misses(match, packet)]
                for asked in (match, *islice(self.known(match), 1)):
                    changes += [one.packet for one in edges(asked, packet, self.bench.links) if not one.inside]
                found += [one for one in changes if all(holds(match, one) for match in matches)]
                if len(found) >= _CHANGES:
                    return found
        return found

    def _spent(self, base: BaseChain, trial: Trial) -> int:
        """How many packets it takes until one does not meet the limits of rules that it has met any more, or it is the
        next one's turn.
        """
        met = {place for run in trial.way.runs if run.chain == base.name for place in run.met}
        return max((_spending(match) for place in met for match in self.rules[place].matches), default=0) + 1

    def _why(self, base: BaseChain, trial: Trial, before: str) -> str:
        outcome = trial.outcome
        taken = next((run.met[-1] for run in reversed(trial.way.runs) if run.chain == base.name and run.met), None)
        if taken is not None and not outcome.reason:
            span = self.rules[taken].origin.span
            where = f"{span.source.path}:{span.line}" if span else f"rule {taken[1]} of `{taken[0]}`"
            return f"{where} takes the packets that were tried"
        if outcome.reason:
            return f"{ONLY_KERNEL}{outcome.reason}" if outcome.fate is Fate.UNKNOWN else outcome.reason
        decision = outcome.decision
        if decision is None or decision.rule is None:
            return before or "packets that are as it asks do not come to it"
        span = decision.origin.span
        where = f"{span.source.path}:{span.line}" if span else f"rule {decision.number} of `{decision.chain}`"
        return f"{where} takes the packets that were tried" if outcome.fate is not Fate.UNKNOWN else outcome.reason


def _spending(match: Match) -> int:
    match match:
        case Limit(burst=burst, over=False, rate=rate) if rate.amount is Amount.PACKETS:
            return burst
        case EveryNth(every) if every > 1:
            return 1
        case _:
            return 0


def _looked_up(rule: Rule) -> Iterator[ElementMatch]:
    """What a rule's map asks for."""
    if isinstance(rule.verdict, VerdictMap | NatMap):
        yield ElementMatch(rule.verdict.key, tuple(element for element, _ in rule.verdict.elements))


def _without(matches: Sequence[Match], gone: Match) -> tuple[Match, ...]:
    return tuple(one for one in matches if one is not gone)


def _asks_for_dnat(match: FlagsMatch) -> bool:
    return bool(match.mask & _DNAT) and match.negated is not bool(match.value)


def _is_framed(match: Match) -> bool:
    return (
        match.field in _FRAME
        if isinstance(match, FieldMatch)
        else (isinstance(match, SetMatch) and any(one in _FRAME for one in match.key))
    )


def _exempts(statement: Statement) -> bool:
    return isinstance(statement, Notrack)


def _gives(match: FieldMatch, statement: Statement) -> bool:
    if not isinstance(statement, SetMark):
        return False
    value = statement.value if match.mask is None else statement.value & match.mask
    return (value in match.values) is not match.negated


def _notes(name: str, rule: Rule) -> bool:
    return any(isinstance(one, RecentMatch) and one.verb is RecentVerb.SET and one.name == name for one in rule.matches)


def _fills(name: str, rule: Rule) -> bool:
    return any(isinstance(one, UpdateSet) and one.set_name == name for one in rule.statements)
