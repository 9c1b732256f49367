"""The interfaces that a ruleset names by their full names: the kernel takes such chains and flowtables only where the
interfaces are.
"""

from __future__ import annotations

from collections.abc import Iterable

from polc.diagnostics import Failure
from polc.ir.ruleset import BaseChain, Ruleset
from polc.kernel.netns import Namespace
from polc.kernel.programs import find

_LOOPBACK = "lo"


def devices_of(ruleset: Ruleset) -> tuple[str, ...]:
    """Those of chains at ingress and egress and of flowtables, each once."""
    chains = (name for chain in ruleset.chains if isinstance(chain, BaseChain) for name in chain.devices)
    return tuple(dict.fromkeys((*chains, *(name for table in ruleset.flowtables for name in table.devices))))


def add_devices(namespace: Namespace, names: Iterable[str]) -> None:
    """Make interfaces of these names in a namespace, but for those that it has. Each is one end of a pair (veth(4)).

    Raises:
        Failure: POL601: there is no `ip`; POL603: the kernel has no such interfaces.
    """
    for number, name in enumerate(one for one in names if one != _LOOPBACK):
        link = [find("ip"), "link", "add", "name", name, "type", "veth", "peer", "name", f"polc-{number}"]
        done = namespace.run(link)
        # Modules of tunnels make interfaces of theirs in every namespace, and there is one of each name.
        if done.returncode and "File exists" not in done.stderr:
            reason = done.stderr.strip().partition("\n")[0]
            raise Failure.of("POL603", f"the interface `{name}` could not be made in a scratch namespace: {reason}")
