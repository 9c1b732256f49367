"""``polc verify``: does each kernel road hold what the firewall says, and do with packets what it says?"""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Callable, Sequence
from functools import partial

from polc.backends.model import Output
from polc.backends.registry import BACKENDS
from polc.cli.options import (
    add_allow_approximate,
    add_profile,
    add_ways,
    allowed,
    profile_of,
    ways_misused,
    ways_of,
)
from polc.cli.progress import Progress
from polc.cli.verify_mutations import mutations_json, print_mutations
from polc.cli.verify_packets import Checked, mutated, sent
from polc.cli.verify_report import print_probes, print_result, probes_json, result_json
from polc.compiler import describe, emit
from polc.diagnostics import Collector
from polc.diagnostics.text import render
from polc.firewalls import read_firewall
from polc.ir.ruleset import Ruleset
from polc.kernel.devices import devices_of
from polc.kernel.loaders import LOADERS, Loader
from polc.kernel.verify import Result, exit_status, verify
from polc.passes import pipeline
from polc.policy.files import read_file
from polc.probing import files
from polc.probing.certify import Certified, Rules, rules_of
from polc.probing.make import plan, planned
from polc.probing.model import Plan
from polc.probing.reckoning import Reckoned
from polc.probing.wish import LONGEST_WAIT, MOST_PER_RULE, Wish
from polc.simulate.hooks import Loaded
from polc.simulate.host import Host
from polc.simulate.host_text import read_host
from polc.source import SourceFile

MUTATIONS = 100
"""Faults that are tried where nobody says how many."""

_LOADERS = tuple(one.name for one in LOADERS)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "policy", metavar="FIREWALL",
        help="policy, YAML or JSON, file of iptables-save, or JSON of nft; `-` reads standard input",
    )  # fmt: skip
    parser.add_argument(
        "--target", choices=tuple(BACKENDS), action="append",
        help="only this target (may be given again); all are the default",
    )  # fmt: skip
    parser.add_argument(
        "--loader", choices=_LOADERS, action="append", default=[], help="only this loader (may be given again)"
    )
    parser.add_argument("--output-format", choices=("text", "json"), default="text", help="for people or for machines")
    parser.add_argument("--no-packets", action="store_true", help="load and read back alone")
    parser.add_argument("--host", metavar="TEXT", help="what the host is like, as for `polc test`")
    parser.add_argument(
        "--most", metavar="N", type=int,
        help="about so many packets at most; without it all that rules and their boundaries ask for",
    )  # fmt: skip
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="other addresses and ports, where any will do")
    parser.add_argument(
        "--write-probes", metavar="FILE", action="append", default=[],
        help="write the packets there: FILE.pcap for other programs, any other name as JSON (may be given again)",
    )  # fmt: skip
    parser.add_argument("--probes", metavar="FILE", help="send the packets of a file that --write-probes wrote")
    parser.add_argument(
        "--longest-wait", metavar="SECONDS", type=float, default=LONGEST_WAIT,
        help="wait so long at most for limits, lists and groups to forget packets (%(default)g)",
    )  # fmt: skip
    parser.add_argument(
        "--mutations", metavar="N", nargs="?", const=str(MUTATIONS),
        help=f"then break the firewall on purpose, in N ways of one fault each ({MUTATIONS}; `all`), load each, and "
        "count how many of them these packets show",
    )  # fmt: skip
    parser.add_argument("--trace", action="store_true", help="add the kernel's own trace to what is not as expected")
    add_profile(parser)
    add_ways(parser)
    add_allow_approximate(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.no_packets and (arguments.probes or arguments.write_probes or arguments.trace):
        return _usage("--no-packets goes without --probes, --write-probes and --trace")
    if arguments.no_packets and arguments.mutations is not None:
        return _usage("--no-packets goes without --mutations")
    if arguments.most is not None and arguments.most < 1:
        return _usage("--most takes a number of packets")
    if arguments.longest_wait < 0:
        return _usage("--longest-wait takes seconds")
    if arguments.mutations not in (None, "all") and not _is_count(arguments.mutations):
        return _usage("--mutations takes a number, or `all`")
    collector = Collector()
    firewall = read_firewall(arguments.policy, collector)
    rulesets = tuple(pipeline.run(one) for one in firewall.rulesets)
    chosen = [one for one in LOADERS if one.name in arguments.loader]
    targets = tuple(dict.fromkeys(arguments.target or [one.target for one in chosen] or BACKENDS))
    if strange := [one.name for one in chosen if one.target not in targets]:
        return _usage(f"--loader {strange[0]} loads nothing of --target {', '.join(targets)}")
    if len(rulesets) > 1:
        if "nft" not in targets:
            return _usage(f"{arguments.policy} has {len(rulesets)} tables, which only nft can hold side by side")
        targets = ("nft",)
    if (wrong := ways_misused(arguments, targets)) is not None:
        return _usage(wrong)
    sys.stderr.write(render(collector))
    emitted = _emitter(arguments, targets)
    outputs = _outputs(rulesets, targets, emitted)
    loaders = [one for one in LOADERS if one.target in outputs and one.name in (arguments.loader or _LOADERS)]
    results = [
        one
        for each, ruleset in enumerate(rulesets)
        for one in verify({name: made[each] for name, made in outputs.items()}, devices_of(ruleset))
        if one.loader in {loader.name for loader in loaders}
    ]
    status = exit_status(tuple(results))
    if arguments.no_packets:
        _print(arguments, status, results, None)
        return status
    host = firewall.host if arguments.host is None else read_host(SourceFile("--host", arguments.host))
    checked = Checked(firewall, rulesets, outputs, emitted)
    failed = {one.loader for one in results if one.problems}
    working = [one for one in loaders if one.name not in failed]
    with Progress() as progress:
        made = _planned(arguments, checked, host, progress)
        for path in arguments.write_probes:
            files.write(made, path)
        told = sent(checked, made, working, progress, trace=arguments.trace)
        counted = _mutated(arguments, checked, made, working, progress)
    if any(one.disagreements for one in told) or any(not one.enough for one in counted):
        status = 1
    elif status == 0 and (any(one.problems for one in told) or any(one.problems for one in counted)):
        status = 3
    _print(arguments, status, results, (made, rules_of(checked.named), told), counted)
    return status


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) > 0


