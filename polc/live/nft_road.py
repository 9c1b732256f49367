"""The road of nft: one transaction of libnftables' JSON, by the program ``nft`` (nft(8), ``-j -f -``)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from polc.backends.model import OutputFile
from polc.backends.nft.json_value import Json, items, members
from polc.diagnostics import Failure
from polc.kernel.listed import complete, objects
from polc.live import nft_counts
from polc.live.change import Action, Change, Part
from polc.live.counted import Counted, FilledSet
from polc.live.host import Host
from polc.live.nft_change import change
from polc.live.nft_large import make_large, too_long
from polc.live.nft_table import HeldTable, Name, commands_for, meters_in, read_tables
from polc.live.road import Files

_FILE = "ruleset.nft.json"
_DEVICES = ("ingress", "egress")


@dataclass(frozen=True, slots=True)
class NftRoad:
    """Tables are owned whole, by family and name; all others are let alone, and none but ours are listed."""

    name: str = "nft"
    target: str = "nft"
    whole: bool = True

    def owned(self, files: Files) -> tuple[str, ...]:
        return tuple(" ".join(name) for file in files for name in read_tables(file.text))

    def read(self, host: Host, owned: Sequence[str], wanted: Files) -> Files:
        there = _members(host.run(["nft", "-j", "list", "tables"]))
        names = {(str(one.get("family")), str(one.get("name"))) for one in objects(there, "table")}
        listings = [_listed(host, name) for name in map(_name, owned) if name in names]
        if len(listings) == 1:
            return (OutputFile(_FILE, listings[0]),)
        entries = [one for text in listings for one in items(_members(text).get("nftables"))]
        return (OutputFile(_FILE, json.dumps({"nftables": entries})),)

    def there(self, seen: Files, owned: Sequence[str]) -> tuple[str, ...]:
        found = _tables(seen, ())
        return tuple(one for one in owned if found.get(_name(one)) is not None)

    def way_back(self, seen: Files, owned: Sequence[str], wanted: Files) -> Files:
        if any('"xt":' in file.text for file in seen):
            raise Failure.of(
                "POL624",
                "what is there has rules of iptables-nft, which nft does not list whole: nothing would lead back",
                help="take them over with `--target iptables --variant nft --adopt`, or let them be: a table of "
                "another name (`settings: {table: polc}`) judges packets beside them",
            )
        found = _tables(seen, wanted)
        return (OutputFile(_FILE, commands_for({name: found.get(name) for name in map(_name, owned)})),)

    def change(
        self, seen: Files, wanted: Files, filled: frozenset[str], former: Files = (), *, anew: bool = False
    ) -> Change:
        here, there = _tables(seen, wanted), _tables(wanted, ())
        # Tables that an earlier policy had under another name go with it.
        gone: dict[Name, HeldTable | None] = {name: None for name in _tables(former, ()) if name not in there}
        found = change(here, {**there, **gone}, filled, _tables(former, ()))
        if not anew:
            return found
        lost = [f"all that table `{' '.join(name)}` remembers" for name, one in here.items() if one is not None]
        parts = tuple(Part(Action.REPLACE, "table", " ".join(name)) for name in there)
        return Change(commands_for({**there, **gone}), parts, tuple(lost))

    def make(self, host: Host, change: Change) -> None:
        nft = _Program(host)
        try:
            nft.run_json(change.commands)
        except Failure as failure:
            first = failure.diagnostics[0]
            if too_long(failure):
                make_large(nft, change.commands)
                return
            raise Failure.of(first.code, first.message, help=first.help or _ADVICE) from None

    def boot(self, names: Mapping[str, str]) -> tuple[str, ...]:
        return tuple(f"TZ=UTC nft -j -f {name}" for name in names.values())

    def counts(self, seen: Files, wanted: Files) -> tuple[Counted, ...]:
        here, there = _tables(seen, wanted), _tables(wanted, ())
        return tuple(
            each
            for name, table in here.items()
            if table is not None
            for each in nft_counts.counts(table, there.get(name) or HeldTable())
        )

    def lines(self, seen: Files, wanted: Files) -> dict[tuple[str, int], str]:
        """Today's lines of the policy, by tables (`inet polc`) and the handles of rules."""
        here, there = _tables(seen, wanted), _tables(wanted, ())
        return {
            (" ".join(name), handle): line
            for name, table in here.items()
            if table is not None
            for handle, line in nft_counts.lines(table, there.get(name) or HeldTable()).items()
        }

    def filled(self, seen: Files, names: frozenset[str]) -> tuple[FilledSet, ...]:
        tables = _tables(seen, ()).values()
        return tuple(each for table in tables if table is not None for each in nft_counts.filled(table, names))


@dataclass(frozen=True, slots=True)
class _Program:
    host: Host

    def run_json(self, text: str) -> str:
        return self.host.run(["nft", "-j", "-f", "-"], text)


_ADVICE = "nothing has changed; `--replace` replaces the whole table, and with it what it remembers"


def _listed(host: Host, name: Name) -> str:
    """A table as JSON, with the devices of its chains."""
    text = host.run(["nft", "-j", "list", "table", *name])
    if not any(f'"hook": "{hook}"' in text for hook in _DEVICES):
        return text
    listed = _members(text)
    if all("dev" in one for one in objects(listed, "chain") if one.get("hook") in _DEVICES):
        return text
    complete(listed, host.run(["nft", "list", "table", *name]))
    return json.dumps(listed)


def _tables(files: Files, wanted: Files) -> dict[Name, HeldTable | None]:
    meters = frozenset(name for file in wanted for name in meters_in(file.text))
    return {name: table for file in files for name, table in read_tables(file.text, meters).items()}


def _name(words: str) -> Name:
    family, _, name = words.partition(" ")
    return family, name


def _members(text: str) -> dict[str, Json]:
    found: Json = json.loads(text)
    return members(found)
