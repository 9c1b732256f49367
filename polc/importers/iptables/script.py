"""Shell scripts that are a list of iptables, ip6tables and ipset commands.

Nothing of them is run. What only a shell can follow is told of, and not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from polc.diagnostics import Collector, Diagnostic, Label, Severity
from polc.diagnostics.suggest import did_you_mean
from polc.importers.iptables import commands
from polc.importers.iptables.ipsets import Sets
from polc.importers.iptables.problem import NO_CHAIN, Problem, Word
from polc.importers.iptables.rules import RuleReader
from polc.importers.iptables.shape import Shape
from polc.importers.iptables.state import Firewall, Line
from polc.importers.iptables.tables import TABLES
from polc.ir.family import Family
from polc.parsing.parser import Parser, Token, Tree, Unexpected
from polc.source import SourceFile, Span

GRAMMAR = Parser("iptables_commands")

_FOREIGN = "POL513"
_LEFT_OUT = "POL517"
_GONE = "POL514"
_REMOVING = frozenset({"delete", "flush", "delete-chain"})
_HELP = "run the script where it may, in a namespace for example, and give what `iptables-save` prints"

_TOOLS: dict[str, Family] = {
    f"{tool}{variant}": family
    for tool, family in (("iptables", Family.IP), ("ip6tables", Family.IP6))
    for variant in ("", "-legacy", "-nft")
}
_PREFIXES = frozenset({"sudo", "command", "exec", "nice", "doas"})
_CONTROL = frozenset(
    {"if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "function", "select",
     "[", "[[", "test", "eval", "source", ".", "return", "trap", "shift", "read", "break", "continue", "!"}
)  # fmt: skip
_SETTINGS = frozenset({"set", "export", "unset", "true", ":", "umask", "cd", "wait", "local", "readonly", "declare"})
_HARMLESS = frozenset(
    {"echo", "printf", "modprobe", "insmod", "rmmod", "depmod", "lsmod", "sysctl", "logger", "sleep", "date", "touch",
     "mkdir", "rm", "cp", "mv", "cat", "chmod", "chown", "ip", "tc", "route", "ifconfig", "systemctl", "service",
     "iptables-save", "ip6tables-save", "clear", "which", "hostname", "conntrack"}
)  # fmt: skip
_OTHERS = frozenset({"nft", "ebtables", "arptables", "ufw", "firewall-cmd", "ferm", "iptables-apply"})
_RESTORE = frozenset({"iptables-restore", "ip6tables-restore", "iptables-legacy-restore", "ip6tables-legacy-restore"})
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_HERE_DOCUMENT = re.compile(r"<<-?[ \t]*['\"\\]?([A-Za-z0-9_]+)")


@dataclass(frozen=True, slots=True)
class _Command:
    words: tuple[str, ...]
    spans: tuple[Span, ...]
    span: Span
    may_fail: bool

    def locate_argument(self, at: int) -> Span:
        """Where a word is that stands behind the command's own name."""
        return self.spans[at + 1] if at + 1 < len(self.spans) else self.span


