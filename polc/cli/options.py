"""Options that several verbs share."""

from __future__ import annotations

import argparse

from polc.compiler import ANY_APPROXIMATION


def add_policy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("policy", metavar="POLICY", help="policy file, YAML or JSON; `-` reads standard input")


def add_allow_approximate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allow-approximate",
        metavar="NAMES",
        nargs="?",
        const=ANY_APPROXIMATION,
        default="",
        help="agree to approximations: a comma-separated list of the names that the refusals give, or, without a "
        "value, all of them. Each is stated on standard error",
    )


def allowed(arguments: argparse.Namespace) -> frozenset[str]:
    """The approximations that the user agreed to."""
    return frozenset(name for name in arguments.allow_approximate.split(",") if name)
