"""What a document says that tables hold, object by object, before anybody asks what it means."""

from __future__ import annotations

from dataclasses import dataclass, field

from polc.importers.nft_json.json_value import Json
from polc.importers.nft_json.problems import Entry

OBJECTS = ("counter", "quota", "limit", "ct helper", "ct timeout", "ct expectation", "synproxy", "secmark", "tunnel")
"""Named objects that rules use; each kind has names of its own."""


@dataclass(slots=True)
class RuleEntry:
    """``handle`` is the number that the kernel gave it, where the document says."""

    entry: Entry
    handle: int | None


@dataclass(slots=True)
class ChainEntry:
    entry: Entry
    rules: list[RuleEntry] = field(default_factory=list)


@dataclass(slots=True)
class SetEntry:
    """A set or, with ``is_map``, a map; they have their names in common."""

    entry: Entry
    is_map: bool
    elements: list[Json] = field(default_factory=list)


@dataclass(slots=True)
class Table:
    """``entry`` is where it was first named."""

    family: str
    name: str
    entry: Entry
    chains: dict[str, ChainEntry] = field(default_factory=dict)
    sets: dict[str, SetEntry] = field(default_factory=dict)
    flowtables: dict[str, Entry] = field(default_factory=dict)
    objects: dict[tuple[str, str], Entry] = field(default_factory=dict)
