"""A ruleset in several transactions, for who may not send it in one.

A transaction of nf_tables is one message to the kernel. Root makes its socket's buffer as large as it takes; who is
root in a user namespace alone may send ``net.core.wmem_max`` bytes at once (net/core/sock.c, SO_SNDBUFFORCE).
"""

from __future__ import annotations

import json
from typing import Final, Protocol

from polc.backends.nft.json_value import Json, items, members
from polc.diagnostics import Failure

TOO_LONG: Final = "Message too long"
"""What libnftables says of EMSGSIZE."""


class Runner(Protocol):
    def run_json(self, text: str) -> str: ...


def run_in_steps(nft: Runner, text: str) -> None:
    """Run JSON commands one after the other, as many at a time as the kernel takes.

    Raises:
        Failure: POL603, one was refused for another reason; those before it have been done.
    """
    _run(nft, json.loads(text)["nftables"])


def _run(nft: Runner, commands: list[Json]) -> None:
    try:
        nft.run_json(json.dumps({"nftables": commands}, ensure_ascii=False))
    except Failure as failure:
        parts = _halves(commands)
        if TOO_LONG not in failure.diagnostics[0].message or len(parts) < 2:
            raise
        for part in parts:
            _run(nft, part)


def _halves(commands: list[Json]) -> list[list[Json]]:
    """The commands in two parts; of one that adds a set, its elements. One part where there is nothing to part."""
    if len(commands) > 1:
        middle = len(commands) // 2
        return [commands[:middle], commands[middle:]]
    ((verb, inside),) = members(commands[0]).items()
    for kind in ("set", "element"):
        one = members(members(inside).get(kind))
        elements = items(one.get("elem", []))
        if verb == "add" and len(elements) > 1:
            middle = len(elements) // 2
            place = {key: one.get(key) for key in ("family", "table", "name")}
            return [
                [{"add": {kind: {**one, "elem": elements[:middle]}}}],
                [{"add": {"element": {**place, "elem": elements[middle:]}}}],
            ]
    return [commands]
