"""All judges of one case: readers, backends, proofs, the symbolic engine, the simulator, the kernel by each loader."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import TypeVar

import polc
from polc.backends.model import Fidelity, IpsetUse, Options, Output, OutputFile
from polc.backends.profile import HOST, OLDEST, Profile
from polc.backends.registry import BACKENDS
from polc.compiler import describe, produce
from polc.diagnostics import Collector, Diagnostic, Failure
from polc.firewalls import Firewall, firewall_of
from polc.fuzzing import coverage, witnesses
from polc.fuzzing.case import Case, Text
from polc.fuzzing.model import Check, Finding, Judged
from polc.fuzzing.on_kernel import LACKING, Read, sent
from polc.ir.matches import STATEFUL, OpaqueMatch
from polc.ir.ruleset import Ruleset
from polc.ir.stateful import Connections, Hits, Limit, Quota
from polc.kernel.capabilities import measure
from polc.kernel.loaders import Loader
from polc.kernel.verify import verify
from polc.passes import pipeline
from polc.probing.make import plan
from polc.probing.model import Plan, Scene
from polc.probing.play import Played
from polc.probing.wish import Wish
from polc.proving.model import Result
from polc.proving.validation import validate
from polc.simulate.hooks import Loaded
from polc.simulate.packet_format import format_packet
from polc.simulate.settings import Flavour
from polc.source import SourceFile
from polc.symbolic.diagram import OverBudget
from polc.symbolic.hooks import Loaded as SymbolicallyLoaded

EVERYTHING = frozenset(Check)
_BUDGET = 60_000
"""Nodes of diagrams that the proof of an output may take."""

_PACKAGE = Path(polc.__file__).parent
_OWN = ("fuzzing",)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked at. ``packets``: about so many through each loader, and a sixth as many points of the symbolic
    engine at each hook. ``scenes`` are what is sent, None: what the rules ask for.
    """

    loaders: tuple[Loader, ...]
    packets: int = 60
    checks: frozenset[Check] = EVERYTHING
    scenes: tuple[Scene, ...] | None = None
    seed: int = 0

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.target for one in self.loaders))


def judge(case: Case | Text, asked: Asked) -> Judged:
    """Ask all judges.

    Raises:
        Failure: POL601, POL602, POL610: this machine has no stage to give.
    """
    return _Session(case, asked).judged()


class _Broken(Exception):
    """A part of polc broke down, and the finding is written."""


