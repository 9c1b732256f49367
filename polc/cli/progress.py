"""A bar for what takes long, on standard error, where that is a terminal."""

from __future__ import annotations

import sys

_WIDTH = 30


class Progress:
    """For a ``with`` statement: the bar is gone behind it."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._last = ""

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def show(self, what: str, done: int, total: int) -> None:
        """``done`` of ``total``; without one, only what is done."""
        if not self._shown:
            return
        filled = _WIDTH * done // total if total else 0
        text = f"\r\x1b[K{what} [{'#' * filled}{' ' * (_WIDTH - filled)}] {done}/{total}"
        if text != self._last:
            self._last = text
            sys.stderr.write(text)
            sys.stderr.flush()
