"""Options that the verbs of a running firewall share, and what each of them does first."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from polc.backends.profile import HOST
from polc.backends.registry import BACKENDS
from polc.cli.options import add_allow_approximate, add_policy, add_profile, add_ways, allowed, profile_of, ways_of
from polc.live.host import Host
from polc.live.recover import recover
from polc.live.roads import VARIANTS, road_for
from polc.live.store import DEFAULT, VARIABLE, Store

if TYPE_CHECKING:
    from polc.live.compiled import Compiled
    from polc.live.road import Road

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


def add_state(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--state-dir",
        metavar="DIRECTORY",
        default=os.environ.get(VARIABLE) or DEFAULT,
        help=f"where the history is, and what is under way: {DEFAULT}, or what {VARIABLE} names",
    )


def add_compiling(parser: argparse.ArgumentParser) -> None:
    """The policy, and how it is compiled."""
    add_policy(parser)
    parser.add_argument("--target", choices=tuple(BACKENDS), default="nft", help="what runs it; nft is the default")
    parser.add_argument(
        "--variant",
        choices=VARIANTS,
        help="on iptables: over nf_tables, or iptables' own; what this host calls iptables is the default",
    )
    parser.add_argument("--count", action="store_true", help="on nft: have every rule count; on iptables they all do")
    add_profile(parser)
    add_ways(parser)
    add_allow_approximate(parser)


def add_format(parser: argparse.ArgumentParser, *names: str) -> None:
    parser.add_argument(
        "--output-format", choices=("text", *names), default="text", help="for people, the default, or for machines"
    )


def seconds(text: str) -> float:
    """A time of the command line: ``60``, ``90s``, ``5m``, ``1h``."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not found or not float(found[1]):
        raise argparse.ArgumentTypeError(f"`{text}` is no time such as 60, 90s, 5m or 1h")
    return float(found[1]) * _UNITS[found[2]]


def misused(arguments: argparse.Namespace) -> str | None:
    """What is wrong with options that are for one target alone."""
    if arguments.count and arguments.target != "nft":
        return "--count: on iptables every rule counts"
    given = [f"--{name}" for name in ("layout", "ipset", "variant") if getattr(arguments, name)]
    return f"{' and '.join(given)}: for iptables alone" if given and arguments.target != "iptables" else None


def compiled(arguments: argparse.Namespace) -> tuple[Road, Compiled]:
    """The policy of the arguments for their road; its warnings go to standard error."""
    # Imported here, so that whoever confirms does not wait for it.
    from polc.diagnostics import Collector
    from polc.diagnostics.text import render
    from polc.live.compiled import Asked, compile_for

    road = road_for(arguments.target, arguments.variant, Host())
    profile = profile_of(arguments, (arguments.target,))
    name = HOST if arguments.profile == HOST else profile.name
    collector = Collector()
    found = compile_for(
        arguments.policy,
        road,
        Asked(profile, name, *ways_of(arguments), allowed(arguments), arguments.count),
        collector,
    )
    sys.stderr.write(render(collector))
    return road, found


@contextmanager
def opened(arguments: argparse.Namespace) -> Iterator[tuple[Store, Host, tuple[str, ...]]]:
    """The state directory, locked, with all that was under way brought to an end; what was done about that is told."""
    with Store(arguments.state_dir) as store:
        host = Host(store.lock)
        told = recover(store, host)
        for sentence in told:
            sys.stderr.write(f"polc: recovered: {sentence}\n")
        yield store, host, told


def refuse(verb: str, message: str) -> int:
    sys.stderr.write(f"polc {verb}: {message}\n")
    return 2
