"""Assertions and classes of packets as text to documents: ``grammar/assertion.lark``."""

from __future__ import annotations

from collections.abc import Iterable

from polc.diagnostics import Failure, Label
from polc.diagnostics.model import Diagnostic
from polc.parsing.parser import Parser, Token, TooDeep, Tree, Unexpected
from polc.policy.assertion import Asserted, Assertion, Claim, Class, Comparison, Quantity, Relation, Verb
from polc.policy.assertion_ports import split_port
from polc.policy.clause_text import CLAUSES, endpoint, tokens_of, unquote, words
from polc.policy.document import Clause, Destination, Endpoint, ServiceWord, Source, Word
from polc.policy.nodes import Mapping, Node, Scalar
from polc.source import Span

ASSERTION = Parser("assertion")

_MANNERS = {"reaches": Quantity.ALWAYS, "never_reaches": Quantity.NEVER, "may_reach": Quantity.MAY}


def read_assertions(nodes: Iterable[Node]) -> list[Asserted]:
    """What the list ``assert`` of a policy says: texts, or mappings of the form that the schema wants.

    Raises:
        Failure: with all that is wrong in any of them: POL070, POL110, POL111, POL112, POL230.
    """
    found: list[Asserted] = []
    wrong: list[Diagnostic] = []
    for node in nodes:
        text, because = node, ""
        if isinstance(node, Mapping):
            inside, reason = node.get("assert"), node.get("because")
            assert inside is not None
            text, because = inside, reason.text if isinstance(reason, Scalar) else ""
        assert isinstance(text, Scalar)
        try:
            found.append(Asserted(read_assertion(text), " ".join(text.text.split()), because))
        except Failure as failure:
            wrong += failure.diagnostics
    if wrong:
        raise Failure(wrong)
    return found


def read_assertion(text: Scalar) -> Assertion:
    """One assertion.

    Raises:
        Failure: POL110 for a word out of place, POL111 for a clause that is there twice, POL070 for a `host` or port
            that does not go with what stands beside it.
    """
    tree = _parse(text, "assertion")
    place = text.place(tree.start, tree.end)
    first, second, *rest = (one for one in tree.children if isinstance(one, Tree))
    if first.name == "endpoint":
        source = Source(endpoint(first, text), text.place(first.start, first.end))
        destination = Destination(endpoint(rest[0], text), text.place(rest[0].start, rest[0].end))
        packets = _class(rest[1:], text, place, (source, destination), opening=True)
        return Claim(_MANNERS[second.name], Verb.ACCEPT, packets, place)
    if second.name == "path":
        (token,) = tokens_of(second)
        path = unquote(token) if token.kind == "STRING" else token.text
        among = next((_class(_trees(one), text, text.place(one.start, one.end)) for one in rest), None)
        return Comparison(Relation(first.name), Word(path, text.place(token.start, token.end)), among, place)
    return Claim(Quantity(first.name), Verb(second.name), _class(rest, text, place), place)


def read_class(text: Scalar) -> Class:
    """A class of packets alone: ``tcp/22 from wan``, or nothing, which is all of them. Raises as ``read_assertion``."""
    if not text.text.strip():
        return Class((), (), text.span)
    tree = _parse(text, "class")
    return _class(_trees(tree), text, text.place(tree.start, tree.end))


def _trees(tree: Tree) -> list[Tree]:
    return [one for one in tree.children if isinstance(one, Tree)]


def _parse(text: Scalar, start: str) -> Tree:
    try:
        return ASSERTION.parse(text.text, start)
    except Unexpected as error:
        from polc.policy.assertion_errors import explain

        raise explain(error, text, start) from None
    except TooDeep:
        whole = text.place(0, len(text.text))
        raise Failure.of(
            "POL008", "this condition is nested too deep", whole, help="write several assertions"
        ) from None


def _class(
    trees: Iterable[Tree], text: Scalar, place: Span, given: tuple[Clause, ...] = (), *, opening: bool = False
) -> Class:
    service: tuple[ServiceWord, ...] = ()
    clauses = list(given)
    for one in trees:
        if one.name == "service":
            service = _service(one, text)
        else:
            clauses.append(CLAUSES[one.name](one, text))
    _refuse_repeated(clauses, given)
    for at, clause in enumerate(clauses):
        if isinstance(clause, Destination):
            ends, port = split_port(clause.endpoint)
            clauses[at] = Destination(ends, clause.span)
            if port is not None:
                if service:
                    message = f"a port behind the address is one of TCP, and a service says it again: `{port.text}`"
                    raise Failure.of("POL070", message, port.span, help="leave one of the two out")
                service = (ServiceWord(Word(f"tcp/{port.text}", port.span)),)
    return Class(service, tuple(clauses), place, opening)


def _refuse_repeated(clauses: list[Clause], given: tuple[Clause, ...]) -> None:
    seen: dict[type[Clause], Clause] = {}
    for clause in clauses:
        first = seen.setdefault(type(clause), clause)
        if first is not clause:
            word = clause.span.text.split(maxsplit=1)[0]
            message = f"`{word}` is there twice: an assertion has each clause once"
            if first in given:
                message = f"`{word}` says again what stands beside `reaches`"
            labels = (Label(clause.span, "again here"), Label(first.span, "first here"))
            raise Failure((Diagnostic("POL111", message, labels),))


def _service(tree: Tree, text: Scalar) -> tuple[ServiceWord, ...]:
    return tuple(
        ServiceWord(Word(child.text, text.place(child.start, child.end)))
        if isinstance(child, Token)
        else ServiceWord(words(child, text)[0], protocol=True)
        for child in tree.children
    )


def host_in(ends: Endpoint) -> tuple[bool, Endpoint]:
    """Whether the word ``host`` stands where zones do, and the rest.

    Raises:
        Failure: POL070, it stands beside zones or behind `not`.
    """
    zones = ends.zones
    found = next((one for one in zones.words if one.text == "host"), None) if zones else None
    if zones is None or found is None:
        return False, ends
    if len(zones.words) > 1 or zones.negated:
        raise Failure.of(
            "POL070", "`host` is this host itself, and no zone: it stands alone", found.span,
            help="write an assertion for packets to or from the host, and another one for the zones",
        )  # fmt: skip
    return True, Endpoint(None, ends.addresses)
