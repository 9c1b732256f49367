"""``-m mh``: types of the mobility header (net/ipv6/netfilter/ip6t_mh.c; names of libip6t_mh.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import Word, wrong
from polc.importers.iptables.values import number
from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch

_MOBILITY = 135
_TYPES = {
    "binding-refresh-request": 0, "brr": 0, "home-test-init": 1, "hoti": 1, "careof-test-init": 2, "coti": 2,
    "home-test": 3, "hot": 3, "careof-test": 4, "cot": 4, "binding-update": 5, "bu": 5,
    "binding-acknowledgement": 6, "ba": 6, "binding-error": 7, "be": 7,
}  # fmt: skip


def _type(word: Word) -> int:
    found = _TYPES.get(word.text.lower())
    return number(word, 0, 255, "type of a mobility header") if found is None else found


def _read(options: Options, _context: Context) -> Meaning:
    given = options.get("mh-type")
    low, high = 0, 255
    if given is not None:
        left, colon, right = given.word.text.partition(":")
        at = given.word.at
        low = _type(Word(left, at)) if left or not colon else 0
        high = (_type(Word(right, at)) if right else 255) if colon else low
        if low > high:
            raise wrong(given.word, f"`{given.word.text}` is the wrong way round")
    negated = given is not None and given.negated
    match = FieldMatch(Field.MH_TYPE, Intervals(((low, high),)), None, negated)
    return Meaning((match,), never=negated and (low, high) == (0, 255))


MATCH = MatchExtension(
    "mh",
    (Option("mh-type", negatable=True),),
    families=frozenset({Family.IP6}),
    protocols=frozenset({_MOBILITY}),
    read=_read,
)
