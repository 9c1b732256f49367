"""``polc compile``: a policy becomes files for a target."""

from __future__ import annotations

import argparse
import sys

from polc.backends.registry import BACKENDS
from polc.cli.options import add_allow_approximate, add_policy, add_profile, allowed, profile_of
from polc.compiler import compile_policy, describe
from polc.diagnostics import Collector


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_policy(parser)
    parser.add_argument("--target", required=True, choices=tuple(BACKENDS), help="what the files are for")
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
    add_allow_approximate(parser)


def run(arguments: argparse.Namespace) -> int:
    backend = BACKENDS[arguments.target]
    if arguments.format and arguments.format not in backend.formats:
        return _usage(f"--target {backend.name} is written as {' or '.join(backend.formats)}")
    collector = Collector()
    output = compile_policy(
        arguments.policy,
        backend.name,
        arguments.format,
        allow=allowed(arguments),
        collector=collector,
        profile=profile_of(arguments, (backend.name,)),
    )
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


def _usage(message: str) -> int:
    sys.stderr.write(f"polc compile: {message}\n")
    return 2
