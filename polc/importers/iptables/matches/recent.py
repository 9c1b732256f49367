"""``-m recent``: lists of addresses that rules fill (net/netfilter/xt_recent.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, Given, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.matches.connlimit import key_part
from polc.importers.iptables.problem import APART, Problem, Word, wrong
from polc.importers.iptables.saved import addresses, decimal
from polc.importers.iptables.values import address, number
from polc.ir.addresses import prefix_length
from polc.ir.stateful import KeyField, RecentMatch, RecentVerb

_VERBS = {one.value: one for one in RecentVerb}
_ASKS = (RecentVerb.RCHECK, RecentVerb.UPDATE)
_MOST_HITS = 255  # XT_RECENT_MAX_NSTAMPS - 1
_DEFAULT = "DEFAULT"
_LONGEST_NAME = 199  # XT_RECENT_NAME_LEN 200, the last a zero


def _read(options: Options, context: Context) -> Meaning:
    verb_given = options.need(*_VERBS)
    verb = _VERBS[verb_given.option.name]
    seconds, hits = options.get("seconds"), options.get("hitcount")
    for one in (seconds, hits, options.get("rttl"), options.get("reap")):
        if one and verb not in _ASKS:
            raise Problem(APART, f"`{one.option.shown}` needs `--rcheck` or `--update`", one.at)
    options.together("reap", "seconds")
    name = options.get("name")
    if name and (not 0 < len(name.word.text) <= _LONGEST_NAME or "/" in name.word.text):
        raise wrong(name.word, f"`{name.word.text}` is no name of a file below /proc/net/xt_recent")
    side = options.among("rsource", "rdest")
    field = KeyField.DESTINATION if side and side.option.name == "rdest" else KeyField.SOURCE
    length: int | None = context.family.bits
    if mask := options.get("mask"):
        length = _length(address(mask.word, context.family), context)
    if length is None:
        return Meaning((options.opaque("its mask is no prefix"),))
    most = number(hits.word, 0, _MOST_HITS, "number of hits") if hits else 0
    match = RecentMatch(
        verb,
        name.word.text if name else _DEFAULT,
        key_part(field, context.family, length),
        number(seconds.word, 1, 0xFFFFFFFF, "number of seconds") if seconds else None,
        most or None,
        "rttl" in options,
        "reap" in options,
        verb_given.negated,
    )
    return Meaning((match,))


def _length(mask: int, context: Context) -> int | None:
    """The length of a mask, None where it is none of a prefix."""
    family = context.family
    everything = (1 << family.bits) - 1
    return prefix_length(family, mask, everything) if mask else 0


_NAME = Option("name")
_SOURCE = Option("rsource", takes=0)


def _complete(options: Options) -> tuple[Given, ...]:
    """A list has a name, and a side whose addresses are in it (libxt_recent.c, recent_save)."""
    given = list(options)
    if "name" not in options:
        given.append(Given(_NAME, False, (Word(_DEFAULT, options.at),), options.at))
    if "rsource" not in options and "rdest" not in options:
        given.append(Given(_SOURCE, False, (), options.at))
    return tuple(given)


MATCH = MatchExtension(
    "recent",
    (
        *(Option(name, takes=0, negatable=True) for name in _VERBS),
        Option("seconds", saved=decimal),
        Option("reap", takes=0),
        Option("hitcount", saved=decimal),
        Option("rttl", takes=0),
        _NAME,
        Option("mask", saved=addresses),
        _SOURCE,
        Option("rdest", takes=0),
    ),
    complete=_complete,
    read=_read,
)
