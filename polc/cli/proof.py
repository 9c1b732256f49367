"""``--prove``: an output is written only where it is shown to do what was meant."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace

from polc.backends.model import Options, Output, OutputFile
from polc.compiler import produce
from polc.ir.ruleset import Ruleset


def add_prove(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--prove", action="store_true",
        help="read the output again and show that it does with every packet what was meant; where it does not, or "
        "that cannot be shown, nothing is written",
    )  # fmt: skip


def shown(meant: Sequence[Ruleset], target: str, files: Sequence[OutputFile]) -> bool:
    """Whether files mean the rulesets; what is wrong is told on standard error.

    Raises:
        Failure: POL902.
    """
    from polc.proving.model import Result
    from polc.proving.report_text import report
    from polc.proving.validation import validate

    answer = validate(meant, target, files)
    if answer.result is not Result.PROVEN:
        sys.stderr.write(report(answer) + "nothing is written\n")
    return answer.result is Result.PROVEN


def proven(meant: Ruleset, ruleset: Ruleset, target: str, options: Options, output: Output) -> bool:
    """Whether an output means what was ``meant``; ``ruleset`` is that after the passes. Otherwise as ``shown``."""
    return shown([meant], target, _readable(ruleset, target, options, output))


def _readable(ruleset: Ruleset, target: str, options: Options, output: Output) -> tuple[OutputFile, ...]:
    """The files to read: nft's own language only nft reads, and JSON is the same ruleset in other words."""
    if target == "nft" and options.format != "json":
        output = produce(ruleset, target, replace(options, format="json"))
    return output.files
