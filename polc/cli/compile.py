"""``polc compile``: a policy becomes files for a target."""

from __future__ import annotations

import argparse
import sys

from polc.backends.model import Options
from polc.backends.registry import BACKENDS
from polc.cli.fleet import add_hosts, asks_hosts
from polc.cli.options import (
    add_allow_approximate,
    add_policy,
    add_profile,
    add_ways,
    allowed,
    profile_of,
    ways_misused,
    ways_of,
)
from polc.cli.proof import add_prove, proven
from polc.compiler import describe, hold, produce
from polc.diagnostics import Collector
from polc.passes import pipeline
from polc.policy import read_policy


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_policy(parser, optional=True)
    parser.add_argument(
        "--target", choices=tuple(BACKENDS), help="what the files are for; inventories say it themselves"
    )
    parser.add_argument(
        "--format",
        choices=tuple(dict.fromkeys(name for backend in BACKENDS.values() for name in backend.formats)),
        help="how to write it: json (for libnftables and `nft -j -f`) or text (for `nft -f`) on nft, "
        "restore on iptables; the first is the default",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="PATH",
        help="write there: a directory (made when missing), or a file where the target has only one, "
        "or `-`, standard output. Nothing is written when anything is wrong",
    )
    parser.add_argument("--only", metavar="NAME", help="only this one of the target's files, such as rules.v4")
    add_profile(parser)
    add_ways(parser)
    parser.add_argument(
        "--report",
        metavar="FILE",
        help="also write what became of each rule, and what packets cost, to this file, or with `-` to standard "
        "output; rules that are refused are in it too",
    )
    parser.add_argument("--report-format", choices=("text", "json"), help="for people, the default, or for machines")
    add_prove(parser)
    add_allow_approximate(parser)
    add_hosts(parser)
    parser.add_argument(
        "--check",
        action="store_true",
        help="with hosts: write nothing, and say which files would change; the exit status is then 1",
    )
    parser.add_argument(
        "--flatten",
        action="store_true",
        help="for no target: the policy itself as one file, with all that it includes and an inventory adds",
    )


def run(arguments: argparse.Namespace) -> int:
    if asks_hosts(arguments):
        from polc.cli.compile_hosts import run as run_hosts

        return run_hosts(arguments)
    if arguments.check or arguments.jobs:
        return _usage("--check and --jobs are for the hosts of an inventory: use --all or --host NAME")
    if arguments.policy is None:
        return _usage("no policy is named")
    if arguments.flatten:
        from polc.cli.flatten import run as run_flatten

        return run_flatten(arguments)
    if arguments.target is None:
        return _usage(f"--target is missing: {' or '.join(BACKENDS)}")
    backend = BACKENDS[arguments.target]
    if arguments.format and arguments.format not in backend.formats:
        return _usage(f"--target {backend.name} is written as {' or '.join(backend.formats)}")
    if (wrong := _report_misused(arguments) or ways_misused(arguments, (backend.name,))) is not None:
        return _usage(wrong)
    collector = Collector()
    profile = profile_of(arguments, (backend.name,))
    options = Options(arguments.format or backend.formats[0], profile, *ways_of(arguments))
    meant = read_policy(arguments.policy, collector)
    ruleset = pipeline.run(meant)
    output = produce(ruleset, backend.name, options)
    # Before the output is held to its fidelity: a report is wanted most where rules are refused.
    if arguments.report is not None:
        from polc.cli.report import write_report

        write_report(ruleset, backend.name, options, output, arguments)
    hold(output, backend.name, allowed(arguments))
    if arguments.prove and not proven(meant, ruleset, backend.name, options, output):
        return 1
    files = tuple(one for one in output.files if arguments.only in (None, one.name))
    names = ", ".join(one.name for one in output.files)
    if not files:
        return _usage(f"--only {arguments.only}: the files of this target are {names}")
    if arguments.output == "":
        return _usage("-o names no file")
    to_stdout = arguments.output in (None, "-")
    if to_stdout and len(files) > 1:
        return _usage(f"several files ({names}) cannot go to standard output: use -o DIRECTORY or --only NAME")
    remarks = (*collector, *(describe(one, backend.name, agreed=True) for one in output.deviations))
    if remarks:
        from polc.diagnostics.text import render

        sys.stderr.write(render(remarks))
    if to_stdout:
        sys.stdout.write(files[0].text)
    else:
        from polc.cli.write import write_files  # only here: it takes longer to import than ten rules to compile

        write_files(arguments.output, files)
    return 0


def _report_misused(arguments: argparse.Namespace) -> str | None:
    if arguments.report is None:
        return "--report-format is for --report" if arguments.report_format else None
    if arguments.report == "":
        return "--report names no file"
    if arguments.report == "-" and arguments.output in (None, "-"):
        return "the ruleset and its report cannot both go to standard output: use -o PATH, or --report FILE"
    return None


def _usage(message: str) -> int:
    sys.stderr.write(f"polc compile: {message}\n")
    return 2
