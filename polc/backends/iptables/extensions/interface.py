"""Interfaces: ``-i`` and ``-o`` (iptables(8), PARAMETERS)."""

from __future__ import annotations

from polc.backends.cascade import Alternatives
from polc.backends.iptables.extensions.words import Piece, Rank, Refused, Words
from polc.ir.matches import Direction, InterfaceMatch, InterfacePattern, disjoint_patterns

_OPTIONS = {Direction.IN: (Rank.IN, "-i"), Direction.OUT: (Rank.OUT, "-o")}
_LONGEST = 15  # IFNAMSIZ - 1
_MISREAD = frozenset("\"'\\/!")


def split(match: InterfaceMatch) -> Alternatives:
    """One pattern an option; patterns that another covers are left out, so no packet meets two."""
    patterns = disjoint_patterns(match.patterns)
    slot = _OPTIONS[match.direction][1]
    if match.negated and len(patterns) == 1:
        return Alternatives((InterfaceMatch(match.direction, patterns, True),), slot=slot)
    options = tuple(InterfaceMatch(match.direction, (pattern,)) for pattern in patterns)
    return Alternatives(options, excluded=match.negated, slot=slot)


def words(match: InterfaceMatch) -> Words:
    rank, option = _OPTIONS[match.direction]
    (pattern,) = match.patterns
    return Words((Piece(rank, f"{'! ' if match.negated else ''}{option} {spelled(pattern)}"),))


def spelled(pattern: InterfacePattern) -> str:
    """How iptables writes it.

    Raises:
        Refused: it would misread the name, or has no room for it.
    """
    name = pattern.name
    if not name:
        raise Refused("any-interface", "`*` alone matches every interface, which is no match", "leave the zone out")
    if name.startswith("-") or any(c in _MISREAD or c.isspace() or not c.isprintable() for c in name):
        raise Refused("interface-name", f"iptables would misread the interface name `{name}`")
    if not pattern.wildcard and name.endswith("+"):
        raise Refused("interface-name", f"iptables takes the `+` of the interface name `{name}` for a wildcard")
    if len(name.encode()) > _LONGEST:
        raise Refused("interface-name", f"the interface name `{name}` is longer than {_LONGEST} bytes")
    # No name is longer than 15 bytes: a prefix of that length is the name itself, and has no room for the `+`.
    return f"{name}+" if pattern.wildcard and len(name.encode()) < _LONGEST else name