def _emitter(arguments: argparse.Namespace, targets: Sequence[str]) -> Callable[[Ruleset, str], Output]:
    profile, (layout, ipset) = profile_of(arguments, targets), ways_of(arguments)
    return partial(emit, allow=allowed(arguments), profile=profile, layout=layout, ipset=ipset)


def _outputs(
    rulesets: Sequence[Ruleset], targets: Sequence[str], emitted: Callable[[Ruleset, str], Output]
) -> dict[str, list[Output]]:
    """By target, an output for each ruleset."""
    outputs = {target: [emitted(one, target) for one in rulesets] for target in targets}
    for target, made in outputs.items():
        sys.stderr.write(render(describe(one, target, agreed=True) for output in made for one in output.deviations))
    return outputs


def _planned(arguments: argparse.Namespace, checked: Checked, host: Host | None, progress: Progress) -> Plan:
    loaded = [Loaded(one, checked.firewall.flavour) for one in checked.named]
    if arguments.probes:
        return planned(loaded, files.read(read_file(arguments.probes)))
    wish = Wish(
        per_rule=MOST_PER_RULE,
        packets=arguments.most,
        seed=arguments.seed,
        wait=arguments.longest_wait,
        gaps=arguments.most is None,
    )
    return plan(loaded, host, wish=wish, progress=lambda done, total: progress.show("probes", done, total))


def _mutated(
    arguments: argparse.Namespace, checked: Checked, made: Plan, loaders: Sequence[Loader], progress: Progress
) -> list[Reckoned]:
    if arguments.mutations is None:
        return []
    # The diagrams of each mutation are garbage once it is reckoned.
    gc.enable()
    most = None if arguments.mutations == "all" else int(arguments.mutations)
    return mutated(checked, made, loaders, most, arguments.seed, progress)


def _print(
    arguments: argparse.Namespace,
    status: int,
    results: Sequence[Result],
    probes: tuple[Plan, Rules, Sequence[Certified]] | None,
    counted: Sequence[Reckoned] = (),
) -> None:
    if arguments.output_format == "json":
        tree: dict[str, object] = {"status": status, "results": [result_json(one) for one in results]}
        if probes is not None:
            tree["probes"] = probes_json(*probes)
        if counted and probes is not None:
            tree["mutations"] = [mutations_json(probes[0], one) for one in counted]
        print(json.dumps(tree, indent=2))
        return
    for one in results:
        print_result(one)
    if probes is not None:
        print_probes(*probes)
        for reckoned in counted:
            print_mutations(probes[0], reckoned)


def _usage(message: str) -> int:
    sys.stderr.write(f"polc verify: {message}\n")
    return 2
