"""What waits to be confirmed stays."""

from __future__ import annotations

from dataclasses import replace

from polc.live.boot import refresh
from polc.live.store import Store


def confirm(store: Store, number: int | None = None) -> int | None:
    """The number of the entry that waited and now runs for good; None: none waits, or not ``number``.

    Raises:
        Failure: POL620, POL622.
    """
    state = store.state()
    pending = state.pending
    if pending is None or not pending.changed or number not in (None, pending.number):
        return None
    state = replace(state, running=pending.number, confirmed=pending.number, pending=None)
    store.write(state.with_outcome(pending.number, "confirmed"))
    refresh(store)
    return pending.number
