"""``polc plan``: what would change on this host, what stays, what is lost, and who would be cut off."""

from __future__ import annotations

import argparse
import json
import sys

from polc.cli.live import add_compiling, add_format, add_state, compiled, misused, opened, refuse
from polc.compiler import describe
from polc.diagnostics.text import render
from polc.live.apply import prepare
from polc.live.plan import plan
from polc.live.render_plan import as_json, as_markdown, as_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_compiling(parser)
    parser.add_argument("--replace", action="store_true", help="as `apply --replace` would do it: the whole table anew")
    parser.add_argument(
        "--adopt", action="store_true", help="compare with a table of its name that polc has not loaded"
    )
    add_format(parser, "json", "markdown")
    add_state(parser)


def run(arguments: argparse.Namespace) -> int:
    if (wrong := misused(arguments)) is not None:
        return refuse("plan", wrong)
    road, found = compiled(arguments)
    sys.stderr.write(render(describe(one, road.target, agreed=True) for one in found.deviations))
    with opened(arguments) as (store, host, told):
        prepared = prepare(store, host, found.wanted, adopt=arguments.adopt, anew=arguments.replace)
        planned = plan(host, prepared, found)
    match arguments.output_format:
        case "json":
            print(json.dumps({**as_json(planned), "recovered": list(told)}, indent=2))
        case "markdown":
            sys.stdout.write(as_markdown(planned))
        case _:
            sys.stdout.write(as_text(planned))
    return 1 if planned.locked_out else 0
