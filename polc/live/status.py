"""How a running firewall stands to its policy: whether it is still what was loaded, and what it has counted."""

from __future__ import annotations

from dataclasses import dataclass

from polc.diagnostics import Failure
from polc.kernel.meaning import read
from polc.live.change import Part
from polc.live.counted import Counted, FilledSet, by_origin
from polc.live.host import Host
from polc.live.plan import Differ
from polc.live.records import Entry, clock
from polc.live.roads import road_of
from polc.live.store import Store
from polc.live.wanted import Wanted


@dataclass(frozen=True, slots=True)
class Status:
    """``entry`` is what runs (None: nothing of polc's), ``waits`` what waits to be confirmed and ``seconds`` how long.

    ``drift`` is what would have to change in the kernel for it to hold the policy, ``means`` which packets are treated
    differently (None: that was not asked). What was added to sets at run time is no drift.
    """

    entry: Entry | None
    waits: int | None
    seconds: float | None
    boot: int
    drift: tuple[Part, ...] = ()
    means: tuple[str, ...] | None = None
    counted: tuple[Counted, ...] = ()
    sets: tuple[FilledSet, ...] = ()


def status(store: Store, host: Host, wanted: Wanted | None = None, differ: Differ | None = None) -> Status:
    """Compare what the kernel holds with ``wanted`` (None: what was loaded last).

    Raises:
        Failure: POL601, POL603, POL620, POL622.
    """
    state = store.state()
    pending = state.pending
    number = pending.number if pending is not None else state.running
    entry = store.entry(number) if number else None
    waits = pending.number if pending is not None else None
    seconds = max(0.0, pending.deadline - clock()) if pending is not None and pending.deadline is not None else None
    boot = state.confirmed if state.persisted else 0
    if wanted is None and entry is None:
        return Status(None, waits, seconds, boot)
    if wanted is not None:
        road, files, filled = wanted.road, wanted.files, wanted.filled
    else:
        assert entry is not None
        road, files, filled = road_of(entry.road), store.files(entry.number), frozenset(entry.filled)
    owned = tuple(dict.fromkeys((*road.owned(files), *(entry.tables if entry else ()))))
    seen = road.read(host, owned, files)
    change = road.change(seen, files, filled)
    means = None
    if differ is not None:
        try:
            means = differ(read(road.target, seen), read(road.target, files))
        except Failure as failure:
            means = (f"not compared by meaning: {failure.diagnostics[0].message}",)
    counted, sets = by_origin(road.counts(seen, files)), road.filled(seen, filled)
    return Status(entry, waits, seconds, boot, change.parts, means, counted, sets)
