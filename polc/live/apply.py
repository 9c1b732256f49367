"""From what runs to what is wanted, so that whoever is killed on the way leaves the one or the other.

First everything that leads back reaches the disk: the new entry with its way back, then the state that names it as
under way, then, where a confirmation is asked, whoever goes back without one. Only then the kernel is touched. What is
on the disk always says enough for the next command to find out where this one has been (``polc.live.recover``).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from polc.diagnostics import Failure
from polc.live.boot import open_again, refresh
from polc.live.change import Change
from polc.live.host import Host
from polc.live.records import Entry, Pending, State, clock
from polc.live.road import Files, Road
from polc.live.roads import road_of
from polc.live.store import Store
from polc.live.wanted import Wanted
from polc.live.watchdog import watch
from polc.live.who import who

NOTHING = "nothing"
"""The note of an entry that takes away all of polc's."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is wanted beside what is there. ``owned`` is what of the host both have together."""

    wanted: Wanted
    state: State
    owned: tuple[str, ...]
    seen: Files
    change: Change
    former: Entry | None


@dataclass(frozen=True, slots=True)
class Applied:
    """``number`` is that of the entry that runs now; 0: none was made. ``seconds`` are those left to confirm it."""

    changed: bool
    number: int
    seconds: float | None = None


def prepare(store: Store, host: Host, wanted: Wanted, *, adopt: bool = False, anew: bool = False) -> Prepared:
    """Read what is there and compare.

    Raises:
        Failure: POL624, something of its name is there that polc has not loaded, or that it could not load again;
            POL601, POL603.
    """
    state = store.state()
    road = wanted.road
    former = store.entry(state.running) if state.running else None
    owned = road.owned(wanted.files)
    if former is not None and not _same_place(former, road, owned):
        raise Failure.of(
            "POL625",
            f"what runs here has {former.road}, {' and '.join(former.tables)}, and this is for {road.name}, "
            f"{' and '.join(owned)}: both would judge packets",
            help="take the old one away first: `polc rollback 0`",
        )
    mine = {one for entry in store.entries() if entry.road == road.name for one in entry.tables}
    together = tuple(dict.fromkeys((*owned, *(former.tables if former else ()))))
    seen = road.read(host, together, wanted.files)
    if not adopt and (foreign := [one for one in road.there(seen, owned) if one not in mine]):
        raise Failure.of(
            "POL624",
            f"{' and '.join(f'`{one}`' for one in foreign)} is there, and no apply on record has loaded it",
            help="`--adopt` takes it over: what it has and the policy has not is removed",
        )
    if adopt:
        # What nothing would lead back to is refused before anybody plans with it.
        road.way_back(seen, together, wanted.files)
    change = road.change(seen, wanted.files, wanted.filled, store.files(state.running) if former else (), anew=anew)
    return Prepared(wanted, state, together, seen, change, former)


def apply(store: Store, host: Host, prepared: Prepared, confirm: float | None = None) -> Applied:
    """Do it. ``confirm``: go back unless it is confirmed within so many seconds.

    Raises:
        Failure: POL603, refused: what ran before runs; POL626, an earlier one waits to be confirmed; POL627, the kernel
            holds something else than it was given, and has the old ruleset back; POL620.
    """
    wanted, state, road = prepared.wanted, prepared.state, prepared.wanted.road
    if state.pending is not None:
        raise Failure.of(
            "POL626",
            f"entry {state.pending.number} waits to be confirmed",
            help="`polc confirm` keeps it, `polc rollback` goes back; then apply",
        )
    if not prepared.change.changes:
        return _unchanged(store, host, prepared)
    number = store.next_number(state)
    entry = _entry(number, prepared)
    store.add(entry, wanted.files, _way_back(store, prepared))
    deadline = None if confirm is None else clock() + confirm
    state = replace(state, pending=Pending(number, False, deadline)).with_outcome(number, "under way")
    store.write(state)
    with watch(store, number, guard=not road.whole, deadline=deadline):
        try:
            road.make(host, prepared.change)
            _check(prepared, host)
        except Failure:
            back(store, host, state, "refused by the kernel")
            raise
        finish(store, host, state)
    return Applied(True, number, confirm)


