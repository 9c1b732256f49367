"""``polc confirm``: what was applied with ``--confirm`` stays."""

from __future__ import annotations

import argparse
import json

from polc.cli.live import add_format, add_state, opened, refuse
from polc.live.confirm import confirm


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "entry", metavar="N", type=int, nargs="?", help="only if this entry is the one that waits; as `apply` has told"
    )
    add_format(parser, "json")
    add_state(parser)


def run(arguments: argparse.Namespace) -> int:
    with opened(arguments) as (store, host, told):
        number = confirm(store, host, arguments.entry)
        state = store.state()
    if arguments.output_format == "json":
        print(json.dumps({"confirmed": number, "recovered": list(told)}, indent=2))
    elif number is not None:
        print(f"confirmed: entry {number} stays")
    if number is not None:
        return 0
    last = max(state.outcomes, default=0)
    outcome = f"; the last entry, {last}, is {state.outcomes[last]}" if last else ""
    refuse("confirm", f"nothing waits to be confirmed{outcome}")
    return 1
