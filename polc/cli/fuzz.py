"""``polc fuzz``: random firewalls, of which readers, backends, proofs, simulator and kernel have to say the same."""

from __future__ import annotations

import argparse
import gc
import json
import sys

from polc.backends.registry import BACKENDS
from polc.cli.fuzz_report import found_json, print_found, print_summary, summary_json
from polc.cli.progress import Progress
from polc.fuzzing.generate import GENERATORS
from polc.fuzzing.judge import Asked
from polc.fuzzing.run import Found, Order
from polc.fuzzing.run import run as fuzz
from polc.fuzzing.write import write
from polc.kernel.loaders import LOADERS

_SECONDS = 60.0
"""How long it runs where nobody says."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, metavar="N", help=f"run for N seconds; {_SECONDS:.0f} without --cases")
    parser.add_argument("--cases", type=int, metavar="N", help="run N cases")
    parser.add_argument("--seed", type=int, metavar="N", default=0, help="other cases for each; 0 without it")
    parser.add_argument("--first", type=int, metavar="N", default=1, help="begin with the Nth case of the seed")
    parser.add_argument(
        "--of", choices=tuple(GENERATORS), action="append", default=[], help="only these cases (may be given again)"
    )
    parser.add_argument(
        "--target", choices=tuple(BACKENDS), action="append", default=[],
        help="only this target (may be given again); all are the default",
    )  # fmt: skip
    parser.add_argument(
        "--loader", choices=tuple(one.name for one in LOADERS), action="append", default=[],
        help="only this loader (may be given again)",
    )  # fmt: skip
    parser.add_argument(
        "--packets", type=int, metavar="N", default=60, help="about so many packets at most for each case (60)"
    )
    parser.add_argument("--findings", type=int, metavar="N", default=10, help="end with the Nth finding (10)")
    parser.add_argument(
        "--write", metavar="DIR", help="write each finding there: the least firewall, its packets, how to see it again"
    )
    parser.add_argument("--output-format", choices=("text", "json"), default="text", help="for people or for machines")


def run(arguments: argparse.Namespace) -> int:
    wrong = next((name for name in ("cases", "packets", "findings", "first") if _below_one(arguments, name)), None)
    if wrong or (arguments.seconds is not None and arguments.seconds <= 0):
        return _usage(f"--{wrong or 'seconds'} takes a number above 0")
    loaders = tuple(
        one
        for one in LOADERS
        if (not arguments.target or one.target in arguments.target)
        and (not arguments.loader or one.name in arguments.loader)
    )
    if not loaders:
        return _usage("no loader of --loader is one of --target")
    for loader in loaders:
        loader.check()
    # A case's diagrams are garbage once it is judged: some gigabytes an hour.
    gc.enable()
    seconds = arguments.seconds
    if seconds is None and arguments.cases is None:
        seconds = _SECONDS
    order = Order(
        Asked(loaders, arguments.packets), arguments.seed, arguments.first, seconds, arguments.cases,
        arguments.findings, tuple(dict.fromkeys(arguments.of)) or tuple(GENERATORS),
    )  # fmt: skip
    told: list[dict[str, object]] = []
    with Progress() as progress:

        def tell(found: Found) -> None:
            path = None if arguments.write is None else write(found, order, arguments.write)
            if arguments.output_format == "json":
                told.append(found_json(found, order, path))
            else:
                progress.clear()
                print_found(found, order, path)

        summary = fuzz(order, progress.show, tell)
    if arguments.output_format == "json":
        print(json.dumps({**summary_json(summary), "findings": told}, indent=2))
    else:
        print_summary(summary)
    return 1 if summary.found else 0


def _below_one(arguments: argparse.Namespace, name: str) -> bool:
    value = getattr(arguments, name)
    return value is not None and value < 1


def _usage(message: str) -> int:
    sys.stderr.write(f"polc fuzz: {message}\n")
    return 2
