"""The road of iptables, over nf_tables or its own tables: both families or neither, with the sets that rules name.

iptables-restore takes a file table by table, so between the first table and the last packets may meet the old of one
and the new of another: that is what these tools can do. Each family's file is tried with ``--test`` before anything is
loaded; what the kernel refuses then, and what a killed polc leaves half done, is put back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from polc.backends.iptables import ipsets
from polc.backends.iptables.compare import own, own_prefix, parse
from polc.backends.iptables.load_script import SCRIPT, script
from polc.backends.model import OutputFile
from polc.diagnostics import Failure
from polc.live import iptables_counts
from polc.live.change import Action, Change, Part
from polc.live.counted import Counted, FilledSet
from polc.live.host import Host
from polc.live.iptables_rules import RulesChange
from polc.live.iptables_rules import way_back as rules_back
from polc.live.iptables_sets import sets_change
from polc.live.iptables_sets import way_back as sets_back
from polc.live.road import Files

_TOOLS: Final = {"rules.v4": "iptables", "rules.v6": "ip6tables"}
_WHOLE: Final = "all tables"
_FORGET: Final = ("limit", "quota", "connlimit", "statistic")
"""Matches that remember something in the rule itself, and begin anew with its table."""
_WAIT: Final = ("--wait", "60")
"""Seconds for another program that holds the lock of iptables' own tables (iptables-restore(8))."""


@dataclass(frozen=True, slots=True)
class IptablesRoad:
    """``variant`` is ``nft`` or ``legacy``. What is owned are whole tables, or chains that begin alike."""

    variant: str
    target: str = "iptables"
    whole: bool = False

    @property
    def name(self) -> str:
        return f"iptables-{self.variant}"

    def owned(self, files: Files) -> tuple[str, ...]:
        prefixes = {own_prefix(file.text) for file in files if file.name in _TOOLS}
        return tuple(f"chains {prefix}*" if prefix else _WHOLE for prefix in sorted(prefixes))

    def read(self, host: Host, owned: Sequence[str], wanted: Files) -> Files:
        found = [
            OutputFile(file.name, host.run([f"{_TOOLS[file.name]}-{self.variant}-save", "-c"]))
            for file in wanted
            if file.name in _TOOLS
        ]
        try:
            sets = host.run(["ipset", "save"])
        except Failure:
            # Neither the program nor the kernel's part of it need be there where no rule names a set.
            if any(file.name == ipsets.FILE for file in wanted):
                raise
            sets = ""
        return (OutputFile(ipsets.FILE, sets), *found)

    def there(self, seen: Files, owned: Sequence[str]) -> tuple[str, ...]:
        found = []
        for one in owned:
            prefix = "" if one == _WHOLE else one.removeprefix("chains ").removesuffix("*")
            for file in seen:
                tables = parse(file.text) if file.name in _TOOLS else {}
                mine = own(tables, prefix) if prefix else tables
                if any(table.policies if prefix else not table.does_nothing for table in mine.values()):
                    found.append(one)
        return tuple(dict.fromkeys(found))

    def way_back(self, seen: Files, owned: Sequence[str], wanted: Files) -> Files:
        before = {file.name: file.text for file in seen}
        rules = [
            OutputFile(file.name, rules_back(before.get(file.name, ""), file.text))
            for file in wanted
            if file.name in _TOOLS
        ]
        sets = sets_back(before.get(ipsets.FILE, ""), _text(wanted, ipsets.FILE))
        files = (*([OutputFile(ipsets.FILE, sets)] if sets else []), *rules)
        prefix = own_prefix(rules[0].text) if rules else ""
        if prefix:
            files = (*files, OutputFile(SCRIPT, script(prefix, [file.name for file in files])))
        return files

    def change(
        self, seen: Files, wanted: Files, filled: frozenset[str], former: Files = (), *, anew: bool = False
    ) -> Change:
        sets = sets_change(_text(wanted, ipsets.FILE), _text(seen, ipsets.FILE), _text(former, ipsets.FILE))
        parts, restores = [*sets.parts], []
        for file in wanted:
            if file.name in _TOOLS:
                one = RulesChange(file.text, "" if anew else _text(seen, file.name))
                family = "" if file.name == "rules.v4" else "IPv6 "
                parts += [Part(p.action, p.kind, f"{family}{p.name}", p.text, p.origin, p.count) for p in one.parts]
                if one.restore:
                    restores.append([_TOOLS[file.name], "--noflush" if one.prefix else "", one.restore])
        if not (sets.first or sets.last or restores):
            return Change("")
        commands = json.dumps({"first": sets.first, "rules": restores, "last": sets.last})
        lost = [
            f"what set `{part.name}` holds"
            for part in sets.parts
            if part.kind == "set" and part.action is Action.REMOVE
        ]
        if any(f" -m {match} " in text for _, _, text in restores for match in _FORGET):
            lost.append("what limits, quotas and counted connections remember in tables that are loaded anew")
        return Change(commands, tuple(parts), tuple(lost))

    def make(self, host: Host, change: Change) -> None:
        todo = json.loads(change.commands)
        _ipset(host, ipsets.only_made(todo["first"]))
        for tool, noflush, text in todo["rules"]:
            self._restore(host, tool, noflush, text, "--test")
        _ipset(host, todo["first"])
        for tool, noflush, text in todo["rules"]:
            self._restore(host, tool, noflush, text)
        _ipset(host, todo["last"])

    def boot(self, names: Mapping[str, str]) -> tuple[str, ...]:
        if SCRIPT in names:
            return (f"VARIANT={self.variant} sh {names[SCRIPT]}",)
        sets = [f"ipset -exist restore <{names[ipsets.FILE]}"] if ipsets.FILE in names else []
        rules = [
            f"{tool}-{self.variant}-restore {' '.join(_WAIT)} --counters <{names[file]}"
            for file, tool in _TOOLS.items()
            if file in names
        ]
        return (*sets, *rules)

    def counts(self, seen: Files, wanted: Files) -> tuple[Counted, ...]:
        prefix = next((own_prefix(file.text) for file in wanted if file.name in _TOOLS), "")
        return tuple(
            replace(each, chain=f"{_TOOLS[file.name]} {each.chain}")
            for file in seen
            if file.name in _TOOLS
            for each in iptables_counts.counts(file.text, prefix)
        )

    def filled(self, seen: Files, names: frozenset[str]) -> tuple[FilledSet, ...]:
        return tuple(iptables_counts.filled(_text(seen, ipsets.FILE), names))

    def _restore(self, host: Host, tool: str, noflush: str, text: str, *options: str) -> None:
        words = [noflush] if noflush else []
        host.run([f"{tool}-{self.variant}-restore", *_WAIT, "--counters", *words, *options], text)


def _ipset(host: Host, commands: str) -> None:
    if commands:
        host.run(["ipset", "-exist", "restore"], commands)


def _text(files: Files, name: str) -> str:
    return next((file.text for file in files if file.name == name), "")
