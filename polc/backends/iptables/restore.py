"""The text of a restore file (iptables-restore(8))."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from polc.backends.iptables.tables import TABLES


@dataclass(slots=True)
class Table:
    """A table being filled: policies of built-in chains that do not accept, and lines by chain.

    ``jumps`` are the built-in chains that call one of ours, for a file that is loaded beside other rules: there
    nothing else is said of built-in chains.
    """

    name: str
    policies: dict[str, str] = field(default_factory=dict)
    chains: dict[str, list[str]] = field(default_factory=dict)
    jumps: dict[str, str] = field(default_factory=dict)

    def text(self, notes: Sequence[str] = (), *, beside: bool = False) -> str:
        """Built-in chains first, as iptables-save has them, then the others in the order of their making."""
        built_in = () if beside else TABLES[self.name]
        others = [name for name in self.chains if name not in built_in]
        declared = [f":{name} {self.policies.get(name, 'ACCEPT')} [0:0]" for name in built_in]
        declared += [f":{name} - [0:0]" for name in others]
        rules = [_rule(name, line) for name in (*built_in, *others) for line in self.chains.get(name, ())]
        jumps = [f"-A {name} -j {own}" for name, own in self.jumps.items()]
        comments = [f"# {note}" for note in notes]
        return "\n".join([f"*{self.name}", *comments, *declared, *rules, *jumps, "COMMIT"]) + "\n"


def _rule(chain: str, line: str) -> str:
    start = line.index("]") + 2 if line.startswith("[") else 0
    return f"{line[:start]}-A {chain} {line[start:]}".rstrip()


def counting_from(line: str, packets: int, bytes: int) -> str:
    """The line of a rule whose counters begin there (iptables-restore(8), ``--counters``)."""
    return f"[{packets}:{bytes}] {line}"


def file_text(tables: dict[str, Table], notes: Sequence[str]) -> str:
    """The file of a family; ``notes`` become comments.

    The tools take a file table by table. Where one is cut short or refused in its middle, the tables before it are
    loaded: so `filter` is the first, and a host is not left open. The others follow in the order of ``TABLES``.

    The comments stand within the first table, since a file of nothing but comments is loaded without complaint.
    """
    first, *others = _ordered(tables)
    return tables[first].text(notes) + "".join(tables[name].text() for name in others)


END = "# end"
"""The last line of a file of own chains: of one that breaks off, what is missing is not to be taken away."""


def file_beside(tables: dict[str, Table], notes: Sequence[str]) -> str:
    """The file of a family's own chains, beside those of others; there may be no table in it."""
    comments = "".join(f"# {note}\n" for note in notes)
    return f"{comments}{''.join(tables[name].text(beside=True) for name in _ordered(tables))}{END}\n"


def _ordered(tables: dict[str, Table]) -> list[str]:
    return sorted(tables, key=lambda name: (name != "filter", [*TABLES].index(name)))
