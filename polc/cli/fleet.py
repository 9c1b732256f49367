"""Options of verbs that also take an inventory, and the hosts that they ask for."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from polc.diagnostics import Collector, Failure

if TYPE_CHECKING:
    from polc.fleet.model import Host

DEFAULT = "inventory.yaml"


def add_all(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--all",
        action="store_true",
        help=f"all hosts of an inventory, which stands for POLICY ({DEFAULT} if none is given)",
    )


def add_hosts(parser: argparse.ArgumentParser) -> None:
    add_all(parser)
    parser.add_argument(
        "--host",
        dest="hosts",
        metavar="NAME",
        action="append",
        help="this host of an inventory (may be given again; `web-*` is all that begin so)",
    )
    parser.add_argument(
        "--jobs", metavar="N", type=_jobs, help="processes side by side; as many as processors if not given"
    )


def asks_hosts(arguments: argparse.Namespace) -> bool:
    return bool(arguments.all or arguments.hosts)


def hosts_of(path: str, patterns: Sequence[str], collector: Collector) -> tuple[list[Host], list[str]]:
    """The hosts of the inventory that ``patterns`` name (none: all), and the names of all that it has.

    What is wrong with single hosts goes to the collector, and they are not among those returned.

    Raises:
        Failure: the inventory cannot be read, or has no host of such a name (POL086).
    """
    # Only here: who compiles one policy does not wait for it.
    from fnmatch import fnmatchcase

    from polc.fleet.read import read_inventory
    from polc.fleet.resolve import resolve

    inventory = read_inventory(path)
    names = list(inventory.hosts)
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            from polc.diagnostics.suggest import did_you_mean

            hint = did_you_mean(pattern, names)
            raise Failure.of("POL086", f"the inventory has no host `{pattern}`", path=path, help=hint)
    chosen = [name for name in names if not patterns or any(fnmatchcase(name, one) for one in patterns)]
    return resolve(inventory, chosen, collector), names


def jobs_of(arguments: argparse.Namespace) -> int:
    """Processes: as many as asked for, or as this process may use processors."""
    return arguments.jobs or len(os.sched_getaffinity(0))


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 256:
        raise argparse.ArgumentTypeError(f"`{text}` is not 1 to 256")
    return int(text)
