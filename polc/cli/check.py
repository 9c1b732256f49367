"""``polc check``: errors and lints of policies."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

from polc.analysis.registry import findings
from polc.analysis.suppress import suppress
from polc.backends.model import Options
from polc.backends.profile import Profile
from polc.backends.registry import BACKENDS
from polc.cli.fleet import add_hosts, asks_hosts
from polc.cli.options import add_profile, profile_of
from polc.compiler import describe, produce
from polc.diagnostics import Collector, Diagnostic, Failure, Severity
from polc.diagnostics.codes import CODES
from polc.passes import pipeline
from polc.policy.read import Inspection, inspect_policy


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "policies", metavar="POLICY", nargs="*", help="policy files, YAML or JSON; `-` is standard input"
    )
    parser.add_argument(
        "--output-format", choices=("text", "json", "sarif"), default="text", help="for people, machines, code hosts"
    )
    parser.add_argument("--select", metavar="CODES", help="report only these: codes or their beginnings, with commas")
    parser.add_argument("--ignore", metavar="CODES", help="do not report these; errors are always reported")
    add_profile(parser)
    parser.add_argument(
        "--target",
        choices=tuple(BACKENDS),
        action="append",
        help="with `--for`: what is to hold the policy there (may be given again); all targets are the default",
    )
    add_hosts(parser)


def run(arguments: argparse.Namespace) -> int:
    select, ignore = _codes(arguments.select), _codes(arguments.ignore)
    unknown = [one for one in (*select, *ignore) if not any(code.startswith(one) for code in CODES)]
    if unknown:
        sys.stderr.write(f"polc check: no code begins with {', '.join(unknown)}\n")
        return 2
    if arguments.target and arguments.profile is None:
        sys.stderr.write("polc check: --target is for what `--for` names\n")
        return 2
    if asks_hosts(arguments) or not arguments.policies:
        from polc.cli.check_hosts import misused

        if (wrong := misused(arguments)) is not None:
            sys.stderr.write(f"polc check: {wrong}\n")
            return 2
    targets = tuple(dict.fromkeys(arguments.target or BACKENDS)) if arguments.profile else ()
    profile = profile_of(arguments, targets)
    if asks_hosts(arguments):
        from polc.cli.check_hosts import run as run_hosts

        return run_hosts(arguments, lambda one: _wanted(one.code, select, ignore))
    found: list[Diagnostic] = []
    broken = False
    for path in arguments.policies:
        try:
            found += _check(path, targets, profile)
        except Failure as failure:
            broken = True
            found += failure.diagnostics
    shown = [one for one in found if one.severity is Severity.ERROR or _wanted(one.code, select, ignore)]
    sys.stdout.write(rendered(shown, arguments.output_format))
    if broken or any(one.severity is Severity.ERROR for one in shown):
        return 2
    return 1 if any(one.severity is Severity.WARNING for one in shown) else 0


def _check(path: str, targets: tuple[str, ...], profile: Profile) -> Iterable[Diagnostic]:
    collector = Collector()
    return judge(inspect_policy(path, collector), collector, targets, profile)


def judge(
    inspected: Inspection, collector: Collector, targets: tuple[str, ...], profile: Profile
) -> Iterable[Diagnostic]:
    """All that is to be said of a policy, with what reading it has told, and what the targets lack."""
    if inspected.merged.tests:
        from polc.testing.cases import read_cases  # only here: most policies have none, and it takes time to import

        read_cases(inspected.merged.tests)
    ruleset = pipeline.run(inspected.ruleset)
    lacking = (
        describe(one, target, agreed=True)
        for target in targets
        for one in produce(ruleset, target, Options(BACKENDS[target].formats[0], profile)).deviations
    )
    found = (*collector, *findings(inspected), *lacking)
    return Collector(list(suppress(found, inspected.sources))).in_order()


def _codes(words: str | None) -> tuple[str, ...]:
    return tuple(word.strip().upper() for word in (words or "").split(",") if word.strip())


def _wanted(code: str, select: tuple[str, ...], ignore: tuple[str, ...]) -> bool:
    return (not select or code.startswith(select)) and not (ignore and code.startswith(ignore))


def rendered(diagnostics: list[Diagnostic], output_format: str) -> str:
    """Diagnostics as text, json or sarif."""
    if output_format == "json":
        from polc.diagnostics.json import render as as_json

        return as_json(diagnostics)
    if output_format == "sarif":
        from polc.diagnostics.sarif import render as as_sarif

        return as_sarif(diagnostics)
    from polc.diagnostics.text import render

    return render(diagnostics)
