"""``polc translate``: rulesets of iptables and nft become files for a target, or a policy; what became of each rule."""

from __future__ import annotations

import argparse
import sys
from typing import Final

from polc.backends.model import Options, OutputFile
from polc.backends.registry import BACKENDS
from polc.cli.options import add_allow_approximate, add_profile, add_ways, allowed, profile_of, ways_misused, ways_of
from polc.diagnostics import Collector
from polc.diagnostics.text import render
from polc.firewalls import read_firewalls
from polc.translation.model import Translation, TranslationReport
from polc.translation.translate import POLICY, POLICY_FORMAT, to_policy, translate

_FORMATS: Final = {**{name: one.formats for name, one in BACKENDS.items()}, POLICY: (POLICY_FORMAT,)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "inputs", metavar="FILE", nargs="+",
        help="files of iptables-save and ip6tables-save, of ipset save, scripts of iptables commands, what `nft list "
        "ruleset` prints, with -j or without, or a file for `nft -f`; `-` is standard input. Files of both families "
        "and of sets belong together",
    )  # fmt: skip
    parser.add_argument(
        "--to", required=True, choices=tuple(_FORMATS), help="what the files become: a target's files, or a policy"
    )
    parser.add_argument(
        "--format", choices=tuple(dict.fromkeys(name for some in _FORMATS.values() for name in some)),
        help="how to write it, as for `polc compile`; a policy is written as yaml",
    )  # fmt: skip
    parser.add_argument("--table", metavar="NAME", default="polc", help="the name of the nft table, `polc` without it")
    parser.add_argument(
        "-o", "--output", metavar="PATH",
        help="write there, as for `polc compile`. Nothing is written when a rule is not exact, or agreed to",
    )  # fmt: skip
    parser.add_argument(
        "--report",
        metavar="FILE",
        help="also write what became of each rule to this file, or with `-` to standard output; that is written even "
        "where the translation is not",
    )
    parser.add_argument("--report-format", choices=("text", "json"), help="for people, the default, or for machines")
    add_profile(parser)
    add_ways(parser)
    add_allow_approximate(parser)


def run(arguments: argparse.Namespace) -> int:
    target = arguments.to
    if (wrong := _misused(arguments)) is not None:
        return _usage(wrong)
    collector = Collector()
    rulesets = read_firewalls(arguments.inputs, arguments.table, collector)
    if target == POLICY:
        done = to_policy(rulesets, collector)
    else:
        options = Options(
            arguments.format or _FORMATS[target][0], profile_of(arguments, (target,)), *ways_of(arguments)
        )
        done = translate(rulesets, target, options, allowed(arguments), collector)
    # Before anything is held against it: a report is wanted most where rules are refused.
    if arguments.report is not None:
        _report(done.report, arguments)
    sys.stderr.write(render(done.remarks))
    if not done.is_sound:
        sys.stderr.write(f"{_summary(done)}: {_inexact(done)} not exact on {target}, nothing is written\n")
        return 1
    return _write(done, target, arguments.output)


def _write(done: Translation, target: str, output: str | None) -> int:
    if output in (None, "-"):
        if len(done.files) > 1:
            return _usage(f"several files ({', '.join(one.name for one in done.files)}) need -o DIRECTORY")
        sys.stdout.write("".join(one.text for one in done.files))
    else:
        from polc.cli.write import write_files

        write_files(output or "", done.files)
    sys.stderr.write(f"{_summary(done)} on {target}\n" if target != POLICY else f"{_summary(done)} as a policy\n")
    return 0


def _misused(arguments: argparse.Namespace) -> str | None:
    target = arguments.to
    if arguments.format and arguments.format not in _FORMATS[target]:
        return f"--to {target} is written as {' or '.join(_FORMATS[target])}"
    if target == POLICY:
        given = [
            name
            for name, value in (("--for", arguments.profile), ("--allow-approximate", arguments.allow_approximate))
            if value
        ]
        if given:
            return f"{' and '.join(given)}: for nft and iptables, a policy says all of a ruleset exactly or not at all"
    if (wrong := ways_misused(arguments, (target,))) is not None:
        return wrong
    if arguments.inputs.count("-") > 1:
        return "standard input can be read once"
    if arguments.output == "":
        return "-o names no file"
    if arguments.report is None:
        return "--report-format is for --report" if arguments.report_format else None
    if arguments.report == "":
        return "--report names no file"
    if arguments.report == "-" and arguments.output in (None, "-"):
        return "the output and its report cannot both go to standard output: use -o PATH, or --report FILE"
    return None


def _report(report: TranslationReport, arguments: argparse.Namespace) -> None:
    from polc.cli.write import write_files
    from polc.translation import as_json, as_text

    form = arguments.report_format or "text"
    text = as_json.render(report) if form == "json" else as_text.render(report)
    if arguments.report == "-":
        sys.stdout.write(text)
    else:
        name = f"report.{'json' if form == 'json' else 'txt'}"
        write_files(arguments.report, (OutputFile(name, text),))


def _summary(done: Translation) -> str:
    count = len(done.report.rules)
    return f"{count} {'rule' if count == 1 else 'rules'}"


def _inexact(done: Translation) -> str:
    return "1 thing is" if done.errors == 1 else f"{done.errors} things are"


def _usage(message: str) -> int:
    sys.stderr.write(f"polc translate: {message}\n")
    return 2
