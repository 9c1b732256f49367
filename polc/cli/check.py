"""``polc check``: errors and lints of policies and of other rulesets."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator

from polc.analysis.exact import Exact
from polc.analysis.model import Wanted
from polc.analysis.registry import exact_findings, findings
from polc.analysis.suppress import suppress
from polc.backends.model import Options
from polc.backends.profile import Profile
from polc.backends.registry import BACKENDS
from polc.cli.fleet import add_hosts, asks_hosts
from polc.cli.options import add_profile, profile_of
from polc.compiler import describe, produce
from polc.diagnostics import Collector, Diagnostic, Failure, Severity
from polc.diagnostics.codes import CODES
from polc.firewalls import read_firewall
from polc.ir.ruleset import Ruleset
from polc.passes import pipeline
from polc.policy.comments import comment_lines
from polc.policy.read import Inspection
from polc.testing.beside import beside


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="*",
        help="policies; or rulesets of iptables-save, scripts of iptables, nft's JSON; `-` is standard input",
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
    if asks_hosts(arguments) or not arguments.files:
        from polc.cli.check_hosts import misused

        if (wrong := misused(arguments)) is not None:
            sys.stderr.write(f"polc check: {wrong}\n")
            return 2
    targets = tuple(dict.fromkeys(arguments.target or BACKENDS)) if arguments.profile else ()
    profile = profile_of(arguments, targets)
    wanted = Wanted(select, ignore)
    if asks_hosts(arguments):
        from polc.cli.check_hosts import run as run_hosts

        return run_hosts(arguments, wanted)
    found: list[Diagnostic] = []
    broken = False
    for path in arguments.files:
        try:
            found += _check(path, targets, profile, wanted)
        except Failure as failure:
            broken = True
            found += failure.diagnostics
    shown = [one for one in found if one.severity is Severity.ERROR or wanted.asks(one.code)]
    sys.stdout.write(rendered(shown, arguments.output_format))
    if broken or any(one.severity is Severity.ERROR for one in shown):
        return 2
    return 1 if any(one.severity is Severity.WARNING for one in shown) else 0


def _check(path: str, targets: tuple[str, ...], profile: Profile, wanted: Wanted) -> Iterable[Diagnostic]:
    collector = Collector()
    firewall = read_firewall(path, collector)
    if firewall.policy is not None:
        return judge(firewall.policy, collector, targets, profile, wanted, beside(path))
    exact = Exact.each(firewall.rulesets, firewall.flavour)
    lacking = _lacking(firewall.rulesets, targets, profile)
    found = (*collector, *(finding for one in exact for finding in exact_findings(one, wanted)), *lacking)
    return Collector(list(suppress(found, firewall.sources, comment_lines))).in_order()


def judge(
    policy: Inspection,
    collector: Collector,
    targets: tuple[str, ...],
    profile: Profile,
    wanted: Wanted,
    tests: tuple[str, ...] = (),
) -> Iterable[Diagnostic]:
    """All that is to be said of a policy, with what reading it has told, and what the targets lack; ``tests`` are the
    files of tests beside it.
    """
    if policy.merged.assertions:
        from polc.policy.lower.assertions import assertions_of

        assertions_of(policy)
    lacking = _lacking((policy.ruleset,), targets, profile)
    found = (*collector, *findings(policy, wanted), *_of_tests(policy, tests, wanted), *lacking)
    return Collector(list(suppress(found, policy.sources))).in_order()


def _lacking(rulesets: Iterable[Ruleset], targets: tuple[str, ...], profile: Profile) -> Iterator[Diagnostic]:
    for ruleset in map(pipeline.run, rulesets) if targets else ():
        for target in targets:
            for one in produce(ruleset, target, Options(BACKENDS[target].formats[0], profile)).deviations:
                yield describe(one, target, agreed=True)


def _of_tests(policy: Inspection, files: tuple[str, ...], wanted: Wanted) -> Iterable[Diagnostic]:
    if not policy.merged.tests and not files:
        return ()
    # Only here: most policies have no tests, and it takes time to import.
    from polc.testing.contradictions import contradictions
    from polc.testing.suite import suite_of

    suite = suite_of(policy, files, None, Collector())
    return contradictions(suite) if any(map(wanted.asks, ("POL326", "POL328"))) else ()


def _codes(words: str | None) -> tuple[str, ...]:
    return tuple(word.strip().upper() for word in (words or "").split(",") if word.strip())


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