def _same_place(former: Entry, road: Road, owned: tuple[str, ...]) -> bool:
    """Whether a road takes away what an earlier policy had; nft does so with a table of another name."""
    return former.road == road.name and (road.target == "nft" or set(former.tables) <= set(owned))


def finish(store: Store, host: Host, state: State) -> State:
    """The kernel holds what is pending: it runs, and where no confirmation is asked it is confirmed.

    Raises:
        Failure: POL620.
    """
    pending = state.pending
    assert pending is not None
    if pending.deadline is None:
        return settle(store, host, state, pending.number)
    state = replace(state, pending=replace(pending, changed=True)).with_outcome(pending.number, "not confirmed yet")
    store.write(state)
    return state


def settle(store: Store, host: Host, state: State, number: int) -> State:
    """Entry ``number`` runs for good, and boot loads it where that is asked for. A host that boot has closed is closed
    no longer.

    Raises:
        Failure: POL620.
    """
    runs = 0 if store.entry(number).note == NOTHING else number
    state = replace(state, running=runs, confirmed=runs, pending=None).with_outcome(number, "confirmed")
    store.write(state)
    refresh(store)
    open_again(store, host)
    return store.prune(state)


def back(store: Store, host: Host, state: State, why: str) -> State:
    """Put back what was there before the pending entry.

    Raises:
        Failure: POL603, the kernel refuses it; POL620.
    """
    pending = state.pending
    assert pending is not None
    entry = store.entry(pending.number)
    road = road_of(entry.road)
    files, tried = store.files(pending.number, "before"), store.files(pending.number)
    owned = tuple(dict.fromkeys((*road.owned(files), *entry.tables)))
    change = road.change(road.read(host, owned, files), files, frozenset(entry.filled), tried)
    if change.changes:
        road.make(host, change)
    state = replace(state, pending=None).with_outcome(pending.number, f"taken back: {why}")
    store.write(state)
    return state


def _check(prepared: Prepared, host: Host) -> None:
    """Whether the kernel holds what it was given."""
    wanted, road = prepared.wanted, prepared.wanted.road
    seen = road.read(host, prepared.owned, wanted.files)
    left = road.change(seen, wanted.files, wanted.filled)
    if left.changes:
        named = "; ".join(f"{one.action.value} {one.kind} `{one.name}`" for one in left.parts[:5])
        raise Failure.of("POL627", f"the kernel does not hold what it was given ({named}); the old ruleset is back")


def _way_back(store: Store, prepared: Prepared) -> Files:
    """What was wanted before, where the kernel still holds that: it says more than any listing. Else the listing."""
    road = prepared.wanted.road
    former = prepared.former
    if former is not None:
        files = store.files(former.number)
        same = set(road.owned(files)) >= set(prepared.owned)
        if same and not road.change(prepared.seen, files, frozenset(former.filled)).changes:
            return files
    return road.way_back(prepared.seen, prepared.owned, prepared.wanted.files)


def _entry(number: int, prepared: Prepared) -> Entry:
    wanted = prepared.wanted
    filled = wanted.filled | set(prepared.former.filled if prepared.former else ())
    return Entry(
        number, time.time(), who(), wanted.policy, wanted.policy_digest, wanted.digest, wanted.road.name,
        wanted.road.owned(wanted.files), tuple(sorted(filled)), wanted.note, wanted.asked,
    )  # fmt: skip


def _unchanged(store: Store, host: Host, prepared: Prepared) -> Applied:
    """The kernel holds it. A policy that says the same in other words, or a table that was adopted, becomes an entry
    all the same, so that what is compared later is today's.
    """
    wanted, state, former = prepared.wanted, prepared.state, prepared.former
    if former is not None and (former.digest, former.policy_digest) == (wanted.digest, wanted.policy_digest):
        if state.confirmed != state.running:
            store.write(replace(state, confirmed=state.running))
            refresh(store)
        open_again(store, host)
        return Applied(False, former.number)
    number = store.next_number(state)
    store.add(_entry(number, prepared), wanted.files, _way_back(store, prepared))
    settle(store, host, state, number)
    return Applied(False, number)
