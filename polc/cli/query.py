"""``polc query``: what of a class of packets is accepted, by which rules; the matrix of zones and services."""

from __future__ import annotations

import argparse
import json
import sys

from polc.cli.asked import assertion_names, loaded
from polc.cli.options import add_budget
from polc.diagnostics import Collector
from polc.diagnostics.text import render
from polc.diffing.names import Names
from polc.firewalls import Firewall, read_together
from polc.policy.assertion_text import read_class
from polc.policy.lower.classes import BEGINNING, lower_class
from polc.policy.nodes import Scalar
from polc.proving.model import COMMAND_LINE
from polc.querying.query import query
from polc.sides import names_of
from polc.source import SourceFile

_MOST = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "firewall", metavar="FILE",
        help="a policy, a file of iptables-save, a script of iptables commands, or nft's JSON; `-` is standard input",
    )  # fmt: skip
    parser.add_argument(
        "packets", metavar="CLASS", nargs="?",
        help="which packets, in the words of a rule's clauses: 'tcp/22 from wan'; without it, the matrix of zones and "
        "services",
    )  # fmt: skip
    parser.add_argument(
        "--with", dest="others", metavar="FILE", action="append", default=[],
        help="another ruleset on the same host, such as rules.v6 beside rules.v4 (may be given again)",
    )  # fmt: skip
    parser.add_argument(
        "--all", action="store_true", help="with a class: also what is dropped and rejected, and by which rules"
    )
    parser.add_argument(
        "--max", metavar="N", type=int, default=_MOST, dest="most",
        help=f"with a class: show the N biggest regions of each rule ({_MOST}); 0: all of them",
    )  # fmt: skip
    add_budget(parser)
    parser.add_argument(
        "--output-format", choices=("text", "json", "html"), default="text",
        help="for people, for machines, or (the matrix alone) a page that needs nothing else",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    if [arguments.firewall, *arguments.others].count("-") > 1:
        return _usage("standard input can be read once")
    if arguments.packets is not None and arguments.output_format == "html":
        return _usage("html is for the matrix: leave the class out")
    if arguments.packets is None and arguments.all:
        return _usage("--all goes with a class of packets")
    if arguments.most < 0:
        return _usage("--max takes a number of regions, 0 for all of them")
    collector = Collector()
    firewalls = read_together((arguments.firewall, *arguments.others), collector)
    sys.stderr.write(render(collector))
    if arguments.packets is None:
        return _matrix(arguments, firewalls)
    text = arguments.packets
    source = SourceFile(COMMAND_LINE, text)
    asked = read_class(Scalar(text, source.span(0, len(text)), 0))
    packets = lower_class(asked, assertion_names(firewalls), states=BEGINNING)
    found = query(
        loaded(firewalls), packets, _names(firewalls),
        everything=arguments.all, most=arguments.most or None, budget=arguments.budget,
    )  # fmt: skip
    if arguments.output_format == "json":
        from polc.querying.report_json import regions_json

        print(json.dumps(regions_json(found), indent=2))
    else:
        from polc.querying.report_text import report

        sys.stdout.write(report(found))
    return 1 if found.undecided else 0


def _matrix(arguments: argparse.Namespace, firewalls: list[Firewall]) -> int:
    from polc.querying.matrix import matrix

    found = matrix(
        arguments.firewall, loaded(firewalls), assertion_names(firewalls), _names(firewalls), budget=arguments.budget
    )  # fmt: skip
    match arguments.output_format:
        case "json":
            from polc.querying.matrix_json import matrix_json

            print(json.dumps(matrix_json(found), indent=2))
        case "html":
            from polc.querying.matrix_html import page

            sys.stdout.write(page(found))
        case _:
            from polc.querying.matrix_text import report

            sys.stdout.write(report(found))
    return 1 if found.undecided else 0


def _names(firewalls: list[Firewall]) -> Names:
    """What regions are told in."""
    return next((names_of(one.policy) for one in firewalls if one.policy is not None), Names())


def _usage(message: str) -> int:
    sys.stderr.write(f"polc query: {message}\n")
    return 2
