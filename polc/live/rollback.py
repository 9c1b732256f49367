"""Back to what ran before, or to an entry of the history."""

from __future__ import annotations

from dataclasses import dataclass

from polc.diagnostics import Failure
from polc.emitted import read_emitted
from polc.live.apply import NOTHING, Applied, apply, back, prepare
from polc.live.guard import Asked, ask
from polc.live.host import Host
from polc.live.roads import road_of
from polc.live.session import ssh_session
from polc.live.store import Store
from polc.live.wanted import Wanted
from polc.live.who import who
from polc.simulate import Flavour


@dataclass(frozen=True, slots=True)
class CutOff:
    """Nothing was done: ``asked`` are packets of whoever goes back that would not pass then."""

    asked: tuple[Asked, ...]


def rollback(
    store: Store, host: Host, number: int | None = None, confirm: float | None = None, *, force: bool = False
) -> Applied | CutOff:
    """Without a number: what waits to be confirmed is taken back; or else what ran before the running entry runs again,
    as a new entry. With one, that entry's ruleset runs again; 0: none of polc's. What waits to be confirmed is always
    taken back; else whoever goes back is not cut off but with ``force``.

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
    if not force and (cut := _cut_off(host, wanted)):
        return CutOff(cut)
    return apply(store, host, prepare(store, host, wanted), confirm)


def _cut_off(host: Host, wanted: Wanted) -> tuple[Asked, ...]:
    session = ssh_session()
    if session is None:
        return ()
    target = wanted.road.target
    flavour = Flavour(target)
    asked = ask(host, read_emitted(target, wanted.files), flavour, session)
    return tuple(one for one in asked if not one.passes and not one.unknown)
