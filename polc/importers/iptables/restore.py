"""Files of iptables-save(8), which iptables-restore(8) reads, line by line."""

from __future__ import annotations

from polc.diagnostics import Collector
from polc.diagnostics.suggest import did_you_mean
from polc.importers.iptables import commands
from polc.importers.iptables.problem import NO_CHAIN, TWICE, Problem, Word
from polc.importers.iptables.quoting import Unclosed, places, split
from polc.importers.iptables.shape import GRAMMAR
from polc.importers.iptables.state import Firewall, Line, Table
from polc.importers.iptables.tables import TABLES
from polc.ir.family import Family
from polc.parsing.parser import Token, Tree, Unexpected
from polc.source import SourceFile, Span

_OTHER_TABLES = {"broute": "ebtables", "arp": "arptables"}
_SYNTAX = "POL501"
_ORDER = "POL512"
_TABLE = "a table begins with a line such as `*filter`"


class RestoreReader:
    """Reads one file into a firewall. A line that is wrong is told of, and the next one read all the same."""

    def __init__(self, source: SourceFile, firewall: Firewall, collector: Collector) -> None:
        self.source = source
        self.firewall = firewall
        self.collector = collector
        self.table: Table | None = None
        self.opened: Span | None = None
        self.known: dict[str, Span] = {}
        self.skipping = False

    def read(self) -> None:
        """Whatever is wrong goes to the collector."""
        text = self.source.text
        starts = (*self.source.line_starts, len(text) + 1)
        # Other blanks are part of a word; where there are none a line falls apart fastest so.
        plain = text.isascii() and not any(c in text for c in "\x0b\x0c\x1c\x1d\x1e\x1f")
        for number, start in enumerate(starts[:-1]):
            line = text[start : starts[number + 1] - 1]
            if line.endswith("\r"):
                line = line[:-1]
            first = line[:1]
            if first == "#" or not line or line.isspace():
                continue
            try:
                if first == "-" or first == "[":
                    words = line.split() if plain and '"' not in line else split(line)
                    self._rule(line, start, words)
                else:
                    self._other(line, start)
            except Unclosed as error:
                at = start + error.at
                self._error(_SYNTAX, "this quoted text has no end", self.source.span(at, start + len(line)))
            except Problem as problem:
                self._problem(problem, line, start)
        self._end()

    def _problem(self, problem: Problem, line: str, start: int) -> None:
        span = self._span(line, start, problem.at)
        self._error(problem.code, problem.message, span, problem.help)

    def _error(self, code: str, message: str, span: Span, hint: str = "") -> None:
        self.collector.error(code, message, span, help=hint)

    def _span(self, line: str, start: int, at: int | None) -> Span:
        found = places(line)
        if at is None:
            return self.source.span(start + found[0][0] if found else start, start + len(line.rstrip()))
        first, last = found[min(at, len(found) - 1)] if found else (0, 0)
        return self.source.span(start + first, start + last)

    def _rule(self, line: str, start: int, words: list[str]) -> None:
        if self.table is None:
            if not self.skipping:
                raise Problem(_ORDER, "this rule is in no table", 0, help=_TABLE)
            return
        shape = self.firewall.reader.shape(words)
        for use in shape.basic:
            if use.option is commands.TABLE:
                raise Problem("POL504", "`-t` cannot stand here: the table is that of the `*` above", use.at)
            if use.option is commands.IPV4 and self.firewall.family is Family.IP6:
                return
            if use.option is commands.IPV6 and self.firewall.family is Family.IP:
                return
        span = self.source.span(start, start + len(line))
        self.firewall.run(self.table, shape, Line(words, span, lambda at: self._span(line, start, at)))

    def _other(self, line: str, start: int) -> None:
        try:
            tree = GRAMMAR.parse(line, "line")
        except Unexpected as error:
            raise self._unexpected(error, line) from None
        kind = tree.children[0]
        assert isinstance(kind, Tree)
        words = [one for one in kind.children if isinstance(one, Token)]
        match kind.name:
            case "table":
                self._open(words[1], start)
            case "chain":
                self._chain(words, line, start)
            case _:
                self._commit(line, start)

    def _unexpected(self, error: Unexpected, line: str) -> Problem:
        if line[:1] in "*:" or line.startswith("COMMIT"):
            missing = {"*": "the name of a table", ":": "a chain and its policy, as in `:INPUT ACCEPT [0:0]`"}
            wanted = missing.get(line[:1], "nothing else")
            at = len(error.before) - (1 if error.before and line[:1] in "*:" else 0)
            return Problem(_SYNTAX, f"this line takes {wanted}", min(at, max(len(places(line)) - 1, 0)))
        word = line.split()[0]
        hint = "a line begins with `*`, `:`, `-`, `#` or `[`, or is `COMMIT`"
        if line[:1] in " \t":
            hint = "a line begins without white space"
        elif word in ("iptables", "ip6tables", "sudo", "iptables-legacy", "iptables-nft"):
            hint = "commands are read as a script, which has no other lines"
        return Problem(_SYNTAX, f"`{word}` begins no line of a restore file", 0, help=hint)

    def _open(self, token: Token, start: int) -> None:
        span = self.source.span(start + token.start, start + token.end)
        name = token.text
        if self.table is not None and self.opened is not None:
            self._error(_ORDER, f"table `{self.table.name}` is not committed", self.opened, "`COMMIT` ends a table")
        self.table, self.skipping = None, True
        if name not in TABLES:
            hint = did_you_mean(name, TABLES)
            if name in _OTHER_TABLES:
                hint = f"it is a table of {_OTHER_TABLES[name]}"
            self._error(NO_CHAIN, f"there is no table `{name}`", span, hint)
        elif name in self.known:
            message = f"table `{name}` stands here a second time: the first is thrown away when the file is loaded"
            self._error(TWICE, message, span, f"the other is in line {self.known[name].line}")
        else:
            self.known[name] = span
            self.table, self.skipping = self.firewall.table(name), False
        self.opened = span

    def _chain(self, tokens: list[Token], line: str, start: int) -> None:
        if self.table is None:
            if self.skipping:
                return
            raise Problem(_ORDER, "this chain is in no table", 0, help=_TABLE)
        span = self.source.span(start, start + len(line.rstrip()))
        name, policy = tokens[1], tokens[2]
        try:
            self.firewall.declare(self.table, Word(name.text, 1), Word(policy.text, 2), span)
        except Problem as problem:
            token = tokens[problem.at] if problem.at is not None else name
            place = self.source.span(start + token.start, start + token.end)
            self._error(problem.code, problem.message, place, problem.help)

    def _commit(self, line: str, start: int) -> None:
        if self.table is None and not self.skipping:
            raise Problem(_ORDER, "`COMMIT` ends no table here", 0)
        self.table, self.opened, self.skipping = None, None, False

    def _end(self) -> None:
        if self.opened is not None and self.table is not None:
            message = f"table `{self.table.name}` has no `COMMIT`, so that nothing of it would be loaded"
            self._error(_ORDER, message, self.opened, "write `COMMIT` behind its last line")
