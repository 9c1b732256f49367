"""A packet of a region that anybody can try: sent through the simulator with both firewalls, and only then told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from polc.diagnostics import Failure
from polc.diffing.answers import Answers, NoPacket, Presumption, answers_of
from polc.diffing.changes import verdict_words
from polc.diffing.conditions import condition
from polc.diffing.model import Rule, Seen, Witness
from polc.diffing.names import Names
from polc.diffing.packets import packet_of, start_of
from polc.diffing.pick import Point, ordinary, pick
from polc.diffing.roads import Road
from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.matches import CtState
from polc.ir.origin import Origin
from polc.ir.ruleset import Rule as IrRule
from polc.ir.verdicts import Accept, Drop, Nat, NatMap, Reject
from polc.ir.verdicts import Verdict as AnyVerdict
from polc.proving.prepare import of_family
from polc.simulate import Fate, Outcome, Packet, Simulator, Tried, assumed_host, format_packet
from polc.simulate import Loaded as Replayed
from polc.simulate.describe import field_of, wanted
from polc.simulate.ends import Stolen as Stopped
from polc.simulate.report_text import verdict_text
from polc.symbolic.diagram import NONE, Node
from polc.symbolic.hooks import Loaded
from polc.symbolic.outcome import Outcome as Expected
from polc.symbolic.outcome import Stolen, Verdict
from polc.symbolic.space import Set, Space

_LONGEST_WORDS = 160


@dataclass(slots=True)
class Replays:
    """Sends packets through both firewalls, which are ``loaded`` on hosts with ``interfaces``."""

    loaded: tuple[tuple[Loaded, ...], tuple[Loaded, ...]]
    interfaces: Sequence[str]
    _ready: dict[tuple[int, Family, float], tuple[Simulator, Presumption]] = field(default_factory=dict)

    def send(
        self, side: int, packet: Packet, answers: Answers, start: float, targets: Iterable[int]
    ) -> tuple[Outcome, list[Tried]]:
        """What becomes of the packet, whose destination becomes one of ``targets``; and the rules that it met."""
        simulator = self._simulator(side, packet, answers, start)
        for address in targets:
            # An address to which a rule sends packets is where the packet goes.
            simulator.routing.learn(packet.family, address, packet.oif or packet.iif, own=not packet.oif)
        tracer = simulator.tracer()
        outcome = simulator.send(packet, tracer)
        met = [one for one in tracer.events if isinstance(one, Tried) and one.missed is None and not one.unknown]
        return outcome, met

    def _simulator(self, side: int, packet: Packet, answers: Answers, start: float) -> Simulator:
        family = packet.family
        found = self._ready.get((side, family, start))
        if found is not None:
            simulator, presumption = found
            simulator.forget()
            presumption.answers = answers
            return simulator
        own = self.loaded[side]
        # Limits and lists are called there as in the space.
        rulesets = [of_family(one.ruleset, family) for one in own]
        presumption = Presumption(rulesets)
        presumption.answers = answers
        loaded = [Replayed(ruleset, one.flavour) for ruleset, one in zip(rulesets, own, strict=True)]
        named = [one for one in (*self.interfaces, packet.iif, packet.oif) if one]
        made = Simulator(loaded, assumed_host(rulesets, named), start=start, presume=presumption)
        self._ready[side, family, start] = made, presumption
        return made


@dataclass(frozen=True, slots=True)
class Unshown:
    """No packet can be shown, and why."""

    reason: str


def show(
    space: Space, road: Road, members: Set, functions: tuple[Node, Node], replays: Replays, names: Names
) -> Witness | Unshown:
    """A packet of the set.

    Raises:
        Failure: POL902: the simulator disagrees with what was found.
    """
    manager = space.manager
    reason = "no packet of it can come to a host of which nothing is known"
    for usual in ordinary(space, road):
        there = manager.where(usual, members)
        if there == NONE:
            continue
        point = pick(space, there)
        try:
            found = _shown(space, road, point, functions, replays, names)
        except NoPacket as why:
            reason = str(why)
            continue
        if isinstance(found, Witness):
            return found
        reason = found.reason
    return Unshown(reason)


def _shown(
    space: Space, road: Road, point: Point, functions: tuple[Node, Node], replays: Replays, names: Names
) -> Witness | Unshown:
    manager = space.manager
    asked = sorted(_met(space, functions[0], point) | _met(space, functions[1], point))
    answers = answers_of(space, road, point, asked)
    packet = packet_of(space, road, point, asked)
    start = start_of(space, point)
    seen: list[Seen] = []
    for side, function in enumerate(functions):
        expected = manager.at(function, point)
        assert isinstance(expected, Expected)
        targets = [one.addresses[0] for one in expected.nat if one.addresses and not one.source]
        outcome, met = replays.send(side, packet, answers, start, targets)
        wrong = _disagreement(expected, outcome)
        if wrong is not None:
            # What NAT does to a flow that is presumed to be expected hangs on the one that expects it.
            related = packet.presumed is not None and packet.presumed.state is CtState.RELATED
            unsure = answers.chosen or related or outcome.decision is None or outcome.fate is Fate.UNKNOWN
            if not road.whole or unsure:
                return Unshown(f"the packet `{format_packet(packet)}` {wrong}")
            raise Failure.of(
                "POL902", f"the simulator says that `{format_packet(packet)}` {wrong}",
                help="please report it, with both firewalls: nothing is told that the simulator does not confirm",
            )  # fmt: skip
        seen.append(Seen(fate_words(outcome), tuple(_rules(outcome, met)), _nat(outcome)))
    given = tuple(
        condition(space, space.variables[one], Intervals.single(point.get(one, 0)), names) for one in answers.numbers
    )
    return Witness(format_packet(packet), seen[0], seen[1], given)


def _met(space: Space, function: Node, point: Point) -> set[int]:
    """The variables that the function asks for on the way of the point."""
    found: set[int] = set()
    while (variable := space.manager.asks(function)) is not None:
        found.add(variable)
        value = point.get(variable, 0)
        function = next(child for child, values in space.manager.branches(function) if value in values)
    return found


def _disagreement(expected: Expected, outcome: Outcome) -> str | None:
    """What is said of the packet that is not expected; None: nothing."""
    if _fits(expected.verdict, outcome):
        return None
    reason = f" ({outcome.reason})" if outcome.reason else ""
    return f"comes to {fate_words(outcome)}{reason}, not to {verdict_words(expected.verdict)}"


def _fits(verdict: Verdict, outcome: Outcome) -> bool:
    match verdict:
        case Accept():
            return outcome.fate is Fate.ACCEPT
        case Drop():
            return outcome.fate is Fate.DROP and outcome.decision is not None
        case Reject():
            return outcome.decision is not None and outcome.decision.verdict == verdict
        case Stolen():
            return outcome.fate is Fate.STOLEN
        case _:
            return outcome.fate is Fate.UNKNOWN


def fate_words(outcome: Outcome) -> str:
    """``accept``, ``reject with tcp-reset``."""
    if outcome.decision is not None and isinstance(outcome.decision.verdict, Reject):
        return verdict_words(outcome.decision.verdict)
    return outcome.fate.value


def _rules(outcome: Outcome, met: Sequence[Tried]) -> Iterator[Rule]:
    decision = outcome.decision
    family = outcome.packet.family
    if decision is not None:
        yield _rule(decision.chain, decision.number, decision.rule, decision.origin, decision.verdict, family)
    for one in met:
        if isinstance(one.rule.verdict, Nat | NatMap) and (decision is None or one.rule is not decision.rule):
            yield _rule(one.chain, one.number, one.rule, one.rule.origin, one.rule.verdict, family)


def _rule(
    chain: str, number: int | None, rule: IrRule | None, origin: Origin, verdict: AnyVerdict | Stopped, family: Family
) -> Rule:
    """A rule, or the policy of a base chain, by its place and words: its author's, but for JSON."""
    span = origin.span
    path, line = ("", 0) if span is None else (span.source.path, span.line)
    if rule is None or number is None:
        words = f"policy {verdict_text(verdict)}"
    else:
        words = " ".join(span.text.split()) if span is not None else ""
        if not words or words.startswith("{"):
            asked = [f"{field_of(one)} {wanted(one, family)}" for one in rule.matches]
            words = f"{verdict_text(rule.verdict)}: {', '.join(asked) or 'everything'}"
    if len(words) > _LONGEST_WORDS:
        words = words[: _LONGEST_WORDS - 3] + "..."
    return Rule(path, line, chain, number is None, words)


def _nat(outcome: Outcome) -> str:
    return ", ".join(
        f"{one.before.end(source=True)} -> {one.before.end(source=False)} becomes "
        f"{one.after.end(source=True)} -> {one.after.end(source=False)}"
        for one in outcome.rewrites
    )  # fmt: skip
