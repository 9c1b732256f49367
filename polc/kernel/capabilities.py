"""What this host can do, found out by trying it in a scratch namespace: the profile ``host``."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from polc.backends.features import Feature, Version
from polc.backends.profile import HOST, OLDEST, Profile
from polc.diagnostics import Failure
from polc.ir.family import Family
from polc.kernel import probes_iptables, probes_nft
from polc.kernel.netns import Namespace, ScratchNamespace
from polc.kernel.programs import find, search_path

_TOOLS = {Family.IP: "iptables", Family.IP6: "ip6tables"}
_VARIANTS = ("nft", "legacy")
_LONGEST = 60
"""Seconds for all probes of a tool."""


@cache
def measure(targets: frozenset[str]) -> Profile:
    """This host, as far as what ``targets`` (keys of ``BACKENDS``) are made of; its kernel is asked once a process.

    iptables has what loads in each variant that is installed, since its files are for both.

    Raises:
        Failure: POL601, nft or both variants of iptables are missing; POL602, no scratch namespace can be made;
            POL603, it took too long.
    """
    commands = [one for target in sorted(targets) for one in _COMMANDS[target]()]
    with ScratchNamespace() as namespace:
        lacking = _failed(namespace, commands)
        nft = _version(namespace, ("nft", "--version")) or OLDEST.nft
        iptables = _version(namespace, ("iptables", "--version")) or OLDEST.iptables
    tried = frozenset(one.feature for one in commands)
    kernel = _numbers(os.uname().release) or OLDEST.kernel
    return Profile(HOST, nft, iptables, kernel, tried - lacking, lacking)


@dataclass(frozen=True, slots=True)
class _Command:
    """A line of shell that succeeds where the feature is there; ``input`` is its standard input."""

    feature: Feature
    line: str
    input: str = ""


def _failed(namespace: Namespace, commands: list[_Command]) -> frozenset[Feature]:
    # One shell for all: to enter the namespaces takes longer than a probe. An nft that knows a construct badly may
    # end itself, and its core is of no use to anyone.
    script = "ulimit -c 0\n" + "".join(
        f"{{ {one.line}\n}} >/dev/null 2>&1 <<'POLC-END' || echo {number}\n{one.input}\nPOLC-END\n"
        for number, one in enumerate(commands)
    )
    try:
        done = namespace.run(["sh"], input=script, timeout=_LONGEST)
    except subprocess.TimeoutExpired:
        raise Failure.of("POL603", f"this host could not be measured within {_LONGEST} seconds") from None
    return frozenset(commands[int(number)].feature for number in done.stdout.split())


def _nft() -> Iterator[_Command]:
    nft = find("nft")
    for number, (feature, probe) in enumerate(probes_nft.PROBES.items()):
        table = f"polc{number}"
        load = f"{nft} {'-j ' if probe.script.startswith('{') else ''}-f -"
        if probe.listed:
            load += f" && {nft} list table inet {table} | grep -qF '{probe.listed}'"
        if probe.explained:
            load = f"{nft} --debug=netlink -f - | grep -qF '{probe.explained}'"
        if probe.tolerated:
            load = f"said=$({load} 2>&1) || case $said in *'{probe.tolerated}'*) ;; *) false ;; esac"
        yield _Command(feature, load, probe.script.replace(probes_nft.TABLE, table))


def _iptables() -> Iterator[_Command]:
    restores = {
        (variant, family): path
        for variant in _VARIANTS
        for family, tool in _TOOLS.items()
        if (path := shutil.which(f"{tool}-{variant}-restore", path=search_path()))
    }
    if not restores:
        find("iptables-nft-restore")
    ipset = shutil.which("ipset", path=search_path()) or "false"
    for number, (feature, create) in enumerate(probes_iptables.CREATES.items()):
        yield _Command(feature, f"{ipset} create polc{number} {create}")
    made = f"{ipset} -exist create {probes_iptables.SET} hash:ip"
    for feature, lines in probes_iptables.LINES.items():
        before = f"{made} && " if any(probes_iptables.SET in line.words for line in lines) else ""
        for line in lines:
            rules = "".join(f"-A {line.chain} {words}\n" for words in line.words.split("\n"))
            for variant in _VARIANTS:
                if restore := restores.get((variant, line.family)):
                    yield _Command(feature, f"{before}{restore} --noflush", f"*{line.table}\n{rules}COMMIT")


_COMMANDS = {"nft": _nft, "iptables": _iptables}


def _version(namespace: Namespace, argv: tuple[str, ...]) -> Version | None:
    if shutil.which(argv[0], path=search_path()) is None:
        return None
    return _numbers(namespace.run(argv).stdout.partition(" v")[2])


def _numbers(text: str) -> Version | None:
    """The version that a text begins with."""
    found = re.match(r"\d+(?:\.\d+){0,3}", text)
    return tuple(map(int, found[0].split("."))) if found else None
