"""``polc apply``: the policy runs, by the smallest change, and goes back by itself where that is asked."""

from __future__ import annotations

import argparse
import json
import sys

from polc.cli.live import add_compiling, add_format, add_state, compiled, misused, opened, refuse, seconds
from polc.compiler import describe
from polc.diagnostics.text import render
from polc.live.apply import Applied, apply, prepare
from polc.live.plan import plan
from polc.live.render_plan import as_json, as_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_compiling(parser)
    parser.add_argument(
        "--confirm",
        metavar="TIME",
        type=seconds,
        help="go back to what runs now unless `polc confirm` comes within this time, such as 60 (seconds) or 5m",
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="the whole table anew, and not the smallest change: counters, bans and what else it remembers are lost",
    )
    parser.add_argument(
        "--adopt", action="store_true", help="also where something of its name is there that polc has not loaded"
    )
    parser.add_argument(
        "--force", action="store_true", help="also where the new rules cut off the one who is applying them"
    )
    add_format(parser, "json")
    add_state(parser)


def run(arguments: argparse.Namespace) -> int:
    if (wrong := misused(arguments)) is not None:
        return refuse("apply", wrong)
    road, found = compiled(arguments)
    sys.stderr.write(render(describe(one, road.target, agreed=True) for one in found.deviations))
    with opened(arguments) as (store, host, told):
        prepared = prepare(store, host, found.wanted, adopt=arguments.adopt, anew=arguments.replace)
        planned = plan(host, prepared, found)
        if planned.locked_out and not arguments.force:
            sys.stderr.write(as_text(planned))
            if arguments.output_format == "json":
                print(json.dumps({**as_json(planned), "applied": False, "recovered": list(told)}, indent=2))
            return 1
        applied = apply(store, host, prepared, arguments.confirm)
    if arguments.output_format == "json":
        done = {"applied": True, "entry": applied.number, "confirm_within": applied.seconds, "recovered": list(told)}
        print(json.dumps({**as_json(planned), **done, "changed": applied.changed}, indent=2))
    else:
        sys.stdout.write(_text(applied, len(planned.change.parts)))
    return 0


def _text(applied: Applied, parts: int) -> str:
    if not applied.changed:
        return f"unchanged: the kernel holds this policy already (entry {applied.number})\n"
    done = f"changed: entry {applied.number} runs, {parts} parts of the ruleset differ from what ran before\n"
    if applied.seconds is None:
        return done
    return f"{done}run `polc confirm` within {applied.seconds:g} seconds, or what ran before comes back\n"
