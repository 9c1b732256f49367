"""Clauses as keys of a rule mapping to documents; each is one row of ``CLAUSES``.

The schema has been kept already: types are right and required keys are there.
"""

from __future__ import annotations

from collections.abc import Callable
from json import dumps

from polc.diagnostics import Failure
from polc.policy.document import (
    AllOf,
    Ban,
    Chance,
    Clause,
    CodePoint,
    Comment,
    Condition,
    ConnectionCount,
    Copying,
    Destination,
    Endpoint,
    FlowMarking,
    FullyRandom,
    HelperName,
    HitCount,
    HopAction,
    HopLimitSetting,
    LogLine,
    MarkAction,
    Marking,
    NamedCount,
    Names,
    NativeWords,
    NoTracking,
    Offloading,
    OptionReset,
    Over,
    OwnCount,
    Persistent,
    PrioritySetting,
    Random,
    Rate,
    SegmentSize,
    Sighting,
    Source,
    SourcePorts,
    States,
    SynProxy,
    Target,
    TimeoutName,
    Tracing,
    TtlSetting,
    Turn,
    Under,
    Volume,
    Word,
    ZoneSetting,
)
from polc.policy.map_mapping import map_of_points, value_or_map
from polc.policy.mapping_words import is_true, one_of, required, texts, word, word_at, words, words_at
from polc.policy.nodes import Mapping, Node, Scalar, plain
from polc.policy.rule_text import (
    read_allowance,
    read_count,
    read_endpoint,
    read_excess,
    read_expression,
    read_lookup,
    read_rate,
)


def _endpoint(node: Node) -> Endpoint:
    if isinstance(node, Scalar):
        return read_endpoint(node)
    assert isinstance(node, Mapping)
    return Endpoint(_names(node, "zone"), _names(node, "address"))


def _names(node: Mapping, key: str) -> Names | None:
    value, negated = node.get(key), node.get(f"not_{key}")
    if negated is not None:
        one_of(node, key, f"not_{key}")
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
    return Rate(required(node, "rate"), word_at(node, "burst"), words_at(node, "per"), word_at(node, "size"))


def _under(node: Node) -> Under:
    return Under(_rate(node), node.span)


def _over(node: Node) -> Over:
    return Over(_rate(node), node.span)


def _hits(node: Node) -> HitCount:
    if isinstance(node, Scalar):
        return read_count(node)
    assert isinstance(node, Mapping)
    refresh = is_true(node.get("refresh"))
    count, within, size = required(node, "count"), required(node, "within"), word_at(node, "size")
    return HitCount(count, within, words_at(node, "per"), refresh, node.span, size)


def _bound(node: Mapping) -> tuple[Word, bool]:
    key = one_of(node, "over", "upto")
    return required(node, key), key == "over"


def _connections(node: Node) -> ConnectionCount:
    if isinstance(node, Scalar):
        return read_excess(node)
    assert isinstance(node, Mapping)
    number, over = _bound(node)
    return ConnectionCount(number, over, words_at(node, "per"), node.span, word_at(node, "size"))


def _quota(node: Node) -> Volume:
    if isinstance(node, Scalar):
        return read_allowance(node)
    assert isinstance(node, Mapping)
    size, over = _bound(node)
    return Volume(size, over, node.span)


def _recent(node: Node) -> Sighting:
    if isinstance(node, Scalar):
        return read_lookup(node)
    assert isinstance(node, Mapping)
    return Sighting(
        required(node, "verb"),
        required(node, "list"),
        word_at(node, "within"),
        word_at(node, "hitcount"),
        words_at(node, "per"),
        words_at(node, "flags"),
        is_true(node.get("negated")),
        node.span,
    )


def _nth(node: Node) -> Turn:
    if isinstance(node, Scalar):
        return Turn(word(node), None, node.span)
    assert isinstance(node, Mapping)
    return Turn(required(node, "number"), word_at(node, "packet"), node.span)


def _probability(node: Node) -> Chance:
    assert isinstance(node, Scalar)
    return Chance(Word(node.text, node.span), node.span)


def _native(node: Node) -> NativeWords:
    """Raises:
    Failure: POL112: it speaks of several targets, or of a family.
    """
    assert isinstance(node, Mapping)
    for key in ("nft", "family"):
        if key in node.entries:
            message = f"`native: {{{key}: ...}}` is a rule of its own, with no other key than `id` and `comment`"
            hint = "write `nft_json`" if key == "nft" else "a rule is of one family by `where meta nfproto ipv4`"
            raise Failure.of("POL112", message, node.entries[key].key.span, help=hint)
    one_of(node, "iptables", "nft_json")
    return NativeWords(word_at(node, "iptables"), json_at(node, "nft_json"), node.span)


def json_at(node: Mapping, key: str) -> Word | None:
    """A part of a policy as JSON."""
    value = node.get(key)
    return None if value is None else Word(dumps(plain(value)), value.span)


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
    return LogLine(
        required(node, "prefix"),
        word_at(node, "level"),
        word_at(node, "group"),
        pace,
        node.span,
        words_at(node, "flags"),
        word_at(node, "snaplen"),
        word_at(node, "queue_threshold"),
    )


