"""``-m realm``: the realm of the packet's route (net/netfilter/xt_realm.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, Given, MatchExtension, Meaning, Option, Options, Written
from polc.importers.iptables.matches.mark import masked
from polc.importers.iptables.problem import Word
from polc.importers.iptables.saved import masked_mark
from polc.ir.family import Family
from polc.ir.fields import Field

_COSMOS = "cosmos"
"""What realm 0 is called in lists, by the file of names that comes with iproute2 (/etc/iproute2/rt_realms)."""


def _without_name(given: Given) -> Given:
    return given._replace(words=(Word("0", given.word.at),)) if given.word.text == _COSMOS else given


def _saved(given: Given) -> Written | None:
    return masked_mark(_without_name(given))


def _read(options: Options, _context: Context) -> Meaning:
    return Meaning((masked(Field.META_RTCLASSID, _without_name(options.need("realm"))),))


MATCH = MatchExtension(
    "realm",
    (Option("realm", negatable=True, saved=_saved),),
    families=frozenset({Family.IP}),
    chains=frozenset({"INPUT", "FORWARD", "OUTPUT", "POSTROUTING"}),
    read=_read,
)
