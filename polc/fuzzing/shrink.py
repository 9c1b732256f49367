"""The least case that still shows a finding, and the fewest packets: parts are taken out as long as it does.

Rules first, then their parts, then what parts list, then the words of what is left. Packets stay the same ones while
rules go, so that what shows it is never left to chance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from polc.fuzzing.case import Block, Case, Line, Part
from polc.fuzzing.judge import EVERYTHING, Asked
from polc.fuzzing.model import Check, Finding, Judged
from polc.probing.model import Probe, Scene

MOST_TRIES = 400
"""Cases that are judged for one finding at most."""

Ask = Callable[[Case, Asked], Judged]
_T = TypeVar("_T")
_SIMPLER: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"^(!|not) "), ""),
    (re.compile(r" (!|not) "), " "),
    (re.compile(r"(?<=[\d.:a-f])-[\d.:a-f]+$"), ""),
    (re.compile(r"(?<=\d):\d+$"), ""),
    (re.compile(r"/\d+$"), ""),
    (re.compile(r" (burst|per|size|level|flags|at|hitcount|mask) \S+"), ""),
    (re.compile(r" --(hashlimit-mode|hashlimit-srcmask|limit-burst|sport|dport|log-level|seconds|hitcount) \S+"), ""),
    (re.compile(r" --(reap|log-tcp-options|persistent|soft)\b"), ""),
)
"""Words that are simpler, or fewer."""


@dataclass(slots=True)
class _Work:
    """``found`` is what the least case so far shows."""

    ask: Ask
    asked: Asked
    found: Finding
    left: int = field(default=MOST_TRIES)

    def shows(self, case: Case, scenes: tuple[Scene, ...] | None = None) -> bool:
        """Whether a case shows the finding, and takes note of it."""
        if self.left <= 0:
            return False
        self.left -= 1
        asked = self.asked if scenes is None else replace(self.asked, scenes=scenes)
        same = next((one for one in self.ask(case, asked).findings if one.key == self.found.key), None)
        if same is None:
            return False
        self.found = same
        if scenes is not None:
            self.asked = replace(asked, scenes=None if same.scene is None else (same.scene,))
        return True


def shrink(case: Case, found: Finding, asked: Asked, ask: Ask) -> tuple[Case, Finding] | None:
    """The least case, and what it shows; None: the finding does not come again."""
    loaders = tuple(one for one in asked.loaders if found.where in (one.name, one.target)) or asked.loaders
    checks = EVERYTHING if found.check is Check.CRASH else frozenset({found.check})
    scenes = None if found.scene is None else (_single(found.scene),)
    packets = asked.packets * 4 if found.check is Check.SYMBOLIC else asked.packets
    work = _Work(ask, replace(asked, loaders=loaders, checks=checks, scenes=scenes, packets=packets), found)
    if not work.shows(case, scenes):
        return None
    _fewer_packets(case, work)
    while work.left > 0:
        before = case
        case = _fewer_rules(case, work)
        for simpler in (_parts, _members, _words, _defaults, _rest):
            case = _each(case, work, simpler)
        if case == before:
            break
    _fewer_packets(case, work)
    return case, work.found


def _single(scene: Scene) -> Scene:
    """The same packets, a probe each."""
    return replace(
        scene, probes=tuple(replace(probe, packets=(packet,)) for probe in scene.probes for packet in probe.packets)
    )


def _fewer_packets(case: Case, work: _Work) -> None:
    scene = work.found.scene
    if scene is None:
        return
    *before, last = _single(scene).probes

    def shows(probes: Sequence[Probe]) -> bool:
        return work.shows(case, (replace(scene, probes=(*probes, last)),))

    _fewest(before, shows)


def _fewest(items: Sequence[_T], shows: Callable[[Sequence[_T]], bool]) -> Sequence[_T]:
    """As few as show it, of which none can go: halves first, then quarters, and so on to single ones."""
    if items and shows(()):
        return ()
    size = max(1, len(items) // 2)
    while items:
        at = 0
        while at < len(items):
            less = [*items[:at], *items[at + size :]]
            if shows(less):
                items = less
            else:
                at += size
        if size == 1:
            break
        size = max(1, size // 2)
    return items


def _fewer_rules(case: Case, work: _Work) -> Case:
    every = [(at, number) for at, block in enumerate(case.blocks) for number in range(len(block.lines))]

    def with_rules(kept: Sequence[tuple[int, int]]) -> Case:
        return case.without(set(every) - set(kept))

    return with_rules(_fewest(every, lambda kept: work.shows(with_rules(kept))))


def _each(case: Case, work: _Work, simpler: Callable[[Case], Iterator[Case]]) -> Case:
    """Take the first simpler case that shows it, and go on from there."""
    going = True
    while going:
        going = False
        for one in simpler(case):
            if one != case and work.shows(one):
                case, going = one, True
                break
            if work.left <= 0:
                break
    return case


def _rest(case: Case) -> Iterator[Case]:
    """Without an option, a definition or a block."""
    for at in range(0, len(case.options), 2):
        yield replace(case, options=case.options[:at] + case.options[at + 2 :])
    for at, block in enumerate(case.blocks):
        if not block.lines:
            yield replace(case, blocks=case.blocks[:at] + case.blocks[at + 1 :])
    if case.definitions:
        yield replace(case, definitions=())
    for at in range(len(case.definitions)):
        yield replace(case, definitions=case.definitions[:at] + case.definitions[at + 1 :])


def _defaults(case: Case) -> Iterator[Case]:
    for at, block in enumerate(case.blocks):
        for simpler in ("accept", "ACCEPT"):
            if block.default.upper() != "ACCEPT" and block.default.isupper() == simpler.isupper() and block.default:
                yield _with_block(case, at, replace(block, default=simpler))


def _parts(case: Case) -> Iterator[Case]:
    for at, number, line in _lines(case):
        if line.mapping:
            yield _with_line(case, at, number, replace(line, mapping=False))
        for part in range(len(line.parts)):
            if not line.parts[part].needed:
                yield _with_line(case, at, number, replace(line, parts=line.parts[:part] + line.parts[part + 1 :]))


def _members(case: Case) -> Iterator[Case]:
    for at, number, line in _lines(case):
        for which, part in enumerate(line.parts):
            for member in range(len(part.members)):
                members = part.members[:member] + part.members[member + 1 :]
                if members:
                    yield _with_part(case, at, number, which, replace(part, members=members))


def _words(case: Case) -> Iterator[Case]:
    for at, number, line in _lines(case):
        for which, part in enumerate(line.parts):
            for before in _simpler(part.before):
                yield _with_part(case, at, number, which, replace(part, before=before))
            for member, text in enumerate(part.members):
                for other in _simpler(text):
                    members = (*part.members[:member], other, *part.members[member + 1 :])
                    yield _with_part(case, at, number, which, replace(part, members=members))


def _simpler(text: str) -> Iterator[str]:
    for pattern, instead in _SIMPLER:
        other = pattern.sub(instead, text, count=1)
        if other != text:
            yield other


def _lines(case: Case) -> Iterator[tuple[int, int, Line]]:
    for at, block in enumerate(case.blocks):
        for number, line in enumerate(block.lines):
            yield at, number, line


def _with_block(case: Case, at: int, block: Block) -> Case:
    return replace(case, blocks=(*case.blocks[:at], block, *case.blocks[at + 1 :]))


def _with_line(case: Case, at: int, number: int, line: Line) -> Case:
    lines = case.blocks[at].lines
    return _with_block(case, at, replace(case.blocks[at], lines=(*lines[:number], line, *lines[number + 1 :])))


def _with_part(case: Case, at: int, number: int, which: int, part: Part) -> Case:
    line = case.blocks[at].lines[number]
    return _with_line(case, at, number, replace(line, parts=(*line.parts[:which], part, *line.parts[which + 1 :])))
