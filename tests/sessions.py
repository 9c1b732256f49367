"""The terminal sessions of the documentation: its files are written, its commands run, their output put in its place.

``python tests/sessions.py`` writes the pages anew. Of a block ```` ```console```` each line ``$ polc ...`` is run, and
what follows up to the next is its output; with ``head=5`` the first five lines of it, and behind ``| grep WORD`` those
with the word. ``$ cat FILE`` and ``$ grep ... FILE`` of what was written are run too. Commands with another pipe are
for the reader alone, and so is what stands behind ``#``.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from polc.cli.main import main

PAGES = tuple(
    Path(__file__).parent.parent / "docs" / name for name in ("tutorial.md", "testing.md", "report.md", "translate.md")
)
EXAMPLES = Path(__file__).parent.parent / "examples" / "migration"
"""Files that sessions may name: a host as its tools print it."""

_BLOCK = re.compile(r"^```(yaml|console)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def everything(command: str) -> bool:
    return True


def without_kernel(command: str) -> bool:
    return not command.startswith(("$ polc verify", "$ polc test --kernel"))


def played(page: str, folder: Path, wanted: Callable[[str], bool] = everything) -> str:
    """The page with the output of its commands as it is now; those that are not wanted keep theirs."""

    shutil.copytree(EXAMPLES, folder, dirs_exist_ok=True)

    def block(match: re.Match[str]) -> str:
        language, options, text = match.groups()
        if language == "console":
            head = re.search(r"\bhead=([0-9]+)", options)
            text = "".join(_session(text, folder, wanted, int(head[1]) if head else None))
        elif file := re.search(r"\bfile=(\S+)", options):
            (folder / file[1]).write_text(text)
        return f"```{language}{options}\n{text}```"

    return _BLOCK.sub(block, page)


def _session(text: str, folder: Path, wanted: Callable[[str], bool], head: int | None) -> list[str]:
    found: list[str] = []
    for part in re.split(r"^(?=\$ )", text, flags=re.MULTILINE):
        command, newline, output = part.partition("\n")
        own, _, pipe = command.partition(" | ")
        if own.startswith(("$ cat ", "$ grep ")):
            output = subprocess.run(
                shlex.split(own[2:]), cwd=folder, capture_output=True, text=True, check=False
            ).stdout
        elif own.startswith("$ polc ") and (not pipe or pipe.startswith("grep ")) and wanted(own):
            output = run(shlex.split(own, comments=True)[2:], folder)
            word = pipe.removeprefix("grep ")
            lines = [line for line in output.splitlines(keepends=True) if word in line]
            output = "".join(lines)
            if head is not None and len(lines) > head:
                output = "".join((*lines[:head], "...\n"))
        found.append(command + newline + output)
    return found


def run(arguments: list[str], folder: Path) -> str:
    """What a command prints, errors too, with no white space where a line ends."""
    printed = io.StringIO()
    here = os.getcwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            main(arguments)
    finally:
        os.chdir(here)
    lines = printed.getvalue().strip("\n").split("\n")
    return "".join(f"{line.rstrip()}\n" for line in lines) if lines != [""] else ""


if __name__ == "__main__":
    for page in PAGES:
        with tempfile.TemporaryDirectory() as scratch:
            page.write_text(played(page.read_text(), Path(scratch)))
        sys.stderr.write(f"wrote {page}\n")
