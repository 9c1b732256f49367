"""Rules and parts of rules as text to documents: parse, then name what was parsed.

A clause is one function here, of the name that it has in ``grammar/rule.lark``, and one row of ``_CLAUSES``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from polc.diagnostics import Failure, Label
from polc.diagnostics.model import Diagnostic
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
from polc.policy.nodes import Scalar
from polc.policy.parser import Token, Tree, Unexpected, parse
from polc.source import Span


def read_rule(text: Scalar) -> AnyRule:
    """A whole rule.

    Raises:
        Failure: POL110 for a word out of place, POL111 for a clause that is there twice.
    """
    tree = _parse(text, "rule")
    head, *rest = (child for child in tree.children if isinstance(child, Tree))
    place = text.place(tree.start, tree.end)
    if head.name == "macro":
        comment = "".join(_unquote(token) for one in rest for token in _tokens(one))
        return MacroDocument(_words(head, text)[0], comment, place)
    verdict, clauses = _verdict(head, text)
    service: tuple[ServiceWord, ...] = ()
    for one in rest:
        if one.name == "service":
            service = _service(one, text)
        else:
            clauses.append(_CLAUSES[one.name](one, text))
    _refuse_repeated(clauses)
    return RuleDocument(verdict, service, tuple(clauses), place)


def read_definition(text: Scalar) -> tuple[tuple[ServiceWord, ...], SourcePorts | None]:
    """What a service definition says: its words, and its source ports. Raises as ``read_rule``."""
    first, *rest = (child for child in _parse(text, "definition").children if isinstance(child, Tree))
    return _service(first, text), next((_sport(one, text) for one in rest), None)


def read_endpoint(text: Scalar) -> Endpoint:
    """What follows ``from`` or ``to``. Raises as ``read_rule``."""
    return _endpoint(_parse(text, "endpoint"), text)


def read_rate(text: Scalar) -> Rate:
    """What follows ``limit`` or ``over``. Raises as ``read_rule``."""
    return _rate(_parse(text, "rate"), text)


def read_count(text: Scalar) -> HitCount:
    """What follows ``hits``. Raises as ``read_rule``."""
    return _count(_parse(text, "count"), text)


def _parse(text: Scalar, start: str) -> Tree:
    try:
        return parse(text.text, start)
    except Unexpected as error:
        from polc.policy.rule_errors import explain

        raise explain(error, text, start) from None


def _refuse_repeated(clauses: Iterable[Clause]) -> None:
    seen: dict[type[Clause], Clause] = {}
    for clause in clauses:
        first = seen.setdefault(type(clause), clause)
        if first is not clause:
            word = clause.span.text.split(maxsplit=1)[0]
            labels = (Label(clause.span, "again here"), Label(first.span, "first here"))
            raise Failure((Diagnostic("POL111", f"`{word}` is there twice: a rule has each clause once", labels),))


def _tokens(tree: Tree) -> list[Token]:
    return [child for child in tree.children if isinstance(child, Token)]


def _place(tree: Tree, text: Scalar) -> Span:
    return text.place(tree.start, tree.end)


def _words(tree: Tree, text: Scalar) -> tuple[Word, ...]:
    return tuple(Word(token.text, text.place(token.start, token.end)) for token in _tokens(tree))


def _verdict(tree: Tree, text: Scalar) -> tuple[Verdict | None, list[Clause]]:
    """A clause in the verdict's place, such as ``helper H``, stands in a rule that decides nothing."""
    if tree.name == "attach":
        return None, [_helper(tree, text)]
    if tree.name in _CLAUSES:
        return None, [_CLAUSES[tree.name](tree, text)]
    answer = next(iter(_words(tree, text)), None)
    return Verdict(Decision(tree.name), answer, _place(tree, text)), []


def _service(tree: Tree, text: Scalar) -> tuple[ServiceWord, ...]:
    found = []
    for child in tree.children:
        if isinstance(child, Token):
            found.append(ServiceWord(Word(child.text, text.place(child.start, child.end))))
        else:
            found.append(ServiceWord(_words(child, text)[0], protocol=True))
    return tuple(found)


def _endpoint(tree: Tree, text: Scalar) -> Endpoint:
    parts = {
        child.name.removeprefix("not_"): Names(_words(child, text), child.name.startswith("not_"))
        for child in tree.children
        if isinstance(child, Tree)
    }
    return Endpoint(parts.get("zones"), parts.get("addresses"))


def _source(tree: Tree, text: Scalar) -> Source:
    return Source(_endpoint(_only(tree), text), _place(tree, text))


def _destination(tree: Tree, text: Scalar) -> Destination:
    return Destination(_endpoint(_only(tree), text), _place(tree, text))


def _only(tree: Tree) -> Tree:
    (child,) = tree.children
    assert isinstance(child, Tree)
    return child


def _sport(tree: Tree, text: Scalar) -> SourcePorts:
    return SourcePorts(_words(tree, text), _place(tree, text))


def _state(tree: Tree, text: Scalar) -> States:
    return States(_words(tree, text), _place(tree, text))


def _rate(tree: Tree, text: Scalar) -> Rate:
    (rate,) = _words(tree, text)
    options: dict[str, tuple[Word, ...]] = {}
    for one in tree.children:
        if isinstance(one, Tree):
            if one.name in options:
                raise Failure.of("POL111", f"`{one.name}` is there twice", _place(one, text))
            options[one.name] = _words(one, text)
    return Rate(rate, options["burst"][0] if "burst" in options else None, options.get("per", ()))


def _limit(tree: Tree, text: Scalar) -> Under:
    return Under(_rate(_only(tree), text), _place(tree, text))


def _over(tree: Tree, text: Scalar) -> Over:
    return Over(_rate(_only(tree), text), _place(tree, text))


def _count(tree: Tree, text: Scalar) -> HitCount:
    count, within = _words(tree, text)
    parts = {child.name: child for child in tree.children if isinstance(child, Tree)}
    return HitCount(count, within, _words(parts["per"], text), "refresh" in parts, _place(tree, text))


def _hits(tree: Tree, text: Scalar) -> HitCount:
    return _count(_only(tree), text)


def _log(tree: Tree, text: Scalar) -> LogLine:
    (quoted,) = _tokens(tree)
    level = next((_words(one, text)[0] for one in tree.children if isinstance(one, Tree)), None)
    return LogLine(Word(_unquote(quoted), text.place(quoted.start, quoted.end)), level, _place(tree, text))


def _tally(tree: Tree, text: Scalar) -> NamedCount:
    return NamedCount(_words(tree, text)[0], _place(tree, text))


def _counter(tree: Tree, text: Scalar) -> OwnCount:
    return OwnCount(_place(tree, text))


def _helper(tree: Tree, text: Scalar) -> HelperName:
    return HelperName(_words(tree, text)[0], _place(tree, text))


def _comment(tree: Tree, text: Scalar) -> Comment:
    return Comment(_unquote(_tokens(tree)[0]), _place(tree, text))


def _unquote(token: Token) -> str:
    return re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL)


_CLAUSES: dict[str, Callable[[Tree, Scalar], Clause]] = {
    "source": _source,
    "destination": _destination,
    "sport": _sport,
    "state": _state,
    "limit": _limit,
    "over": _over,
    "hits": _hits,
    "log": _log,
    "tally": _tally,
    "counter": _counter,
    "helper": _helper,
    "comment": _comment,
}
