"""``-m mh``: types of the mobility header (net/ipv6/netfilter/ip6t_mh.c; names of libip6t_mh.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, Given, MatchExtension, Meaning, Option, Options, Written
from polc.importers.iptables.problem import Word, wrong
from polc.importers.iptables.saved import spelled
from polc.importers.iptables.values import number
from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch
from polc.ir.protocols import MOBILITY

_TYPES = {
    "binding-refresh-request": 0, "brr": 0, "home-test-init": 1, "hoti": 1, "careof-test-init": 2, "coti": 2,
    "home-test": 3, "hot": 3, "careof-test": 4, "cot": 4, "binding-update": 5, "bu": 5,
    "binding-acknowledgement": 6, "ba": 6, "binding-error": 7, "be": 7,
}  # fmt: skip
_EVERY = (0, 255)


def _type(word: Word) -> int:
    found = _TYPES.get(word.text.lower())
    return number(word, 0, 255, "type of a mobility header") if found is None else found


def _range(word: Word) -> tuple[int, int]:
    left, colon, right = word.text.partition(":")
    low = _type(Word(left, word.at)) if left or not colon else 0
    return low, (_type(Word(right, word.at)) if right else 255) if colon else low


def _saved(given: Given) -> Written | None:
    """Every type is not said (libip6t_mh.c, mh_save)."""
    low, high = _range(given.word)
    if (low, high) == _EVERY and not given.negated:
        return None
    return Written(given.option.name, (spelled(low, high),), given.negated)


def _read(options: Options, _context: Context) -> Meaning:
    given = options.get("mh-type")
    low, high = _EVERY
    if given is not None:
        low, high = _range(given.word)
        if low > high:
            raise wrong(given.word, f"`{given.word.text}` is the wrong way round")
    negated = given is not None and given.negated
    match = FieldMatch(Field.MH_TYPE, Intervals(((low, high),)), None, negated)
    return Meaning((match,), never=negated and (low, high) == _EVERY)


MATCH = MatchExtension(
    "mh",
    (Option("mh-type", negatable=True, saved=_saved),),
    families=frozenset({Family.IP6}),
    protocols=frozenset({MOBILITY}),
    read=_read,
)
