"""``polc explain``: the documentation of a code, or a concept in plain words."""

from __future__ import annotations

import argparse
import sys
from difflib import get_close_matches

from polc.concepts import concepts, read_concept
from polc.diagnostics.codes import CODES, Code
from polc.diagnostics.reference import shortened


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "topic", metavar="TOPIC", nargs="?", help="a code such as POL301, a concept such as state, or a policy file"
    )
    parser.add_argument(
        "rule", metavar="RULE", nargs="?", help="of a policy: input/3 for its third rule, :14 for line 14, or an id"
    )


def run(arguments: argparse.Namespace) -> int:
    topic = arguments.topic
    if arguments.rule is not None:
        return _rule(topic, arguments.rule)
    if topic is None:
        _list()
        return 0
    if topic.upper() in CODES:
        sys.stdout.write(_code(CODES[topic.upper()]))
        return 0
    if topic in concepts():
        sys.stdout.write(read_concept(topic))
        return 0
    near = get_close_matches(topic.upper(), CODES, 1) or get_close_matches(topic, concepts(), 1)
    hint = f"did you mean `{near[0]}`?" if near else "`polc explain` lists what there is"
    sys.stderr.write(f"polc explain: nothing is known of `{topic}`: {hint}\n")
    return 2


def _rule(path: str, rule: str) -> int:
    # Only here: it takes both targets and the simulator.
    from polc.diagnostics import Collector
    from polc.explaining.page import page
    from polc.policy.read import inspect_policy

    sys.stdout.write(page(inspect_policy(path, Collector()), rule))
    return 0


def _list() -> None:
    print("concepts:")
    for name, title in concepts().items():
        print(f"  {name:<8} {title}")
    print("codes:")
    for name, code in CODES.items():
        print(f"  {name:<8} {code.title}")


def _code(code: Code) -> str:
    parts = [
        f"{code.code}: {code.title}",
        f"What it says\n{_wrapped(code.what)}",
        f"Why it matters\n{_wrapped(code.why)}",
    ]
    if code.example:
        parts.append("Example\n" + "\n".join(f"    {shortened(line)}" for line in code.example.splitlines()))
    if code.instead:
        parts.append(f"Instead\n{_wrapped(code.instead)}")
    return "\n\n".join(parts) + "\n"


def _wrapped(text: str) -> str:
    from textwrap import fill

    return fill(text, 96, initial_indent="    ", subsequent_indent="    ", break_long_words=False)
