"""Parse tables of the rule grammar: ``python -m polc.policy.tables`` has Lark build them, and writes them down.

Building takes Lark a quarter of a second and importing it 40 ms; reading the result takes 2 ms. So
``grammar/rule.tables.json`` is kept beside ``grammar/rule.lark`` and used as long as it was made from the same text;
otherwise the tables are built on the spot.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from hashlib import sha256

from polc.resources import read_resource

GRAMMAR, TABLES = "rule.lark", "rule.tables.json"
STARTS = ("rule", "definition", "endpoint", "rate", "count")
END = "$END"


@dataclass(frozen=True, slots=True)
class Production:
    """``origin`` came from as many symbols as ``kept`` has marks; those marked False leave no child."""

    origin: str
    kept: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Tables:
    """An LALR(1) automaton.

    ``actions[state][terminal]`` is a state to shift to, or, below zero, ``~n`` to reduce by production n;
    ``gotos[state][origin]`` is where to go on after that. ``patterns`` are (terminal, regular expression)
    in the order in which they are tried; a NAME that is one of ``keywords`` is that terminal instead.
    """

    grammar_sha256: str
    lark_version: str
    patterns: tuple[tuple[str, str], ...]
    ignored: tuple[str, ...]
    keywords: dict[str, str]
    productions: tuple[Production, ...]
    starts: dict[str, int]
    ends: dict[str, int]
    actions: tuple[dict[str, int], ...]
    gotos: tuple[dict[str, int], ...]


def load_tables() -> Tables:
    """The tables of the grammar as it is now."""
    grammar = read_resource("grammar", GRAMMAR)
    try:
        tables = from_json(read_resource("grammar", TABLES))
    except FileNotFoundError:
        return build_tables(grammar)
    return tables if tables.grammar_sha256 == _digest(grammar) else build_tables(grammar)


def _digest(grammar: str) -> str:
    return sha256(grammar.encode()).hexdigest()


def to_json(tables: Tables) -> str:
    """One line a state, so that a change of the grammar is a readable change of the tables."""
    fields = asdict(tables)
    lines = []
    for name, value in fields.items():
        if name in ("actions", "gotos", "productions"):
            rows = ",\n  ".join(json.dumps(row, sort_keys=True) for row in value)
            lines.append(f" {json.dumps(name)}: [\n  {rows}\n ]")
        else:
            lines.append(f" {json.dumps(name)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def from_json(text: str) -> Tables:
    raw = json.loads(text)
    return Tables(
        grammar_sha256=raw["grammar_sha256"],
        lark_version=raw["lark_version"],
        patterns=tuple((name, pattern) for name, pattern in raw["patterns"]),
        ignored=tuple(raw["ignored"]),
        keywords=raw["keywords"],
        productions=tuple(Production(one["origin"], tuple(one["kept"])) for one in raw["productions"]),
        starts=raw["starts"],
        ends=raw["ends"],
        actions=tuple(raw["actions"]),
        gotos=tuple(raw["gotos"]),
    )


def build_tables(grammar: str) -> Tables:
    """Have Lark make the LALR(1) automaton of a grammar; the same grammar gives the same tables.

    Raises:
        lark.exceptions.GrammarError: it is no grammar, or not LALR(1).
    """
    import lark
    from lark.common import LexerConf, ParserConf
    from lark.lexer import PatternStr
    from lark.parsers.lalr_analysis import LALR_Analyzer, Shift

    built = lark.Lark(grammar, parser="lalr", lexer="basic", start=list(STARTS), maybe_placeholders=False)
    analysis = LALR_Analyzer(ParserConf(built.rules, {}, list(STARTS)), strict=True)
    analysis.compute_lalr()
    table = analysis.parse_table
    number = _in_reach(
        [table.start_states[name] for name in STARTS],
        lambda state: [target for _, (kind, target) in sorted(table.states[state].items()) if kind is Shift],
    )
    productions = {rule: index for index, rule in enumerate(built.rules)}
    conf = built.parser.lexer_conf
    assert isinstance(conf, LexerConf)
    # Lark's own order (lark.lexer.BasicLexer): priority, then the longest possible match, then the longest pattern.
    terminals = sorted(
        conf.terminals,
        key=lambda one: (-one.priority, -one.pattern.max_width, -len(one.pattern.value), one.name),
    )
    names = re.compile(next(one.pattern.to_regexp() for one in terminals if one.name == "NAME"))
    keywords = {
        one.pattern.value: one.name
        for one in terminals
        if isinstance(one.pattern, PatternStr) and names.fullmatch(one.pattern.value)
    }
    actions: list[dict[str, int]] = [{} for _ in number]
    gotos: list[dict[str, int]] = [{} for _ in number]
    nonterminals = {str(rule.origin.name) for rule in built.rules}
    for state, index in number.items():
        for symbol, (kind, target) in table.states[state].items():
            if kind is not Shift:
                actions[index][symbol] = ~productions[target]
            elif symbol in nonterminals:
                gotos[index][symbol] = number[target]
            else:
                actions[index][symbol] = number[target]
    return Tables(
        grammar_sha256=_digest(grammar),
        lark_version=lark.__version__,
        patterns=tuple(
            (one.name, one.pattern.to_regexp()) for one in terminals if one.name not in set(keywords.values())
        ),
        ignored=tuple(conf.ignore),
        keywords=dict(sorted(keywords.items())),
        productions=tuple(
            Production(
                str(rule.origin.name),
                tuple(not (symbol.is_term and symbol.filter_out) for symbol in rule.expansion),
            )
            for rule in built.rules
        ),
        starts={name: number[table.start_states[name]] for name in STARTS},
        ends={name: number[table.end_states[name]] for name in STARTS},
        actions=tuple(actions),
        gotos=tuple(gotos),
    )


def _in_reach(starts: list[int], targets: Callable[[int], Iterable[int]]) -> dict[int, int]:
    """Number the states by breadth-first search: Lark's own numbers change from run to run."""
    number: dict[int, int] = {}
    waiting = list(starts)
    for state in waiting:
        if state not in number:
            number[state] = len(number)
            waiting.extend(targets(state))
    return number


if __name__ == "__main__":
    from pathlib import Path

    folder = Path(__file__).resolve().parents[2] / "grammar"
    (folder / TABLES).write_text(
        to_json(build_tables((folder / GRAMMAR).read_text(encoding="utf-8"))), encoding="utf-8"
    )
