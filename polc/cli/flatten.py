"""``polc compile --flatten``: a policy as one file."""

from __future__ import annotations

import argparse
import sys

from polc.backends.model import OutputFile
from polc.diagnostics import Collector
from polc.diagnostics.text import render
from polc.fleet.flatten import flatten
from polc.policy.read import inspect_policy

FILE = "policy.yaml"
_NOT_WITH = ("target", "format", "only", "profile", "layout", "ipset", "report", "report_format", "allow_approximate")


def misused(arguments: argparse.Namespace) -> str | None:
    """What is wrong with options that are for targets; None where nothing is."""
    given = [f"--{name.replace('_', '-')}" for name in _NOT_WITH if getattr(arguments, name)]
    return f"--flatten is for no target, and {' and '.join(given)} for one" if given else None


def run(arguments: argparse.Namespace) -> int:
    if (wrong := misused(arguments)) is not None or arguments.output == "":
        sys.stderr.write(f"polc compile: {wrong or '-o names no file'}\n")
        return 2
    collector = Collector()
    text = flatten(inspect_policy(arguments.policy, collector).merged)
    sys.stderr.write(render(collector))
    if arguments.output in (None, "-"):
        sys.stdout.write(text)
        return 0
    from polc.cli.write import write_files

    write_files(arguments.output, (OutputFile(FILE, text),))
    return 0
