"""A counter in every rule of nft, for those who want to see what each line of the policy meets."""

from __future__ import annotations

import json
from typing import Final

from polc.backends.model import OutputFile
from polc.backends.nft.json_value import Json, items, members

_ENDS: Final = frozenset(
    {"accept", "drop", "reject", "return", "jump", "goto", "vmap", "queue", "snat", "dnat", "masquerade", "redirect"}
)
"""Statements behind which a rule does nothing more."""


def with_counters(file: OutputFile) -> OutputFile:
    """The commands of a table, each rule with a counter of the packets that meet it, where it has none of its own."""
    document: Json = json.loads(file.text)
    commands = items(members(document).get("nftables"))
    for command in commands:
        rule = members(members(members(command).get("add")).get("rule"))
        words = rule.get("expr")
        if isinstance(words, list) and not any("counter" in members(one) for one in words):
            end = next((at for at, one in enumerate(words) if members(one).keys() & _ENDS), len(words))
            words.insert(end, {"counter": None})
    lines = ",\n".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in commands)
    return OutputFile(file.name, f'{{"nftables":[\n{lines}\n]}}\n')
