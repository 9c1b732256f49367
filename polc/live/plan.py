"""What would become of a host if a policy were applied: said before anything is changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from polc.analysis.lock_out import LINT as LOCK_OUT
from polc.backends.model import OutputFile
from polc.diagnostics import Diagnostic, Failure
from polc.emitted import read_emitted
from polc.ir.ruleset import Ruleset
from polc.live.apply import Prepared
from polc.live.change import Change
from polc.live.compiled import Compiled
from polc.live.guard import Asked, ask
from polc.live.host import Host
from polc.live.others import Other, hooks, others
from polc.live.session import ssh_session
from polc.simulate import Flavour

Differ = Callable[[Sequence[Ruleset], Sequence[Ruleset], Flavour], tuple[str, ...]]
"""Which packets two firewalls treat differently, the running one first, a sentence each."""


@dataclass(frozen=True, slots=True)
class Plan:
    """``asked`` are packets of whoever applies it; ``warnings`` are about the policy where nobody is connected.

    ``means`` says which packets are treated differently (None: that was not asked).
    """

    change: Change
    running: int
    asked: tuple[Asked, ...]
    others: tuple[Other, ...]
    warnings: tuple[Diagnostic, ...]
    means: tuple[str, ...] | None = None

    @property
    def locked_out(self) -> tuple[Asked, ...]:
        return tuple(one for one in self.asked if not one.passes and not one.unknown)

    @property
    def unsure(self) -> tuple[Asked, ...]:
        return tuple(one for one in self.asked if one.unknown)


def plan(host: Host, prepared: Prepared, compiled: Compiled, differ: Differ | None = None) -> Plan:
    """``differ`` finds the packets that are treated differently; None: nobody asks.

    Raises:
        Failure: POL601, POL603: this host cannot be looked at.
    """
    inspection, road = compiled.inspection, prepared.wanted.road
    flavour = Flavour(road.target)
    session = ssh_session()
    asked: tuple[Asked, ...] = ()
    if session is not None:
        asked = ask(host, (inspection.ruleset,), flavour, session, inspection.settings.management)
    chains, family = hooks(compiled.ruleset.chains), compiled.ruleset.family.value
    warnings = tuple(LOCK_OUT.check(inspection)) if session is None else ()
    owned = prepared.owned if road.target == "nft" else _tables_of_iptables(road.name)
    beside = others(host, chains, family, owned, legacy=road.name != "iptables-legacy")
    means = None if differ is None else meant(road.target, prepared.seen, prepared.wanted.files, differ)
    return Plan(prepared.change, prepared.state.running, asked, beside, warnings, means)


def meant(target: str, seen: Sequence[OutputFile], wanted: Sequence[OutputFile], differ: Differ) -> tuple[str, ...]:
    """What ``differ`` says of what runs (nothing: any packet passes) and what is wanted, both read by importers."""
    flavour = Flavour(target)
    try:
        before = read_emitted(target, seen) if seen else ()
        return differ(before, read_emitted(target, wanted), flavour)
    except Failure as failure:
        return (f"not compared by meaning: {failure.diagnostics[0].message}",)


def _tables_of_iptables(road: str) -> tuple[str, ...]:
    """Tables of nf_tables that are iptables' own, which such a road fills."""
    if road != "iptables-nft":
        return ()
    names = ("filter", "nat", "mangle", "raw", "security")
    return tuple(f"{family} {name}" for family in ("ip", "ip6") for name in names)
