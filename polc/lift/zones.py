"""Interfaces to zones: each name that rules ask for is one, and `lo` is built in.

The one interface behind which addresses are hidden is the `wan`, and the only other network card the `lan`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from polc.ir.matches import InterfaceMatch
from polc.ir.ruleset import Rule
from polc.ir.selectors import Direction, InterfacePattern
from polc.ir.verdicts import Nat, NatKind
from polc.lift.model import Unsayable
from polc.lift.names import Names
from polc.policy.lower.symbols import BUILTIN_ZONES, LOOPBACK
from polc.policy.lower.values import interface

_LOOPBACK = BUILTIN_ZONES[LOOPBACK]


class Zones:
    """``names`` are those given so far, by the interfaces that they stand for."""

    def __init__(self, called: Mapping[InterfacePattern, str] | None = None) -> None:
        self.names: dict[InterfacePattern, str] = {}
        self._called = called or {}
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
            self.names[pattern] = self._free.near(self._called.get(pattern, pattern.name))
        return self.names[pattern]


_CARD = re.compile(r"(?:eth|en[opsx]|em|ppp|wlan|wl[ops])[0-9a-z]*\d[0-9a-z]*")
"""Network cards, whose names say nothing of what is behind them (udev's net_id, and the kernel's own)."""


def roles(rules: Iterable[Rule]) -> dict[InterfacePattern, str]:
    """What network cards are there for, as far as NAT tells."""
    cards: dict[InterfacePattern, None] = {}
    hidden: dict[InterfacePattern, None] = {}
    for rule in rules:
        source = isinstance(rule.verdict, Nat) and rule.verdict.kind in (NatKind.MASQUERADE, NatKind.SNAT)
        for match in rule.matches:
            if isinstance(match, InterfaceMatch):
                cards.update(dict.fromkeys(one for one in match.patterns if _CARD.fullmatch(one.name)))
                if source and match.direction is Direction.OUT and not match.negated:
                    hidden.update(dict.fromkeys(match.patterns))
    if len(hidden) != 1 or not hidden.keys() <= cards.keys():
        return {}
    (wan,) = hidden
    others = [one for one in cards if one != wan]
    return {wan: "wan", **({others[0]: "lan"} if len(others) == 1 else {})}


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
