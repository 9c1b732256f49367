"""Tables as commands fill them: what iptables does to its own (iptables(8), COMMANDS)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from polc.diagnostics.suggest import did_you_mean
from polc.importers.iptables import commands, registry
from polc.importers.iptables.draft import Draft
from polc.importers.iptables.problem import (
    APART,
    MISPLACED,
    NO_CHAIN,
    TWICE,
    WRONG_PLACE,
    WRONG_VALUE,
    Problem,
    Word,
    wrong,
)
from polc.importers.iptables.rules import Place, RuleReader
from polc.importers.iptables.shape import Shape, Use
from polc.importers.iptables.tables import TABLES
from polc.importers.iptables.values import number
from polc.ir.family import Family
from polc.ir.verdicts import Accept, Drop, Goto, Jump
from polc.source import Span

_POLICIES: dict[str, Accept | Drop] = {"ACCEPT": Accept(), "DROP": Drop()}
_LONGEST_NAME = 28  # XT_EXTENSION_MAXNAMELEN 29, the last a zero
_STANDARD = ("ACCEPT", "DROP", "RETURN", "QUEUE")
_ADDING = frozenset({"append", "check", "delete", "insert", "replace"})
_SHOWING = frozenset({"list", "list-rules", "zero"})


@dataclass(slots=True)
class Chain:
    """``span`` is where it was made; None for a built-in one that no line names."""

    name: str
    built_in: bool
    policy: Accept | Drop = field(default_factory=Accept)
    rules: list[Draft] = field(default_factory=list)
    span: Span | None = None


@dataclass(slots=True)
class Table:
    name: str
    chains: dict[str, Chain]


@dataclass(frozen=True, slots=True)
class Line:
    """A line's words, and where each of them is."""

    words: Sequence[str]
    span: Span
    locate: Callable[[int], Span]


