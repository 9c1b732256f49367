"""A bar that says how far a long run has come, on a terminal alone."""

from __future__ import annotations

import shutil
import sys
import time

_INTERVAL = 0.1
"""Seconds between two drawings."""


class Progress:
    """``with Progress(1000, "hosts") as bar: bar.step()``."""

    def __init__(self, total: int, what: str) -> None:
        self.total, self.what = total, what
        self.done = 0
        self._shown = sys.stderr.isatty()
        self._drawn = 0.0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def step(self) -> None:
        self.done += 1
        now = time.monotonic()
        if self._shown and (now - self._drawn >= _INTERVAL or self.done == self.total):
            self._drawn = now
            sys.stderr.write(f"\r{self.line(shutil.get_terminal_size().columns)}\x1b[K")
            sys.stderr.flush()

    def line(self, columns: int) -> str:
        """The bar, in at most ``columns`` characters."""
        numbers = f" {self.done}/{self.total} {self.what}"
        width = min(columns - len(numbers) - 3, 40)
        if width < 1:
            return numbers.strip()[: max(columns - 1, 0)]
        full = width * self.done // max(self.total, 1)
        return f"[{'#' * full}{'.' * (width - full)}]{numbers}"
