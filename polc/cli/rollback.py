"""``polc rollback``: back to what ran before, or to an entry of the history."""

from __future__ import annotations

import argparse
import json
import sys

from polc.cli.live import add_format, add_state, opened, seconds
from polc.live.rollback import CutOff, rollback


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
    parser.add_argument("--force", action="store_true", help="also where that cuts off the one who goes back")
    add_format(parser, "json")
    add_state(parser)


def run(arguments: argparse.Namespace) -> int:
    with opened(arguments) as (store, host, told):
        done = rollback(store, host, arguments.entry, arguments.confirm, force=arguments.force)
    if isinstance(done, CutOff):
        for one in done.asked:
            sys.stderr.write(f"polc rollback: {one.what} would be cut off: {one.fate.value} {one.reason}\n")
        sys.stderr.write("polc rollback: refused; `--force` does it all the same, best with `--confirm`\n")
        if arguments.output_format == "json":
            print(json.dumps({"changed": False, "entry": None, "recovered": list(told)}, indent=2))
        return 1
    if arguments.output_format == "json":
        print(json.dumps({"changed": done.changed, "entry": done.number, "recovered": list(told)}, indent=2))
    elif not done.changed:
        print("unchanged: that is what runs")
    else:
        print(f"changed: entry {done.number} runs" if done.number else "changed: nothing of polc's runs")
    return 0
