"""How many deliberate faults the packets of a plan see: each is really loaded, and the same probes are sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from polc.backends.model import Output
from polc.diagnostics import Failure
from polc.ir.fields import Field
from polc.ir.matches import FieldMatch, OpaqueMatch
from polc.ir.ruleset import Ruleset
from polc.ir.stateful import Hits, Limit, RecentMatch
from polc.kernel.loaders import Loader
from polc.kernel.stage.fate import Fate
from polc.kernel.stage.stage import Stage
from polc.probing.hosts import Hosts
from polc.probing.lots import BY_LOT
from polc.probing.model import Place, Plan
from polc.probing.play import Played, pause_for, played, sendings
from polc.probing.told import UNKNOWN, of_fate
from polc.proving.comparison import WHOLE, equivalent
from polc.proving.grounds import Grounds, families_of
from polc.proving.model import Result
from polc.proving.place import Place as At
from polc.proving.replay import NoReplay
from polc.proving.same import Difference, differences, given_contents
from polc.proving.shown import NotShown, show
from polc.simulate.hooks import Loaded
from polc.simulate.settings import Flavour, Settings
from polc.symbolic.clock import at_time
from polc.symbolic.diagram import OverBudget
from polc.symbolic.hooks import Loaded as Side
from polc.symbolic.martians import martians
from polc.symbolic.outcome import Watch
from polc.symbolic.space import Set

_LASTS = 900
"""Seconds in which the probes are sent."""

_CHUNK = 64
_REMEMBERED = Watch.STATE | Watch.SET | Watch.MARK | Watch.FLOW
_CLOCKED = (Limit, Hits, RecentMatch)
_CLOCKS = frozenset({Field.META_HOUR, Field.META_DAY, Field.CT_EXPIRATION})


class Effect(Enum):
    """What a fault changes, by the symbolic engine: what becomes of some packet, of packets at another time of day or
    week alone, only what rules remember of packets or do to those that nobody gets, nothing, or it could not be
    decided.
    """

    VERDICT = "verdict"
    LATER = "later"
    MEMORY = "memory"
    NOTHING = "nothing"
    UNDECIDED = "undecided"


def effect_of(
    rulesets: Sequence[Ruleset], faulty: Sequence[Ruleset], flavour: Flavour, now: float | None = None
) -> tuple[Effect, str]:
    """What rulesets with a fault do that those without it do not; and why that is not decided, where it is not. ``now``
    is when packets are to show it, in seconds since 1970 (None: at any time).
    """
    before, after = ([Side(one, flavour) for one in some] for some in (rulesets, faulty))
    families = families_of(before)
    unsure, found = "", set[Effect]()
    for family in families:
        grounds = Grounds((before, after), family, contents=given_contents(before, after), named=False)
        for place in WHOLE:
            try:
                effect, reason = _at(grounds, place, now)
            except OverBudget as error:
                effect, reason = Effect.UNDECIDED, f"it takes {error}"
            if effect is Effect.VERDICT:
                return effect, ""
            unsure = unsure or reason
            found.add(effect)
    if unsure:
        return Effect.UNDECIDED, unsure
    for effect in (Effect.LATER, Effect.MEMORY):
        if effect in found:
            return effect, ""
    # What rules remember of one packet decides about others: equal answers need equal memory.
    try:
        result, _, _ = equivalent(
            ("without", before), ("with", after), watch=_REMEMBERED, named=False, families=families
        )
    except Failure as failure:
        return Effect.UNDECIDED, failure.diagnostics[0].message
    return (Effect.NOTHING if result is Result.PROVEN else Effect.MEMORY), ""


def _at(grounds: Grounds, place: At, now: float | None) -> tuple[Effect, str]:
    """What is different at one place, now or at another time."""
    # What can be, and when, is asked last: about the variables that functions have made by then.
    if grounds.outcomes(place, 0) == grounds.outcomes(place, 1):
        return Effect.NOTHING, ""
    members = grounds.space.manager.minus(grounds.valid(place), martians(grounds.space))
    clock = None if now is None else at_time(grounds.space, now, _LASTS)
    if clock is None:
        return _differing(grounds, place, members)
    effect, reason = _differing(grounds, place, grounds.space.manager.where(members, clock))
    if effect in (Effect.VERDICT, Effect.UNDECIDED):
        return effect, reason
    ever, reason = _differing(grounds, place, members)
    return (Effect.LATER, "") if ever is Effect.VERDICT else (ever, reason)


def _differing(grounds: Grounds, place: At, members: Set) -> tuple[Effect, str]:
    """What is different of packets of a set. A difference is one only where the simulator can be brought there, too."""
    reason, effect = "", Effect.NOTHING
    for found in differences(grounds, place, members):
        one, other = found.outcomes
        if not (one.known and other.known) or _on_words(grounds, found):
            reason = reason or "packets come to words of which only the kernel knows what they do"
        elif one.verdict == other.verdict and not one.accepted:
            # NAT of packets that nobody gets.
            effect = Effect.MEMORY
        else:
            try:
                show(grounds, place, found.members, ("without", "with"))
                return Effect.VERDICT, ""
            except (NotShown, NoReplay) as error:
                reason = reason or str(error)
            except Failure as failure:
                # The engine and the simulator disagree about its packet (POL902).
                reason = reason or failure.diagnostics[0].message
    return (Effect.UNDECIDED if reason else effect), reason


def _on_words(grounds: Grounds, found: Difference) -> bool:
    """Whether a difference hangs on words into which nobody looks."""
    details = (grounds.space.variables[number].detail for number in found.asked)
    return any(isinstance(one, tuple) and len(one) > 1 and isinstance(one[1], OpaqueMatch) for one in details)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one fault on a loader. ``seen`` is the first packet that showed it. ``refused``: it could not be
    loaded, and whose words say why.
    """

    seen: Played | None = None
    refused: str = ""


