"""The text of a policy from its parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from polc.ir.origin import Origin
from polc.ir.protocols import PROTOCOL_NAMES
from polc.ir.ruleset import Flowtable
from polc.lift.definitions import Definitions
from polc.lift.flow import Json, entry, item
from polc.lift.groups import items
from polc.lift.model import Line, Written
from polc.lift.sets import Group, elements
from polc.lift.times import seconds
from polc.lift.zones import pattern_text
from polc.policy.format.quoting import written
from polc.policy.lower.scope import Place
from polc.policy.lower.symbols import DEFAULT_SIZE
from polc.source import Span


@dataclass(frozen=True, slots=True)
class Section:
    """``default`` is "" for the lists that have none, and its origin that of a rule that it stands for; ``listed``: it
    is a part of `nat` as one list.
    """

    place: Place
    default: str
    lines: Sequence[Line]
    device: str = ""
    default_origin: Origin = field(default_factory=Origin)
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    settings: Mapping[str, str]
    known: Definitions
    filled: Sequence[Group]
    flowtables: Mapping[str, Flowtable]
    chains: Mapping[str, Sequence[Line]]
    sections: Sequence[Section]
    nat: Sequence[Section]


@dataclass(frozen=True, slots=True)
class Page:
    """``places`` are what the lines of the text came from, by their numbers; ``written`` are its rules."""

    text: str
    places: Mapping[int, Span]
    written: tuple[Written, ...]


@dataclass(slots=True)
class _Writer:
    lines: list[str] = field(default_factory=list)
    places: dict[int, Span] = field(default_factory=dict)
    written: list[Written] = field(default_factory=list)

    def add(self, text: str) -> None:
        self.lines.append(text)

    def rule(self, lines: Sequence[str], origin: Origin) -> None:
        """A rule, or what stands for one."""
        first = len(self.lines) + 1
        self.lines += lines
        if origin.span:
            self.places.update(dict.fromkeys(range(first, len(self.lines) + 1), origin.span))
        if origin.spans:
            words = " ".join(one.strip() for one in lines).removeprefix("- ")
            self.written.append(Written(origin.spans, first, words))

    def block(self, name: str) -> None:
        self.lines += ("", f"{name}:")

    def entry(self, name: str, value: Json) -> None:
        """A definition or setting."""
        self.lines += entry(name, value, 2)

    def rules(self, lines: Iterable[Line], indent: int) -> None:
        for line in lines:
            self.rule([*item(line.value, indent)], line.origin)


def write(parts: Parts) -> Page:
    out = _Writer(["polc: 1"])
    if parts.settings:
        out.block("settings")
        for name, value in parts.settings.items():
            out.entry(name, value)
    _definitions(parts, out)
    if parts.chains:
        out.block("chains")
        for name, lines in parts.chains.items():
            out.add(f"  {name}:" if lines else f"  {name}: []")
            out.rules(lines, 4)
    for name in ("input", "forward", "output"):
        for section in parts.sections:
            if section.place.name == name:
                out.block(name)
                _with_default(section, 2, out)
    ingress = [one for one in parts.sections if one.device]
    if ingress:
        out.block("ingress")
        for section in ingress:
            out.add(f"  {written(section.device, flow=False)}:")
            _with_default(section, 4, out)
    for name in ("raw", "mangle"):
        _lists(name, [one for one in parts.sections if one.place.name.startswith(f"{name}-")], out)
    if all(one.listed for one in parts.nat):
        if any(one.lines for one in parts.nat):
            out.block("nat")
        for section in parts.nat:
            out.rules(section.lines, 2)
    else:
        _lists("nat", parts.nat, out)
    if len(out.lines) == 1:
        # A policy says something, if only that everything passes.
        out.block("input")
        out.add("  default: accept")
    return Page("\n".join(out.lines) + "\n", out.places, tuple(out.written))


def _lists(name: str, sections: Sequence[Section], out: _Writer) -> None:
    if not sections:
        return
    out.block(name)
    for section in sections:
        hook = section.place.name.partition("-")[2]
        out.add(f"  {hook}:" if section.lines else f"  {hook}: []")
        out.rules(section.lines, 4)


def _with_default(section: Section, indent: int, out: _Writer) -> None:
    margin = " " * indent
    out.rule([f"{margin}default: {section.default}"], section.default_origin)
    if section.lines:
        out.add(f"{margin}rules:")
        out.rules(section.lines, indent + 2)


def _definitions(parts: Parts, out: _Writer) -> None:
    known = parts.known
    if known.zones.names:
        out.block("zones")
        for pattern, name in known.zones.names.items():
            out.entry(name, pattern_text(pattern))
    if known.groups.names or parts.filled:
        out.block("addresses")
        for addresses, name in known.groups.names.items():
            out.entry(name, [*items(addresses)])
        for group in parts.filled:
            out.entry(group.name, _filled(group))
    if known.services.definitions:
        out.block("services")
        for name, words in known.services.definitions.items():
            out.entry(name, words[0] if len(words) == 1 else [*words])
    if known.timeouts:
        out.block("timeouts")
        for assigned, name in known.timeouts.items():
            states = {state: seconds(time) for state, time in assigned.policy}
            out.entry(name, {"protocol": PROTOCOL_NAMES[assigned.protocol], **states})
    if parts.flowtables:
        out.block("flowtables")
        for name, table in parts.flowtables.items():
            out.entry(name, {"devices": [*table.devices], **({"hardware": True} if table.hardware else {})})


def _filled(group: Group) -> Json:
    one = group.one
    found: dict[str, Json] = {"dynamic": True}
    if one.timeout is not None:
        found["timeout"] = seconds(one.timeout)
    if one.size not in (None, DEFAULT_SIZE):
        found["size"] = one.size
    if one.intervals:
        found["networks"] = True
    there = elements(group)
    if there.families:
        found["elements"] = [*items(there)]
    return found
