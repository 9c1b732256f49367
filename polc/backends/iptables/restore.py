"""The text of a restore file (iptables-restore(8))."""

from __future__ import annotations

from dataclasses import dataclass, field

from polc.backends.iptables.tables import TABLES


@dataclass(slots=True)
class Table:
    """A table being filled: policies of built-in chains that do not accept, and lines by chain."""

    name: str
    policies: dict[str, str] = field(default_factory=dict)
    chains: dict[str, list[str]] = field(default_factory=dict)

    def text(self) -> str:
        """Built-in chains first, as iptables-save has them, then the others in the order of their making."""
        built_in = TABLES[self.name]
        others = [name for name in self.chains if name not in built_in]
        declared = [f":{name} {self.policies.get(name, 'ACCEPT')} [0:0]" for name in built_in]
        declared += [f":{name} - [0:0]" for name in others]
        rules = [f"-A {name} {line}".rstrip() for name in (*built_in, *others) for line in self.chains.get(name, ())]
        return "\n".join([f"*{self.name}", *declared, *rules, "COMMIT"]) + "\n"


def file_text(tables: dict[str, Table], notes: list[str]) -> str:
    """Tables in the order in which a packet meets them; ``notes`` become comments at the top."""
    used = [tables[name] for name in TABLES if name in tables]
    return "".join(f"# {note}\n" for note in notes) + "".join(table.text() for table in used)
