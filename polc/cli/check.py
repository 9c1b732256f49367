"""``polc check``: errors and lints of policies and of other rulesets."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

from polc.analysis.exact import Exact
from polc.analysis.model import Wanted
from polc.analysis.registry import exact_findings, findings
from polc.analysis.suppress import suppress
from polc.backends.model import Options
from polc.backends.profile import Profile
from polc.backends.registry import BACKENDS
from polc.cli.options import add_profile, profile_of
from polc.compiler import describe, produce
from polc.diagnostics import Collector, Diagnostic, Failure, Severity
from polc.diagnostics.codes import CODES
from polc.firewalls import read_firewall
from polc.passes import pipeline
from polc.policy.comments import comment_lines
from polc.policy.read import Inspection
from polc.testing.beside import beside


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
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


def run(arguments: argparse.Namespace) -> int:
    select, ignore = _codes(arguments.select), _codes(arguments.ignore)
    unknown = [one for one in (*select, *ignore) if not any(code.startswith(one) for code in CODES)]
    if unknown:
        sys.stderr.write(f"polc check: no code begins with {', '.join(unknown)}\n")
        return 2
    if arguments.target and arguments.profile is None:
        sys.stderr.write("polc check: --target is for what `--for` names\n")
        return 2
    targets = tuple(dict.fromkeys(arguments.target or BACKENDS)) if arguments.profile else ()
    profile = profile_of(arguments, targets)
    wanted = Wanted(select, ignore)
    found: list[Diagnostic] = []
    broken = False
    for path in arguments.files:
        try:
            found += _check(path, targets, profile, wanted)
        except Failure as failure:
            broken = True
            found += failure.diagnostics
    shown = [one for one in found if one.severity is Severity.ERROR or wanted.asks(one.code)]
    sys.stdout.write(_render(shown, arguments.output_format))
    if broken or any(one.severity is Severity.ERROR for one in shown):
        return 2
    return 1 if any(one.severity is Severity.WARNING for one in shown) else 0


def _check(path: str, targets: tuple[str, ...], profile: Profile, wanted: Wanted) -> Iterable[Diagnostic]:
    collector = Collector()
    firewall = read_firewall(path, collector)
    if firewall.policy is not None and firewall.policy.merged.assertions:
        from polc.policy.lower.assertions import assertions_of

        assertions_of(firewall.policy)
    lacking = (
        describe(one, target, agreed=True)
        for ruleset in (map(pipeline.run, firewall.rulesets) if targets else ())
        for target in targets
        for one in produce(ruleset, target, Options(BACKENDS[target].formats[0], profile)).deviations
    )
    policy = firewall.policy
    if policy is None:
        exact = Exact.each(firewall.rulesets, firewall.flavour)
        found = (*collector, *(finding for one in exact for finding in exact_findings(one, wanted)), *lacking)
        return Collector(list(suppress(found, firewall.sources, comment_lines))).in_order()
    found = (*collector, *findings(policy, wanted), *_of_tests(path, policy, wanted), *lacking)
    return Collector(list(suppress(found, policy.sources))).in_order()


def _of_tests(path: str, policy: Inspection, wanted: Wanted) -> Iterable[Diagnostic]:
    if not policy.merged.tests and not beside(path):
        return ()
    # Only here: most policies have no tests, and it takes time to import.
    from polc.testing.contradictions import contradictions
    from polc.testing.suite import suite_of

    suite = suite_of(policy, path, (), None, Collector())
    return contradictions(suite) if any(map(wanted.asks, ("POL326", "POL328"))) else ()


def _codes(words: str | None) -> tuple[str, ...]:
    return tuple(word.strip().upper() for word in (words or "").split(",") if word.strip())


def _render(diagnostics: list[Diagnostic], output_format: str) -> str:
    if output_format == "json":
        from polc.diagnostics.json import render as as_json

        return as_json(diagnostics)
    if output_format == "sarif":
        from polc.diagnostics.sarif import render as as_sarif

        return as_sarif(diagnostics)
    from polc.diagnostics.text import render

    return render(diagnostics)
