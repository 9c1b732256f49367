"""``--report``: where the report of a compilation goes."""

from __future__ import annotations

import argparse
import sys

from polc.backends.model import Options, Output, OutputFile
from polc.cli.write import write_files
from polc.ir.ruleset import Ruleset
from polc.report import as_json, as_text
from polc.report.build import build_report


def write_report(
    ruleset: Ruleset, target: str, options: Options, output: Output, arguments: argparse.Namespace
) -> None:
    """Write the report on ``output`` as the arguments say.

    Raises:
        Failure: POL051, the file cannot be written.
    """
    report = build_report(ruleset, target, options, output)
    form = arguments.report_format or "text"
    text = as_json.render(report) if form == "json" else as_text.render(report)
    if arguments.report == "-":
        sys.stdout.write(text)
    else:
        write_files(arguments.report, (OutputFile(f"report.{'json' if form == 'json' else 'txt'}", text),))
