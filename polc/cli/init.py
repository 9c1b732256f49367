"""``polc init``: a commented policy to begin with."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.resources import files

from polc.diagnostics import Failure

TEMPLATES = ("server", "gateway", "router", "workstation")
"""Names of the files in ``polc/templates/``."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "template", nargs="?", choices=TEMPLATES, default="server", help="what the machine is (server if not said)"
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", default="policy.yaml", help="where to (policy.yaml); `-` is standard output"
    )


def run(arguments: argparse.Namespace) -> int:
    text = files("polc").joinpath("templates", f"{arguments.template}.yaml").read_text(encoding="utf-8")
    if arguments.output == "-":
        sys.stdout.write(text.replace("FILE", "policy.yaml"))
        return 0
    _create(arguments.output, text.replace("FILE", arguments.output))
    sys.stderr.write(f"wrote {arguments.output}: change its names to yours, then `polc check {arguments.output}`\n")
    return 0


def _create(path: str, text: str) -> None:
    """Write a file that is not there yet. Mode `x` and no look beforehand, so that nothing comes in between.

    Raises:
        Failure: POL051; a file that was there is as it was.
    """
    try:
        with open(path, "x", encoding="utf-8") as file:
            try:
                file.write(text)
                file.flush()
            except OSError:
                os.unlink(path)
                raise
    except FileExistsError:
        raise Failure.of(
            "POL051", "it is there already, and `init` replaces nothing", path=path, help="name another file with `-o`"
        ) from None
    except OSError as error:
        raise Failure.of(
            "POL051", f"cannot write the output: {(error.strerror or str(error)).lower()}", path=path
        ) from None
