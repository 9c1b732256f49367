"""Reading sets back: are those there that were emitted?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

_OF_THE_KERNEL = frozenset({"hashsize", "bucketsize", "initval"})
"""How a set is kept, not what it means: the table grows, and the kernel draws the others."""

_FLAGS = frozenset({"counters", "comment", "skbinfo", "forceadd"})
"""Options without a value."""
_MOST = 5
"""Members that are named in one sentence."""


@dataclass(slots=True)
class SetHeld:
    """``fixed``: made to be exchanged with one that is there, so that nothing else is in it."""

    options: dict[str, str]
    members: dict[str, None] = field(default_factory=dict)
    fixed: bool = False


def differences(emitted: str, saved: str) -> tuple[str, ...]:
    """What ``saved`` (of ``ipset save``) lacks of ``emitted``, a sentence each.

    Members that ``saved`` has beside count for sets that no rule fills alone. Other sets of the host do not.
    """
    return tuple(_differences(sets_left_by(emitted), sets_left_by(saved)))


def _differences(wanted: dict[str, SetHeld], found: dict[str, SetHeld]) -> Iterator[str]:
    for name, one in wanted.items():
        if name not in found:
            yield f"set {name} is missing"
            continue
        other = found[name]
        for option in dict.fromkeys((*one.options, *other.options)):
            meant, held = one.options.get(option, "absent"), other.options.get(option, "absent")
            if meant != held:
                yield f"set {name}: {option} is {held}, not {meant}"
        if missing := one.members.keys() - other.members.keys():
            yield f"set {name} lacks {_some(missing)}"
        if one.fixed and (beside := other.members.keys() - one.members.keys()):
            yield f"set {name} has {_some(beside)}, which was not emitted"


def _some(members: set[str]) -> str:
    named = sorted(members)[:_MOST]
    more = f" and {len(members) - _MOST} more" if len(members) > _MOST else ""
    return ", ".join(f"`{one}`" for one in named) + more


def sets_left_by(text: str) -> dict[str, SetHeld]:
    """The sets that commands leave (ipset(8))."""
    sets: dict[str, SetHeld] = {}
    for line in text.splitlines():
        match line.split():
            case ["create", name, *options]:
                sets[name] = SetHeld(_options(options))
            case ["add", name, member, *options] if name in sets:
                # The time that a member has left is no part of it.
                sets[name].members[f"{member} wildcard" if "wildcard" in options else member] = None
            case ["swap", one, other] if one in sets and other in sets:
                sets[one], sets[other] = sets[other], sets[one]
                sets[other].fixed = True
            case ["destroy", name]:
                sets.pop(name, None)
            case _:
                pass
    return sets


def _options(words: list[str]) -> dict[str, str]:
    found = {"type": words.pop(0)}
    while words:
        option = words.pop(0)
        value = "set" if option in _FLAGS else words.pop(0)
        if option not in _OF_THE_KERNEL:
            found[option] = value
    return found
