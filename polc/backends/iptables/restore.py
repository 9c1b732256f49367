"""The text of a restore file (iptables-restore(8))."""

from __future__ import annotations

from collections.abc import Iterable
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

    def text(self, *, beside: bool) -> str:
        """Built-in chains first, as iptables-save has them, then the others in the order of their making."""
        built_in = () if beside else TABLES[self.name]
        others = [name for name in self.chains if name not in built_in]
        declared = [f":{name} {self.policies.get(name, 'ACCEPT')} [0:0]" for name in built_in]
        declared += [f":{name} - [0:0]" for name in others]
        rules = [_rule(name, line) for name in (*built_in, *others) for line in self.chains.get(name, ())]
        jumps = [f"-A {name} -j {own}" for name, own in self.jumps.items()]
        return "\n".join([f"*{self.name}", *declared, *rules, *jumps, "COMMIT"]) + "\n"


def _rule(chain: str, line: str) -> str:
    start = line.index("]") + 2 if line.startswith("[") else 0
    return f"{line[:start]}-A {chain} {line[start:]}".rstrip()


def counting_from(line: str, packets: int, bytes: int) -> str:
    """The line of a rule whose counters begin there (iptables-restore(8), ``--counters``)."""
    return f"[{packets}:{bytes}] {line}"


END = "# end"
"""The last line of a file of own chains: of one that breaks off, what is missing is not to be taken away."""


def file_text(tables: dict[str, Table], notes: Iterable[str], *, beside: bool = False) -> str:
    """Tables in the order in which a packet meets them; ``notes`` become comments at the top."""
    used = [tables[name] for name in TABLES if name in tables and (tables[name].chains or not beside)]
    end = f"{END}\n" if beside else ""
    return "".join(f"# {note}\n" for note in notes) + "".join(table.text(beside=beside) for table in used) + end
