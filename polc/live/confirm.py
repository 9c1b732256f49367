"""What waits to be confirmed stays."""

from __future__ import annotations

from polc.live.apply import settle
from polc.live.host import Host
from polc.live.store import Store


def confirm(store: Store, host: Host, number: int | None = None) -> int | None:
    """The number of the entry that waited and now runs for good; None: none waits, or not ``number``.

    Raises:
        Failure: POL620, POL622.
    """
    state = store.state()
    pending = state.pending
    if pending is None or not pending.changed or number not in (None, pending.number):
        return None
    settle(store, host, state, pending.number)
    return pending.number
