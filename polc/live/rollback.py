"""Back to what ran before, or to an entry of the history."""

from __future__ import annotations

from polc.diagnostics import Failure
from polc.live.apply import NOTHING, Applied, apply, back, prepare
from polc.live.host import Host
from polc.live.roads import road_of
from polc.live.store import Store
from polc.live.wanted import Wanted
from polc.live.who import who


def rollback(store: Store, host: Host, number: int | None = None, confirm: float | None = None) -> Applied:
    """Without a number: what waits to be confirmed is taken back; or else what ran before the running entry runs again,
    as a new entry. With one, that entry's ruleset runs again; 0: none of polc's.

    Raises:
        Failure: POL623, there is nothing to go back to, or no such entry; what ``apply`` raises.
    """
    state = store.state()
    if state.pending is not None:
        pending = state.pending.number
        state = back(store, host, state, f"by {who()}")
        if number is None:
            return Applied(True, state.running)
        assert pending != state.running
    if not state.running:
        raise Failure.of(
            "POL623", "nothing of polc's runs here: there is nothing to go back from", path=str(store.root)
        )
    if number is None:
        entry = store.entry(state.running)
        files, note = store.files(entry.number, "before"), f"back from {entry.number}"
    elif number == 0:
        entry = store.entry(state.running)
        road = road_of(entry.road)
        files, note = road.way_back((), entry.tables, store.files(entry.number)), NOTHING
    else:
        entry = store.entry(number)
        files, note = store.files(number), f"back to {number}"
    wanted = Wanted(
        road_of(entry.road), files, frozenset(entry.filled), entry.policy, entry.policy_digest, note, entry.asked
    )
    return apply(store, host, prepare(store, host, wanted), confirm)
