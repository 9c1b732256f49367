"""``polc fmt``: policies in canonical form."""

from __future__ import annotations

import argparse
import os
import sys

from polc.backends.model import OutputFile
from polc.cli.write import write_files
from polc.diagnostics import Diagnostic, Failure
from polc.policy.files import read_file
from polc.policy.format.text import canonical_text
from polc.source import SourceFile


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="policy files; `-` is standard input to output")
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 if something would change")
    parser.add_argument("--diff", action="store_true", help="write nothing; print what would change")


def run(arguments: argparse.Namespace) -> int:
    changed = False
    problems: list[Diagnostic] = []
    for path in arguments.files:
        try:
            source = read_file(path, standard_input=path == "-")
            text = canonical_text(source)
        except Failure as failure:
            problems += failure.diagnostics
            continue
        differs = _as_written(source, path) != text.encode()
        changed |= differs
        if arguments.diff:
            sys.stdout.write(_diff(source, text))
        if arguments.check:
            if differs:
                sys.stderr.write(f"would change {path}\n")
        elif not arguments.diff:
            _write(path, text, differs)
    if problems:
        raise Failure(problems)
    return 1 if arguments.check and changed else 0


def _as_written(source: SourceFile, path: str) -> bytes:
    if path == "-":
        return source.text.encode()
    with open(path, "rb") as file:
        return file.read()


def _write(path: str, text: str, differs: bool) -> None:
    if path == "-":
        sys.stdout.write(text)
    elif differs:
        write_files(path, (OutputFile(os.path.basename(path), text),))


def _diff(source: SourceFile, text: str) -> str:
    from difflib import unified_diff

    lines = unified_diff(source.text.splitlines(), text.splitlines(), source.path, "formatted", lineterm="")
    return "".join(f"{line}\n" for line in lines)
