"""``polc compile --all`` and ``--host``: hosts of an inventory, side by side; only what has changed is written."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from polc.backends.model import IpsetUse, Layout, OutputFile
from polc.backends.profile import HOST
from polc.backends.registry import BACKENDS
from polc.cli.flatten import FILE, misused
from polc.cli.fleet import DEFAULT, hosts_of, jobs_of
from polc.cli.options import allowed
from polc.cli.progress import Progress
from polc.cli.write import write_files
from polc.diagnostics import Collector, Failure
from polc.fleet.build import Built, build, inspect
from polc.fleet.flatten import flatten
from polc.fleet.model import Host
from polc.fleet.outputs import changed, stale
from polc.fleet.parallel import each
from polc.fleet.told import Told, words
from polc.policy.library import Library


@dataclass(frozen=True, slots=True)
class _Done:
    """What a process reports of a host: ``names`` of its files (none: something is wrong), and of those that differ."""

    names: tuple[str, ...]
    changed: tuple[str, ...]
    told: list[str]
    status: int


def run(arguments: argparse.Namespace) -> int:
    if (wrong := _misused(arguments)) is not None:
        sys.stderr.write(f"polc compile: {wrong}\n")
        return 2
    collector = Collector()
    hosts, all_names = hosts_of(arguments.policy or DEFAULT, arguments.hosts or (), collector)
    if collector.has_errors and not hosts:
        raise Failure(collector.in_order())
    told = Told()
    hosts = [_as_asked(host, arguments) for host in hosts]
    if arguments.output in (None, "-"):
        return _print(hosts, arguments, collector)
    root = Path(arguments.output)
    done: dict[str, _Done] = {}

    def work(host: Host, library: Library) -> _Done:
        return _write(host, library, arguments, root)

    with Progress(len(hosts), "hosts") as bar:
        for number, one in each(work, hosts, jobs_of(arguments)):
            done[hosts[number].name] = one
            bar.step()
    for host in hosts:
        told.add(host.name, done[host.name].told)
    # Of the other hosts nothing is known where only some are asked for.
    old = (
        []
        if arguments.hosts
        else stale(root, {**dict.fromkeys(all_names, ()), **{name: one.names for name, one in done.items()}})
    )
    sys.stderr.write("".join(words(collector)) + told.text(len(hosts)))
    return _summary(arguments, done, old, collector)


def _summary(arguments: argparse.Namespace, done: dict[str, _Done], old: list[Path], collector: Collector) -> int:
    differ = sorted(name for name, one in done.items() if one.changed)
    wrong = sum(not one.names for one in done.values())
    for name in differ if arguments.check else ():
        print(f"would change: {name}: {', '.join(done[name].changed)}")
    for path in old:
        print(f"stale: {path}")
    say = "would change" if arguments.check else "written"
    parts = [f"{len(done)} hosts: {len(differ)} {say}", f"{len(done) - len(differ) - wrong} unchanged"]
    parts += [f"{wrong} with errors"] if wrong else []
    parts += [f"{len(old)} stale"] if old else []
    print(", ".join(parts))
    status = max((one.status for one in done.values()), default=0)
    if status or collector.has_errors:
        return status or 2
    return 1 if arguments.check and (differ or old) else 0


def _misused(arguments: argparse.Namespace) -> str | None:
    if arguments.all and arguments.hosts:
        return "--all and --host exclude each other"
    if arguments.profile == HOST:
        return "--for host measures this host, which is not the one of an inventory"
    if arguments.report is not None or arguments.report_format:
        return "--report is for one policy: use --flatten -o FILE, and then that"
    if arguments.flatten:
        return misused(arguments)
    if arguments.format and arguments.target and arguments.format not in BACKENDS[arguments.target].formats:
        return f"--target {arguments.target} is written as {' or '.join(BACKENDS[arguments.target].formats)}"
    if arguments.output == "":
        return "-o names no directory"
    if arguments.all and arguments.output in (None, "-"):
        return "--all takes -o DIRECTORY"
    if arguments.only and arguments.output not in (None, "-"):
        return "--only is for one file of one host on standard output"
    if arguments.check and arguments.output in (None, "-"):
        return "--check takes -o DIRECTORY, to compare with"
    return None


def _as_asked(host: Host, arguments: argparse.Namespace) -> Host:
    """The host with what the command line says of how it is written."""
    target, options = host.target, host.options
    if arguments.target and arguments.target != target:
        target = arguments.target
        options = replace(options, format=BACKENDS[target].formats[0])
    if arguments.format:
        options = replace(options, format=arguments.format)
    if arguments.profile is not None:
        options = replace(options, profile=arguments.profile)
    if arguments.layout:
        options = replace(options, layout=Layout(arguments.layout))
    if arguments.ipset:
        options = replace(options, ipset=IpsetUse(arguments.ipset))
    return replace(host, target=target, options=options, allow=host.allow | allowed(arguments))


def _built(host: Host, library: Library, arguments: argparse.Namespace) -> Built:
    if not arguments.flatten:
        return build(host, library)
    collector = Collector()
    try:
        text = flatten(inspect(host, library, collector).merged)
    except Failure as failure:
        return Built((), failure.diagnostics, failure.exit_status)
    return Built((OutputFile(FILE, text),), tuple(collector), 0)


def _write(host: Host, library: Library, arguments: argparse.Namespace, root: Path) -> _Done:
    built = _built(host, library, arguments)
    told = words(built.told)
    folder = root / host.name
    differ = changed(folder, built.files)
    if differ and not arguments.check:
        try:
            write_files(f"{folder}/", differ)
        except Failure as failure:
            return _Done((), (), [*told, *words(failure.diagnostics)], failure.exit_status)
    return _Done(tuple(one.name for one in built.files), tuple(one.name for one in differ), told, built.status)


def _print(hosts: list[Host], arguments: argparse.Namespace, collector: Collector) -> int:
    """One file of one host to standard output."""
    if len(hosts) > 1:
        sys.stderr.write(f"polc compile: {len(hosts)} hosts cannot go to standard output: use -o DIRECTORY\n")
        return 2
    built = _built(hosts[0], Library(), arguments) if hosts else Built((), (), 2)
    sys.stderr.write("".join(words((*collector, *built.told))))
    files = tuple(one for one in built.files if arguments.only in (None, one.name))
    if built.status == 0 and len(files) != 1:
        names = ", ".join(one.name for one in built.files)
        sys.stderr.write(f"polc compile: the files are {names}: use -o DIRECTORY, or --only one of them\n")
        return 2
    sys.stdout.write(files[0].text if files else "")
    return built.status