class _Session:
    def __init__(self, case: Case | Text, asked: Asked) -> None:
        self.case, self.asked = case, asked
        self.found = Judged()

    def judged(self) -> Judged:
        try:
            self._judge()
        except _Broken:
            pass
        except Failure as failure:
            self._refused("policy", failure.diagnostics)
        return self.found

    def _judge(self) -> None:
        source = SourceFile(self.case.kind.value, self.case.text)
        firewall = self._safe(partial(firewall_of, source, Collector()))
        (ruleset,) = firewall.rulesets
        ruleset = self._safe(partial(pipeline.run, ruleset))
        self.found.there = coverage.constructs(ruleset)
        if Check.SYMBOLIC in self.asked.checks:
            self._symbolic(ruleset, firewall.flavour)
        outputs = {target: one for target in self.asked.targets if (one := self._emitted(ruleset, target)) is not None}
        if Check.VALIDATION in self.asked.checks:
            for target, output in outputs.items():
                self._validated(ruleset, target, output)
        if self.asked.checks & {Check.KERNEL, Check.LOAD, Check.READ_BACK, Check.CRASH}:
            self._on_kernel(firewall, ruleset, outputs)

    def _safe(self, do: Callable[[], _T]) -> _T:
        """What a part of polc gives.

        Raises:
            _Broken: nothing: it broke down.
            Failure: diagnostics.
        """
        try:
            return do()
        except (Failure, OverBudget):
            raise
        except Exception as error:
            self._finding(Check.CRASH, _place(error), f"{type(error).__name__}: {error}")
            raise _Broken from None

    def _finding(self, check: Check, where: str, message: str, scene: Scene | None = None) -> None:
        self.found.findings.append(Finding(check, where, message, scene))

    def _refused(self, who: str, diagnostics: Sequence[Diagnostic]) -> None:
        if any(one.code in LACKING for one in diagnostics):
            raise Failure(diagnostics)
        self.found.refused.update({f"{one.code} by {who}" for one in diagnostics})

    def _profile(self) -> Profile:
        return measure(frozenset(BACKENDS)) if self._option("--for") == HOST else OLDEST

    def _option(self, name: str) -> str:
        words = self.case.options
        return words[words.index(name) + 1] if name in words else ""

    def _emitted(self, ruleset: Ruleset, target: str) -> Output | None:
        ipset = IpsetUse(self._option("--ipset") or IpsetUse.AUTO.value)
        options = Options(BACKENDS[target].formats[0], self._profile(), ipset=ipset)
        try:
            output = self._safe(partial(produce, ruleset, target, options))
            for one in BACKENDS[target].formats[1:]:
                self._safe(partial(produce, ruleset, target, replace(options, format=one)))
        except _Broken:
            return None
        except Failure as failure:
            self._refused(target, failure.diagnostics)
            return None
        inexact = [describe(one, target) for one in output.deviations if one.fidelity is not Fidelity.EXACT]
        if inexact:
            self._refused(target, inexact)
            return None
        return output

    def _validated(self, ruleset: Ruleset, target: str, output: Output) -> None:
        try:
            answer = self._safe(partial(validate, [ruleset], target, output.files, budget=_BUDGET))
        except _Broken:
            return
        except Failure as failure:
            self._finding(Check.VALIDATION, target, failure.diagnostics[0].message)
            return
        if answer.result is Result.PROVEN:
            self.found.proven += 1
        elif answer.result is Result.REFUTED:
            example = answer.counterexample
            assert example is not None
            if example.why == _WHICH_ARE_ASKED and _are_alike(ruleset):
                self.found.undecided += 1
                return
            fates = ", ".join(f"{one.side}: {one.fate.value}" for one in example.seen)
            packet = format_packet(example.packet)
            self._finding(Check.VALIDATION, target, f"{packet} at {example.place}: {example.why} ({fates})")
        elif answer.reason.startswith("the output cannot be read"):
            self._finding(Check.VALIDATION, target, answer.reason)
        else:
            self.found.undecided += 1

    def _symbolic(self, ruleset: Ruleset, flavour: Flavour) -> None:
        random = Random(f"{self.asked.seed}/points")

        def ask() -> None:
            said = witnesses.compared([SymbolicallyLoaded(ruleset, flavour)], max(1, self.asked.packets // 6), random)
            for one in said:
                self.found.points += 1
                if one.wrong:
                    self._finding(Check.SYMBOLIC, flavour.value, f"{one.packet}: {one.wrong}")
                    return

        try:
            self._safe(ask)
        except OverBudget:
            self.found.undecided += 1
        except _Broken:
            return

    def _on_kernel(self, firewall: Firewall, ruleset: Ruleset, outputs: dict[str, Output]) -> None:
        scenes: dict[str, tuple[Scene, ...]] = {}
        for loader in self.asked.loaders:
            output, read = outputs.get(loader.target), Read.WORDS
            if firewall.saved is not None and loader.target == "iptables":
                if output is not None and Check.READ_BACK in self.asked.checks:
                    self._read_back(loader, output)
                output, read = Output((OutputFile(*firewall.saved),)), Read.MEANING
            if output is None:
                continue
            if loader.target not in scenes:
                try:
                    scenes[loader.target] = self._scenes(firewall, ruleset, Flavour(loader.target))
                except _Broken:
                    return
            self._loaded(ruleset, loader, output, scenes[loader.target], read)

    def _scenes(self, firewall: Firewall, ruleset: Ruleset, flavour: Flavour) -> tuple[Scene, ...]:
        if self.asked.scenes is not None:
            return self.asked.scenes
        most, seed = self.asked.packets, self.asked.seed
        wish = Wish(packets=most, least=most // 3, scenes=1, seed=seed, unsure=True)
        made: Plan = self._safe(partial(plan, [Loaded(ruleset, flavour)], firewall.host, wish=wish))
        return made.scenes

    def _read_back(self, loader: Loader, output: Output) -> None:
        """An output that is not sent packets to."""
        for result in verify({loader.target: output}, (), (loader,)):
            self._problems(loader, result.problems)
            for one in result.differences:
                self._finding(Check.READ_BACK, loader.name, f"{one.file}: {one.message}")

    def _problems(self, loader: Loader, problems: Sequence[Diagnostic]) -> None:
        if any(one.code in LACKING for one in problems):
            raise Failure(problems)
        for one in problems:
            if "this host has no" in one.message:
                self.found.lacking[one.message] += 1
            else:
                self._finding(Check.LOAD, loader.name, one.message)

    def _loaded(self, ruleset: Ruleset, loader: Loader, output: Output, scenes: Sequence[Scene], read: Read) -> None:
        rules = {
            (chain.name, number): frozenset(coverage.of_rule(chain, rule))
            for chain in ruleset.chains
            for number, rule in enumerate(chain.rules)
        }
        for number, scene in enumerate(scenes):
            try:
                got = self._safe(partial(sent, scene, ruleset, loader, output, Read.NOT if number else read))
            except _Broken:
                return
            except Failure as failure:
                self._problems(loader, failure.diagnostics)
                return
            for message in got.differences:
                self._finding(Check.READ_BACK, loader.name, message)
            self.found.packets[loader.name] += len(got.played)
            for one in got.played:
                if not one.agrees:
                    self._finding(Check.KERNEL, loader.name, _words(one), _until(scene, one))
                    break
                if one.certain:
                    self.found.met.update(*(rules[place] for place in one.met))


_WHICH_ARE_ASKED = "which limits, counts and lists are asked"


def _are_alike(ruleset: Ruleset) -> bool:
    """Whether there are limits that ask the same, or words that nobody looks into: proofs tell those apart by the order
    of rules alone, which targets write otherwise.
    """
    asked = [
        replace(match, table="") if isinstance(match, Limit | Hits | Connections | Quota) else match
        for chain in ruleset.chains
        for rule in chain.rules
        for match in rule.matches
        if isinstance(match, STATEFUL)
    ]
    return len(set(asked)) < len(asked) or any(isinstance(one, OpaqueMatch) for one in asked)


def _words(one: Played) -> str:
    return f"{format_packet(one.packet)}: expected {one.expected}, seen {one.seen}"


def _until(scene: Scene, one: Played) -> Scene:
    """What was sent up to a packet."""
    probes, left = [], one.number + 1
    for probe in scene.probes:
        if left <= 0:
            break
        probes.append(replace(probe, packets=probe.packets[:left]))
        left -= len(probe.packets)
    return Scene(scene.host, tuple(probes), fillings=scene.fillings)


def _place(error: BaseException) -> str:
    """Where in polc it was raised: the last file of polc's own on the way."""
    frames = [Path(one.filename) for one in traceback.extract_tb(error.__traceback__)]
    lines = [one.lineno for one in traceback.extract_tb(error.__traceback__)]
    own = [(path, line) for path, line in zip(frames, lines, strict=True) if path.is_relative_to(_PACKAGE)]
    path, line = next((one for one in reversed(own) if one[0].relative_to(_PACKAGE).parts[0] not in _OWN), own[-1])
    return f"{path.relative_to(_PACKAGE.parent)}:{line}"
