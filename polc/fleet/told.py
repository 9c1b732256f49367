"""What is to be said of many hosts: once, with the hosts that it is about, because they share most of their files."""

from __future__ import annotations

from collections.abc import Iterable

from polc.diagnostics import Diagnostic
from polc.diagnostics.text import render

_MOST_NAMES = 5


class Told:
    """Diagnostics in words, each with its hosts in the order in which they came."""

    def __init__(self) -> None:
        self._hosts: dict[str, list[str]] = {}

    def add(self, host: str, texts: Iterable[str]) -> None:
        for text in texts:
            self._hosts.setdefault(text, []).append(host)

    def text(self, hosts: int) -> str:
        """All of it; ``hosts`` is how many there are."""
        return "".join(f"{text.rstrip()}\n  = {_names(names, hosts)}\n\n" for text, names in self._hosts.items())


def words(diagnostics: Iterable[Diagnostic]) -> list[str]:
    """Each in the words of the command line: they are sent from one process to another, and sources are large."""
    return [render((one,)) for one in diagnostics]


def _names(names: list[str], hosts: int) -> str:
    if len(names) == hosts > 1:
        return f"on all {hosts} hosts"
    shown = sorted(names)[:_MOST_NAMES]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return f"on {', '.join(shown)}{more}"
