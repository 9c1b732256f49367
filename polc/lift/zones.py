"""Interfaces to zones: each name that rules ask for is one, and `lo` is built in."""

from __future__ import annotations

import re

from polc.ir.matches import InterfaceMatch
from polc.ir.selectors import InterfacePattern
from polc.lift.model import Unsayable
from polc.lift.names import Names
from polc.policy.lower.symbols import BUILTIN_ZONES, LOOPBACK
from polc.policy.lower.values import interface

_LOOPBACK = BUILTIN_ZONES[LOOPBACK]


class Zones:
    """``names`` are those given so far, by the interfaces that they stand for."""

    def __init__(self) -> None:
        self.names: dict[InterfacePattern, str] = {}
        self._free = Names((LOOPBACK,), "zone")

    def words(self, match: InterfaceMatch) -> str:
        """``wan, lan``, ``not wan``.

        Raises:
            Unsayable: an interface has a name that no interface has.
        """
        names = ", ".join(self.name(one) for one in match.patterns)
        return f"not {names}" if match.negated else names

    def name(self, pattern: InterfacePattern) -> str:
        if (pattern,) == _LOOPBACK:
            return LOOPBACK
        if pattern not in self.names:
            pattern_text(pattern)
            self.names[pattern] = self._free.near(pattern.name)
        return self.names[pattern]


def pattern_text(pattern: InterfacePattern) -> str:
    """``eth0``, ``wg*``, and ``odd\\\\*`` for a name that ends with a star.

    Raises:
        Unsayable: no interface has such a name.
    """
    text = pattern.name + ("*" if pattern.wildcard else "")
    if not pattern.wildcard:
        text = re.sub(r"\*$", r"\\*", text)
    try:
        found = interface(text)
    except ValueError as error:
        raise Unsayable(str(error)) from None
    if found != pattern:
        raise Unsayable(f"`{pattern.name}` is not an interface name that a policy can have")
    return text
