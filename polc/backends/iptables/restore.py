"""The text of a restore file (iptables-restore(8))."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from polc.backends.iptables.tables import TABLES


@dataclass(slots=True)
class Table:
    """A table being filled: policies of built-in chains that do not accept, and lines by chain."""

    name: str
    policies: dict[str, str] = field(default_factory=dict)
    chains: dict[str, list[str]] = field(default_factory=dict)

    def text(self, notes: Sequence[str] = ()) -> str:
        """Built-in chains first, as iptables-save has them, then the others in the order of their making."""
        built_in = TABLES[self.name]
        others = [name for name in self.chains if name not in built_in]
        declared = [f":{name} {self.policies.get(name, 'ACCEPT')} [0:0]" for name in built_in]
        declared += [f":{name} - [0:0]" for name in others]
        rules = [f"-A {name} {line}".rstrip() for name in (*built_in, *others) for line in self.chains.get(name, ())]
        comments = [f"# {note}" for note in notes]
        return "\n".join([f"*{self.name}", *comments, *declared, *rules, "COMMIT"]) + "\n"


def file_text(tables: dict[str, Table], notes: list[str]) -> str:
    """The file of a family; ``notes`` become comments.

    The tools take a file table by table. Where one is cut short or refused in its middle, the tables before it are
    loaded: so `filter` is the first, and a host is not left open. The others follow in the order of ``TABLES``.

    The comments stand within the first table, since a file of nothing but comments is loaded without complaint.
    """
    first, *others = sorted(tables, key=lambda name: (name != "filter", [*TABLES].index(name)))
    return tables[first].text(notes) + "".join(tables[name].text() for name in others)
