"""``polc verify``: does each kernel road hold what the policy says?"""

from __future__ import annotations

import argparse
import json
import sys

from polc.backends.registry import BACKENDS
from polc.cli.options import (
    add_allow_approximate,
    add_policy,
    add_profile,
    add_ways,
    allowed,
    profile_of,
    ways_misused,
    ways_of,
)
from polc.compiler import describe, emit, read
from polc.diagnostics.text import render
from polc.kernel.devices import devices_of
from polc.kernel.verify import Result, exit_status, verify


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_policy(parser)
    parser.add_argument(
        "--target",
        choices=tuple(BACKENDS),
        action="append",
        help="only this target (may be given again); all are the default",
    )
    parser.add_argument("--output-format", choices=("text", "json"), default="text", help="for people or for machines")
    add_profile(parser)
    add_ways(parser)
    add_allow_approximate(parser)


def run(arguments: argparse.Namespace) -> int:
    ruleset = read(arguments.policy)
    targets = tuple(dict.fromkeys(arguments.target or BACKENDS))
    if (wrong := ways_misused(arguments, targets)) is not None:
        sys.stderr.write(f"polc verify: {wrong}\n")
        return 2
    profile, (layout, ipset) = profile_of(arguments, targets), ways_of(arguments)
    agreed = allowed(arguments)
    outputs = {
        target: emit(ruleset, target, allow=agreed, profile=profile, layout=layout, ipset=ipset) for target in targets
    }
    for target, output in outputs.items():
        sys.stderr.write(render(describe(one, target, agreed=True) for one in output.deviations))
    results = verify(outputs, devices_of(ruleset))
    status = exit_status(results)
    if arguments.output_format == "json":
        print(json.dumps({"status": status, "results": [_as_json(one) for one in results]}, indent=2))
    else:
        for one in results:
            _print(one)
    return status


def _print(result: Result) -> None:
    files = " and ".join(part for part in (", ".join(result.files[:-1]), result.files[-1]) if part)
    if result.problems:
        print(f"{result.loader}: {files} not verified")
        sys.stdout.flush()
        sys.stderr.write(render(result.problems))
    elif result.differences:
        print(f"{result.loader}: {files} loaded, but the kernel holds something else:")
        for one in result.differences:
            print(f"  {one.file}: {one.message}")
    else:
        print(f"{result.loader}: {files} loaded in a scratch namespace, read back: same as compiled")
        if result.unread:
            print(f"  by its words; its meaning was not read: {result.unread}")


def _as_json(result: Result) -> dict[str, object]:
    return {
        "loader": result.loader,
        "target": result.target,
        "files": list(result.files),
        "verified": result.verified,
        "unread": result.unread,
        "differences": [{"file": one.file, "message": one.message} for one in result.differences],
        "problems": [{"code": one.code, "message": one.message} for one in result.problems],
    }
