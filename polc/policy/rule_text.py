"""Rules and parts of rules as text to documents: parse, then name what was parsed."""

from __future__ import annotations

from collections.abc import Iterable

from polc.diagnostics import Failure, Label
from polc.diagnostics.model import Diagnostic
from polc.policy.clause_text import (
    CLAUSES,
    allowance,
    count,
    endpoint,
    excess,
    lookup,
    rate,
    sport,
    tokens_of,
    unquote,
    words,
)
from polc.policy.document import (
    AnyRule,
    Clause,
    ConnectionCount,
    Decision,
    Endpoint,
    HitCount,
    MacroDocument,
    Rate,
    RuleDocument,
    Selection,
    ServiceWord,
    Sighting,
    SourcePorts,
    Test,
    Verdict,
    Volume,
    Word,
)
from polc.policy.nodes import Scalar
from polc.policy.parser import Token, TooDeep, Tree, Unexpected, parse


def read_rule(text: Scalar) -> AnyRule:
    """A whole rule.

    Raises:
        Failure: POL110 for a word out of place, POL111 for a clause that is there twice.
    """
    tree = _parse(text, "rule")
    head, *rest = (child for child in tree.children if isinstance(child, Tree))
    place = text.place(tree.start, tree.end)
    if head.name == "macro":
        comment = "".join(unquote(token) for one in rest for token in tokens_of(one))
        return MacroDocument(words(head, text)[0], comment, place)
    verdict: Verdict | None = None
    clauses: list[Clause] = []
    if head.name in CLAUSES:
        # Such as `log "in: "`: a rule that does this and decides nothing.
        clauses.append(CLAUSES[head.name](head, text))
    else:
        verdict = _verdict(head, text)
    service: tuple[ServiceWord, ...] = ()
    for one in rest:
        if one.name == "service":
            service = _service(one, text)
        else:
            clauses.append(CLAUSES[one.name](one, text))
    _refuse_repeated(clauses)
    return RuleDocument(verdict, service, tuple(clauses), place)


def _verdict(head: Tree, text: Scalar) -> Verdict:
    span = text.place(head.start, head.end)
    answer = next(iter(words(head, text)), None)
    match head.name:
        case "vmap":
            from polc.policy.map_text import read_map

            return Verdict(Decision.VMAP, None, span, map=read_map(head, text))
        case "queue":
            flags = next((words(one, text) for one in head.children if isinstance(one, Tree)), ())
            return Verdict(Decision.QUEUE, answer, span, flags)
        case _:
            return Verdict(Decision(head.name), answer, span)


def read_definition(text: Scalar) -> tuple[tuple[ServiceWord, ...], SourcePorts | None]:
    """What a service definition says: its words, and its source ports. Raises as ``read_rule``."""
    first, *rest = (child for child in _parse(text, "definition").children if isinstance(child, Tree))
    return _service(first, text), next((sport(one, text) for one in rest), None)


def read_endpoint(text: Scalar) -> Endpoint:
    """What follows ``from`` or ``to``. Raises as ``read_rule``."""
    return endpoint(_parse(text, "endpoint"), text)


def read_rate(text: Scalar) -> Rate:
    """What follows ``limit`` or ``over``. Raises as ``read_rule``."""
    return rate(_parse(text, "rate"), text)


def read_count(text: Scalar) -> HitCount:
    """What follows ``hits``. Raises as ``read_rule``."""
    return count(_parse(text, "count"), text)


def read_excess(text: Scalar) -> ConnectionCount:
    """What follows ``connections``. Raises as ``read_rule``."""
    return excess(_parse(text, "excess"), text)


def read_allowance(text: Scalar) -> Volume:
    """What follows ``quota``. Raises as ``read_rule``."""
    return allowance(_parse(text, "allowance"), text)


def read_lookup(text: Scalar) -> Sighting:
    """What follows ``recent``. Raises as ``read_rule``."""
    return lookup(_parse(text, "lookup"), text)


def read_expression(text: Scalar) -> Test:
    """What follows ``where``. Raises as ``read_rule``."""
    from polc.policy.where_text import test

    (child,) = _parse(text, "expression").children
    assert isinstance(child, Tree)
    return test(child, text)


def read_key(text: Scalar) -> Selection:
    """The key of a map: ``saddr . tcp dport``. Raises as ``read_rule``."""
    from polc.policy.map_text import key

    return key(_parse(text, "key"), text)


def read_place(text: Scalar) -> tuple[Word, ...]:
    """The values of a key: ``192.0.2.1 . 22``. Raises as ``read_rule``."""
    from polc.policy.map_text import place

    return place(_parse(text, "place"), text)


def read_outcome(text: Scalar) -> Verdict:
    """What an element of a `vmap` leads to. Raises as ``read_rule``."""
    from polc.policy.map_text import verdict

    (child,) = _parse(text, "outcome").children
    assert isinstance(child, Tree)
    return verdict(child, text)


def _parse(text: Scalar, start: str) -> Tree:
    try:
        return parse(text.text, start)
    except Unexpected as error:
        from polc.policy.rule_errors import explain

        raise explain(error, text, start) from None
    except TooDeep:
        whole = text.place(0, len(text.text))
        raise Failure.of("POL008", "this condition is nested too deep", whole, help="write several rules") from None


def _refuse_repeated(clauses: Iterable[Clause]) -> None:
    seen: dict[type[Clause], Clause] = {}
    for clause in clauses:
        first = seen.setdefault(type(clause), clause)
        if first is not clause:
            word = clause.span.text.split(maxsplit=1)[0]
            labels = (Label(clause.span, "again here"), Label(first.span, "first here"))
            raise Failure((Diagnostic("POL111", f"`{word}` is there twice: a rule has each clause once", labels),))


def _service(tree: Tree, text: Scalar) -> tuple[ServiceWord, ...]:
    found = []
    for child in tree.children:
        if isinstance(child, Token):
            found.append(ServiceWord(Word(child.text, text.place(child.start, child.end))))
        else:
            found.append(ServiceWord(words(child, text)[0], protocol=True))
    return tuple(found)