class Firewall:
    """The tables of one family."""

    def __init__(self, reader: RuleReader) -> None:
        self.reader = reader
        self.tables: dict[str, Table] = {}

    @property
    def family(self) -> Family:
        return self.reader.family

    def table(self, name: str) -> Table:
        """The table, with its built-in chains where it is new; ``name`` is one of ``TABLES``."""
        found = self.tables.get(name)
        if found is None:
            chains = {chain: Chain(chain, True) for chain in TABLES[name]}
            found = self.tables[name] = Table(name, chains)
        return found

    def declare(self, table: Table, name: Word, policy: Word, span: Span) -> None:
        """``:INPUT DROP`` or ``:own -`` of a restore file.

        Raises:
            Problem: the chain is there already, or cannot have this name or policy.
        """
        chain = table.chains.get(name.text)
        if chain is not None and (not chain.built_in or chain.span is not None):
            raise _twice(name, chain)
        if chain is None:
            chain = self._make(table, name)
            if policy.text != "-":
                raise wrong(policy, "a chain of one's own has no policy", help=f"write `:{name.text} - [0:0]`")
        elif policy.text != "-":
            chain.policy = _policy(policy, table)
        chain.span = span

    def run(self, table: Table, shape: Shape, line: Line) -> None:
        """A line of a restore file, or a command without ``-t``.

        Raises:
            Problem: iptables would not take it.
        """
        command = shape.command
        name = command.option.name
        if name in _ADDING:
            self._rule(table, shape, line)
            return
        for use in shape.basic:
            if use.option not in commands.IDLE and use.option not in (commands.TABLE, commands.IPV4, commands.IPV6):
                raise Problem(APART, f"`{use.option.shown}` cannot stand beside `{command.option.shown}`", use.at)
        if shape.matches or shape.jump:
            at = shape.matches[0].at if shape.matches else shape.jump.at if shape.jump else None
            raise Problem(APART, f"`{command.option.shown}` takes no rule", at)
        if name not in _SHOWING:
            self._change(table, name, _arguments(command, line), line)

    def _change(self, table: Table, name: str, given: list[Word], line: Line) -> None:
        match name:
            case "new-chain":
                if given[0].text in table.chains:
                    raise _twice(given[0], table.chains[given[0].text])
                self._make(table, given[0]).span = line.span
            case "policy":
                chain = self._chain(table, given[0])
                if not chain.built_in:
                    raise wrong(given[0], "a chain of one's own has no policy")
                chain.policy = _policy(given[1], table)
            case "flush":
                for one in [self._chain(table, given[0])] if given else table.chains.values():
                    one.rules.clear()
            case "delete-chain":
                self._delete_chains(table, given)
            case "rename-chain":
                self._rename(table, given)
            case _:
                raise AssertionError(name)

    def _rule(self, table: Table, shape: Shape, line: Line) -> None:
        arguments = _arguments(shape.command, line)
        chain = self._chain(table, arguments[0])
        name = shape.command.option.name
        by_number = name == "delete" and len(arguments) > 1
        if by_number and (shape.matches or shape.jump or shape.basic):
            raise Problem(MISPLACED, "a rule is deleted by its number or by its words", arguments[1].at)
        if by_number:
            del chain.rules[_position(arguments[1], len(chain.rules))]
            return
        drafts = self._drafts(table, chain, shape, line)
        match name:
            case "append":
                chain.rules += drafts
            case "insert":
                at = _position(arguments[1], len(chain.rules) + 1) if len(arguments) > 1 else 0
                # Each of them at the same number, so that the last comes first.
                chain.rules[at:at] = reversed(drafts)
            case "replace":
                if len(drafts) > 1:
                    raise Problem(APART, "one rule is replaced by one, and several addresses make several", None)
                chain.rules[_position(arguments[1], len(chain.rules))] = drafts[0]
            case "delete":
                for draft in drafts:
                    if draft not in chain.rules:
                        raise Problem("POL514", f"no such rule is in chain `{chain.name}` here", None)
                    chain.rules.remove(draft)
            case _:
                pass

    def _drafts(self, table: Table, chain: Chain, shape: Shape, line: Line) -> list[Draft]:
        own = self.reader.drafts(shape, line.words, Place(table.name, chain.name), line.span, line.locate)
        verdict = own[0].verdict
        if isinstance(verdict, Jump | Goto) and shape.jump is not None:
            at, start = shape.jump.words[0]
            self._check_called(table, Word(line.words[at][start:], at))
        return own

    def _check_called(self, table: Table, name: Word) -> None:
        called = table.chains.get(name.text)
        if called is None:
            known = [one.name for one in table.chains.values() if not one.built_in]
            names = (*known, *_STANDARD, *registry.TARGETS)
            message = f"`{name.text}` is no target, and no chain of table {table.name}"
            raise Problem(NO_CHAIN, message, name.at, help=did_you_mean(name.text, names))
        if called.built_in:
            raise Problem(NO_CHAIN, f"`{name.text}` is a chain of the kernel's, which no rule jumps to", name.at)

    def _chain(self, table: Table, name: Word) -> Chain:
        found = table.chains.get(name.text)
        if found is None:
            others = [one for one, chains in TABLES.items() if name.text in chains]
            hint = did_you_mean(name.text, table.chains) or (f"it is one of table {others[0]}" if others else "")
            raise Problem(NO_CHAIN, f"table {table.name} has no chain `{name.text}`", name.at, help=hint)
        return found

    def _make(self, table: Table, name: Word) -> Chain:
        text = name.text
        if text.startswith(("-", "!")) or not text:
            raise wrong(name, f"`{text}` cannot be the name of a chain: it begins like an option")
        if len(text.encode("utf-8", "replace")) > _LONGEST_NAME:
            raise wrong(name, f"the name of a chain has at most {_LONGEST_NAME} bytes, and `{text}` has more")
        if any(c.isspace() for c in text):
            raise wrong(name, "the name of a chain has no white space")
        if text in _STANDARD or text in registry.TARGETS:
            raise wrong(name, f"`-j {text}` means the target of that name, so no chain can have it")
        made = table.chains[text] = Chain(text, False)
        return made

    def _delete_chains(self, table: Table, given: list[Word]) -> None:
        chosen = [self._chain(table, given[0])] if given else [one for one in table.chains.values() if not one.built_in]
        for chain in chosen:
            at = given[0].at if given else None
            if chain.built_in:
                raise Problem(WRONG_PLACE, f"`{chain.name}` is a chain of the kernel's", at)
            if chain.rules:
                raise Problem("POL514", f"chain `{chain.name}` has rules, so it cannot be deleted", at)
            if any(_calls(rule, chain.name) for one in table.chains.values() for rule in one.rules):
                raise Problem("POL514", f"rules jump to chain `{chain.name}`, so it cannot be deleted", at)
            del table.chains[chain.name]

    def _rename(self, table: Table, given: list[Word]) -> None:
        old = self._chain(table, given[0])
        if old.built_in:
            raise Problem(WRONG_PLACE, f"`{old.name}` is a chain of the kernel's", given[0].at)
        if given[1].text in table.chains:
            raise _twice(given[1], table.chains[given[1].text])
        new = self._make(table, given[1])
        new.rules, new.span = old.rules, old.span
        del table.chains[old.name]
        for chain in table.chains.values():
            chain.rules = [_renamed(rule, old.name, new.name) for rule in chain.rules]


def _calls(rule: Draft, name: str) -> bool:
    return isinstance(rule.verdict, Jump | Goto) and rule.verdict.chain == name


def _renamed(rule: Draft, old: str, new: str) -> Draft:
    if isinstance(rule.verdict, Jump | Goto) and rule.verdict.chain == old:
        return replace(rule, verdict=replace(rule.verdict, chain=new))
    return rule


def _arguments(use: Use, line: Line) -> list[Word]:
    return [Word(line.words[at][start:], at) for at, start in use.words]


def _position(word: Word, count: int) -> int:
    found = number(word, 1, 0xFFFFFFFF, "number of a rule")
    if found > count:
        raise Problem("POL514", f"there is no rule number {found} here", word.at)
    return found - 1


def _policy(word: Word, table: Table) -> Accept | Drop:
    found = _POLICIES.get(word.text)
    if found is None:
        hint = did_you_mean(word.text.upper(), _POLICIES) or "a policy is `ACCEPT` or `DROP`"
        raise Problem(WRONG_VALUE, f"`{word.text}` is no policy", word.at, help=hint)
    if table.name == "nat" and isinstance(found, Drop):
        raise Problem(WRONG_PLACE, "nothing is dropped in table nat", word.at)
    return found


def _twice(name: Word, chain: Chain) -> Problem:
    where = f", in line {chain.span.line}" if chain.span else ""
    return Problem(TWICE, f"chain `{name.text}` is there already{where}", name.at)
