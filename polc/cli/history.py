"""``polc history``: what was applied here, when and by whom."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import UTC, datetime

from polc.cli.live import add_format, add_state, opened


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_format(parser, "json")
    add_state(parser)


def run(arguments: argparse.Namespace) -> int:
    with opened(arguments) as (store, _, _):
        state, entries = store.state(), store.entries()
    if arguments.output_format == "json":
        found = [{**asdict(one), "outcome": state.outcomes.get(one.number, "")} for one in entries]
        shown = {"running": state.running, "confirmed": state.confirmed, "entries": found}
        print(json.dumps(shown, indent=2))
        return 0
    for one in reversed(entries):
        when = datetime.fromtimestamp(one.time, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        mark = "*" if one.number == state.running else " "
        note = f" ({one.note})" if one.note else ""
        print(f"{mark}{one.number:>4}  {when}  {one.road:<15}  {one.digest[:12]}  {one.policy}{note}")
        print(f"       by {one.who}; {state.outcomes.get(one.number, 'not known')}")
    return 0
