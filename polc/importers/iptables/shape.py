"""A line's options: which there are, what they belong to, and which words are theirs (getopt_long(3), iptables).

That hangs on the options alone, and on protocols and extensions. So it is found out once for each ``key`` of a line,
and files of a hundred thousand lines have a few hundred of those.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from polc.diagnostics.suggest import did_you_mean
from polc.importers.iptables import commands, registry
from polc.importers.iptables.extension import MatchExtension, Option, TargetExtension
from polc.importers.iptables.guesses import lost_option, unknown_option
from polc.importers.iptables.problem import (
    APART,
    MISPLACED,
    TWICE,
    UNKNOWN_EXTENSION,
    UNKNOWN_OPTION,
    Problem,
)
from polc.importers.iptables.protocols import protocol_match
from polc.importers.iptables.quoting import quote
from polc.ir.family import Family
from polc.parsing.parser import Parser, Token, Tree, Unexpected

GRAMMAR = Parser("iptables_save")

Key = tuple[str | None, ...]
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212-"
"""What looks like the hyphen of an option, and the hyphen."""


def key(words: Sequence[str]) -> Key:
    """What of a line's words decides about its shape; None stands for any word that is no option."""
    found: list[str | None] = []
    keyed = jumps = False
    for word in words:
        first = word[:1]
        if keyed or first == "-" or first == "!" or (jumps and word in registry.TARGETS):
            found.append(word)
            keyed = word in commands.KEYED or (keyed and word == "!")
            jumps = word in commands.JUMPS or (jumps and word == "!")
        else:
            found.append("[" if first == "[" else None)
            jumps = False
    return tuple(found)


class Use(NamedTuple):
    """An option: its words as numbers of the line's words, and where in those they begin."""

    option: Option
    negated: bool
    at: int
    words: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class MatchLoad:
    """An ``-m``, or the protocol's own match where an option asked for it (``at`` is then that option)."""

    extension: MatchExtension
    at: int
    uses: tuple[Use, ...]
    numbers: tuple[int, ...]
    """The numbers of all words that the options take."""


@dataclass(frozen=True, slots=True, eq=False)
class TargetLoad:
    extension: TargetExtension
    at: int
    uses: tuple[Use, ...]
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """``counters``: the line begins with some. ``basic`` are the options of iptables itself, but for the command and
    ``-m``; ``jump`` is ``-j`` or ``-g``.
    """

    counters: bool
    command: Use
    basic: tuple[Use, ...]
    matches: tuple[MatchLoad, ...]
    target: TargetLoad | None
    jump: Use | None


def recognise(words: Sequence[str], family: Family) -> Shape:
    """The shape of a line.

    Raises:
        Problem: POL501 to POL504, POL506, POL508 or POL511.
    """
    text = " ".join(map(_written, words))
    try:
        tree = GRAMMAR.parse(text, "rule")
    except Unexpected as error:
        raise _unexpected(error) from None
    return _Reading(words, family, tree).shape()


def _written(word: str) -> str:
    """A word for the grammar, to which what begins in quotes is no option."""
    option, equals, value = word.partition("=")
    return f"{option}={quote(value)}" if equals and option.startswith("--") else quote(word)


def _unexpected(error: Unexpected) -> Problem:
    at = len(error.before)
    if not error.before or (error.expected == {"OPTION"} and error.before[-1].kind == "COUNTERS"):
        return Problem("POL501", f"`{error.token.text}` begins no rule", at, help="a rule begins with `-A CHAIN`")
    if error.before[-1].kind == "NOT":
        return Problem(MISPLACED, "`!` stands before an option, and none follows", at - 1)
    return Problem("POL501", f"`{error.token.text}` cannot stand here", at)


@dataclass(slots=True)
class _Loading:
    extension: MatchExtension | TargetExtension
    at: int
    uses: list[Use] = field(default_factory=list)


class _Part(NamedTuple):
    """A word of the line with the ``!`` before it; ``at`` is the word's number."""

    at: int
    text: str
    negated: bool
    option: bool


def _parts(tree: Tree, words: Sequence[str]) -> Iterator[_Part]:
    at = 0
    for child in tree.children:
        if isinstance(child, Token):
            at += 1
            continue
        negated = len(child.children) > 1
        at += negated
        yield _Part(at, words[at], negated, child.name == "option")
        at += 1


