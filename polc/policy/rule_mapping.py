"""Rules as mappings to documents: the same words as in a rule string, as keys.

The schema has been kept already: types are right and required keys are there. A clause is one row of ``_CLAUSES``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from polc.diagnostics import Failure
from polc.policy.document import (
    AnyRule,
    Clause,
    Comment,
    Decision,
    Destination,
    Endpoint,
    HelperName,
    HitCount,
    LogLine,
    MacroDocument,
    NamedCount,
    Names,
    Over,
    OwnCount,
    Rate,
    RuleDocument,
    ServiceWord,
    Source,
    SourcePorts,
    States,
    Under,
    Verdict,
    Word,
)
from polc.policy.nodes import Mapping, Node, Scalar, Sequence
from polc.policy.rule_text import (
    read_count,
    read_definition,
    read_endpoint,
    read_rate,
    read_rule,
)


def read_any_rule(node: Node) -> AnyRule:
    """A rule as text or as a mapping.

    Raises:
        Failure: POL110 to POL112.
    """
    if isinstance(node, Scalar):
        return read_rule(node)
    assert isinstance(node, Mapping)
    if "rule" in node.entries:
        return _with_id(node)
    name = _word_at(node, "id")
    if "use" in node.entries:
        return MacroDocument(_required(node, "use"), _comment_text(node), node.span, name)
    clauses = tuple(make(value) for key, make in _CLAUSES.items() if (value := node.get(key)) is not None)
    return RuleDocument(_verdict(node), _service(node), clauses, node.span, name)


def _with_id(node: Mapping) -> AnyRule:
    """``{rule: TEXT, id: NAME, comment: TEXT}``."""
    text, comment = node.get("rule"), node.get("comment")
    assert isinstance(text, Scalar)
    name = _word_at(node, "id")
    match read_rule(text):
        case RuleDocument(verdict, service, clauses) as rule:
            if comment is not None:
                second = rule.find(Comment)
                if second:
                    raise Failure.of("POL111", "the rule has a comment already", node.entries["comment"].key.span)
                clauses = (*clauses, _comment(comment))
            return RuleDocument(verdict, service, clauses, text.span, name)
        case MacroDocument(macro, written):
            if comment is not None and written:
                raise Failure.of("POL111", "the rule has a comment already", node.entries["comment"].key.span)
            return MacroDocument(macro, written or _comment_text(node), text.span, name)


def _word(node: Node) -> Word:
    assert isinstance(node, Scalar)
    # 5.0 is an integer to JSON Schema, so it is 5 here.
    value = int(node.value) if isinstance(node.value, float) else node.value
    return Word(str(value), node.span)


def _word_at(node: Mapping, key: str) -> Word | None:
    value = node.get(key)
    return None if value is None else _word(value)


def _required(node: Mapping, key: str) -> Word:
    value = node.get(key)
    assert value is not None
    return _word(value)


def words(node: Node) -> tuple[Word, ...]:
    """The words of a text or list of texts, each of which may hold several with commas between.

    Raises:
        Failure: POL112 for a place between commas with nothing in it.
    """
    return tuple(word for one in _texts(node) for word in _split(one))


def _texts(node: Node) -> Iterator[Scalar]:
    for one in node.items if isinstance(node, Sequence) else (node,):
        assert isinstance(one, Scalar)
        yield one


def _split(text: Scalar) -> Iterator[Word]:
    if not isinstance(text.value, str):
        yield _word(text)
        return
    start = 0
    for part in text.value.split(","):
        word = part.strip()
        at = start + part.find(word)
        if not word:
            raise Failure.of("POL112", "a word is missing here", text.place(start, start + len(part)))
        yield Word(word, text.place(at, at + len(word)))
        start += len(part) + 1


def _verdict(node: Mapping) -> Verdict | None:
    answer = _word_at(node, "with")
    value = node.get("verdict")
    if value is not None:
        word = _word(value)
        if not answer or word.text == "reject":
            return Verdict(Decision(word.text), answer, word.span)
    if answer:
        raise Failure.of("POL112", "`with` goes with the verdict `reject` alone", node.entries["with"].key.span)
    return None


def service_words(node: Node) -> tuple[tuple[ServiceWord, ...], SourcePorts | None]:
    """A service text or list of those; a definition's texts may end with ``sport``, all with the same.

    Raises:
        Failure: POL110 to POL112.
    """
    found: list[ServiceWord] = []
    sports: list[SourcePorts | None] = []
    for text in _texts(node):
        service, sport = read_definition(text)
        found += service
        sports.append(sport)
    if len({tuple(word.text for word in one.words) if one else () for one in sports}) > 1:
        raise Failure.of(
            "POL112",
            "the source ports of a service's parts differ",
            node.span,
            help="define a service for each, and one that lists both",
        )
    return tuple(found), sports[0]


def _service(node: Mapping) -> tuple[ServiceWord, ...]:
    value = node.get("service")
    if value is None:
        return ()
    found, sport = service_words(value)
    if sport:
        raise Failure.of("POL112", "in a rule, source ports have their own key", sport.span, help="write `sport: ...`")
    return found


def _endpoint(node: Node) -> Endpoint:
    if isinstance(node, Scalar):
        return read_endpoint(node)
    assert isinstance(node, Mapping)
    return Endpoint(_names(node, "zone"), _names(node, "address"))


def _names(node: Mapping, key: str) -> Names | None:
    value, negated = node.get(key), node.get(f"not_{key}")
    if value is not None and negated is not None:
        message = f"either `{key}` or `not_{key}`, not both"
        raise Failure.of("POL112", message, node.entries[f"not_{key}"].key.span)
    if negated is not None:
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
    per = node.get("per")
    return Rate(_required(node, "rate"), _word_at(node, "burst"), () if per is None else words(per))


def _under(node: Node) -> Under:
    return Under(_rate(node), node.span)


def _over(node: Node) -> Over:
    return Over(_rate(node), node.span)


def _hits(node: Node) -> HitCount:
    if isinstance(node, Scalar):
        return read_count(node)
    assert isinstance(node, Mapping)
    per, refresh = node.get("per"), node.get("refresh")
    assert per is not None
    again = isinstance(refresh, Scalar) and refresh.value is True
    return HitCount(_required(node, "count"), _required(node, "within"), words(per), again, node.span)


def _log(node: Node) -> LogLine:
    if isinstance(node, Scalar):
        return LogLine(_word(node), None, node.span)
    assert isinstance(node, Mapping)
    return LogLine(_required(node, "prefix"), _word_at(node, "level"), node.span)


def _count(node: Node) -> NamedCount:
    return NamedCount(_word(node), node.span)


def _counter(node: Node) -> OwnCount:
    return OwnCount(node.span)


def _helper(node: Node) -> HelperName:
    return HelperName(_word(node), node.span)


def _comment(node: Node) -> Comment:
    return Comment(_word(node).text, node.span)


def _comment_text(node: Mapping) -> str:
    word = _word_at(node, "comment")
    return word.text if word else ""


_CLAUSES: dict[str, Callable[[Node], Clause]] = {
    "from": _source,
    "to": _destination,
    "sport": source_ports,
    "state": _states,
    "limit": _under,
    "over": _over,
    "hits": _hits,
    "log": _log,
    "count": _count,
    "counter": _counter,
    "helper": _helper,
    "comment": _comment,
}
