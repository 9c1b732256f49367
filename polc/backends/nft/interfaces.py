"""Interface names as nft writes them."""

from __future__ import annotations

from polc.backends.nft.expressions import Meta, Names, Numbers
from polc.backends.nft.refused import Refused
from polc.backends.nft.statements import Compare
from polc.ir.intervals import Intervals
from polc.ir.matches import Direction, InterfaceMatch, InterfacePattern, disjoint_patterns

_LONGEST = 15
_INDEX = {Direction.IN: "iif", Direction.OUT: "oif"}


def options(match: InterfaceMatch) -> tuple[InterfaceMatch, ...]:
    """A positive match as disjoint matches of which each fits one rule: a wildcard cannot stand in an anonymous set."""
    patterns = disjoint_patterns(match.patterns)
    exact = tuple(one for one in patterns if not one.wildcard)
    parts = ([exact] if exact else []) + [(one,) for one in patterns if one.wildcard]
    return tuple(InterfaceMatch(match.direction, part) for part in parts)


def compare_interfaces(match: InterfaceMatch) -> tuple[Compare, ...]:
    """The matches for names alone, one wildcard alone, or any list that is negated.

    Raises:
        Refused: a name that nft cannot write.
    """
    patterns = disjoint_patterns(match.patterns)
    exact = tuple(spell(one) for one in patterns if not one.wildcard)
    found = [Compare(Meta(match.direction.value), Names(exact), match.negated)] if exact else []
    return (*found, *(_wildcard(match, one) for one in patterns if one.wildcard))


def _wildcard(match: InterfaceMatch, pattern: InterfacePattern) -> Compare:
    if pattern.name:
        return Compare(Meta(match.direction.value), Names((spell(pattern),)), match.negated)
    # `*` alone is no name to nft. Every interface has an index, counted from 1; without one it reads 0.
    return Compare(Meta(_INDEX[match.direction]), Numbers(Intervals.single(0)), not match.negated)


def spell(pattern: InterfacePattern) -> str:
    """Raises:
    Refused: a name that nft cannot write.
    """
    name = pattern.name
    if '"' in name or "\\" in name or name.startswith("@") or not name.isprintable():
        # `@` would name a set in JSON, a quote would end the text, a backslash makes a star literal.
        raise Refused(f"nft cannot write the interface name `{name}`")
    if not name or len(name.encode()) > _LONGEST:
        raise Refused(f"`{name}` is not an interface name: it has 1 to {_LONGEST} bytes")
    if pattern.wildcard:
        return name if len(name.encode()) == _LONGEST else f"{name}*"  # no longer name begins with a full one
    if name.endswith("*"):
        if len(name.encode()) == _LONGEST:
            raise Refused(f"nft has no room to write the interface name `{name}`, whose last star it must escape")
        return f"{name[:-1]}\\*"
    return name
