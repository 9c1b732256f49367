"""``polc verify``: does each kernel road hold what the firewall says, and do with packets what it says?"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from functools import partial

from polc.backends.model import Output, OutputFile
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
from polc.cli.verify_report import print_probes, print_result, probes_json, result_json
from polc.compiler import describe, emit
from polc.diagnostics import Collector
from polc.diagnostics.text import render
from polc.firewalls import Firewall, read_firewall
from polc.ir.ruleset import Ruleset
from polc.kernel.devices import devices_of
from polc.kernel.loaders import LOADERS, Loader
from polc.kernel.verify import Result, exit_status, verify
from polc.passes import pipeline
from polc.policy.files import read_file
from polc.probing import files
from polc.probing.certify import Certified, Rules, apart, certified, rules_of
from polc.probing.hosts import Hosts
from polc.probing.make import Wish, plan, planned
from polc.probing.model import Plan
from polc.simulate.hooks import Loaded
from polc.simulate.host import Host
from polc.simulate.host_text import read_host
from polc.source import SourceFile

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
    parser.add_argument("--trace", action="store_true", help="add the kernel's own trace to what is not as expected")
    add_profile(parser)
    add_ways(parser)
    add_allow_approximate(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.no_packets and (arguments.probes or arguments.write_probes or arguments.trace):
        return _usage("--no-packets goes without --probes, --write-probes and --trace")
    if arguments.most is not None and arguments.most < 1:
        return _usage("--most takes a number of packets")
    collector = Collector()
    firewall = read_firewall(arguments.policy, collector)
    rulesets = tuple(pipeline.run(one) for one in firewall.rulesets)
    targets = tuple(dict.fromkeys(arguments.target or BACKENDS))
    if len(rulesets) > 1:
        if "nft" not in targets:
            return _usage(f"{arguments.policy} has {len(rulesets)} tables, which only nft can hold side by side")
        targets = ("nft",)
    if (wrong := ways_misused(arguments, targets)) is not None:
        return _usage(wrong)
    sys.stderr.write(render(collector))
    outputs = _outputs(arguments, rulesets, targets)
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
    with Progress() as progress:
        made, told = _probed(arguments, firewall, rulesets, host, outputs, loaders, results, progress)
    if any(one.disagreements for one in told):
        status = 1
    elif status == 0 and any(one.problems for one in told):
        status = 3
    _print(arguments, status, results, (made, rules_of(apart(rulesets)), told))
    return status


def _outputs(
    arguments: argparse.Namespace, rulesets: Sequence[Ruleset], targets: Sequence[str]
) -> dict[str, list[Output]]:
    """By target, an output for each ruleset."""
    profile, (layout, ipset) = profile_of(arguments, targets), ways_of(arguments)
    agreed = allowed(arguments)
    outputs = {
        target: [emit(one, target, allow=agreed, profile=profile, layout=layout, ipset=ipset) for one in rulesets]
        for target in targets
    }
    for target, made in outputs.items():
        sys.stderr.write(render(describe(one, target, agreed=True) for output in made for one in output.deviations))
    return outputs


def _probed(
    arguments: argparse.Namespace,
    firewall: Firewall,
    rulesets: Sequence[Ruleset],
    host: Host | None,
    outputs: Mapping[str, Sequence[Output]],
    loaders: Sequence[Loader],
    results: Sequence[Result],
    progress: Progress,
) -> tuple[Plan, list[Certified]]:
    """The plan, and what came of it on each loader that could load at all."""
    separate = apart(rulesets)
    loaded = [Loaded(one, firewall.flavour) for one in separate]
    if arguments.probes:
        made = planned(loaded, files.read(read_file(arguments.probes)))
    else:
        wish = Wish(packets=arguments.most, seed=arguments.seed)
        made = plan(loaded, host, wish=wish, progress=lambda done, total: progress.show("probes", done, total))
    for path in arguments.write_probes:
        files.write(made, path)
    failed = {one.loader for one in results if one.problems}
    told = []
    with Hosts(made.scenes) as hosts:
        for loader in loaders:
            if loader.name in failed:
                continue
            output = _original(firewall, loader) or _joined(outputs[loader.target])
            sent = partial(_show, progress, loader.name, made.packets)
            told.append(certified(made, separate, loader, output, trace=arguments.trace, sent=sent, hosts=hosts))
    return made, told


def _show(progress: Progress, name: str, total: int, count: int) -> None:
    progress.show(name, count, total)


def _original(firewall: Firewall, loader: Loader) -> Output | None:
    """A file of iptables-save as it is, for iptables; None: it is something else."""
    if firewall.saved is None or loader.target != "iptables":
        return None
    name, text = firewall.saved
    return Output((OutputFile(name, text),))


def _joined(outputs: Sequence[Output]) -> Output:
    return Output(
        tuple(file for one in outputs for file in one.files), tuple(d for one in outputs for d in one.deviations)
    )


def _print(
    arguments: argparse.Namespace,
    status: int,
    results: Sequence[Result],
    probes: tuple[Plan, Rules, list[Certified]] | None,
) -> None:
    if arguments.output_format == "json":
        tree: dict[str, object] = {"status": status, "results": [result_json(one) for one in results]}
        if probes is not None:
            tree["probes"] = probes_json(*probes)
        print(json.dumps(tree, indent=2))
        return
    for one in results:
        print_result(one)
    if probes is not None:
        print_probes(*probes)


def _usage(message: str) -> int:
    sys.stderr.write(f"polc verify: {message}\n")
    return 2
