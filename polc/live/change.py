"""What a change of a running ruleset consists of, for a reader and for machines."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Action(Enum):
    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Part:
    """Something that is added, removed, or put in the place of another of its name.

    ``kind`` is ``rule``, ``set``, ``chain``, ``elements`` and so on, ``name`` the object's name, or the chain of a rule
    or the set of elements. ``text`` says what it is, ``origin`` is the line of the policy, where there is one;
    ``count`` is how many elements.
    """

    action: Action
    kind: str
    name: str
    text: str = ""
    origin: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True)
class Change:
    """``commands`` do it, in the road's own words; empty: the kernel holds what is wanted.

    ``lost`` says what of what the running ruleset remembers is gone then, a sentence each. ``renamed`` counts the rules
    that stay as they are, for what they count, although the line of the policy that their comment names has moved.
    """

    commands: str
    parts: tuple[Part, ...] = ()
    lost: tuple[str, ...] = ()
    renamed: int = 0

    @property
    def changes(self) -> bool:
        return bool(self.commands)
