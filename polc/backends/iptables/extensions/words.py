"""What extensions give: pieces of a rule's text, and the reasons why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Rank(IntEnum):
    """The order in which iptables-save prints a rule (print_rule4 of iptables, nft_ipv4_save_rule)."""

    SOURCE = 0
    DESTINATION = 1
    IN = 2
    OUT = 3
    PROTOCOL = 4
    FRAGMENT = 5
    MODULE = 6


@dataclass(frozen=True, slots=True)
class Piece:
    """One option, or one ``-m`` with its options. A rule takes at most one piece of each rank but MODULE."""

    rank: Rank
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    """How the text departs from the rule; the fields are those of ``polc.backends.model.Deviation``."""

    name: str
    message: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """A match in iptables' words, all of which must hold."""

    pieces: tuple[Piece, ...] = ()
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """What a rule does: ``text`` is ``-j ...``, ``pieces`` what its line must ask besides the rule's own matches.

    ``protocols``: the line must name one of them (empty: any line may hold it).
    """

    text: str
    protocols: tuple[int, ...] = ()
    pieces: tuple[Piece, ...] = ()


class Refused(Exception):
    """iptables cannot say it. ``message`` and ``help`` are fit for a diagnostic."""

    def __init__(self, name: str, message: str, help: str = "") -> None:
        super().__init__(message)
        self.difference = Difference(name, message, help)


def leaving_chain(help: str) -> Refused:
    return Refused("leaves-chain", "it takes a chain of its own, out of which `return` and `goto` cannot lead", help)


def module(text: str) -> Words:
    """Words that are a single ``-m`` option group."""
    return Words((Piece(Rank.MODULE, f"-m {text}"),))


def made_of(name: str, marks: str) -> bool:
    """Whether a name has ASCII letters or digits, and besides those ``marks`` alone."""
    return name.isascii() and "".join(c for c in name if c not in marks).isalnum()


_PLAIN = frozenset("_-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def quote(text: str) -> str:
    """A string as iptables-save prints it: bare where it can be, else quoted (xtables_save_string, libxtables)."""
    if text and _PLAIN.issuperset(text):
        return text
    return '"' + "".join(f"\\{c}" if c in "\"\\'" else c for c in text) + '"'
