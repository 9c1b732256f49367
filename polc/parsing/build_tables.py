"""Lark makes the parse tables: ``python -m polc.parsing.build_tables`` after every change in ``grammar/``.

Imported only where the kept tables are not of the grammar as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import TypeVar

import lark
from lark.common import LexerConf, ParserConf
from lark.grammar import Terminal
from lark.lexer import PatternStr
from lark.parsers.lalr_analysis import LALR_Analyzer, Shift

from polc.parsing.tables import Production, Tables, starts_of, to_json

_State = TypeVar("_State", bound=Hashable)


def build_tables(grammar: str) -> Tables:
    """Have Lark make the LALR(1) automaton of a grammar; the same grammar gives the same tables.

    Raises:
        lark.exceptions.GrammarError: it is no grammar, or not LALR(1).
    """
    starts = list(starts_of(grammar))
    built = lark.Lark(grammar, parser="lalr", lexer="basic", start=starts, maybe_placeholders=False)
    # strict: a conflict is an error; debug: the states stay sets of items, as their type says.
    analysis = LALR_Analyzer(ParserConf(built.rules, {}, starts), debug=True, strict=True)
    analysis.compute_lalr()  # type: ignore[no-untyped-call]
    table = analysis.parse_table
    number = _in_reach(
        [table.start_states[name] for name in starts],
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
        grammar=grammar,
        lark_version=lark.__version__,
        patterns=tuple(
            (one.name, one.pattern.to_regexp()) for one in terminals if one.name not in set(keywords.values())
        ),
        ignored=tuple(conf.ignore),
        keywords=dict(sorted(keywords.items())),
        productions=tuple(
            Production(
                str(rule.origin.name),
                tuple(not (isinstance(symbol, Terminal) and symbol.filter_out) for symbol in rule.expansion),
            )
            for rule in built.rules
        ),
        starts={name: number[table.start_states[name]] for name in starts},
        ends={name: number[table.end_states[name]] for name in starts},
        actions=tuple(actions),
        gotos=tuple(gotos),
    )


def _in_reach(starts: list[_State], targets: Callable[[_State], Iterable[_State]]) -> dict[_State, int]:
    """Number the states by breadth-first search: Lark's own numbers change from run to run."""
    number: dict[_State, int] = {}
    waiting = list(starts)
    for state in waiting:
        if state not in number:
            number[state] = len(number)
            waiting.extend(targets(state))
    return number


if __name__ == "__main__":
    for path in (Path(__file__).resolve().parents[2] / "grammar").glob("*.lark"):
        made = to_json(build_tables(path.read_text(encoding="utf-8")))
        path.with_suffix(".tables.json").write_text(made, encoding="utf-8")
