#!/usr/bin/env python3
"""CPU time (user and system, whole process) of polc, ferm, aerleon and nftgen on the same rules, in one run.

The rules are `accept tcp from PREFIX to PORT`, no two alike, so that no tool may merge any; each output is looked
through for all of them. Bars, at the largest number of rules: polc below ferm, and below a tenth of the others.

ferm comes from the Debian package, taken apart and not installed; aerleon and nftgen from PyPI, into an environment
of their own. Both stay in the cache directory. A peer that cannot be had is reported as missing, and its bar is not
held to have been met.

Usage: .venv/bin/python benchmarks/peers.py [--rules 1000 10000] [--runs 3] [--cache DIRECTORY]
Exit status 0: all bars met; 1: one was missed; 3: a peer is missing.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

# Bytecode caches are how Python is installed and used; a caller's wish to leave none must not be measured.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
BARS = {"ferm": 1.0, "aerleon": 0.1, "nftgen": 0.1}
"""Peer -> the share of its CPU time that polc must stay below."""


class Rule(NamedTuple):
    prefix: str
    port: int


class Peer(NamedTuple):
    """``prepare`` writes the policy into a directory and returns the command and the file that it makes
    (None: its standard output); ``find`` installs the tool into a cache directory and returns its command.
    """

    find: Callable[[Path], list[str]]
    prepare: Callable[[list[str], list[Rule], Path], tuple[list[str], Path | None]]


def rules(count: int) -> list[Rule]:
    # No prefix twice, and ports in steps of two: neither can be joined into an interval.
    return [Rule(f"10.{number >> 8}.{number & 255}.0/24", 1025 + 2 * (number % 30_000)) for number in range(count)]


def polc(command: list[str], wanted: list[Rule], directory: Path) -> tuple[list[str], Path | None]:
    lines = ["polc: 1", "input:", "  default: drop", "  rules:"]
    lines += [f"    - accept tcp/{port} from {prefix}" for prefix, port in wanted]
    (directory / "policy.yaml").write_text("\n".join(lines) + "\n")
    out = directory / "polc.nft"
    return [*command, "compile", str(directory / "policy.yaml"), "--target", "nft", "--format", "text",
            "-o", str(out)], out  # fmt: skip


def ferm(command: list[str], wanted: list[Rule], directory: Path) -> tuple[list[str], Path | None]:
    lines = ["domain ip table filter chain INPUT {", "  policy DROP;"]
    lines += [f"  saddr {prefix} proto tcp dport {port} ACCEPT;" for prefix, port in wanted]
    (directory / "ferm.conf").write_text("\n".join([*lines, "}"]) + "\n")
    return [*command, "--noexec", "--lines", "--test", str(directory / "ferm.conf")], None


def aerleon(command: list[str], wanted: list[Rule], directory: Path) -> tuple[list[str], Path | None]:
    # It takes names only: a network and a service for each rule.
    for name in ("defs", "policies/pol", "out"):
        (directory / name).mkdir(parents=True)
    networks = {f"NET{number}": {"values": [{"address": rule.prefix}]} for number, rule in enumerate(wanted)}
    services = {f"PORT{rule.port}": [{"protocol": "tcp", "port": rule.port}] for rule in wanted}
    terms = [
        {"name": f"rule-{number}", "source-address": f"NET{number}", "destination-port": f"PORT{rule.port}",
         "protocol": "tcp", "action": "accept"}
        for number, rule in enumerate(wanted)
    ]  # fmt: skip
    policy = {"filters": [{"header": {"targets": {"nftables": "inet input"}}, "terms": terms}]}
    # JSON is YAML, but not as these tools write it: block style is the form that people use.
    _write_yaml(directory / "defs" / "networks.yaml", {"networks": networks})
    _write_yaml(directory / "defs" / "services.yaml", {"services": services})
    _write_yaml(directory / "policies" / "pol" / "bench.yaml", policy)
    argv = [*command, "--base_directory", str(directory / "policies"), "--definitions_directory",
            str(directory / "defs"), "--output_directory", str(directory / "out")]  # fmt: skip
    return argv, directory / "out" / "bench.nft"


def nftgen(command: list[str], wanted: list[Rule], directory: Path) -> tuple[list[str], Path | None]:
    for name in ("definitions", "policies/hosts"):
        (directory / name).mkdir(parents=True)
    written = [{"saddr": prefix, "proto": "tcp", "dport": port, "action": "accept"} for prefix, port in wanted]
    chain = {"name": "input", "hook": "input", "rules": written}
    _write_yaml(directory / "definitions" / "networks.yaml", {"networks": {}})
    _write_yaml(
        directory / "policies" / "hosts" / "bench.yaml",
        {"tables": [{"family": "inet", "name": "filter", "chains": [chain]}]},
    )
    return [*command, "build", str(directory)], directory / "generated" / "bench.nft"


def _write_yaml(path: Path, tree: object) -> None:
    import yaml

    path.write_text(yaml.dump(tree, sort_keys=False, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper)))


def find_polc(cache: Path) -> list[str]:
    return [str(Path(sys.executable).with_name("polc"))]


def find_ferm(cache: Path) -> list[str]:
    script = cache / "ferm" / "usr" / "sbin" / "ferm"
    if not script.exists():
        subprocess.run(["apt-get", "download", "-qq", "ferm"], cwd=cache, check=True, stderr=subprocess.DEVNULL)
        (package,) = cache.glob("ferm_*.deb")
        subprocess.run(["dpkg-deb", "-x", str(package), str(cache / "ferm")], check=True)
    return ["perl", str(script)]


def _find_from_pypi(package: str, command: str) -> Callable[[Path], list[str]]:
    def find(cache: Path) -> list[str]:
        tool = cache / "venv" / "bin" / command
        if not tool.exists():
            if not (cache / "venv").exists():
                subprocess.run([sys.executable, "-m", "venv", str(cache / "venv")], check=True)
            pip = [str(cache / "venv" / "bin" / "pip"), "install", "-qq", "--disable-pip-version-check", package]
            subprocess.run(pip, check=True)
        return [str(tool)]

    return find


PEERS = {
    "polc": Peer(find_polc, polc),
    "ferm": Peer(find_ferm, ferm),
    "aerleon": Peer(_find_from_pypi("aerleon", "aclgen"), aerleon),
    "nftgen": Peer(_find_from_pypi("nftgen", "nftgen"), nftgen),
}


def cpu_seconds(argv: list[str], output: Path) -> float:
    """CPU seconds of a command and its children, standard output going to a file."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with output.open("w") as file:
        done = subprocess.run(argv, stdout=file, stderr=subprocess.PIPE, env=ENVIRONMENT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(argv[:3])}: {done.stderr.decode()[-500:]}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def measure(name: str, command: list[str], count: int, runs: int) -> float:
    """The median of some runs, once every rule has been seen in the output."""
    wanted = rules(count)
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        argv, made = PEERS[name].prepare(command, wanted, directory)
        printed = directory / "stdout"
        cpu_seconds(argv, printed)  # writes the bytecode caches
        text = (made or printed).read_text()
        lost = [rule for rule in wanted if rule.prefix not in text or f"dport {rule.port}" not in text]
        if lost:
            raise SystemExit(f"{name}: {len(lost)} of {count} rules are not in its output, such as {lost[0]}")
        return statistics.median(cpu_seconds(argv, printed) for _ in range(runs))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / f"polc-peers-{os.getuid()}")
    arguments = parser.parse_args()
    arguments.cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    commands: dict[str, list[str]] = {}
    missing = []
    for name, peer in PEERS.items():
        try:
            commands[name] = peer.find(arguments.cache)
        except (OSError, subprocess.CalledProcessError, ValueError) as error:
            missing.append(name)
            print(f"{name}: missing ({error})")
    results: dict[int, dict[str, float]] = {}
    for count in arguments.rules:
        results[count] = {name: measure(name, command, count, arguments.runs) for name, command in commands.items()}
        ours = results[count]["polc"]
        print(f"{count} rules")
        for name, seconds in results[count].items():
            each = 1e6 * seconds / count
            print(f"  {name:<10}{seconds:8.2f} s CPU{each:9.0f} us a rule   polc takes {ours / seconds:.3f} of it")
    largest = results[max(arguments.rules)]
    missed = [name for name, bar in BARS.items() if name in largest and largest["polc"] >= bar * largest[name]]
    for name in missed:
        print(f"missed: polc takes {largest['polc'] / largest[name]:.3f} of {name}'s time, the bar is {BARS[name]}")
    return 1 if missed else 3 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main())
