"""The rules of one family: what of them differs, and what iptables-restore is given to change that.

Only tables that differ are given to it, each whole, since that is what it replaces at once; rules that stay begin with
the packets and bytes that they have counted so far (iptables-restore(8), ``--counters``). Of own chains beside those of
others only these, and the jumps to them, are given, for ``--noflush``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from polc.backends.iptables.compare import SavedTable, own, own_prefix, parse
from polc.backends.iptables.restore import END
from polc.backends.iptables.tables import TABLES
from polc.live.change import Action, Part
from polc.live.common import common

_COUNTED = re.compile(r"\[(\d+:\d+)\] ?")
_COMMENT = re.compile(r" ?-m comment --comment (?:'(?P<quoted>[^']*)'|(?P<plain>\S+))")
_NONE: Final = "[0:0]"


class RulesChange:
    """``restore`` is for iptables-restore, and empty where nothing differs; ``seen`` is of iptables-save -c."""

    def __init__(self, wanted: str, seen: str) -> None:
        self.prefix = own_prefix(wanted)
        self._texts = _sections(wanted)
        self._wanted, every = parse(wanted), parse(seen)
        self._seen = own(every, self.prefix) if self.prefix else every
        self._counts = _counts(seen)
        self.parts: list[Part] = []
        self.restore = "".join(self._table(name) for name in self._names())

    def _names(self) -> Iterator[str]:
        """Tables that differ, in the order of the file; those that are only there come last."""
        for name in dict.fromkeys((*self._wanted, *self._seen)):
            if self.prefix or name in self._wanted or not self._seen[name].does_nothing:
                one, other = self._wanted.get(name, SavedTable()), self._seen.get(name, SavedTable())
                if _comparable(name, one) != _comparable(name, other):
                    yield name

    def _table(self, name: str) -> str:
        wanted, seen = self._wanted.get(name, SavedTable()), self._seen.get(name, SavedTable())
        kept = {
            chain: self._kept(name, chain, wanted.rules.get(chain, []), seen.rules.get(chain, []))
            for chain in dict.fromkeys((*wanted.rules, *seen.rules))
        }
        self._tell_chains(name, wanted, seen)
        if not self.prefix:
            return self._whole(name, wanted, kept)
        return self._beside(name, wanted, seen, kept)

    def _kept(self, table: str, chain: str, there: list[str], here: list[str]) -> dict[int, str]:
        """By its position, what a rule that stays has counted."""
        matched = common([_meaning(one) for one in here], [_meaning(one) for one in there])
        gone, new = dict(matched), {other for _, other in matched}
        place = f"{table} {chain}"
        self.parts += [_part(Action.REMOVE, place, one) for at, one in enumerate(here) if at not in gone]
        self.parts += [_part(Action.ADD, place, one) for at, one in enumerate(there) if at not in new]
        moved = [(one, other) for one, other in matched if here[one] != there[other]]
        self.parts += [_part(Action.REPLACE, place, there[other]) for _, other in moved]
        counted = self._counts.get((table, chain), [])
        return {other: counted[one] for one, other in matched if one < len(counted)} if not self._partial(chain) else {}

    def _partial(self, chain: str) -> bool:
        """Of a built-in chain beside those of others only the jumps are looked at, and they stay where they are."""
        return bool(self.prefix) and not chain.startswith(self.prefix)

    def _tell_chains(self, name: str, wanted: SavedTable, seen: SavedTable) -> None:
        built_in = TABLES.get(name, ())
        for chain, policy in wanted.policies.items():
            before = seen.policies.get(chain, "ACCEPT" if chain in built_in else None)
            if before is None:
                self.parts.append(Part(Action.ADD, "chain", f"{name} {chain}"))
            elif before != policy:
                self.parts.append(Part(Action.REPLACE, "policy", f"{name} {chain}", policy))
        gone = (chain for chain in seen.policies if chain not in wanted.policies and chain not in built_in)
        self.parts += [Part(Action.REMOVE, "chain", f"{name} {chain}") for chain in gone]

    def _whole(self, name: str, wanted: SavedTable, kept: dict[str, dict[int, str]]) -> str:
        if name not in self._texts:
            return _emptied(name)
        return "".join(self._counted(self._texts[name], kept, name))

    def _counted(self, lines: list[str], kept: dict[str, dict[int, str]], table: str = "") -> Iterator[str]:
        """The lines with what they have counted; ``table`` has policies that count too, empty: it has none of ours."""
        position: dict[str, int] = {}
        for line in lines:
            start = _COUNTED.match(line)
            rule = line[start.end() :] if start else line
            if not rule.startswith("-A "):
                policy = self._counts.get((table, line.split(" ", 1)[0]), [_NONE[1:-1]])[0]
                yield line.replace(_NONE, f"[{policy}]") if line.startswith(":") else line
                continue
            chain = rule.split(" ", 2)[1].strip()
            at = position.get(chain, 0)
            position[chain] = at + 1
            count = kept.get(chain, {}).get(at) or (start[1] if start else "")
            yield f"[{count}] {rule}" if count else rule

    def _beside(self, name: str, wanted: SavedTable, seen: SavedTable, kept: dict[str, dict[int, str]]) -> str:
        lines = self._texts.get(name, [f"*{name}\n", "COMMIT\n"])
        stale = [chain for chain in seen.policies if chain not in wanted.policies]
        jumps = {chain: [*rules] for chain, rules in seen.rules.items() if self._partial(chain)}
        asked = {chain: [*rules] for chain, rules in wanted.rules.items() if self._partial(chain)}
        found = [line for line in self._counted(lines[:-1], kept) if not self._is_jump(line)]
        found += (f":{chain} - {_NONE}\n" for chain in stale)
        for chain, rules in asked.items():
            there = jumps.get(chain, [])
            found += (f"-A {chain} {rule}\n" for rule in rules if rule not in there)
        for chain, rules in jumps.items():
            left = asked.get(chain, [])
            for at, rule in enumerate(rules):
                if rule not in left or rule in rules[:at]:
                    found.append(f"-D {chain} {rule}\n")
        found += (f"-X {chain}\n" for chain in stale)
        return "".join([*found, lines[-1]])

    def _is_jump(self, line: str) -> bool:
        words = _COUNTED.sub("", line, count=1).split()
        return words[:1] == ["-A"] and self._partial(words[1])


def _comparable(name: str, table: SavedTable) -> object:
    """A table without what says nothing: empty chains of the kernel's that accept, which come by being looked at."""
    built_in = TABLES.get(name, ())
    policies = {
        chain: policy for chain, policy in table.policies.items() if not (chain in built_in and policy == "ACCEPT")
    }
    return policies, {chain: rules for chain, rules in table.rules.items() if rules}


