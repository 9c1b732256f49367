"""``polc persist``: boot loads what is confirmed."""

from __future__ import annotations

import argparse
import json

from polc.cli.live import add_format, add_state, opened
from polc.live.boot import CLOSED, MODES, forget, persist


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--on-failure",
        choices=MODES,
        default=CLOSED,
        help="how the host stays where boot cannot load it: closed to all but itself, the default, or open",
    )
    parser.add_argument("--off", action="store_true", help="boot loads nothing of polc's any more")
    add_format(parser, "json")
    add_state(parser)


def run(arguments: argparse.Namespace) -> int:
    with opened(arguments) as (store, _, told):
        number = 0
        if arguments.off:
            forget(store)
        else:
            number = persist(store, arguments.on_failure)
        place = store.root / "boot" / "load"
    if arguments.output_format == "json":
        print(json.dumps({"entry": number, "script": str(place), "recovered": list(told)}, indent=2))
    elif number:
        print(f"boot loads entry {number}, and each that is confirmed after it, by {place}")
    else:
        print("boot loads nothing")
    return 0
