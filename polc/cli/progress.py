"""A bar that says how far a long run has come, on standard error, where that is a terminal."""

from __future__ import annotations

import shutil
import sys
import time

_INTERVAL = 0.1
"""Seconds between two drawings."""

_WIDTH = 40


class Progress:
    """``with Progress(1000, "hosts") as bar: bar.step()``; or ``bar.show(...)`` for what changes on the way. The bar is
    gone behind it.
    """

    def __init__(self, total: int = 0, what: str = "") -> None:
        self.total, self.what = total, what
        self.done = 0
        self._shown = sys.stderr.isatty()
        self._drawn = 0.0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        self.clear()

    def clear(self) -> None:
        """Take the bar away, before something else is written to the terminal."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def step(self) -> None:
        self.show(self.what, self.done + 1, self.total)

    def show(self, what: str, done: int, total: int) -> None:
        """``done`` of ``total``; without one, only what is done."""
        fresh = what != self.what
        self.what, self.done, self.total = what, done, total
        now = time.monotonic()
        if self._shown and (fresh or now - self._drawn >= _INTERVAL or done == total):
            self._drawn = now
            sys.stderr.write(f"\r{self.line(shutil.get_terminal_size().columns)}\x1b[K")
            sys.stderr.flush()

    def line(self, columns: int) -> str:
        """The bar, in at most ``columns`` characters."""
        numbers = f" {self.done}/{self.total} {self.what}"
        width = min(columns - len(numbers) - 3, _WIDTH)
        if width < 1:
            return numbers.strip()[: max(columns - 1, 0)]
        full = width * self.done // max(self.total, 1)
        return f"[{'#' * full}{'.' * (width - full)}]{numbers}"
