"""Programs on this host, in the network namespace that polc runs in: for once not a scratch one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from polc.diagnostics import Failure
from polc.kernel.programs import find, search_path

LONGEST = 600
"""Seconds that a program may take."""


@dataclass(frozen=True, slots=True)
class Host:
    """``held`` is the descriptor of the lock of the state directory (-1: none).

    Programs that change something inherit it: one that is still at it when polc has been killed keeps the lock, and
    whoever recovers waits for its end.
    """

    held: int = -1

    def run(self, argv: Sequence[str], input: str = "") -> str:
        """What a program (a name of ``polc.kernel.programs``, and its arguments) prints.

        Raises:
            Failure: POL601, it is not installed; POL603, it failed, in its own words.
        """
        name, *arguments = argv
        program = find(name)
        try:
            done = subprocess.run(
                [program, *arguments],
                input=input,
                text=True,
                encoding="utf-8",
                errors="replace",
                capture_output=True,
                timeout=LONGEST,
                env={**os.environ, "PATH": search_path(), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
                pass_fds=() if self.held < 0 else (self.held,),
            )
        except subprocess.TimeoutExpired:
            raise Failure.of("POL603", f"`{name}` was ended: it took more than {LONGEST} seconds") from None
        if done.returncode != 0:
            words = _words(done.stderr) or f"status {done.returncode}"
            raise Failure.of("POL603", f"`{' '.join([name, *arguments])}` failed: {words}")
        return done.stdout


def _words(error: str) -> str:
    """The messages of a tool on one line; of nft without the places of JSON, which it gives as zero."""
    lines = (line.removeprefix("internal:0:0-0: ").removeprefix("Error: ").strip() for line in error.splitlines())
    return "; ".join(dict.fromkeys(line for line in lines if line.strip("^ ~")))[:2000]
