"""``polc prove``: what holds for all packets, or a packet for which it does not."""

from __future__ import annotations

import argparse
import json
import sys

from polc.cli.asked import assertion_names, loaded
from polc.cli.options import add_budget
from polc.diagnostics import Collector
from polc.diagnostics.text import render
from polc.firewalls import Firewall, read_together
from polc.policy.assertion import Asserted
from polc.policy.assertion_text import read_assertion, read_assertions
from polc.policy.nodes import Scalar
from polc.proving.ask import Asked, answers
from polc.proving.model import COMMAND_LINE, EXIT_STATUS, Answer
from polc.proving.report_text import report, summary
from polc.source import SourceFile
from polc.symbolic.hooks import Loaded


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "firewall", metavar="FILE",
        help="a policy, a file of iptables-save, a script of iptables commands, or nft's JSON; `-` is standard input",
    )  # fmt: skip
    parser.add_argument(
        "assertions", metavar="ASSERTION", nargs="*",
        help="such as 'never accept tcp/22 from wan not @admins'; without any, those that stand in the policy",
    )  # fmt: skip
    parser.add_argument(
        "--with", dest="others", metavar="FILE", action="append", default=[],
        help="another ruleset on the same host, such as rules.v6 beside rules.v4 (may be given again)",
    )  # fmt: skip
    add_budget(parser)
    parser.add_argument("--output-format", choices=("text", "json"), default="text", help="for people or for machines")


def run(arguments: argparse.Namespace) -> int:
    if [arguments.firewall, *arguments.others].count("-") > 1:
        return _usage("standard input can be read once")
    collector = Collector()
    firewalls = read_together((arguments.firewall, *arguments.others), collector)
    asserted = [_given(text) for text in arguments.assertions] or _own(firewalls)
    sys.stderr.write(render(collector))
    if not asserted:
        return _usage("nothing to prove: write an assertion, or a list `assert:` in the policy")
    asked = Asked(arguments.firewall, loaded(firewalls), assertion_names(firewalls), _other)
    found: list[Answer] = []
    for answer in answers(asked, asserted, budget=arguments.budget):
        found.append(answer)
        if arguments.output_format == "text":
            sys.stdout.write(report(answer))
    if arguments.output_format == "json":
        from polc.proving.report_json import answer_json

        print(json.dumps([answer_json(one) for one in found], indent=2))
    elif len(found) > 1:
        sys.stdout.write(summary(found))
    return max(EXIT_STATUS[one.result] for one in found)


def _other(path: str) -> list[Loaded]:
    return loaded(read_together((path,), Collector()))


def _given(text: str) -> Asserted:
    source = SourceFile(COMMAND_LINE, text)
    return Asserted(read_assertion(Scalar(text, source.span(0, len(text)), 0)), " ".join(text.split()))


def _own(firewalls: list[Firewall]) -> list[Asserted]:
    nodes = [node for one in firewalls if one.policy for node in one.policy.merged.assertions]
    return read_assertions(nodes)


def _usage(message: str) -> int:
    sys.stderr.write(f"polc prove: {message}\n")
    return 2
