"""Clauses as keys of a rule mapping to documents; each is one row of ``CLAUSES``.

The schema has been kept already: types are right and required keys are there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from polc.diagnostics import Failure
from polc.policy.document import (
    AllOf,
    Ban,
    Clause,
    CodePoint,
    Comment,
    Condition,
    ConnectionCount,
    Destination,
    Endpoint,
    FlowMarking,
    HelperName,
    HitCount,
    LogLine,
    MarkAction,
    Marking,
    NamedCount,
    Names,
    NoTracking,
    Over,
    OwnCount,
    Persistent,
    Random,
    Rate,
    SegmentSize,
    Source,
    SourcePorts,
    States,
    SynProxy,
    Target,
    Under,
    Volume,
    Word,
)
from polc.policy.nodes import Mapping, Node, Scalar, Sequence
from polc.policy.rule_text import (
    read_allowance,
    read_count,
    read_endpoint,
    read_excess,
    read_expression,
    read_rate,
)


def word(node: Node) -> Word:
    assert isinstance(node, Scalar)
    # 5.0 is an integer to JSON Schema, so it is 5 here.
    value = int(node.value) if isinstance(node.value, float) else node.value
    return Word(str(value), node.span)


def word_at(node: Mapping, key: str) -> Word | None:
    value = node.get(key)
    return None if value is None else word(value)


def required(node: Mapping, key: str) -> Word:
    value = node.get(key)
    assert value is not None
    return word(value)


def _is_true(node: Node | None) -> bool:
    return isinstance(node, Scalar) and node.value is True


def texts(node: Node) -> Iterator[Scalar]:
    """A text, or those of a list."""
    for one in node.items if isinstance(node, Sequence) else (node,):
        assert isinstance(one, Scalar)
        yield one


def words(node: Node) -> tuple[Word, ...]:
    """The words of a text or list of texts, each of which may hold several with commas between.

    Raises:
        Failure: POL112 for a place between commas with nothing in it.
    """
    return tuple(found for one in texts(node) for found in _split(one))


def _split(text: Scalar) -> Iterator[Word]:
    if not isinstance(text.value, str):
        yield word(text)
        return
    start = 0
    for part in text.value.split(","):
        found = part.strip()
        at = start + part.find(found)
        if not found:
            raise Failure.of("POL112", "a word is missing here", text.place(start, start + len(part)))
        yield Word(found, text.place(at, at + len(found)))
        start += len(part) + 1


def _words_at(node: Mapping, key: str) -> tuple[Word, ...]:
    value = node.get(key)
    return () if value is None else words(value)


def _endpoint(node: Node) -> Endpoint:
    if isinstance(node, Scalar):
        return read_endpoint(node)
    assert isinstance(node, Mapping)
    return Endpoint(_names(node, "zone"), _names(node, "address"))


def _names(node: Mapping, key: str) -> Names | None:
    value, negated = node.get(key), node.get(f"not_{key}")
    if negated is not None:
        _one_of(node, key, f"not_{key}")
        return Names(words(negated), negated=True)
    return None if value is None else Names(words(value))


def _source(node: Node) -> Source:
    return Source(_endpoint(node), node.span)


def _destination(node: Node) -> Destination:
    return Destination(_endpoint(node), node.span)


def source_ports(node: Node) -> SourcePorts:
    """The value of ``sport``. Raises as ``words``."""
    return SourcePorts(words(node), node.span)


def _states(node: Node) -> States:
    return States(words(node), node.span)


def _rate(node: Node) -> Rate:
    if isinstance(node, Scalar):
        return read_rate(node)
    assert isinstance(node, Mapping)
    return Rate(required(node, "rate"), word_at(node, "burst"), _words_at(node, "per"))


def _under(node: Node) -> Under:
    return Under(_rate(node), node.span)


def _over(node: Node) -> Over:
    return Over(_rate(node), node.span)


def _hits(node: Node) -> HitCount:
    if isinstance(node, Scalar):
        return read_count(node)
    assert isinstance(node, Mapping)
    refresh = _is_true(node.get("refresh"))
    return HitCount(required(node, "count"), required(node, "within"), _words_at(node, "per"), refresh, node.span)


def _one_of(node: Mapping, *keys: str) -> str:
    """The one of ``keys`` that is there; the schema asks for one at least."""
    first, *more = (key for key in keys if key in node.entries)
    if more:
        message = f"either `{first}` or `{more[0]}`, not both"
        raise Failure.of("POL112", message, node.entries[more[0]].key.span)
    return first


def _bound(node: Mapping) -> tuple[Word, bool]:
    key = _one_of(node, "over", "upto")
    return required(node, key), key == "over"


def _connections(node: Node) -> ConnectionCount:
    if isinstance(node, Scalar):
        return read_excess(node)
    assert isinstance(node, Mapping)
    number, over = _bound(node)
    return ConnectionCount(number, over, _words_at(node, "per"), node.span)


def _quota(node: Node) -> Volume:
    if isinstance(node, Scalar):
        return read_allowance(node)
    assert isinstance(node, Mapping)
    size, over = _bound(node)
    return Volume(size, over, node.span)


def _where(node: Node) -> Condition:
    tests = tuple(read_expression(one) for one in texts(node))
    return Condition(tests[0] if len(tests) == 1 else AllOf(tests), node.span)


def _log(node: Node) -> LogLine:
    if isinstance(node, Scalar):
        return LogLine(word(node), None, None, None, node.span)
    assert isinstance(node, Mapping)
    at = node.get("at")
    pace = None
    if isinstance(at, Scalar):
        pace = Rate(word(at), None, ())
    elif isinstance(at, Mapping):
        pace = Rate(required(at, "rate"), word_at(at, "burst"), ())
    return LogLine(required(node, "prefix"), word_at(node, "level"), word_at(node, "group"), pace, node.span)


def _count(node: Node) -> NamedCount:
    return NamedCount(word(node), node.span)


def _counter(node: Node) -> OwnCount:
    return OwnCount(node.span)


def _ban(node: Node) -> Ban:
    if isinstance(node, Scalar):
        return Ban(_group(word(node)), None, node.span)
    assert isinstance(node, Mapping)
    return Ban(_group(required(node, "set")), word_at(node, "timeout"), node.span)


def _group(name: Word) -> Word:
    return Word(name.text.removeprefix("@"), name.span)


def _mark(node: Node) -> Marking:
    if isinstance(node, Scalar):
        return Marking(MarkAction(node.text), None, None, node.span)
    assert isinstance(node, Mapping)
    action = MarkAction(_one_of(node, *(one.value for one in MarkAction)))
    value = required(node, "set") if action is MarkAction.SET else None
    return Marking(action, value, word_at(node, "mask"), node.span)


def _flow_mark(node: Node) -> FlowMarking:
    assert isinstance(node, Mapping)
    return FlowMarking(Word("ct mark", node.span), required(node, "set"), word_at(node, "mask"), node.span)


def _dscp(node: Node) -> CodePoint:
    return CodePoint(word(node), node.span)


def _mss(node: Node) -> SegmentSize:
    size = None if isinstance(node, Scalar) and node.value == "clamp" else word(node)
    return SegmentSize(size, node.span)


def _notrack(node: Node) -> NoTracking:
    return NoTracking(node.span)


def _synproxy(node: Node) -> SynProxy:
    assert isinstance(node, Mapping)
    timestamp, sack_perm = _is_true(node.get("timestamp")), _is_true(node.get("sack_perm"))
    return SynProxy(required(node, "mss"), word_at(node, "wscale"), timestamp, sack_perm, node.span)


def _target(node: Node) -> Target:
    return Target(words(node), node.span)


def _random(node: Node) -> Random:
    return Random(node.span)


def _persistent(node: Node) -> Persistent:
    return Persistent(node.span)


def _helper(node: Node) -> HelperName:
    return HelperName(word(node), node.span)


def comment(node: Node) -> Comment:
    return Comment(word(node).text, node.span)


CLAUSES: dict[str, Callable[[Node], Clause]] = {
    "from": _source,
    "to": _destination,
    "sport": source_ports,
    "state": _states,
    "limit": _under,
    "over": _over,
    "hits": _hits,
    "connections": _connections,
    "quota": _quota,
    "where": _where,
    "log": _log,
    "count": _count,
    "counter": _counter,
    "ban": _ban,
    "mark": _mark,
    "ct_mark": _flow_mark,
    "dscp": _dscp,
    "mss": _mss,
    "notrack": _notrack,
    "synproxy": _synproxy,
    "target": _target,
    "random": _random,
    "persistent": _persistent,
    "helper": _helper,
    "comment": comment,
}