def _meaning(rule: str) -> str:
    return _COMMENT.sub("", rule)


def _part(action: Action, place: str, rule: str) -> Part:
    comment = _COMMENT.search(rule)
    origin = (comment["quoted"] or comment["plain"] or "") if comment else ""
    return Part(action, "rule", place, _meaning(rule), origin)


def _sections(text: str) -> dict[str, list[str]]:
    """The lines of each table, from its star to its COMMIT."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines(keepends=True):
        if line.startswith("*"):
            lines = found.setdefault(line[1:].strip(), [])
        elif line.startswith("#"):
            continue
        lines.append(line)
    return found


def _counts(saved: str) -> dict[tuple[str, str], list[str]]:
    """What each rule has counted, by table and chain, and each policy, by table and chain with a colon."""
    found: dict[tuple[str, str], list[str]] = {}
    table = ""
    for line in saved.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith(":") and (ends := re.search(r"\[(\d+:\d+)\]$", line)):
            found[table, line.split(" ", 1)[0]] = [ends[1]]
        elif counted := _COUNTED.match(line):
            found.setdefault((table, line[counted.end() :].split(" ", 2)[1]), []).append(counted[1])
    return found


def _emptied(table: str) -> str:
    return "".join((f"*{table}\n", *(f":{chain} ACCEPT {_NONE}\n" for chain in TABLES.get(table, ())), "COMMIT\n"))


def way_back(saved: str, wanted: str) -> str:
    """What was seen, as a file that ``RulesChange`` takes; ``saved`` empty: nothing was there."""
    prefix = own_prefix(wanted)
    sections, tables = _sections(saved), parse(saved)
    if not prefix:
        others = [name for name in parse(wanted) if name not in sections]
        return "".join((*(line for lines in sections.values() for line in lines), *map(_emptied, others)))
    mine = own(tables, prefix)
    found = [wanted.partition("\n")[0] + "\n"]
    for name in mine:
        found.append(f"*{name}\n")
        found += (f":{chain} - {_NONE}\n" for chain in mine[name].policies)
        for line in sections[name]:
            rule = _COUNTED.sub("", line, count=1)
            words = rule.split()
            jump = len(words) == 4 and words[2] == "-j" and words[3].startswith(prefix)
            if words[:1] == ["-A"] and (words[1].startswith(prefix) or jump):
                found.append(line)
        found.append("COMMIT\n")
    return "".join([*found, f"{END}\n"])
