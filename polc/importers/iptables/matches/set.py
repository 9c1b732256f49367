"""``-m set``: members of an ipset, whose type says which parts of a packet it holds (net/netfilter/xt_set.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import Problem, Word, wrong
from polc.importers.iptables.saved import decimal
from polc.importers.iptables.values import number
from polc.ir.matches import SetMatch
from polc.ir.selectors import Side

_LONGEST_NAME = 31  # IPSET_MAXNAMELEN 32, the last a zero
_MOST_FLAGS = 6
_COUNTERS = tuple(f"{what}-{how}" for what in ("packets", "bytes") for how in ("eq", "lt", "gt"))


def name_and_sides(words: tuple[Word, ...]) -> tuple[str, tuple[str, ...]]:
    """The set's name, and ``src`` or ``dst`` for each part of its key.

    Raises:
        Problem: one of them cannot be.
    """
    name, flags = words
    if not 0 < len(name.text) <= _LONGEST_NAME:
        raise wrong(name, f"`{name.text}` is no name of a set: those have 1 to {_LONGEST_NAME} letters")
    sides = tuple(flags.text.split(","))
    if len(sides) > _MOST_FLAGS or not set(sides) <= {"src", "dst"}:
        raise wrong(flags, f"`{flags.text}` is no list of `src` and `dst`", help="one for each part of the set's key")
    return name.text, sides


def unknown_set(name: str) -> str:
    """Why a rule with this set stays in its own words."""
    return f"the set `{name}` is in none of the files, and its type says what it holds"


def too_few(word: Word, name: str, parts: int) -> Problem:
    """A list of ``src`` and ``dst`` that does not cover the key."""
    return wrong(word, f"the set `{name}` has a key of {parts} parts: one `src` or `dst` for each")


def _read(options: Options, context: Context) -> Meaning:
    given = options.need("match-set")
    name, sides = name_and_sides(given.words)
    for counter in _COUNTERS:
        if compared := options.get(counter):
            number(compared.word, 0, 2**64 - 1)
    found = context.sets.get(name)
    if len(options.given) > 1:
        return Meaning((options.opaque("it asks for more than whether the packet is in the set"),))
    if found is None:
        return Meaning((options.opaque(unknown_set(name)),))
    if len(sides) < len(found.parts):
        raise too_few(given.words[1], name, len(found.parts))
    if found.opaque:
        return Meaning((options.opaque(found.opaque),))
    if found.family not in (context.family, None):
        # No packet of this family is in it.
        return Meaning(never=not given.negated)
    match = SetMatch(found.key(sides), name)
    if not given.negated:
        return Meaning((match,))
    if all(isinstance(part, Side) for part in match.key):
        return Meaning((SetMatch(match.key, name, True),))
    # `!` holds for packets without a port, a MAC address or an interface, too.
    return Meaning(unless=(match,))


MATCH = MatchExtension(
    "set",
    (
        Option("match-set", ("set",), takes=2, negatable=True),
        Option("return-nomatch", takes=0),
        Option("update-counters", takes=0, negatable=True),
        Option("update-subcounters", takes=0, negatable=True),
        *(Option(name, negatable=name.endswith("-eq"), saved=decimal) for name in _COUNTERS),
    ),
    read=_read,
)
