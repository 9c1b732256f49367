"""``polc test``: the tests that policies bring along, in the simulator and, with ``--kernel``, with real packets."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from polc.cli.fleet import DEFAULT, add_all, hosts_of
from polc.cli.options import add_allow_approximate, allowed
from polc.diagnostics import Collector, Failure
from polc.diagnostics.text import render
from polc.ir.origin import Origin
from polc.simulate.settings import Settings
from polc.simulate.sysctls import settings_of
from polc.testing.coverage import Coverage, coverage
from polc.testing.results import CaseResult, Status
from polc.testing.simulated import run_simulated
from polc.testing.suite import Suite, read_suite, suite_of

_LOADERS = ("nft", "iptables-nft", "iptables-legacy")
_LONGEST_WAIT = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("policies", metavar="POLICY", nargs="*", help="policies, YAML or JSON")
    parser.add_argument(
        "--tests", metavar="FILE", action="append", default=[],
        help="a file with a list `tests:` (may be given again); without it POLICY.tests.yaml is read too, where it is",
    )  # fmt: skip
    parser.add_argument("-k", metavar="TEXT", dest="only", default="", help="only tests whose names have this in them")
    parser.add_argument("-v", "--verbose", action="store_true", help="a line for each test, not for failed ones alone")
    parser.add_argument(
        "--host", metavar="TEXT", help="what the host is like, as in `settings: {host: ...}`; comes before that"
    )
    parser.add_argument(
        "--sysctl", metavar="NAME=VALUE", action="append", default=[],
        help="a setting of conntrack, such as nf_conntrack_tcp_loose=0",
    )  # fmt: skip
    parser.add_argument("--kernel", action="store_true", help="also send real packets, through every loader")
    parser.add_argument(
        "--loader", choices=_LOADERS, action="append", default=[],
        help="with --kernel: only this one (may be given again)",
    )  # fmt: skip
    parser.add_argument(
        "--longest-wait", metavar="SECONDS", type=float, default=_LONGEST_WAIT,
        help=f"with --kernel: skip tests whose waits take longer ({_LONGEST_WAIT:g} s)",
    )  # fmt: skip
    parser.add_argument("--coverage", action="store_true", help="list the rules that no test reaches")
    parser.add_argument(
        "--fail-under",
        metavar="PERCENT",
        type=float,
        help="fewer of the rules reached than this is a failure",
    )
    parser.add_argument("--junit", metavar="FILE", help="write the results there, as JUnit's XML")
    parser.add_argument("--output-format", choices=("text", "json"), default="text", help="for people or for machines")
    add_allow_approximate(parser)
    add_all(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.fail_under is not None and not 0 <= arguments.fail_under <= 100:
        return _usage("--fail-under takes a percentage")
    if (arguments.loader or arguments.longest_wait != _LONGEST_WAIT) and not arguments.kernel:
        return _usage("--loader and --longest-wait go with --kernel")
    if not arguments.policies and not arguments.all:
        return _usage("no policy is named")
    if arguments.all and len(arguments.policies) > 1:
        return _usage("--all takes one inventory")
    try:
        settings = settings_of(arguments.sysctl)
    except ValueError as error:
        return _usage(str(error))
    results: list[CaseResult] = []
    covered: list[Coverage] = []
    problems: list[Failure] = []
    for suite in _suites(arguments):
        chosen = [
            (case, steps) for case, steps in zip(suite.cases, suite.steps, strict=True) if arguments.only in case.name
        ]
        met: set[Origin] = set()
        for case, steps in chosen:
            result, origins = run_simulated(case, steps, suite.ruleset, suite.host, settings)
            met |= origins
            results.append(result)
        covered.append(coverage(suite.ruleset, met))
        if arguments.kernel:
            only = Suite(
                suite.ruleset, suite.host, tuple(one for one, _ in chosen), tuple(steps for _, steps in chosen)
            )
            results += _real(only, arguments, settings, problems)
    total = Coverage(
        tuple(line for one in covered for line in one.rules), frozenset(line for one in covered for line in one.reached)
    )
    if arguments.junit:
        from polc.testing.junit import render as as_junit

        _write(arguments.junit, as_junit(results))
    wants_coverage = arguments.coverage or arguments.fail_under is not None
    _print(results, total if wants_coverage else None, arguments)
    sys.stdout.flush()
    sys.stderr.write(render(one for failure in problems for one in failure.diagnostics))
    if any(one.status is Status.FAILED for one in results):
        return 1
    if arguments.fail_under is not None and total.percent < arguments.fail_under:
        return 1
    return max((one.exit_status for one in problems), default=0)


def _suites(arguments: argparse.Namespace) -> Iterator[Suite]:
    """Those of the policies, or of the hosts of an inventory; what reading them has told goes to standard error."""
    others = tuple(arguments.tests)
    if not arguments.all:
        for path in arguments.policies:
            collector = Collector()
            suite = read_suite(path, others, arguments.host, collector)
            sys.stderr.write(render(collector))
            yield suite
        return
    from polc.fleet.build import inspect
    from polc.policy.library import Library

    collector = Collector()
    path = arguments.policies[0] if arguments.policies else DEFAULT
    hosts, _ = hosts_of(path, (), collector)
    collector.raise_if_errors()
    library = Library()
    for host in hosts:
        own = Collector()
        suite = suite_of(inspect(host, library, own), others, arguments.host, own, f"{host.name}: ")
        sys.stderr.write(render(own))
        yield suite


def _real(
    suite: Suite, arguments: argparse.Namespace, settings: Settings, problems: list[Failure]
) -> Iterator[CaseResult]:
    # Only here: those who do not ask for real packets need no kernel.
    from polc.compiler import describe, emit
    from polc.kernel.loaders import LOADERS
    from polc.testing.real import run_real

    for loader in LOADERS:
        if arguments.loader and loader.name not in arguments.loader:
            continue
        try:
            loader.check()
            output = emit(suite.ruleset, loader.target, allow=allowed(arguments))
            sys.stderr.write(render(describe(one, loader.target, agreed=True) for one in output.deviations))
            for case, steps in zip(suite.cases, suite.steps, strict=True):
                yield run_real(
                    case, list(steps), loader, output, suite.host, settings, longest_wait=arguments.longest_wait
                )
        except Failure as failure:
            # What another judge has seen is told all the same.
            problems.append(failure)


def _print(results: list[CaseResult], covered: Coverage | None, arguments: argparse.Namespace) -> None:
    if arguments.output_format == "json":
        from polc.testing.report_json import render as as_json

        sys.stdout.write(as_json(results, covered))
        return
    from polc.testing.report_text import lines

    for line in lines(results, verbose=arguments.verbose):
        print(line)
    if covered is not None:
        for one in covered.unreached:
            print(f"not reached: {one}")
        print(f"{len(covered.reached)} of {len(covered.rules)} rules reached, {covered.percent:.0f} %")


def _write(path: str, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failure.of("POL051", f"cannot write {path}: {(error.strerror or 'error').lower()}") from None


def _usage(message: str) -> int:
    sys.stderr.write(f"polc test: {message}\n")
    return 2
