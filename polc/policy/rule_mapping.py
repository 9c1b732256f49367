"""Rules as mappings to documents: the same words as in a rule string, as keys.

The schema has been kept already: types are right and required keys are there.
"""

from __future__ import annotations

from polc.diagnostics import Failure
from polc.policy.clause_mapping import CLAUSES, comment, json_at
from polc.policy.document import (
    AnyRule,
    Comment,
    Decision,
    MacroDocument,
    NativeDocument,
    RuleDocument,
    ServiceWord,
    SourcePorts,
    Verdict,
    Word,
)
from polc.policy.map_mapping import map_of_verdicts
from polc.policy.mapping_words import required, texts, word, word_at, words_at
from polc.policy.nodes import Entry, Mapping, Node, Scalar
from polc.policy.rule_text import read_definition, read_rule

_OPERANDS = {
    "with": (Decision.REJECT,),
    "chain": (Decision.JUMP, Decision.GOTO),
    "target": (Decision.SNAT, Decision.DNAT, Decision.MASQUERADE, Decision.REDIRECT, Decision.NETMAP, Decision.TPROXY),
    "num": (Decision.QUEUE,),
    "flags": (Decision.QUEUE,),
}
"""Key -> the verdicts that it goes with."""


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
    name = word_at(node, "id")
    if "native" in node.entries and node.entries.keys() <= {"native", "id", "comment"}:
        return _native(node, name)
    if "use" in node.entries:
        return MacroDocument(required(node, "use"), _comment_text(node), node.span, name)
    clauses = tuple(make(value) for key, make in CLAUSES.items() if (value := node.get(key)) is not None)
    return RuleDocument(_verdict(node), _service(node), clauses, node.span, name)


def _native(node: Mapping, name: Word | None) -> NativeDocument:
    native = node.get("native")
    assert isinstance(native, Mapping)
    nft, iptables, family = (word_at(native, key) for key in ("nft", "iptables", "family"))
    return NativeDocument(nft, json_at(native, "nft_json"), iptables, family, _comment_text(node), node.span, name)


def _with_id(node: Mapping) -> AnyRule:
    """``{rule: TEXT, native: WORDS, id: NAME, comment: TEXT}``."""
    text, said, native = node.get("rule"), node.get("comment"), node.get("native")
    assert isinstance(text, Scalar)
    name = word_at(node, "id")
    match read_rule(text):
        case RuleDocument(verdict, service, clauses) as rule:
            if said is not None:
                second = rule.find(Comment)
                if second:
                    raise Failure.of("POL111", "the rule has a comment already", node.entries["comment"].key.span)
                clauses = (*clauses, comment(said))
            if native is not None:
                clauses = (*clauses, CLAUSES["native"](native))
            return RuleDocument(verdict, service, clauses, text.span, name)
        case MacroDocument(macro, written):
            if native is not None:
                span = node.entries["native"].key.span
                raise Failure.of("POL112", "`native` goes with one rule, and a macro is several", span)
            if said is not None and written:
                raise Failure.of("POL111", "the rule has a comment already", node.entries["comment"].key.span)
            return MacroDocument(macro, written or _comment_text(node), text.span, name)
        case NativeDocument():
            raise AssertionError("no text is a native rule")


def _verdict(node: Mapping) -> Verdict | None:
    value = node.get("verdict")
    decision = None if value is None else Decision(word(value).text)
    for key, decisions in _OPERANDS.items():
        if key in node.entries and decision not in decisions:
            said = ", ".join(f"`{one.value}`" for one in decisions)
            raise Failure.of("POL112", f"`{key}` goes with the verdict {said} alone", node.entries[key].key.span)
    looked_up, verdicts = node.entries.get("vmap"), node.entries.get("verdicts")
    if looked_up or verdicts:
        return _mapped(node, looked_up, verdicts)
    if decision is None or value is None:
        return None
    if decision in _OPERANDS["chain"] and "chain" not in node.entries:
        raise Failure.of(
            "POL112", f"`{decision.value}` needs the name of a chain", value.span, help="add `chain: NAME`"
        )
    answer = word_at(node, "with") or word_at(node, "chain") or word_at(node, "num")
    return Verdict(decision, answer, value.span, words_at(node, "flags"))


def _mapped(node: Mapping, looked_up: Entry | None, verdicts: Entry | None) -> Verdict:
    """The verdict of a rule with ``vmap`` and ``verdicts``, of which at least one is there."""
    if looked_up is None or verdicts is None:
        alone = looked_up or verdicts
        assert alone is not None
        other = "verdicts" if looked_up else "vmap"
        message = f"`{alone.name}` needs `{other}` beside it"
        raise Failure.of("POL112", message, alone.key.span, help="as in `{vmap: iifname, verdicts: {eth0: accept}}`")
    if "verdict" in node.entries:
        message = "a rule has one verdict, and `vmap` is another"
        raise Failure.of("POL112", message, node.entries["verdict"].key.span)
    found = map_of_verdicts(node)
    return Verdict(Decision.VMAP, None, found.span, map=found)


def service_words(node: Node) -> tuple[tuple[ServiceWord, ...], SourcePorts | None]:
    """A service text or list of those; a definition's texts may end with ``sport``, all with the same.

    Raises:
        Failure: POL110 to POL112.
    """
    found: list[ServiceWord] = []
    sports: list[SourcePorts | None] = []
    for text in texts(node):
        service, sport = read_definition(text)
        found += service
        sports.append(sport)
    if len({tuple(one_word.text for one_word in one.words) if one else () for one in sports}) > 1:
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


def _comment_text(node: Mapping) -> str:
    found = word_at(node, "comment")
    return found.text if found else ""
