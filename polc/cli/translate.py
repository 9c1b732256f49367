"""``polc translate``: rulesets of iptables and nft become files for a target, with what became of each rule."""

from __future__ import annotations

import argparse
import sys

from polc.backends.model import Options, Output, OutputFile
from polc.backends.registry import BACKENDS
from polc.cli.options import add_allow_approximate, add_profile, add_ways, allowed, profile_of, ways_misused, ways_of
from polc.cli.proof import add_prove, all_proven
from polc.compiler import ANY_APPROXIMATION, describe, produce
from polc.diagnostics import Collector, Diagnostic, Severity
from polc.diagnostics.text import render
from polc.firewalls import read_firewalls
from polc.ir.ruleset import Ruleset
from polc.passes import pipeline


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "inputs", metavar="FILE", nargs="+",
        help="files of iptables-save and ip6tables-save, of ipset save, scripts of iptables commands, or nft's JSON "
        "(`nft -j list ruleset`); `-` is standard input. Files of both families and of sets belong together",
    )  # fmt: skip
    parser.add_argument("--to", required=True, choices=tuple(BACKENDS), help="what the files are for")
    parser.add_argument(
        "--format", choices=tuple(dict.fromkeys(name for one in BACKENDS.values() for name in one.formats)),
        help="how to write it, as for `polc compile`",
    )  # fmt: skip
    parser.add_argument("--table", metavar="NAME", default="polc", help="the name of the nft table, `polc` without it")
    parser.add_argument(
        "-o", "--output", metavar="PATH",
        help="write there, as for `polc compile`. Nothing is written when a rule is not exact, or agreed to",
    )  # fmt: skip
    add_profile(parser)
    add_ways(parser)
    add_prove(parser)
    add_allow_approximate(parser)


def run(arguments: argparse.Namespace) -> int:
    backend = BACKENDS[arguments.to]
    if arguments.format and arguments.format not in backend.formats:
        return _usage(f"--to {backend.name} is written as {' or '.join(backend.formats)}")
    if (wrong := ways_misused(arguments, (backend.name,))) is not None:
        return _usage(wrong)
    if arguments.inputs.count("-") > 1:
        return _usage("standard input can be read once")
    collector = Collector()
    meant = read_firewalls(arguments.inputs, arguments.table, collector)
    rulesets = [pipeline.run(one) for one in meant]
    if len(rulesets) != 1 and arguments.output in (None, "-"):
        return _usage(f"the input has {len(rulesets)} tables, which take files of their own: use -o DIRECTORY")
    profile = profile_of(arguments, (backend.name,))
    options = Options(arguments.format or backend.formats[0], profile, *ways_of(arguments))
    outputs = [produce(one, backend.name, options) for one in rulesets]
    remarks = [*collector, *(one for output in outputs for one in _remarks(output, backend.name, allowed(arguments)))]
    sys.stderr.write(render(remarks))
    wrong_rules = sum(one.severity is Severity.ERROR for one in remarks)
    if wrong_rules:
        sys.stderr.write(
            f"{_summary(rulesets)}: {wrong_rules} of them are not exact on {backend.name}, nothing is written\n"
        )
        return 1
    if arguments.prove and not all_proven(meant, rulesets, backend.name, options, outputs):
        return 1
    files = _files(outputs)
    if arguments.output in (None, "-"):
        if len(files) > 1:
            return _usage(f"several files ({', '.join(one.name for one in files)}) need -o DIRECTORY")
        sys.stdout.write(files[0].text)
    else:
        from polc.cli.write import write_files

        write_files(arguments.output, files)
    sys.stderr.write(f"{_summary(rulesets)} on {backend.name}\n")
    return 0


def _remarks(output: Output, target: str, allow: frozenset[str]) -> list[Diagnostic]:
    """Deviations: errors, or notes of those that were agreed to."""
    return [describe(one, target, agreed=bool(allow & {one.name, ANY_APPROXIMATION})) for one in output.deviations]


def _files(outputs: list[Output]) -> tuple[OutputFile, ...]:
    """All files; those of several tables have the number of the table in front."""
    if len(outputs) == 1:
        return outputs[0].files
    return tuple(
        OutputFile(f"{number}-{file.name}", file.text)
        for number, output in enumerate(outputs, 1)
        for file in output.files
    )


def _summary(rulesets: list[Ruleset]) -> str:
    places = {
        (rule.origin.span.source.path, rule.origin.span.line)
        for one in rulesets
        for chain in one.chains
        for rule in chain.rules
        if rule.origin.span
    }
    return f"{len(places)} rules"


def _usage(message: str) -> int:
    sys.stderr.write(f"polc translate: {message}\n")
    return 2