def _count(node: Node) -> NamedCount:
    return NamedCount(word(node), node.span)


def _counter(node: Node) -> OwnCount:
    return OwnCount(node.span)


def _ban(node: Node) -> Ban:
    if isinstance(node, Scalar):
        return Ban(_group(word(node)), None, node.span)
    assert isinstance(node, Mapping)
    return Ban(_group(required(node, "set")), word_at(node, "timeout"), node.span, words_at(node, "per"))


def _group(name: Word) -> Word:
    return Word(name.text.removeprefix("@"), name.span)


def _mark(node: Node) -> Marking:
    if isinstance(node, Scalar):
        return Marking(MarkAction(node.text), None, None, node.span)
    assert isinstance(node, Mapping)
    action = MarkAction(one_of(node, *(one.value for one in MarkAction)))
    if action in (MarkAction.SAVE, MarkAction.RESTORE):
        return Marking(action, None, word_at(node, "mask"), node.span)
    value, mapped = value_or_map(node, action.value)
    return Marking(action, value, word_at(node, "mask"), node.span, mapped)


def _flow_mark(node: Node) -> FlowMarking:
    assert isinstance(node, Mapping)
    action = MarkAction(one_of(node, "set", "xor"))
    value, mapped = value_or_map(node, action.value)
    return FlowMarking(Word("ct mark", node.span), action, value, word_at(node, "mask"), node.span, mapped)


def _zone(node: Node) -> ZoneSetting:
    if isinstance(node, Scalar):
        return ZoneSetting(Word("ct zone", node.span), word(node), node.span)
    assert isinstance(node, Mapping)
    direction = one_of(node, "original", "reply")
    return ZoneSetting(Word(f"ct {direction} zone", node.span), required(node, direction), node.span)


def _timeout(node: Node) -> TimeoutName:
    return TimeoutName(word(node), node.span)


def _hops(node: Node) -> tuple[HopAction, Word]:
    if isinstance(node, Scalar):
        return HopAction.SET, word(node)
    assert isinstance(node, Mapping)
    action = one_of(node, *(one.value for one in HopAction))
    return HopAction(action), required(node, action)


def _ttl(node: Node) -> TtlSetting:
    return TtlSetting(*_hops(node), node.span)


def _hop_limit(node: Node) -> HopLimitSetting:
    return HopLimitSetting(*_hops(node), node.span)


def _priority(node: Node) -> PrioritySetting:
    return PrioritySetting(word(node), node.span)


def _trace(node: Node) -> Tracing:
    return Tracing(node.span)


def _dup(node: Node) -> Copying:
    if isinstance(node, Scalar):
        return Copying(word(node), None, node.span)
    assert isinstance(node, Mapping)
    return Copying(required(node, "to"), word_at(node, "device"), node.span)


def _offload(node: Node) -> Offloading:
    return Offloading(_group(word(node)), node.span)


def _strip(node: Node) -> OptionReset:
    return OptionReset(words(node), node.span)


def _dscp(node: Node) -> CodePoint:
    return CodePoint(word(node), node.span)


def _mss(node: Node) -> SegmentSize:
    size = None if isinstance(node, Scalar) and node.value == "clamp" else word(node)
    return SegmentSize(size, node.span)


def _notrack(node: Node) -> NoTracking:
    return NoTracking(node.span)


def _synproxy(node: Node) -> SynProxy:
    assert isinstance(node, Mapping)
    timestamp, sack_perm = is_true(node.get("timestamp")), is_true(node.get("sack_perm"))
    return SynProxy(required(node, "mss"), word_at(node, "wscale"), timestamp, sack_perm, node.span)


def _target(node: Node) -> Target:
    if isinstance(node, Mapping):
        return Target((), node.span, map_of_points(node))
    return Target(words(node), node.span)


def _random(node: Node) -> Random:
    return Random(node.span)


def _fully_random(node: Node) -> FullyRandom:
    return FullyRandom(node.span)


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
    "recent": _recent,
    "nth": _nth,
    "probability": _probability,
    "native": _native,
    "where": _where,
    "log": _log,
    "count": _count,
    "counter": _counter,
    "ban": _ban,
    "mark": _mark,
    "ct_mark": _flow_mark,
    "ct_zone": _zone,
    "ct_timeout": _timeout,
    "ttl": _ttl,
    "hoplimit": _hop_limit,
    "priority": _priority,
    "trace": _trace,
    "dup": _dup,
    "flow": _offload,
    "reset": _strip,
    "dscp": _dscp,
    "mss": _mss,
    "notrack": _notrack,
    "synproxy": _synproxy,
    "target": _target,
    "random": _random,
    "fully_random": _fully_random,
    "persistent": _persistent,
    "helper": _helper,
    "comment": comment,
}
