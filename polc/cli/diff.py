"""``polc diff``: exactly which packets two firewalls treat differently."""

from __future__ import annotations

import argparse
import sys

from polc.diagnostics import Collector
from polc.diagnostics.text import render
from polc.diffing.compare import difference
from polc.diffing.sides import BUDGET, Options
from polc.sides import LIVE, files_of, read_side, with_elements

_FORMATS = ("text", "json", "markdown")
_MOST = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    kinds = (
        "a policy, a file of iptables-save, a script of iptables commands, nft's JSON or nft's own language; several "
        "files of one host joined by commas (rules.v4,rules.v6,sets.ipset), a directory that holds those three, or "
        f"the live kernel: {' or '.join(LIVE)}; `-` is standard input"
    )
    parser.add_argument("before", metavar="A", help=kinds)
    parser.add_argument("after", metavar="B", help="what A is compared with, of whatever kind")
    parser.add_argument(
        "--effects", action="store_true",
        help="logs, named counters, marks, changes of the packet and of sets, and what flows are given count too",
    )  # fmt: skip
    parser.add_argument(
        "--max", metavar="N", type=int, default=_MOST, dest="most",
        help=f"show the N biggest regions ({_MOST}); 0: all of them",
    )  # fmt: skip
    parser.add_argument(
        "--set", metavar="NAME=ADDRESSES", action="append", default=[], dest="sets",
        help="what is in a named set that is filled at run time, such as banned=198.51.100.7,203.0.113.0/24 (may be "
        "given again); else it may be anything, the same on both sides",
    )  # fmt: skip
    parser.add_argument(
        "--budget", metavar="NODES", type=int, default=BUDGET,
        help=f"how many nodes the diagrams of one family may have, about 200 bytes each ({BUDGET}); what takes more "
        "is told as undecided",
    )  # fmt: skip
    parser.add_argument(
        "--output-format", choices=_FORMATS, default="text",
        help="for people, for machines (schemas/diff.schema.json), or for a comment on a pull request",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    if arguments.most < 0:
        return _usage("--max takes a number, 0 or more")
    if arguments.budget < 1:
        return _usage("--budget takes a number, 1 or more")
    wrong = [one for one in arguments.sets if "=" not in one]
    if wrong:
        return _usage(f"--set {wrong[0]}: write NAME=ADDRESSES")
    if [one for words in (arguments.before, arguments.after) for one in files_of(words)].count("-") > 1:
        return _usage("standard input can be read once")
    collector = Collector()
    sides = [read_side(words, collector) for words in (arguments.before, arguments.after)]
    sys.stderr.write(render(collector))
    try:
        before, after = with_elements(sides, dict(one.split("=", 1) for one in arguments.sets))
    except ValueError as error:
        return _usage(f"--set: {error}")
    if not before.families & after.families:
        return _usage("one side speaks of IPv4 alone and the other of IPv6 alone: there is nothing to compare")
    found = difference(before, after, Options(arguments.effects, arguments.most, arguments.budget))
    match arguments.output_format:
        case "json":
            from polc.diffing.as_json import render as write
        case "markdown":
            from polc.diffing.as_markdown import render as write
        case _:
            from polc.diffing.as_text import render as write
    sys.stdout.write(write(found, arguments.before, arguments.after))
    return 0 if found.same else 1


def _usage(message: str) -> int:
    sys.stderr.write(f"polc diff: {message}\n")
    return 2
