"""All probes through a loader, beside what the simulator expects: which rules decided a packet, and what differs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from polc.backends.model import Output
from polc.diagnostics import Diagnostic, Failure
from polc.ir.origin import Origin
from polc.ir.ruleset import Chain, Ruleset
from polc.ir.verdicts import renamed
from polc.kernel.loaders import Loader
from polc.kernel.stage.fate import Fate
from polc.kernel.stage.trace import traced
from polc.probing.hosts import Hosts
from polc.probing.model import Place, Plan, Scene
from polc.probing.play import Played, pause_for, played, sendings
from polc.simulate.hooks import Loaded
from polc.simulate.settings import Flavour, Settings

MOST_TRACES = 10
"""Disagreements of a loader that are traced: each takes a host of its own."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """``trace`` is what the kernel says of the packet's way; empty where it was not asked."""

    played: Played
    scene: int
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Certified:
    """What came of one loader. ``seconds`` are those in which packets were sent and hosts built. ``problems`` say why
    it could not be done, and then nothing is known of the rest.
    """

    loader: str
    packets: int = 0
    seconds: float = 0.0
    met: frozenset[Place] = frozenset()
    disagreements: tuple[Disagreement, ...] = ()
    problems: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of rulesets as they were written, each of which may be several of the IR."""

    origins: Mapping[Place, Origin]

    def named(self, places: Iterable[Place]) -> dict[str, Origin]:
        """Those at some places, by their names."""
        return {name_of(self.origins[one], one): self.origins[one] for one in places if one in self.origins}


def name_of(origin: Origin, place: Place) -> str:
    """``policy.yaml:14 web``."""
    if origin.span is None:
        return f"rule {place[1]} of `{place[0]}`"
    text = f"{origin.span.source.path}:{origin.span.line}"
    return f"{text} {origin.name}" if origin.name else text


def rules_of(rulesets: Iterable[Ruleset]) -> Rules:
    return Rules(
        {
            (chain.name, number): rule.origin
            for one in rulesets
            for chain in one.chains
            for number, rule in enumerate(chain.rules)
        }
    )


def apart(rulesets: Sequence[Ruleset]) -> tuple[Ruleset, ...]:
    """The same rulesets with different names of chains, so that a chain's name says whose it is."""
    if len(rulesets) < 2:
        return tuple(rulesets)
    return tuple(_prefixed(one, f"{one.family.value} {one.table} ") for one in rulesets)


def _prefixed(ruleset: Ruleset, prefix: str) -> Ruleset:
    names = {chain.name: prefix + chain.name for chain in ruleset.chains}

    def named(chain: Chain) -> Chain:
        rules = tuple(replace(rule, verdict=renamed(rule.verdict, names)) for rule in chain.rules)
        return replace(chain, name=names[chain.name], rules=rules)

    return replace(ruleset, chains=tuple(named(one) for one in ruleset.chains))


def flavour_of(loader: Loader) -> Flavour:
    return Flavour(loader.target)


def certified(
    plan: Plan,
    rulesets: Sequence[Ruleset],
    loader: Loader,
    output: Output,
    settings: Settings | None = None,
    *,
    trace: bool = False,
    sent: Callable[[int], None] = lambda count: None,
    hosts: Hosts | None = None,
) -> Certified:
    """Send all probes of a plan through a loader. ``sent`` is told how many packets were. ``hosts`` are the plan's,
    where others have use for them too.
    """
    if hosts is None:
        with Hosts(plan.scenes, settings) as hosts:
            return certified(plan, rulesets, loader, output, settings, trace=trace, sent=sent, hosts=hosts)
    loaded = [Loaded(one, flavour_of(loader)) for one in rulesets]
    met: set[Place] = set()
    wrong: list[Disagreement] = []
    seconds, before = 0.0, 0
    try:
        loader.check()
        for number, scene in enumerate(plan.scenes):
            begun = time.monotonic()
            stage = hosts.stage(number)
            stage.load(loader, output)
            stage.furnish(loader, rulesets, scene.fillings)
            fates: list[Fate] = []
            for some in sendings(stage, scene, pause_for(rulesets)):
                fates += some
                sent(before + len(fates))
            seconds += time.monotonic() - begun
            before += len(fates)
            for one in played(scene, loaded, fates, settings):
                if not one.agrees:
                    wrong.append(Disagreement(one, number))
                elif one.certain:
                    met.update(one.met)
        if trace:
            wrong = list(_traced(plan.scenes, wrong, rulesets, loader, output, settings))
    except Failure as failure:
        return Certified(loader.name, problems=failure.diagnostics)
    return Certified(loader.name, before, seconds, frozenset(met), tuple(wrong))


def _traced(
    scenes: Sequence[Scene],
    wrong: Sequence[Disagreement],
    rulesets: Sequence[Ruleset],
    loader: Loader,
    output: Output,
    settings: Settings | None,
) -> Iterator[Disagreement]:
    for at, one in enumerate(wrong):
        scene = scenes[one.scene]
        packets = scene.packets
        if at >= MOST_TRACES or one.played.number >= len(packets):
            yield one
            continue
        before = packets[: one.played.number + 1]
        yield replace(one, trace=traced(scene.host, loader, output, before, settings, rulesets, scene.fillings))
