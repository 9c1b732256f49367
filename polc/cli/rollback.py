"""``polc rollback``: back to what ran before, or to an entry of the history."""

from __future__ import annotations

import argparse
import json

from polc.cli.live import add_format, add_state, opened, seconds
from polc.live.rollback import rollback


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "entry",
        metavar="N",
        type=int,
        nargs="?",
        help="an entry of `polc history`, or 0: all that polc has loaded goes; without it, what waits to be "
        "confirmed is taken back, or else what ran before the last entry comes back",
    )
    parser.add_argument(
        "--confirm", metavar="TIME", type=seconds, help="go forward again unless `polc confirm` comes within this time"
    )
    add_format(parser, "json")
    add_state(parser)


def run(arguments: argparse.Namespace) -> int:
    with opened(arguments) as (store, host, told):
        done = rollback(store, host, arguments.entry, arguments.confirm)
    if arguments.output_format == "json":
        print(json.dumps({"changed": done.changed, "entry": done.number, "recovered": list(told)}, indent=2))
    elif not done.changed:
        print("unchanged: that is what runs")
    else:
        print(f"changed: entry {done.number} runs" if done.number else "changed: nothing of polc's runs")
    return 0
