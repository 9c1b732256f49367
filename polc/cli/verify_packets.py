"""The packets of ``polc verify``, sent through each loader: as the firewall is, and with deliberate faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from polc.backends.model import Output, OutputFile
from polc.cli.progress import Progress
from polc.firewalls import Firewall
from polc.ir.ruleset import Ruleset
from polc.kernel.loaders import Loader
from polc.probing.certify import Certified, apart, certified
from polc.probing.hosts import Hosts
from polc.probing.model import Plan
from polc.probing.reckoning import Reckoned, faults, reckoned


@dataclass(frozen=True, slots=True)
class Checked:
    """A firewall, its rulesets as backends want them, their outputs by target, and what writes one ruleset for one."""

    firewall: Firewall
    rulesets: Sequence[Ruleset]
    outputs: Mapping[str, Sequence[Output]]
    emitted: Callable[[Ruleset, str], Output]

    @property
    def named(self) -> tuple[Ruleset, ...]:
        """The rulesets, with names of chains that say whose they are."""
        return apart(self.rulesets)

    def output(self, loader: Loader) -> Output:
        """What a loader gets: of a file of iptables-save, iptables gets the file as it is."""
        saved = self.firewall.saved
        if saved is not None and loader.target == "iptables":
            return Output((OutputFile(*saved),))
        return joined(self.outputs[loader.target])

    def written(self, rulesets: Sequence[Ruleset], target: str) -> Output:
        """Other rulesets in the place of these, for a target."""
        return joined([self.emitted(one, target) for one in rulesets])


def joined(outputs: Sequence[Output]) -> Output:
    return Output(
        tuple(file for one in outputs for file in one.files), tuple(d for one in outputs for d in one.deviations)
    )


def sent(
    checked: Checked, made: Plan, loaders: Sequence[Loader], progress: Progress, *, trace: bool
) -> list[Certified]:
    """One loader after the other on the same hosts. Where hosts have to wait, each loader has its own, and all wait
    at the same time.
    """

    def told(loader: Loader, hosts: Hosts | None) -> Certified:
        show = partial(_show, progress, loader.name, made.packets)
        return certified(made, checked.named, loader, checked.output(loader), trace=trace, sent=show, hosts=hosts)

    if any(probe.after for scene in made.scenes for probe in scene.probes):
        with ThreadPoolExecutor(max(1, len(loaders))) as pool:
            return list(pool.map(told, loaders, [None] * len(loaders)))
    with Hosts(made.scenes) as hosts:
        return [told(loader, hosts) for loader in loaders]


def mutated(
    checked: Checked, made: Plan, loaders: Sequence[Loader], most: int | None, seed: int, progress: Progress
) -> list[Reckoned]:
    """``most`` faults (None: all) through each loader."""
    chosen = faults(checked.rulesets, checked.firewall.flavour, most, seed, partial(progress.show, "mutations"))
    found = []
    with Hosts(made.scenes) as hosts:
        for loader in loaders:
            tried = partial(_show, progress, f"mutations, {loader.name}", len(chosen))
            found.append(
                reckoned(made, checked.named, checked.rulesets, chosen, loader, checked.written, hosts, tried=tried)
            )
    return found


def _show(progress: Progress, name: str, total: int, count: int) -> None:
    progress.show(name, count, total)
