"""The tests of a policy as cases: steps, and what is expected of each.

A test in words is ``VERDICT PACKET``, then perhaps ``becomes SOURCE -> DESTINATION [dscp N]``: what the packet is like
where it ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from polc.diagnostics import Failure
from polc.ir.matches import CtState
from polc.policy.nodes import Mapping, Node, Scalar, Sequence
from polc.simulate.packet import Packet
from polc.simulate.packet_text import Draft, read_step
from polc.simulate.words import Word, end_of, number
from polc.source import Span

VERDICTS = ("accept", "drop", "reject")
_IN_WORDS = re.compile(rf"({'|'.join(VERDICTS)})\s+(.*?)(?:\s+becomes\s+(.*))?", re.DOTALL)
_ENDS = re.compile(r"(\S+)\s+->\s+(\S+)(?:\s+dscp\s+(\S+))?")
_STATES = {one.name.lower(): one for one in CtState if one.name}


class Ends(NamedTuple):
    """What a packet becomes; None is not looked at."""

    saddr: int
    sport: int | None
    daddr: int
    dport: int | None
    dscp: int | None

    def fit(self, packet: Packet) -> bool:
        seen = Ends(packet.saddr, packet.sport, packet.daddr, packet.dport, packet.dscp)
        return all(wanted is None or wanted == found for wanted, found in zip(self, seen, strict=True))


@dataclass(frozen=True, slots=True)
class Expected:
    """What a step's packet should meet; None: nothing is said of it."""

    verdict: str | None = None
    state: CtState | None = None
    becomes: Ends | None = None


@dataclass(frozen=True, slots=True)
class CaseStep:
    """``text`` are the step's words, on one line."""

    draft: Draft
    expected: Expected
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Case:
    """``name`` is that of a scenario, or the words of a test of one packet; ``because`` is its author's reason."""

    name: str
    steps: tuple[CaseStep, ...]
    because: str
    span: Span

    @property
    def is_scenario(self) -> bool:
        return len(self.steps) > 1


def read_cases(nodes: Iterable[Node]) -> list[Case]:
    """The cases that test nodes describe, which have the form that the schema wants.

    Raises:
        Failure: POL061 to POL063, and POL065: with all that is wrong with any of them.
    """
    found: list[Case] = []
    wrong: list[Failure] = []
    for node in nodes:
        try:
            found.append(_case(node))
        except Failure as failure:
            wrong.append(failure)
    if wrong:
        raise Failure(one for failure in wrong for one in failure.diagnostics)
    return found


def _case(node: Node) -> Case:
    if isinstance(node, Scalar):
        step = _in_words(node)
        return Case(_one_line(node.text), (step,), "", node.span)
    assert isinstance(node, Mapping)
    because = _text(node, "because")
    steps = node.get("steps")
    if isinstance(steps, Sequence):
        made = tuple(_step(one) for one in steps.items if isinstance(one, Mapping))
        return Case(_text(node, "scenario"), made, because, node.span)
    step = _step(node)
    verdict = f"{step.expected.verdict} " if step.expected.verdict else ""
    return Case(f"{verdict}{step.text}", (step,), because, node.span)


def _in_words(node: Scalar) -> CaseStep:
    found = _IN_WORDS.fullmatch(node.text.strip())
    if found is None:
        raise Failure.of(
            "POL065", "a test is `VERDICT PACKET`", node.span,
            help="begin it with accept, drop or reject: `accept tcp 198.51.100.9 -> host:22 in eth0`",
        )  # fmt: skip
    lead = len(node.text) - len(node.text.lstrip())
    start = lead + found.start(2)
    draft = read_step(found[2], lambda one, other: node.place(start + one, start + other))
    becomes = None
    if found[3] is not None:
        becomes = _ends(found[3], node.place(lead + found.start(3), lead + found.end(3)))
    return CaseStep(draft, Expected(found[1], None, becomes), _one_line(found[2]), node.span)


def _step(node: Mapping) -> CaseStep:
    expected = Expected(_text(node, "expect") or None, _STATES.get(_text(node, "state")), _becomes(node))
    packet, wait, reply = node.get("packet"), node.get("wait"), node.get("reply")
    if isinstance(packet, Scalar):
        return _of_words(packet, packet.text, expected, node.span)
    if isinstance(wait, Scalar):
        if expected != Expected():
            raise Failure.of("POL065", "nothing comes of a time that goes by", node.span, help="expect it of a packet")
        return CaseStep(
            read_step(f"wait {wait.text}", lambda one, other: wait.place(max(0, one - 5), other - 5)),
            expected, f"wait {wait.text}", node.span,
        )  # fmt: skip
    assert isinstance(reply, Scalar)
    words = "" if reply.value is True else f" {reply.text}"
    place = reply.place if words else lambda one, other: reply.span
    before = len("reply ")
    draft = read_step(f"reply{words}", lambda one, other: place(max(0, one - before), max(0, other - before)))
    return CaseStep(draft, expected, _one_line(f"reply{words}"), node.span)


def _of_words(node: Scalar, text: str, expected: Expected, span: Span) -> CaseStep:
    return CaseStep(read_step(text, node.place), expected, _one_line(text), span)


def _becomes(node: Mapping) -> Ends | None:
    found = node.get("becomes")
    return _ends(found.text, found.span) if isinstance(found, Scalar) else None


def _ends(text: str, span: Span) -> Ends:
    found = _ENDS.fullmatch(text.strip())
    if found is None:
        raise Failure.of(
            "POL065", "what a packet becomes is `SOURCE -> DESTINATION`, then perhaps `dscp N`", span,
            help="as in `203.0.113.1:40000 -> 198.51.100.9:80 dscp 46`",
        )  # fmt: skip
    source, destination = (end_of(Word(found[at], span)) for at in (1, 2))
    for one in (source, destination):
        if one.address is None:
            raise Failure.of("POL065", "what a packet becomes has addresses, and not `host`", span)
    assert source.address is not None
    assert destination.address is not None
    dscp = None if found[3] is None else number(Word(found[3], span), 63)
    return Ends(source.address, source.port, destination.address, destination.port, dscp)


def _text(node: Mapping, key: str) -> str:
    found = node.get(key)
    return found.text if isinstance(found, Scalar) else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())
