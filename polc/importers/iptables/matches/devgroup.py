"""``-m devgroup``: the group of the packet's device (net/netfilter/xt_devgroup.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import (
    COMING,
    GOING,
    Context,
    Given,
    MatchExtension,
    Meaning,
    Option,
    Options,
    Written,
)
from polc.importers.iptables.problem import APART, Problem, Word
from polc.importers.iptables.saved import masked_mark
from polc.importers.iptables.values import mark
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch, Match

_FIELDS = {"src-group": Field.META_IIFGROUP, "dst-group": Field.META_OIFGROUP}
_ALL = 0xFFFFFFFF


def _without_name(word: Word) -> Word:
    """The one name that every host has (/etc/iproute2/group) is a number."""
    return Word("0", word.at) if word.text == "default" else word


def _saved(given: Given) -> Written | None:
    return masked_mark(given._replace(words=(_without_name(given.word),)))


def _read(options: Options, _context: Context) -> Meaning:
    matches: list[Match] = []
    for given in options:
        value, mask = mark(_without_name(given.word))
        mask = None if mask == _ALL else mask
        values = Intervals.single(value if mask is None else value & mask)
        matches.append(FieldMatch(_FIELDS[given.option.name], values, mask, given.negated))
    if not matches:
        raise Problem(APART, "`-m devgroup` needs `--src-group` or `--dst-group`", options.at)
    return Meaning(tuple(matches))


MATCH = MatchExtension(
    "devgroup",
    (
        Option("src-group", negatable=True, chains=COMING, saved=_saved),
        Option("dst-group", negatable=True, chains=GOING, saved=_saved),
    ),
    read=_read,
)