class _Reading:
    """Walks over the words of one line as getopt_long does."""

    def __init__(self, words: Sequence[str], family: Family, tree: Tree) -> None:
        self.words = words
        self.family = family
        self.counters = isinstance(tree.children[0], Token)
        self.parts = list(_parts(tree, words))
        self.next = 0
        self.basic: list[Use] = []
        self.loads: list[_Loading] = []
        self.target: _Loading | None = None
        self.protocol: str | None = None
        self.own_match = False
        # The newest options first, as xtables_merge_options has them; those of iptables itself come before all.
        self.options: list[tuple[Option, _Loading | None]] = [(one, None) for one in commands.BASIC]

    def shape(self) -> Shape:
        while self.next < len(self.parts):
            part = self.parts[self.next]
            self.next += 1
            if not part.option:
                raise lost_option(self.words, self._before(part), part.at) or self._stray(part)
            if part.text == "--":
                if self.next < len(self.parts):
                    raise self._stray(self.parts[self.next])
            elif part.text.startswith("--"):
                self._long(part)
            else:
                self._short(part)
        return self._finished()

    def _before(self, part: _Part) -> MatchExtension | None:
        """The extension whose ``-m`` stands right before a stray word."""
        last = self.loads[-1] if self.loads else None
        return (
            last.extension if last and last.at == part.at - 1 and isinstance(last.extension, MatchExtension) else None
        )

    def _stray(self, part: _Part) -> Problem:
        text = part.text
        hint = "white space stands behind `!`" if text.startswith("!") and len(text) > 1 else ""
        if text[:1] in _DASHES:
            # Word processors and web pages make one of two hyphens.
            hint = f"did you mean `--{text.lstrip(_DASHES)}`?"
        return Problem(MISPLACED, f"`{text}` belongs to no option", part.at, help=hint)

    def _long(self, part: _Part) -> None:
        name, equals, _ = part.text[2:].partition("=")
        found = self._find(name, part)
        if found is None:
            if self._load_protocol(part):
                self._long(part)
                return
            raise unknown_option(part.text.partition("=")[0], part.at, [one for one, _ in self.options], self.family)
        option, owner = found
        self._use(option, owner, part, (part.at, len(name) + 3) if equals else None)

    def _find(self, name: str, part: _Part) -> tuple[Option, _Loading | None] | None:
        exact = [one for one in self.options if name == one[0].name or name in one[0].also]
        if exact:
            return exact[0]
        near = [one for one in self.options if any(full.startswith(name) for full in (one[0].name, *one[0].also))]
        if len({id(option) for option, _ in near}) > 1:
            names = " or ".join(f"`--{option.name}`" for option, _ in near[:4])
            raise Problem(UNKNOWN_OPTION, f"`--{name}` may stand for {names}", part.at)
        return near[0] if near else None

    def _load_protocol(self, part: _Part) -> bool:
        """Load the match of the rule's protocol, once, because of an option that is of nothing else."""
        name = protocol_match(self.protocol, self.family) if self.protocol is not None else None
        if name is None or self.own_match:
            return False
        self.own_match = True
        if any(one.extension.name == name for one in self.loads):
            return False
        self._load(registry.MATCHES[name], part.at)
        return True

    def _load(self, extension: MatchExtension | TargetExtension, at: int) -> _Loading:
        loading = _Loading(extension, at)
        if isinstance(extension, MatchExtension):
            self.loads.append(loading)
        known = len(commands.BASIC)
        self.options[known:known] = [(one, loading) for one in extension.options]
        return loading

    def _short(self, part: _Part) -> None:
        if len(part.text) > 2 and not part.text[1:2].isupper():
            name = part.text[1:].partition("=")[0]
            if any(name in (one.name, *one.also) for one in registry.every_option(self.family)):
                raise Problem(
                    UNKNOWN_OPTION,
                    f"`{part.text}` is `-{part.text[1]}` with `{part.text[2:]}` behind it",
                    part.at,
                    help=f"did you mean `-{part.text}`?",
                )
        for position, letter in enumerate(part.text[1:], 1):
            option = commands.BY_LETTER.get(letter)
            if option is None:
                raise unknown_option(f"-{letter}", part.at, [one for one, _ in self.options], self.family)
            rest = part.text[position + 1 :]
            if option.takes or (option.upto and rest):
                self._use(option, None, part, (part.at, position + 1) if rest else None)
                return
            self._use(option, None, part, None)

    def _use(self, option: Option, owner: _Loading | None, part: _Part, inline: tuple[int, int] | None) -> None:
        negated = part.negated
        taken: list[tuple[int, int]] = []
        if inline is not None:
            if option.takes + option.upto == 0:
                raise Problem(MISPLACED, f"`{option.shown}` takes no value", part.at)
            taken.append(inline)
        while len(taken) < option.takes:
            negated = self._word(option, part, taken, negated)
        while len(taken) < option.takes + option.upto and self._goes_on():
            taken.append((self.parts[self.next].at, 0))
            self.next += 1
        if negated and not option.negatable:
            raise Problem(MISPLACED, f"`{option.shown}` cannot be negated", part.at)
        self._note(Use(option, negated, part.at, tuple(taken)), owner)

    def _word(self, option: Option, part: _Part, taken: list[tuple[int, int]], negated: bool) -> bool:
        """Take a word; the answer is whether the option is negated, by a ``!`` before it or, as of old, behind it."""
        word = self.parts[self.next] if self.next < len(self.parts) else None
        if word is None or (word.option and not option.text and (taken or self._known(word.text))):
            found = f", found `{word.text}`" if word else ""
            raise Problem(MISPLACED, f"`{option.shown}` needs a value{found}", part.at)
        self.next += 1
        taken.append((word.at, 0))
        if word.negated and (negated or len(taken) > 1):
            raise Problem(MISPLACED, f"two `!` for `{option.shown}`", word.at - 1)
        return negated or word.negated

    def _known(self, text: str) -> bool:
        """Whether a word is surely an option and not a value such as `-1`."""
        if text.startswith("--"):
            name = text[2:].partition("=")[0]
            return any(name in (one.name, *one.also) for one in registry.every_option(self.family))
        return len(text) == 2 and text[1] in commands.BY_LETTER and not text[1].isdigit()

    def _goes_on(self) -> bool:
        return self.next < len(self.parts) and not (self.parts[self.next].option or self.parts[self.next].negated)

    def _note(self, use: Use, owner: _Loading | None) -> None:
        if owner is not None:
            self._own(use, owner)
            return
        if use.option in commands.COMMANDS and any(one.option in commands.COMMANDS for one in self.basic):
            raise Problem(APART, f"`{use.option.shown}` is a second command on this line", use.at)
        if not use.option.repeats and any(one.option is use.option for one in self.basic):
            raise Problem(TWICE, f"`-{use.option.short}` stands here a second time", use.at)
        if use.option is commands.MATCH:
            self._match(use)
            return
        self.basic.append(use)
        if use.option is commands.PROTOCOL:
            # The name is looked at here for the protocol's own match; what it means is read with the values.
            self.protocol = self._text(use)
        elif use.option is commands.JUMP:
            self._jump(use)

    def _own(self, use: Use, owner: _Loading) -> None:
        # Of several `-m` of one extension the last one takes the options.
        same = [one for one in self.loads if one.extension is owner.extension]
        loading = same[-1] if same else owner
        if not use.option.repeats and any(one.option is use.option for one in loading.uses):
            raise Problem(TWICE, f"`{use.option.shown}` stands here a second time", use.at)
        loading.uses.append(use)

    def _text(self, use: Use) -> str:
        at, start = use.words[0]
        return self.words[at][start:]

    def _match(self, use: Use) -> None:
        name = self._text(use)
        extension = registry.MATCHES.get(name)
        if extension is None or self.family not in extension.families:
            raise self._no_extension(name, use, registry.MATCHES, "match")
        self._load(extension, use.words[0][0])

    def _jump(self, use: Use) -> None:
        extension = registry.TARGETS.get(self._text(use))
        if extension is not None:
            if self.family not in extension.families:
                raise self._no_extension(extension.name, use, registry.TARGETS, "target")
            self.target = self._load(extension, use.words[0][0])

    def _no_extension(
        self, name: str, use: Use, known: dict[str, MatchExtension] | dict[str, TargetExtension], kind: str
    ) -> Problem:
        tool = "iptables" if self.family is Family.IP else "ip6tables"
        names = [one.name for one in known.values() if self.family in one.families]
        message = f"{tool} has no {kind} `{name}`"
        return Problem(UNKNOWN_EXTENSION, message, use.words[0][0], help=did_you_mean(name, names))

    def _finished(self) -> Shape:
        command = next((one for one in self.basic if one.option in commands.COMMANDS), None)
        if command is None:
            raise Problem("POL501", "this line has no command", None, help="a rule begins with `-A CHAIN`")
        jumps = [one for one in self.basic if one.option in (commands.JUMP, commands.GOTO)]
        if len(jumps) > 1:
            raise Problem(APART, "a rule has one target, and this is another", jumps[1].at)
        return Shape(
            self.counters,
            command,
            tuple(one for one in self.basic if one is not command and one not in jumps),
            tuple(
                MatchLoad(one.extension, one.at, tuple(one.uses), _numbers(one))
                for one in self.loads
                if isinstance(one.extension, MatchExtension)
            ),
            TargetLoad(self.target.extension, self.target.at, tuple(self.target.uses), _numbers(self.target))
            if self.target and isinstance(self.target.extension, TargetExtension)
            else None,
            jumps[0] if jumps else None,
        )


def _numbers(loading: _Loading) -> tuple[int, ...]:
    return tuple(at for use in loading.uses for at, _ in use.words)
