"""What else on this host judges packets: other base chains at the same hooks, and tables of iptables-legacy.

A packet passes only if nobody drops it: an `accept` ends one base chain alone (nft(8), VERDICTS), and of chains of one
priority nobody has said which comes first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from polc.backends.nft.json_value import Json, members
from polc.diagnostics import Failure
from polc.ir.ruleset import DEVICE_HOOKS, BaseChain
from polc.kernel.listed import objects
from polc.live.boot import CLOSED_TABLE
from polc.live.host import Host

_PROGRAMS: Final = {
    "docker": "Docker", "firewalld": "firewalld", "f2b": "fail2ban", "libvirt": "libvirt", "ufw": "ufw",
    "kube": "Kubernetes", "cali": "Calico", "cilium": "Cilium", "cni": "CNI", "netavark": "Podman", "podman": "Podman",
    "tailscale": "Tailscale", "ts-": "Tailscale", "lxc": "LXC", "lxd": "LXD", "incus": "Incus", "crowdsec": "CrowdSec",
    "sshguard": "sshguard", "nm-": "NetworkManager", "miniupnpd": "MiniUPnP",
    CLOSED_TABLE: "polc, where boot could not load its ruleset; applying one takes it away",
}  # fmt: skip
"""How names of tables and chains begin -> whose they are."""

_SEEN_BY: Final = {
    "inet": frozenset({"ip", "ip6", "inet"}), "ip": frozenset({"ip", "inet"}), "ip6": frozenset({"ip6", "inet"}),
}  # fmt: skip
_LEGACY: Final = {"ip_tables_names": "iptables", "ip6_tables_names": "ip6tables"}


@dataclass(frozen=True, slots=True)
class Other:
    """``what`` it is, ``program`` whose (empty: not known), ``effect`` what it does to our verdicts."""

    what: str
    program: str
    effect: str


def others(
    host: Host, chains: Iterable[BaseChain], family: str, owned: Sequence[str], *, legacy: bool = True
) -> tuple[Other, ...]:
    """What judges packets of a hook at which one of ``chains`` stands. ``owned`` are our own tables of nft; ``legacy``:
    tables of iptables-legacy are others too.

    Raises:
        Failure: POL601, there is no `nft`; POL603, it failed.
    """
    ours: dict[str, set[int]] = {}
    for chain in chains:
        ours.setdefault(chain.hook.value, set()).add(chain.priority)
    return (*_nft(host, ours, family, owned), *(_legacy(host) if legacy else ()))


def _nft(host: Host, ours: dict[str, set[int]], family: str, owned: Sequence[str]) -> list[Other]:
    document: Json = json.loads(host.run(["nft", "-j", "list", "chains"]))
    every = objects(members(document), "chain")
    names: dict[str, list[str]] = {}
    for one in every:
        names.setdefault(_table(one), []).append(str(one.get("name")))
    found = []
    for one in every:
        hook, table = str(one.get("hook")), _table(one)
        if "hook" not in one or table in owned or hook not in ours:
            continue
        if str(one.get("family")) not in _SEEN_BY.get(family, frozenset({family})):
            continue
        priority, policy = one.get("prio"), one.get("policy", "accept")
        what = f"table {table}, chain {one.get('name')}: {hook}, priority {priority}, policy {policy}"
        program = program_of(table.partition(" ")[2], *names[table])
        same = priority in ours[hook]
        effect = "what it drops stays dropped, whatever the policy accepts"
        if policy == "drop":
            effect = "it drops all that it does not accept itself, whatever the policy accepts"
        if same:
            effect += "; it has the priority of a chain of the policy, and nobody says which of the two comes first"
        found.append(Other(what, program, effect))
    return found


def _table(one: dict[str, Json]) -> str:
    return f"{one.get('family')} {one.get('table')}"


def _legacy(host: Host) -> list[Other]:
    found = []
    for file, tool in _LEGACY.items():
        with suppress(OSError):
            tables = sorted(Path(f"/proc/net/{file}").read_text().split())
            active = [table for table in tables if _acts(host, tool, table)]
            if active:
                what = f"{tool}-legacy, table{'s' if len(active) > 1 else ''} {', '.join(active)}"
                effect = "they stand beside nf_tables at the same hooks, and what they drop stays dropped"
                found.append(Other(what, "", effect))
    return found


def _acts(host: Host, tool: str, table: str) -> bool:
    """Whether a table that is loaded has rules or a policy that drops; where that cannot be seen, it is told."""
    try:
        saved = host.run([f"{tool}-legacy-save", "-t", table])
    except Failure:
        return True
    return any(line.startswith("-A") or (line.startswith(":") and " DROP" in line) for line in saved.splitlines())


def program_of(*names: str) -> str:
    """Whose these names of a table and its chains are; empty: nobody's that is known."""
    for name in names:
        for start, program in _PROGRAMS.items():
            if name.casefold().startswith(start):
                return program
    return ""


def hooks(chains: Iterable[object]) -> tuple[BaseChain, ...]:
    """The base chains among a ruleset's, but for those of one device."""
    return tuple(one for one in chains if isinstance(one, BaseChain) and one.hook not in DEVICE_HOOKS)