class Bait:
    """The probes of a plan on a loader, ready to be sent again and again. ``hosts`` are the plan's.

    Raises:
        Failure: POL601 to POL603, POL610: this machine, or this loader, cannot do it.
    """

    def __init__(
        self,
        plan: Plan,
        rulesets: Sequence[Ruleset],
        loader: Loader,
        output: Output,
        hosts: Hosts,
        settings: Settings | None = None,
    ) -> None:
        self.plan = plan
        self.loader = loader
        self._hosts = hosts
        self._settings = settings
        self._loaded = [Loaded(one, Flavour(loader.target)) for one in rulesets]
        self._rulesets = tuple(rulesets)
        self._pause = pause_for(rulesets)
        self._clocked = _looks_at_clocks(rulesets)
        self._baseline = [self._played(number, output) for number in range(len(plan.scenes))]

    @property
    def disagreements(self) -> list[Played]:
        """Packets of which something else than expected became without any fault: they show none."""
        return [one for scene in self._baseline for one in scene if not one.agrees]

    def tried(self, output: Output, place: Place | None) -> Attempt:
        """Load an output with a fault at a place, and send probes until one shows it: those on hosts first where the
        rule at that place is tried. Where rules look at clocks two of three times decide: on a machine that is busy
        for a moment something may look like a fault, or hide one.

        Raises:
            Failure: POL603, POL610: the host cannot be had again.
        """
        first = self._once(output, place)
        if first.refused or not self._clocked:
            return first
        second = self._once(output, place)
        return second if (first.seen is None) is (second.seen is None) else self._once(output, place)

    def _once(self, output: Output, place: Place | None) -> Attempt:
        scenes = self.plan.scenes
        near = sorted(range(len(scenes)), key=lambda at: not any(one.place == place for one in scenes[at].probes))
        for number in near:
            stage = self._hosts.stage(number)
            try:
                stage.load(self.loader, output)
                # A fault is in rules; the sets are those of the rulesets without it.
                stage.furnish(self.loader, self._rulesets, self.plan.scenes[number].fillings)
            except Failure as failure:
                return Attempt(refused=failure.diagnostics[0].message)
            seen = self._shown(stage, number)
            if seen is not None:
                return Attempt(seen)
        return Attempt()

    def holds(self, output: Output) -> bool:
        """Whether all is as it was at first, after so many faults."""
        return all(
            one.agrees or not before.agrees
            for number, base in enumerate(self._baseline)
            for before, one in zip(base, self._played(number, output), strict=True)
        )

    def _sent(self, number: int, output: Output) -> list[Fate]:
        stage = self._hosts.stage(number)
        stage.load(self.loader, output)
        stage.furnish(self.loader, self._rulesets, self.plan.scenes[number].fillings)
        return [fate for some in sendings(stage, self.plan.scenes[number], self._pause) for fate in some]

    def _played(self, number: int, output: Output) -> list[Played]:
        return played(self.plan.scenes[number], self._loaded, self._sent(number, output), self._settings)

    def _shown(self, stage: Stage, number: int) -> Played | None:
        """The first packet of a scene that shows that something else is loaded."""
        scene, base = self.plan.scenes[number], self._baseline[number]
        fates: list[Fate] = []
        for some in sendings(stage, scene, self._pause, _CHUNK):
            odd = False
            for fate in some:
                one = base[len(fates)]
                fates.append(fate)
                odd |= (self._clocked or _tells(one)) and of_fate(fate) != one.expected
            if not odd:
                continue
            if not self._clocked:
                return next(_unlike(base, fates))
            # It may be the clock: what is expected of packets that are sent at these very moments?
            for found in played(scene, self._loaded, fates, self._settings):
                if base[found.number].agrees and not found.agrees:
                    return found
        if any(one.about == BY_LOT for one in scene.probes):
            for found in played(scene, self._loaded, fates, self._settings):
                if found.probe.about == BY_LOT and not found.agrees:
                    return found
        return None


def _tells(one: Played) -> bool:
    """Whether a packet that becomes something else shows a fault: it is not left to chance."""
    return one.agrees and one.certain and one.expected.verdict != UNKNOWN and one.probe.about != BY_LOT


def _unlike(base: Sequence[Played], fates: Sequence[Fate]) -> Iterator[Played]:
    for one, fate in zip(base, fates, strict=False):
        told = of_fate(fate)
        if _tells(one) and told != one.expected:
            yield Played(one.probe, one.number, one.packet, one.expected, told, one.outcome, one.met)


def _looks_at_clocks(rulesets: Sequence[Ruleset]) -> bool:
    """Whether what becomes of packets depends on when they are sent."""
    rules = [rule for one in rulesets for chain in one.chains for rule in chain.rules]
    return any(one.timeout is not None for each in rulesets for one in each.sets) or any(
        isinstance(match, _CLOCKED) or (isinstance(match, FieldMatch) and match.field in _CLOCKS)
        for rule in rules
        for match in rule.matches
    )
