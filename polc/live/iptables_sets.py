"""The ipsets of a ruleset: those that are to come, to be exchanged, and to go (ipset(8)).

A set of fixed members is made anew under another name and exchanged with the one that rules name, which the kernel does
at once. One that is filled at run time stays, and what it lacks of what it begins with is added. A set that no rule
names any more goes after the rules have changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from polc.backends.iptables.compare_ipsets import SetHeld, sets_left_by
from polc.backends.iptables.ipsets import NEW
from polc.live.change import Action, Part


@dataclass(frozen=True, slots=True)
class SetsChange:
    """Commands of `ipset restore` for before and for after the rules."""

    first: str
    last: str
    parts: tuple[Part, ...]


def sets_change(wanted: str, saved: str, former: str) -> SetsChange:
    """From what `ipset save` has printed to what the commands ``wanted`` leave; ``former`` are those of what ran."""
    there, here = sets_left_by(wanted), sets_left_by(saved)
    made = _creations(wanted)
    parts: list[Part] = []
    first: list[str] = []
    for name, one in there.items():
        before = here.get(name)
        new, gone = _members(one, before), _members(before, one) if before and one.fixed else []
        if before is None:
            parts.append(Part(Action.ADD, "set", name, count=1))
        if new or gone:
            parts += [Part(Action.REMOVE, "elements", name, _some(gone), count=len(gone))] if gone else []
            parts += [Part(Action.ADD, "elements", name, _some(new), count=len(new))] if new else []
        if one.fixed and (before is None or new or gone):
            first += _exchanged(name, made[name], list(one.members))
        elif before is None or new:
            first.append(f"create {name} {made[name]}")
            first += (f"add {name} {member}" for member in new)
    last = [name for name in sets_left_by(former) if name not in there and name in here]
    parts += [Part(Action.REMOVE, "set", name) for name in last]
    return SetsChange(_text(first), _text(f"destroy {name}" for name in last), tuple(parts))


def way_back(saved: str, wanted: str) -> str:
    """The sets that ``wanted`` has too, as they were seen, as commands that ``sets_change`` takes."""
    here, there = sets_left_by(saved), sets_left_by(wanted)
    made = _creations(saved)
    found: list[str] = []
    for name, one in there.items():
        if name in here and one.fixed:
            found += _exchanged(name, made[name], list(here[name].members))
        elif name in here:
            found.append(f"create {name} {made[name]}")
    return _text(found)


def _exchanged(name: str, how: str, members: list[str]) -> Iterator[str]:
    yield f"create {name}{NEW} {how}"
    yield f"flush {name}{NEW}"
    yield from (f"add {name}{NEW} {member}" for member in members)
    yield f"create {name} {how}"
    yield f"swap {name}{NEW} {name}"
    yield f"destroy {name}{NEW}"


def _creations(commands: str) -> dict[str, str]:
    words = (line.split(maxsplit=2) for line in commands.splitlines() if line.startswith("create "))
    return {name: how for _, name, how in words}


def _members(one: SetHeld, other: SetHeld | None) -> list[str]:
    return [member for member in one.members if other is None or member not in other.members]


def _some(members: list[str]) -> str:
    more = f" and {len(members) - 3} more" if len(members) > 3 else ""
    return ", ".join(members[:3]) + more


def _text(lines: Iterator[str] | list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
