"""Rules in a target's own words: nothing is known of what they do, only that they stay one rule."""

from __future__ import annotations

import re
from itertools import pairwise
from json import dumps, loads

from polc.diagnostics import Diagnostic, Label, Severity
from polc.ir.family import BOTH, Family
from polc.ir.matches import OpaqueMatch, Syntax
from polc.ir.origin import Origin
from polc.ir.ruleset import Rule
from polc.ir.statements import Native, OpaqueStatement
from polc.policy.document import NativeDocument, NativeWords, Word
from polc.policy.lower.scope import Scope
from polc.source import Span

_CLOSING = {"{": "}", "(": ")"}


def lower_native(rule: NativeDocument, scope: Scope) -> tuple[Rule, ...]:
    """The rule as it was written; words that would end it, or begin another, are recorded as errors."""
    errors = len(scope.collector.diagnostics)
    if rule.nft:
        _check(rule.nft, _wrong_for_nft(rule.nft.text), scope)
    if rule.iptables:
        _check(rule.iptables, _wrong_for_iptables(rule.iptables.text), scope)
    if len(scope.collector.diagnostics) > errors:
        return ()
    families = frozenset({Family(rule.family.text)}) if rule.family else BOTH
    own = scope.settings.family
    if rule.family and own and rule.family.text != own.text:
        message = "the rule is of another family than the policy: no packet would meet it"
        scope.collector.error("POL220", message, rule.family.span, also=(Label(own.span, "the policy's"),))
        return ()
    _note(rule.span, scope)
    words = Native(
        rule.nft.text.strip() if rule.nft else None,
        rule.json.text if rule.json else None,
        rule.iptables.text.strip() if rule.iptables else None,
    )
    return (Rule((), None, (words,), families, Origin(rule.span, rule.id.text if rule.id else "", rule.comment)),)


def native_parts(clause: NativeWords, scope: Scope) -> tuple[tuple[OpaqueMatch, ...], tuple[OpaqueStatement, ...]]:
    """What the words of a target ask and do beside a rule's clauses; what is wrong is recorded."""
    if clause.json:
        _note(clause.span, scope)
        return _json_parts(clause.json)
    assert clause.iptables is not None
    wrong = _wrong_for_iptables(clause.iptables.text)
    words = clause.iptables.text.strip()
    starts = [found.start() for found in _PART.finditer(words) if found[1]]
    if not wrong and (not starts or words[: starts[0]].strip()):
        wrong = "beside clauses of the rule they begin with `-m` or `-j`"
    if wrong:
        _check(clause.iptables, wrong, scope)
        return (), ()
    parts = [words[start:end].strip() for start, end in pairwise((*starts, len(words)))]
    ends = [one for one in parts if not one.startswith("-m")]
    if ends not in ([], parts[-1:]):
        _check(clause.iptables, "a rule has one target, which comes last", scope)
        return (), ()
    _note(clause.span, scope)
    return (
        tuple(OpaqueMatch(one, Syntax.IPTABLES, _REASON) for one in parts if one not in ends),
        tuple(OpaqueStatement(one, Syntax.IPTABLES, _REASON) for one in ends),
    )


_REASON = "the policy says it in these words"
_PART = re.compile(r'"(?:[^"\\]|\\.)*"|(?<!\S)(-[mjg]|--match|--jump|--goto)(?!\S)|[^\s"]+|"')


def _json_parts(word: Word) -> tuple[tuple[OpaqueMatch, ...], tuple[OpaqueStatement, ...]]:
    statements = loads(word.text)
    texts = [
        (one.keys() == {"match"}, dumps(one, ensure_ascii=False, sort_keys=True, separators=(",", ":")))
        for one in statements
    ]
    return (
        tuple(OpaqueMatch(text, Syntax.NFT_JSON, _REASON) for asks, text in texts if asks),
        tuple(OpaqueStatement(text, Syntax.NFT_JSON, _REASON) for asks, text in texts if not asks),
    )


def _note(span: Span, scope: Scope) -> None:
    message = "nobody but the kernel knows what this rule does: it is copied, and not checked, compared or analysed"
    scope.collector.add(Diagnostic("POL251", message, (Label(span),), severity=Severity.NOTE))


def _check(word: Word, wrong: str, scope: Scope) -> None:
    if wrong:
        scope.collector.error("POL249", f"these are not the words of one rule: {wrong}", word.span)


def _wrong_for_nft(text: str) -> str:
    """Why the words end before their end, or go on behind it (nft(8), LEXICAL CONVENTIONS); empty when they do not."""
    if not text.strip():
        return "there are none"
    if not text.isprintable():
        return "there are line ends or control characters in them"
    quoted, open_ends = False, list[str]()
    for character in text:
        if character == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif character in _CLOSING:
            open_ends.append(_CLOSING[character])
        elif character in _CLOSING.values() and (not open_ends or open_ends.pop() != character):
            return f"`{character}` closes nothing"
        elif character in "#;\\":
            return f"`{character}` ends or continues a line"
    return "a quote is open" if quoted else f"`{open_ends[-1]}` is missing" if open_ends else ""


def _wrong_for_iptables(text: str) -> str:
    """The same for a line of iptables-restore, which begins with its command and its chain."""
    if not text.isprintable():
        return "there are line ends or control characters in them"
    if text.replace("\\\\", "").replace('\\"', "").count('"') % 2:
        return "a quote is open"
    first = text.split()[0] if text.split() else ""
    if first != "!" and not first.startswith("-"):
        return "they begin with an option such as `-p`"
    commands = ("-A", "-I", "-D", "-R", "-N", "-X", "-P", "-F", "-Z", "-E", "-t", "--append", "--insert", "--table")
    if first in commands:
        return f"`{first}` and the name of a chain stand there already"
    return ""
