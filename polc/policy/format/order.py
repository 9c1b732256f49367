"""Where in a policy a node stands, and the order of the keys there."""

from __future__ import annotations

from enum import Enum, auto


class Place(Enum):
    """Kinds of node that the canonical form treats differently."""

    POLICY = auto()
    SECTION = auto()
    SECTIONS = auto()
    LISTS = auto()
    RULES = auto()
    NAT = auto()
    RULE = auto()
    DEFINITIONS = auto()
    DEFINITION = auto()
    OTHER = auto()


_CHILDREN: dict[Place, dict[str | None, Place]] = {
    Place.POLICY: {
        **dict.fromkeys(("input", "forward", "output"), Place.SECTION),
        **dict.fromkeys(("raw", "mangle", "macros", "chains"), Place.LISTS),
        "ingress": Place.SECTIONS,
        "nat": Place.NAT,
        "services": Place.DEFINITIONS,
    },
    Place.SECTION: {"rules": Place.RULES},
    Place.RULES: {None: Place.RULE},
    Place.NAT: {None: Place.RULE},
    Place.RULE: {"rule": Place.RULE},
}
_KEYS: dict[Place, tuple[str, ...]] = {
    Place.POLICY: ("polc", "include", "settings", "zones", "addresses", "services", "timeouts", "flowtables", "macros",
                   "chains", "input", "forward", "output", "ingress", "raw", "mangle", "nat", "assert",
                   "tests"),
    Place.SECTION: ("default", "rules"),
    Place.RULE: ("rule", "use", "verdict", "with", "chain", "num", "flags", "vmap", "verdicts", "service",
                 "sport", "from", "to", "state", "where", "connections", "hits", "over", "limit", "quota", "recent",
                 "nth", "probability", "native", "target",
                 "random", "fully_random", "persistent", "ban", "mark", "ct_mark", "ct_zone", "ct_timeout", "ttl",
                 "hoplimit", "priority", "dscp", "mss", "reset", "notrack", "synproxy", "dup", "flow", "trace", "log",
                 "count", "counter", "helper", "id", "comment"),
    Place.DEFINITION: ("ports", "sport", "helper"),
}  # fmt: skip


def child_place(place: Place, key: str | None) -> Place:
    """The place of what stands under a key, or, for ``None``, of an item of a list."""
    if place is Place.DEFINITIONS:
        return Place.DEFINITION
    if place is Place.LISTS or (place is Place.NAT and key):
        return Place.RULES
    if place is Place.SECTIONS:
        return Place.SECTION
    return _CHILDREN.get(place, {}).get(key, Place.OTHER)


def rank(place: Place, key: str | None) -> int:
    """The place of a key among those beside it; keys without an order of their own come last, as they were."""
    keys = _KEYS.get(place, ())
    return keys.index(key) if key in keys else len(keys)
