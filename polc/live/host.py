"""Programs on this host, in the network namespace that polc runs in: for once not a scratch one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

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
        # Files in memory and not pipes: listings have megabytes, and a pipe holds 64 KB of them at a time.
        with _memory(input) as given, _memory() as output, _memory() as errors:
            try:
                done = subprocess.run(
                    [program, *arguments],
                    stdin=given,
                    stdout=output,
                    stderr=errors,
                    timeout=LONGEST,
                    env={**os.environ, "PATH": search_path(), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
                    pass_fds=() if self.held < 0 else (self.held,),
                )
            except subprocess.TimeoutExpired:
                raise Failure.of("POL603", f"`{name}` was ended: it took more than {LONGEST} seconds") from None
            if done.returncode != 0:
                words = _words(_text(errors)) or f"status {done.returncode}"
                raise Failure.of("POL603", f"`{' '.join([name, *arguments])}` failed: {words}")
            return _text(output)


def _memory(text: str = "") -> BinaryIO:
    file = os.fdopen(os.memfd_create("polc"), "w+b")
    file.write(text.encode())
    file.seek(0)
    return file


def _text(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def _words(error: str) -> str:
    """The messages of a tool on one line; of nft without the places of JSON, which it gives as zero."""
    lines = (line.removeprefix("internal:0:0-0: ").removeprefix("Error: ").strip() for line in error.splitlines())
    return "; ".join(dict.fromkeys(line for line in lines if line.strip("^ ~")))[:2000]
