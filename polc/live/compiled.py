"""A policy as what is to run on a road, with what else of it is asked: its settings, and the ruleset that it means."""

from __future__ import annotations

from dataclasses import dataclass

from polc.backends.model import Deviation, IpsetUse, Layout
from polc.backends.profile import Profile
from polc.compiler import emit
from polc.diagnostics import Collector
from polc.ir.ruleset import Ruleset
from polc.live.counting import with_counters
from polc.live.road import Road
from polc.live.wanted import Wanted, digest
from polc.passes import pipeline
from polc.policy.files import read_file
from polc.policy.read import Inspection, inspect_source


@dataclass(frozen=True, slots=True)
class Asked:
    """How to compile; ``profile_name`` is what the user called the profile, to measure or find it once more.

    ``count``: each rule of nft counts.
    """

    profile: Profile
    profile_name: str
    layout: Layout = Layout.WHOLE
    ipset: IpsetUse = IpsetUse.AUTO
    allow: frozenset[str] = frozenset()
    count: bool = False

    def words(self) -> tuple[tuple[str, str], ...]:
        return (
            ("for", self.profile_name),
            ("layout", self.layout.value),
            ("ipset", self.ipset.value),
            ("allow-approximate", ",".join(sorted(self.allow))),
            ("count", "yes" if self.count else ""),
        )


@dataclass(frozen=True, slots=True)
class Compiled:
    """``inspection`` is of the policy before any pass, ``ruleset`` what the backend was given."""

    wanted: Wanted
    inspection: Inspection
    ruleset: Ruleset
    deviations: tuple[Deviation, ...]


def compile_for(path: str, road: Road, asked: Asked, collector: Collector) -> Compiled:
    """Compile the policy ``path`` (``-``: standard input); notes and warnings go to the collector.

    Raises:
        Failure: the policy has errors, or the target lacks what a rule needs.
    """
    inspection = inspect_source(read_file(path, standard_input=path == "-"), collector)
    ruleset = pipeline.run(inspection.ruleset)
    output = emit(
        ruleset, road.target, allow=asked.allow, profile=asked.profile, layout=asked.layout, ipset=asked.ipset
    )
    filled = frozenset(one.name for one in ruleset.sets)
    files = tuple(map(with_counters, output.files)) if asked.count else output.files
    wanted = Wanted(road, files, filled, path, digest_of(inspection), asked=asked.words())
    return Compiled(wanted, inspection, ruleset, output.deviations)


def digest_of(inspection: Inspection) -> str:
    """The digest of a policy's texts, its own and those that it includes."""
    return digest(part for source in inspection.sources for part in (source.path, source.text))
