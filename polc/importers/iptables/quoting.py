"""Words of iptables-restore: how they are quoted, and where they are (add_param_to_argv, iptables/xshared.c)."""

from __future__ import annotations

import re

_WORD = re.compile(r'[^ \t"]*"(?:[^"\\]|\\.)*"|[^ \t"]+', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PLAIN = re.compile(r'[^ \t\n"]+')


def split(line: str) -> list[str]:
    """The words of a line. A closing quote ends one; within quotes a backslash takes what follows as it is.

    Raises:
        Unclosed: a quote has no end.
    """
    if '"' not in line:
        return _WORD.findall(line)
    words = []
    end = 0
    for found in _WORD.finditer(line):
        start = found.start()
        if '"' in line[end:start]:
            break
        words.append(_bare(found.group()))
        end = found.end()
    if '"' in line[end:]:
        raise Unclosed(line.index('"', end))
    return words


class Unclosed(Exception):
    """``at``: where in the line the quote is."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at


def places(line: str) -> list[tuple[int, int]]:
    """Where each of the words of ``split`` begins and ends."""
    return [found.span() for found in _WORD.finditer(line)]


def _bare(word: str) -> str:
    before, quote, inner = word.partition('"')
    return before + _ESCAPED.sub(r"\1", inner[:-1]) if quote else word


def quote(word: str, *, always: bool = False) -> str:
    """A word as it must be written to be one word again; ``always``: in quotes where it need not be, too."""
    if not always and _PLAIN.fullmatch(word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
