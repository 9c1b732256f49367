"""Rules in a target's own words, as the target's importer reads those words.

What was copied is then proven to stand where it was meant to, among rules that have a meaning, and to be read as one
rule. That the words mean what whoever wrote them thought nobody can prove.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from polc.diagnostics import Collector, Failure
from polc.importers.iptables.read import Input, Kind
from polc.importers.iptables.read import read as read_iptables
from polc.importers.nft_json import read_nft_json
from polc.ir.family import FAMILIES, Family
from polc.ir.matches import STATEFUL, OpaqueMatch, Syntax
from polc.ir.ruleset import Chain, Rule, Ruleset
from polc.ir.statements import Native, OpaqueStatement
from polc.ir.verdicts import Accept, Goto, Jump
from polc.source import SourceFile

WORDS = "words in a target's own language mean what polc's importer reads in them"
"""What a proof takes for granted that has read them."""

_CHAIN = "polc-words"
_TABLES = ("filter", "mangle", "nat", "raw", "security")
"""An extension is read in the tables in which the kernel takes it; words that several take mean the same in each."""


def read_words(ruleset: Ruleset, target: str) -> Ruleset:
    """The ruleset with what its words mean in place of words for ``target``, a key of ``BACKENDS``. Words that the
    importer does not read, or for which it has opaque nodes too, stay as they are; so does a ruleset without words.
    """
    if target not in _READERS or not any(_words(rule, target) for chain in ruleset.chains for rule in chain.rules):
        return ruleset
    names = tuple(one.name for one in ruleset.chains)
    below: list[Chain] = []
    chains = [
        replace(chain, rules=tuple(one for rule in chain.rules for one in _rules(rule, names, target, below)))
        for chain in ruleset.chains
    ]
    return replace(ruleset, chains=(*chains, *below))


def _rules(rule: Rule, names: Sequence[str], target: str, below: list[Chain]) -> Iterator[Rule]:
    """What a rule is read as; ``below``: where chains are put that it leads to then."""
    words = _words(rule, target)
    if not words or any(isinstance(one, STATEFUL) for one in rule.matches if not _is_word(one)):
        yield rule
        return
    for family in FAMILIES:
        if family not in rule.families:
            continue
        here = replace(rule, families=frozenset({family}))
        try:
            found = _read_in_chain(_READERS[target](words, rule, names, family))
        except Failure:
            found = None
        if found is None:
            yield here
            continue
        read, others = found
        if others and not all(map(_is_word, rule.statements)):
            # What the rule does besides belongs where the words' last match holds.
            yield here
            continue
        renamed = {one.name: f"{one.name} {len(below) + at}" for at, one in enumerate(others)}
        below += [
            replace(one, name=renamed[one.name], rules=tuple(_as_meant(one.rules, renamed, rule))) for one in others
        ]
        for one in _as_meant(read, renamed, rule):
            if family in one.families:
                yield replace(
                    here,
                    matches=(*(own for own in rule.matches if not _is_word(own)), *one.matches),
                    statements=(*(own for own in rule.statements if not _is_word(own)), *one.statements),
                    verdict=one.verdict,
                )


def _as_meant(rules: Sequence[Rule], renamed: Mapping[str, str], rule: Rule) -> Iterator[Rule]:
    """With the verdict of the rule where one stood in its place, and with other names for chains."""
    for one in rules:
        verdict = one.verdict
        if isinstance(verdict, Accept) and rule.verdict is not None:
            verdict = rule.verdict
        elif isinstance(verdict, Jump | Goto):
            verdict = replace(verdict, chain=renamed.get(verdict.chain, verdict.chain))
        yield replace(one, verdict=verdict)


def _is_word(one: object) -> bool:
    return isinstance(one, Native | OpaqueMatch | OpaqueStatement)


def _words(rule: Rule, target: str) -> list[str]:
    """The words of the rule, where all that it has are the target's."""
    found: list[str | None] = []
    for one in (*rule.matches, *rule.statements):
        if isinstance(one, Native):
            found.append(one.nft_json if target == "nft" else one.iptables)
        elif isinstance(one, OpaqueMatch | OpaqueStatement):
            found.append(one.words if one.syntax is _SYNTAX[target] else None)
    known = [one for one in found if one is not None]
    return known if len(known) == len(found) else []


_SYNTAX = {"nft": Syntax.NFT_JSON, "iptables": Syntax.IPTABLES}


def _of_nft(words: Sequence[str], rule: Rule, names: Sequence[str], family: Family) -> Sequence[Ruleset]:
    statements: list[object] = []
    for one in words:
        read = json.loads(one)
        statements += read if isinstance(read, list) else [read]
    place = {"family": "inet", "table": "polc"}
    objects: list[Mapping[str, object]] = [{"table": {"family": "inet", "name": "polc"}}]
    objects += [{"chain": {**place, "name": name}} for name in (*names, _CHAIN)]
    if rule.verdict is not None:
        # Where the rule goes on with a verdict, one stands here too: what is read hangs on there being one.
        statements.append({"accept": None})
    objects.append({"rule": {**place, "chain": _CHAIN, "expr": statements}})
    text = json.dumps({"nftables": objects})
    return read_nft_json(SourceFile("words", text), Collector())


def _of_iptables(words: Sequence[str], rule: Rule, names: Sequence[str], family: Family) -> Sequence[Ruleset]:
    declared = "".join(f":{name} - [0:0]\n" for name in (*names, _CHAIN) if name not in _BUILT_IN)
    end = "" if rule.verdict is None else " -j ACCEPT"
    wrong: Failure | None = None
    for table in _TABLES:
        text = f"*{table}\n{declared}-A {_CHAIN} {' '.join(words)}{end}\nCOMMIT\n"
        try:
            return read_iptables([Input(SourceFile("words", text), Kind.RESTORE, family)], Collector())
        except Failure as failure:
            wrong = wrong or failure
    assert wrong is not None
    raise wrong


_BUILT_IN = frozenset({"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"})

_READERS: Mapping[str, Callable[[Sequence[str], Rule, Sequence[str], Family], Sequence[Ruleset]]] = {
    "nft": _of_nft,
    "iptables": _of_iptables,
}


def _read_in_chain(rulesets: Sequence[Ruleset]) -> tuple[Sequence[Rule], Sequence[Chain]] | None:
    """The rules of the chain that has the words, and the chains that were made because of them; None: the importer has
    left it out, since no packet comes there.
    """
    chains = [one for ruleset in rulesets for one in ruleset.chains]
    own = next((one for one in chains if one.name == _CHAIN), None)
    return None if own is None else (own.rules, [one for one in chains if one.name.startswith(f"{_CHAIN}-")])
