"""Clauses of rule texts to documents.

A clause is one function here, of the name that it has in ``grammar/rule.lark``, and one row of ``CLAUSES``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from polc.diagnostics import Failure
from polc.policy.document import (
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
    FullyRandom,
    HelperName,
    HitCount,
    LogLine,
    MarkAction,
    Marking,
    NamedCount,
    Names,
    NoTracking,
    Offloading,
    OptionReset,
    Over,
    OwnCount,
    Persistent,
    Random,
    Rate,
    SegmentSize,
    Sighting,
    Source,
    SourcePorts,
    States,
    SynProxy,
    Target,
    Tracing,
    Turn,
    Under,
    Volume,
    Word,
)
from polc.policy.nodes import Scalar
from polc.policy.parser import Token, Tree
from polc.source import Span


def tokens_of(tree: Tree) -> list[Token]:
    """The words right in a tree, without those of the trees in it."""
    return [child for child in tree.children if isinstance(child, Token)]


def words(tree: Tree, text: Scalar) -> tuple[Word, ...]:
    """As ``tokens_of``, with their places."""
    return tuple(Word(token.text, text.place(token.start, token.end)) for token in tokens_of(tree))


def unquote(token: Token) -> str:
    return re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL)


def _place(tree: Tree, text: Scalar) -> Span:
    return text.place(tree.start, tree.end)


def _trees(tree: Tree, text: Scalar) -> dict[str, Tree]:
    """The trees in a tree by their names.

    Raises:
        Failure: POL111 for one that is there twice.
    """
    found: dict[str, Tree] = {}
    for one in tree.children:
        if isinstance(one, Tree) and found.setdefault(one.name, one) is not one:
            word = text.text[one.start : one.end].split(maxsplit=1)[0]
            raise Failure.of("POL111", f"`{word}` is there twice", _place(one, text))
    return found


def _joined(tree: Tree, text: Scalar) -> Word:
    """The words of a tree as one, such as a number with its unit."""
    found = tokens_of(tree)
    return Word(" ".join(one.text for one in found), text.place(found[0].start, found[-1].end))


def _only(tree: Tree) -> Tree:
    (child,) = tree.children
    assert isinstance(child, Tree)
    return child


def endpoint(tree: Tree, text: Scalar) -> Endpoint:
    parts = {
        child.name.removeprefix("not_"): Names(words(child, text), child.name.startswith("not_"))
        for child in tree.children
        if isinstance(child, Tree)
    }
    return Endpoint(parts.get("zones"), parts.get("addresses"))


def _source(tree: Tree, text: Scalar) -> Source:
    return Source(endpoint(_only(tree), text), _place(tree, text))


def _destination(tree: Tree, text: Scalar) -> Destination:
    return Destination(endpoint(_only(tree), text), _place(tree, text))


def sport(tree: Tree, text: Scalar) -> SourcePorts:
    return SourcePorts(words(tree, text), _place(tree, text))


def _state(tree: Tree, text: Scalar) -> States:
    return States(words(tree, text), _place(tree, text))


def rate(tree: Tree, text: Scalar) -> Rate:
    options = _trees(tree, text)
    burst, per = options.get("burst"), options.get("per")
    return Rate(
        _joined(tree, text),
        _joined(burst, text) if burst else None,
        words(per, text) if per else (),
        _keys(per, text) if per else None,
    )


def _keys(per: Tree, text: Scalar) -> Word | None:
    """How many keys are kept, behind `per`."""
    return next((words(one, text)[0] for one in per.children if isinstance(one, Tree)), None)


def _limit(tree: Tree, text: Scalar) -> Under:
    return Under(rate(_only(tree), text), _place(tree, text))


def _over(tree: Tree, text: Scalar) -> Over:
    return Over(rate(_only(tree), text), _place(tree, text))


def count(tree: Tree, text: Scalar) -> HitCount:
    number, within = words(tree, text)
    parts = _trees(tree, text)
    per = parts["per"]
    return HitCount(number, within, words(per, text), "refresh" in parts, _place(tree, text), _keys(per, text))


def _hits(tree: Tree, text: Scalar) -> HitCount:
    return count(_only(tree), text)


def excess(tree: Tree, text: Scalar) -> ConnectionCount:
    parts = _trees(tree, text)
    per = words(parts["per"], text) if "per" in parts else ()
    size = _keys(parts["per"], text) if "per" in parts else None
    return ConnectionCount(words(tree, text)[0], "beyond" in parts, per, _place(tree, text), size)


def _connections(tree: Tree, text: Scalar) -> ConnectionCount:
    return excess(_only(tree), text)._replace(span=_place(tree, text))


def allowance(tree: Tree, text: Scalar) -> Volume:
    return Volume(_joined(tree, text), "beyond" in _trees(tree, text), _place(tree, text))


def _quota(tree: Tree, text: Scalar) -> Volume:
    return allowance(_only(tree), text)._replace(span=_place(tree, text))


def lookup(tree: Tree, text: Scalar) -> Sighting:
    parts = _trees(tree, text)
    (listed,) = tokens_of(parts["listed"])
    name = unquote(listed) if listed.kind == "STRING" else listed.text
    verb = parts["verb"]
    within, number = (words(parts[one], text)[0] if one in parts else None for one in ("within_time", "hitcount"))
    return Sighting(
        # `set` is a word of the grammar, which leaves no token.
        Word(text.text[verb.start : verb.end], _place(verb, text)),
        Word(name, text.place(listed.start, listed.end)),
        within,
        number,
        words(parts["per"], text) if "per" in parts else (),
        words(parts["flags"], text) if "flags" in parts else (),
        "unless" in parts,
        _place(tree, text),
    )


def _recent(tree: Tree, text: Scalar) -> Sighting:
    return lookup(_only(tree), text)._replace(span=_place(tree, text))


def _nth(tree: Tree, text: Scalar) -> Turn:
    packet = next((words(one, text)[0] for one in tree.children if isinstance(one, Tree)), None)
    return Turn(words(tree, text)[0], packet, _place(tree, text))


def _probability(tree: Tree, text: Scalar) -> Chance:
    return Chance(words(tree, text)[0], _place(tree, text))


def _where(tree: Tree, text: Scalar) -> Condition:
    from polc.policy.where_text import test

    return Condition(test(_only(tree), text), _place(tree, text))


def _log(tree: Tree, text: Scalar) -> LogLine:
    (quoted,) = tokens_of(tree)
    options = _trees(tree, text)
    level, group = (words(options[one], text)[0] if one in options else None for one in ("level", "group"))
    pace = None
    if "pace" in options:
        of, *burst = words(options["pace"], text)
        pace = Rate(of, burst[0] if burst else None, ())
    prefix = Word(unquote(quoted), text.place(quoted.start, quoted.end))
    flags = words(options["flags"], text) if "flags" in options else ()
    snaplen, threshold = (words(options[one], text)[0] if one in options else None for one in ("snaplen", "threshold"))
    return LogLine(prefix, level, group, pace, _place(tree, text), flags, snaplen, threshold)


def _tally(tree: Tree, text: Scalar) -> NamedCount:
    return NamedCount(words(tree, text)[0], _place(tree, text))


def _counter(tree: Tree, text: Scalar) -> OwnCount:
    return OwnCount(_place(tree, text))


def _ban(tree: Tree, text: Scalar) -> Ban:
    name, *timeout = words(tree, text)
    per = next((words(one, text) for one in tree.children if isinstance(one, Tree)), ())
    return Ban(Word(name.text[1:], name.span), timeout[0] if timeout else None, _place(tree, text), per)


def _mark(tree: Tree, text: Scalar) -> Marking:
    from polc.policy.assign_text import assigned

    done = assigned(_only(tree), text)
    return Marking(MarkAction(done.action), done.value, done.mask, _place(tree, text), done.map)


def _assign(tree: Tree, text: Scalar) -> Clause:
    from polc.policy.assign_text import assign

    return assign(tree, text)


def _dscp(tree: Tree, text: Scalar) -> CodePoint:
    return CodePoint(words(tree, text)[0], _place(tree, text))


def _mss(tree: Tree, text: Scalar) -> SegmentSize:
    return SegmentSize(next(iter(words(tree, text)), None), _place(tree, text))


def _notrack(tree: Tree, text: Scalar) -> NoTracking:
    return NoTracking(_place(tree, text))


def _synproxy(tree: Tree, text: Scalar) -> SynProxy:
    options = _trees(tree, text)
    wscale = words(options["wscale"], text)[0] if "wscale" in options else None
    mss = words(options["announced"], text)[0]
    return SynProxy(mss, wscale, "timestamp" in options, "sack_perm" in options, _place(tree, text))


def _trace(tree: Tree, text: Scalar) -> Tracing:
    return Tracing(_place(tree, text))


def _dup(tree: Tree, text: Scalar) -> Copying:
    (address,) = words(tree, text)
    device = next((tokens_of(one)[0] for one in tree.children if isinstance(one, Tree)), None)
    name = None
    if device:
        name = Word(unquote(device) if device.kind == "STRING" else device.text, text.place(device.start, device.end))
    return Copying(address, name, _place(tree, text))


def _offload(tree: Tree, text: Scalar) -> Offloading:
    (name,) = words(tree, text)
    return Offloading(Word(name.text[1:], name.span), _place(tree, text))


def _strip(tree: Tree, text: Scalar) -> OptionReset:
    return OptionReset(tuple(_option(one) for one in words(tree, text)), _place(tree, text))


def _option(field: Word) -> Word:
    """The name of a TCP option.

    Raises:
        Failure: POL121: it is another field.
    """
    name = " ".join(field.text.split())
    if not name.startswith("tcp option ") or name.count(" ") > 2:
        message = f"`{name}` cannot be reset"
        raise Failure.of("POL121", message, field.span, help="as in `reset tcp option sack-perm, tcp option timestamp`")
    return Word(name.removeprefix("tcp option "), field.span)


def _target(tree: Tree, text: Scalar) -> Target:
    mapped = next((one for one in tree.children if isinstance(one, Tree)), None)
    if mapped is None:
        return Target(words(tree, text), _place(tree, text))
    from polc.policy.map_text import read_map

    return Target((), _place(tree, text), read_map(mapped, text))


def _random(tree: Tree, text: Scalar) -> Random:
    return Random(_place(tree, text))


def _fully_random(tree: Tree, text: Scalar) -> FullyRandom:
    return FullyRandom(_place(tree, text))


def _persistent(tree: Tree, text: Scalar) -> Persistent:
    return Persistent(_place(tree, text))


def _helper(tree: Tree, text: Scalar) -> HelperName:
    return HelperName(words(tree, text)[0], _place(tree, text))


def _comment(tree: Tree, text: Scalar) -> Comment:
    return Comment(unquote(tokens_of(tree)[0]), _place(tree, text))


CLAUSES: dict[str, Callable[[Tree, Scalar], Clause]] = {
    "source": _source,
    "destination": _destination,
    "sport": sport,
    "state": _state,
    "limit": _limit,
    "over": _over,
    "hits": _hits,
    "connections": _connections,
    "quota": _quota,
    "recent": _recent,
    "nth": _nth,
    "probability": _probability,
    "where": _where,
    "log": _log,
    "tally": _tally,
    "counter": _counter,
    "ban": _ban,
    "mark": _mark,
    "assign": _assign,
    "dscp": _dscp,
    "mss": _mss,
    "notrack": _notrack,
    "synproxy": _synproxy,
    "trace": _trace,
    "dup": _dup,
    "offload": _offload,
    "strip": _strip,
    "target": _target,
    "random": _random,
    "fully_random": _fully_random,
    "persistent": _persistent,
    "helper": _helper,
    "comment": _comment,
}