@dataclass(slots=True)
class ScriptReader:
    """Reads one script into firewalls of both families, of which those that it speaks of come to be."""

    source: SourceFile
    sets: Sets
    collector: Collector
    firewalls: dict[Family, Firewall] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def read(self) -> None:
        """Whatever is wrong goes to the collector, and once for each variable or word of the shell."""
        parsed = list(self._commands())
        # Sets first: rules name them, and what these hold is the same however they came to be.
        for command in parsed:
            if command.words[0].rpartition("/")[2] == "ipset":
                self.sets.run(command.words[1:], command.span, command.locate_argument)
        for command in parsed:
            if command.words[0].rpartition("/")[2] == "exit":
                break
            self._run(command)

    def _commands(self) -> Iterator[_Command]:
        """The commands of the script, line by line. A line that no shell would read gives none."""
        ends = ""
        for start, text in _lines(self.source.text):
            if ends:
                ends = "" if text.strip() == ends else ends
                continue
            if not text.strip():
                continue
            try:
                tree = GRAMMAR.parse(text, "line")
            except Unexpected as error:
                self._unexpected(error, start)
                continue
            if document := _HERE_DOCUMENT.search(text):
                ends = document[1]
            for child in tree.children:
                if isinstance(child, Tree):
                    command = self._command(child, start)
                    if command is not None:
                        yield command

    def _unexpected(self, error: Unexpected, start: int) -> None:
        token = error.token
        span = self.source.span(start + token.start, start + max(token.end, token.start + 1))
        if token.text[:1] in "\"'":
            self.collector.error("POL501", "this quoted text has no end", span)
        elif token.kind == "THEN":
            self.collector.error("POL501", f"there is no command before `{token.text}`", span)
        else:
            self.collector.error("POL501", f"`{token.text}` cannot stand here", span)

    def _command(self, tree: Tree, start: int) -> _Command | None:
        foreign = next((one for one in tree.children if isinstance(one, Tree)), None)
        tokens = [one for one in tree.children if isinstance(one, Token)]
        names = [one for one in tokens if one.kind == "NAME"]
        while names and (names[0].text in _PREFIXES or _ASSIGNMENT.match(names[0].text)):
            if names[0].text in _PREFIXES and len(names) > 1 and names[1].text.startswith("-"):
                names = [names[0], *names[2:]]
                continue
            names = names[1:]
        if foreign is not None:
            token = foreign.children[0]
            assert isinstance(token, Token)
            if not (names and names[0].start < token.start and _bare(names[0].text) in _HARMLESS):
                self._foreign(token, start)
                return None
        if not names:
            return None
        span = self.source.span(start + tree.start, start + tree.end)
        spans = tuple(self.source.span(start + one.start, start + one.end) for one in names)
        redirects = [one.text.replace(" ", "") for one in tokens if one.kind == "REDIRECT"]
        silent = any(one.startswith(("2>", "&>", ">&")) and one.endswith("/dev/null") for one in redirects)
        if any(one.startswith("<") for one in redirects) and _bare(names[0].text) not in _HARMLESS:
            token = next(one for one in tokens if one.kind == "REDIRECT" and one.text.startswith("<"))
            self._refuse("what a command reads elsewhere is not followed", token, start, "<")
            return None
        silent = silent or ("2>&1" in redirects and any(one == ">/dev/null" for one in redirects))
        return _Command(tuple(_bare(one.text) for one in names), spans, span, silent)

    def _foreign(self, token: Token, start: int) -> None:
        if token.kind == "OPERATOR":
            self._refuse(f"`{token.text}` joins commands in a way that only a shell follows", token, start, token.text)
            return
        name = re.search(r"\$\{?([A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-])", token.text)
        if name:
            message = f"`{name[0]}{'}' if '{' in name[0] else ''}` is a variable, whose value only the shell knows"
            self._refuse(message, token, start, name[1])
        else:
            self._refuse("what this command prints only the shell knows", token, start, "`")

    def _refuse(self, message: str, token: Token, start: int, key: str) -> None:
        """Tell of something that a shell alone can follow; of each such thing once."""
        if key not in self._told:
            self._told.add(key)
            span = self.source.span(start + token.start, start + token.end)
            self.collector.error(_FOREIGN, message, span, help=_HELP)

    def _run(self, command: _Command) -> None:
        name = command.words[0].rpartition("/")[2]
        if name in _TOOLS:
            self._iptables(command, _TOOLS[name])
        elif name == "ipset" or name in _SETTINGS:
            return
        elif name in _HARMLESS:
            self._left_out(name, command)
        elif name not in self._told:
            self._told.add(name)
            self.collector.error(_FOREIGN, _reason(name), command.spans[0], help=_advice(name))

    def _left_out(self, name: str, command: _Command) -> None:
        if name not in self._told:
            self._told.add(name)
            message = f"`{name}` changes no rules, so it is left out, here and wherever it stands"
            labels = (Label(command.spans[0]),)
            self.collector.add(Diagnostic(_LEFT_OUT, message, labels, severity=Severity.NOTE))

    def _iptables(self, command: _Command, family: Family) -> None:
        firewall = self.firewalls.get(family)
        if firewall is None:
            firewall = self.firewalls[family] = Firewall(RuleReader(family, self.sets.types))
        words = command.words[1:]
        if not words or words[0] in ("-V", "--version", "-h", "--help"):
            return
        removing = False
        try:
            shape = firewall.reader.shape(words)
            removing = shape.command.option.name in _REMOVING
            if _other_family(shape, family):
                raise Problem("POL504", "this option is of the other family's command", shape.command.at)
            table = firewall.table(_table(shape, words))
            firewall.run(table, shape, Line(words, command.span, command.locate_argument))
        except Problem as problem:
            # A command that takes away, and whose complaints nobody reads, is one that may have nothing to do.
            if removing and command.may_fail and problem.code in (_GONE, NO_CHAIN):
                return
            span = command.span if problem.at is None else command.locate_argument(problem.at)
            self.collector.error(problem.code, problem.message, span, help=problem.help)


def _other_family(shape: Shape, family: Family) -> bool:
    other = commands.IPV6 if family is Family.IP else commands.IPV4
    return any(use.option is other for use in shape.basic)


def _table(shape: Shape, words: Sequence[str]) -> str:
    for use in shape.basic:
        if use.option is commands.TABLE:
            at, start = use.words[0]
            name = Word(words[at][start:], at)
            if name.text not in TABLES:
                raise Problem(NO_CHAIN, f"there is no table `{name.text}`", at, help=did_you_mean(name.text, TABLES))
            return name.text
    return "filter"


def _reason(name: str) -> str:
    if name in _RESTORE:
        return f"what `{name}` reads is not followed"
    if name in _OTHERS:
        return f"`{name}` is a command of another firewall"
    if name in _CONTROL:
        return f"`{name}` is a word of the shell, which only a shell follows"
    return f"what `{name}` does is not known: it may change rules, or be a function with commands in it"


def _advice(name: str) -> str:
    return "give the file that it reads" if name in _RESTORE else _HELP


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with where they begin; one that ends in a backslash goes on with the next."""
    start = 0
    while start < len(text):
        end = start
        while True:
            end = text.find("\n", end)
            if end < 0:
                end = len(text)
                break
            line = text[start:end].removesuffix("\r")
            backslashes = len(line) - len(line.rstrip("\\"))
            if backslashes % 2 == 0 or line.lstrip().startswith("#"):
                break
            end += 1
        yield start, text[start:end]
        start = end + 1


_PIECE = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)"|\\\r?\n|\\(.)|([^'"\\]+)""", re.DOTALL)
_IN_QUOTES = re.compile(r"\\([\\\"$`])|\\\r?\n")


def _bare(word: str) -> str:
    """A word without its quotes, as a shell takes it (POSIX, Shell Command Language, 2.2)."""
    found = []
    for piece in _PIECE.finditer(word):
        single, double, escaped, bare = piece.groups()
        if double is not None:
            found.append(_IN_QUOTES.sub(lambda one: one[1] or "", double))
        else:
            found.append(single if single is not None else escaped or bare or "")
    return "".join(found)
