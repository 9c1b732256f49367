"""``FIELD set VALUE`` in rule texts to documents: what fields can be set, and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from polc.diagnostics import Failure
from polc.policy.clause_text import words
from polc.policy.document import (
    Clause,
    FlowMarking,
    HopAction,
    HopLimitSetting,
    Map,
    MarkAction,
    Marking,
    PrioritySetting,
    TimeoutName,
    TtlSetting,
    Word,
    ZoneSetting,
)
from polc.policy.map_text import read_map
from polc.policy.nodes import Scalar
from polc.policy.parser import Tree
from polc.source import Span


class Assigned(NamedTuple):
    """What stands behind a field: ``value``, or ``map``, and ``mask``."""

    action: str
    value: Word | None
    mask: Word | None
    map: Map | None
    span: Span


def assigned(action: Tree, text: Scalar) -> Assigned:
    """``set``, ``xor``, ``inc`` or ``dec`` with what follows."""
    value = next(iter(words(action, text)), None)
    trees = {one.name: one for one in action.children if isinstance(one, Tree)}
    mask = words(trees["mask"], text)[0] if "mask" in trees else None
    mapped = read_map(trees["map"], text) if "map" in trees else None
    return Assigned(action.name, value, mask, mapped, text.place(action.start, action.end))


def assign(tree: Tree, text: Scalar) -> Clause:
    """The clause that begins with a field.

    Raises:
        Failure: POL121: the field cannot be set, or not so.
    """
    (written,) = words(tree, text)
    field = Word(" ".join(written.text.split()), written.span)
    (action,) = (one for one in tree.children if isinstance(one, Tree))
    if field.text not in _FIELDS:
        hint = _ELSEWHERE.get(field.text, f"what can be set is {', '.join(f'`{one}`' for one in _FIELDS)}")
        raise Failure.of("POL121", f"`{field.text}` cannot be set", field.span, help=hint)
    actions, make = _FIELDS[field.text]
    done = assigned(action, text)
    if done.action not in actions:
        known = " or ".join(f"`{field.text} {one}`" for one in actions)
        raise Failure.of("POL121", f"`{field.text}` has no `{done.action}`", done.span, help=f"write {known}")
    return make(field, done, text.place(tree.start, tree.end))


def _alone(field: Word, done: Assigned) -> Word:
    """The value of a field that has no bits to choose, and no map."""
    wrong = done.mask.span if done.mask else done.map.span if done.map else None
    if wrong or done.value is None:
        message = f"`{field.text}` takes one value, without a mask or a map"
        raise Failure.of("POL121", message, wrong or done.span)
    return done.value


def _mark(field: Word, done: Assigned, span: Span) -> Clause:
    return Marking(MarkAction(done.action), done.value, done.mask, span, done.map)


def _flow_mark(field: Word, done: Assigned, span: Span) -> Clause:
    return FlowMarking(field, MarkAction(done.action), done.value, done.mask, span, done.map)


def _zone(field: Word, done: Assigned, span: Span) -> Clause:
    return ZoneSetting(field, _alone(field, done), span)


def _timeout(field: Word, done: Assigned, span: Span) -> Clause:
    return TimeoutName(_alone(field, done), span)


def _ttl(field: Word, done: Assigned, span: Span) -> Clause:
    return TtlSetting(HopAction(done.action), _alone(field, done), span)


def _hop_limit(field: Word, done: Assigned, span: Span) -> Clause:
    return HopLimitSetting(HopAction(done.action), _alone(field, done), span)


def _priority(field: Word, done: Assigned, span: Span) -> Clause:
    return PrioritySetting(_alone(field, done), span)


_MARKS, _HOPS = ("set", "xor"), ("set", "inc", "dec")
_FIELDS: dict[str, tuple[tuple[str, ...], Callable[[Word, Assigned, Span], Clause]]] = {
    "meta mark": (_MARKS, _mark),
    "ct mark": (_MARKS, _flow_mark),
    "ct zone": (("set",), _zone),
    "ct original zone": (("set",), _zone),
    "ct reply zone": (("set",), _zone),
    "ct timeout": (("set",), _timeout),
    "ip ttl": (_HOPS, _ttl),
    "ip6 hoplimit": (_HOPS, _hop_limit),
    "meta priority": (("set",), _priority),
}
"""Field -> what can be done with it, and the clause that does it."""

_ELSEWHERE: dict[str, str] = {
    "ip dscp": "write `dscp set ef`, for both families",
    "ip6 dscp": "write `dscp set ef`, for both families",
    "ct helper": "write `helper ftp`",
    "tcp option maxseg size": "write `mss clamp` or `mss clamp size 1400`",
}
"""Field that nft sets -> how that is written here."""
