"""Options that several verbs share."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable

from polc.backends.model import IpsetUse, Layout
from polc.backends.profile import HOST, OLDEST, Profile
from polc.compiler import ANY_APPROXIMATION


def add_policy(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    parser.add_argument(
        "policy",
        metavar="POLICY",
        nargs="?" if optional else None,
        help="policy file, YAML or JSON; `-` reads standard input",
    )


def add_allow_approximate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allow-approximate",
        metavar="NAMES",
        nargs="?",
        const=ANY_APPROXIMATION,
        default="",
        type=_approximations,
        help="agree to approximations: a comma-separated list of the names that the refusals give, or, without a "
        "value, all of them. Each is stated on standard error",
    )


def _approximations(text: str) -> str:
    """A file behind an option that may go without a value would be taken for that, and not be read."""
    for name in filter(None, text.split(",")):
        if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
            raise argparse.ArgumentTypeError(
                f"`{name}` is no name of an approximation: files stand before this option, or behind `all`"
            )
    return text


def allowed(arguments: argparse.Namespace) -> frozenset[str]:
    """The approximations that the user agreed to."""
    return frozenset(name for name in arguments.allow_approximate.split(",") if name)


def add_profile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--for",
        dest="profile",
        metavar="PROFILE",
        type=_profile,
        help="the host that is to load it: a name such as debian-12, versions such as nft=1.0.6,kernel=5.10, or host, "
        f"this one as it is; {OLDEST.name} is the default, which suits newer ones too (`polc explain profiles`)",
    )


def add_ways(parser: argparse.ArgumentParser) -> None:
    """How iptables is written."""
    parser.add_argument(
        "--layout",
        choices=tuple(one.value for one in Layout),
        help="on iptables: whole tables, the default, or chains of polc's own beside those of others (Docker, "
        "fail2ban), with a script `load.sh` that loads them",
    )
    parser.add_argument(
        "--ipset",
        choices=tuple(one.value for one in IpsetUse),
        help="on iptables: make ipsets of large groups of addresses (auto, the default), of all (always), or of none: "
        "then each range of a group is a rule",
    )


def ways_of(arguments: argparse.Namespace) -> tuple[Layout, IpsetUse]:
    return Layout(arguments.layout or Layout.WHOLE.value), IpsetUse(arguments.ipset or IpsetUse.AUTO.value)


def ways_misused(arguments: argparse.Namespace, targets: Iterable[str]) -> str | None:
    """What is wrong with options of iptables where none of the targets is; None where nothing is."""
    given = [f"--{name}" for name in ("layout", "ipset") if getattr(arguments, name)]
    return f"{' and '.join(given)}: for iptables alone" if given and "iptables" not in targets else None


def profile_of(arguments: argparse.Namespace, targets: Iterable[str]) -> Profile:
    """The profile of ``--for``; this host is measured, as far as ``targets`` need.

    Raises:
        Failure: POL601 or POL602, this host cannot be measured.
    """
    if arguments.profile == HOST:
        from polc.kernel.capabilities import measure  # only here: compiling needs no kernel

        return measure(frozenset(targets))
    return arguments.profile or OLDEST


def _profile(text: str) -> Profile | str:
    from polc.backends.profile_names import parse_profile

    if text == HOST:
        return HOST
    try:
        return parse_profile(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


BUDGET = 5_000_000


def add_budget(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--budget",
        metavar="NODES",
        type=_nodes,
        default=BUDGET,
        help="how many nodes diagrams may have, about 200 bytes each, before an answer is `undecided` within it "
        f"({BUDGET})",
    )


def _nodes(text: str) -> int:
    if not text.isdecimal() or int(text) < 1000:
        raise argparse.ArgumentTypeError("a number of nodes from 1000")
    return int(text)
