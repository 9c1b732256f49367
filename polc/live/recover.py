"""What every command does first: find out how a change ended that another began, and bring it to an end.

Whoever calls holds the lock, so nobody is at it any more: the one who was has ended or been killed.
"""

from __future__ import annotations

from dataclasses import replace

from polc.live.apply import back, finish
from polc.live.boot import refresh
from polc.live.host import Host
from polc.live.records import State, boot_id, clock
from polc.live.roads import road_of
from polc.live.store import Store


def recover(store: Store, host: Host, *, alone: bool = False) -> tuple[str, ...]:
    """What was found and done, a sentence each, by this call or while nobody was there to be told; none where nothing
    was under way. ``alone``: nobody is there now, and the next who calls is told as well.

    Raises:
        Failure: POL603, the kernel refuses what has to be put back; POL620, POL622.
    """
    before = store.state().untold
    told = (*before, *_recover(store, host))
    if told and (not alone or told != before):
        store.write(replace(store.state(), untold=told if alone else ()))
    return told


def _recover(store: Store, host: Host) -> tuple[str, ...]:
    state = store.state()
    if state.boot != boot_id():
        return _after_boot(store, state)
    pending = state.pending
    if pending is None:
        refresh(store)
        return ()
    entry = store.entry(pending.number)
    if pending.changed:
        if pending.deadline is None or clock() < pending.deadline:
            return ()
        back(store, host, state, "not confirmed in time")
        return (f"entry {entry.number} was not confirmed in time: what ran before it runs again",)
    road = road_of(entry.road)
    begun = f"`polc` of {entry.who} was interrupted while it applied entry {entry.number}"
    if _holds(store, host, entry.number, "before"):
        store.write(replace(state, pending=None).with_outcome(entry.number, "interrupted before it changed anything"))
        return (f"{begun}: the kernel holds what ran before, and nothing has changed",)
    if not _holds(store, host, entry.number, "new"):
        half = "half of it was done" if not road.whole else "the kernel holds neither the old nor the new ruleset"
        back(store, host, state, "interrupted")
        return (f"{begun}: {half}, and what ran before runs again",)
    state = finish(store, host, state)
    told = (f"{begun}: the kernel holds it whole, and it is on record now",)
    return (*told, *_recover(store, host)) if state.pending else told


def _holds(store: Store, host: Host, number: int, part: str) -> bool:
    entry = store.entry(number)
    road = road_of(entry.road)
    files = store.files(number, part)
    # Where it is the old one, sets of the new one that nothing names yet are half of it done.
    tried = store.files(number) if part == "before" else ()
    owned = tuple(dict.fromkeys((*road.owned(files), *entry.tables)))
    return not road.change(road.read(host, owned, files), files, frozenset(entry.filled), tried).changes


def _after_boot(store: Store, state: State) -> tuple[str, ...]:
    """The kernel has begun anew: what boot loads runs, or nothing of ours."""
    running = state.confirmed if state.persisted else 0
    pending = state.pending
    state = replace(state, running=running, pending=None)
    if pending is not None:
        state = state.with_outcome(pending.number, "not confirmed before the machine restarted")
    store.write(state)
    if pending is None:
        return ()
    loads = f"entry {running}, which boot loads, runs" if running else "boot loads nothing of polc's"
    return (f"the machine was restarted before entry {pending.number} was confirmed: {loads}",)
