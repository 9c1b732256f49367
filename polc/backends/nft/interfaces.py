"""Interface names as nft writes them."""

from __future__ import annotations

from polc.backends.features import Feature
from polc.backends.nft.expressions import Meta, Names, Numbers
from polc.backends.nft.refused import Refused
from polc.backends.nft.statements import Compare
from polc.backends.profile import Profile
from polc.ir.intervals import Intervals
from polc.ir.matches import Direction, InterfaceMatch, InterfacePattern, disjoint_patterns

_LONGEST = 15
_INDEX = {Direction.IN: "iif", Direction.OUT: "oif"}


def options(match: InterfaceMatch, profile: Profile) -> tuple[InterfaceMatch, ...]:
    """A positive match as disjoint matches of which each fits one rule: a wildcard cannot always stand in a set."""
    together, alone = _grouped(match, profile)
    parts = ([together] if together else []) + [(one,) for one in alone]
    return tuple(InterfaceMatch(match.direction, part) for part in parts)


def compare_interfaces(match: InterfaceMatch, profile: Profile) -> tuple[Compare, ...]:
    """The matches for one of ``options``, or for any list that is negated.

    Raises:
        Refused: a name that nft cannot write.
    """
    together, alone = _grouped(match, profile)
    names = tuple(spell(one) for one in together)
    found = [Compare(Meta(match.direction.value), Names(names), match.negated)] if names else []
    return (*found, *(compare for one in alone for compare in compare_name(match.direction, one, match.negated)))


_Patterns = tuple[InterfacePattern, ...]


def _grouped(match: InterfaceMatch, profile: Profile) -> tuple[_Patterns, _Patterns]:
    """Names that one anonymous set can hold, and those that need a match each.

    A set with wildcards holds ranges of names; a star that is part of a name stays out of those.
    """
    patterns = disjoint_patterns(match.patterns)
    if (
        profile.has(Feature.INTERFACE_WILDCARD_SETS)
        and len(patterns) > 1
        and all(one.name and not one.name.endswith("*") for one in patterns)
    ):
        return patterns, ()
    return tuple(one for one in patterns if not one.wildcard), tuple(one for one in patterns if one.wildcard)


def compare_name(direction: Direction, pattern: InterfacePattern, negated: bool = False) -> tuple[Compare, ...]:
    """A match for one name or wildcard; raises as ``spell``."""
    if pattern.name:
        return (Compare(Meta(direction.value), Names((spell(pattern),)), negated),)
    # `*` alone is no name to nft. Every interface has an index, counted from 1; without one it reads 0.
    return (Compare(Meta(_INDEX[direction]), Numbers(Intervals.single(0)), not negated),)


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
