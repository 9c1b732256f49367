"""``-m realm``: the realm of the packet's route (net/netfilter/xt_realm.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.matches.mark import masked
from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch

_COSMOS = "cosmos"
"""What realm 0 is called in lists, by the file of names that comes with iproute2 (/etc/iproute2/rt_realms)."""


def _read(options: Options, _context: Context) -> Meaning:
    given = options.need("realm")
    if given.word.text == _COSMOS:
        return Meaning((FieldMatch(Field.META_RTCLASSID, Intervals.single(0), None, given.negated),))
    return Meaning((masked(Field.META_RTCLASSID, given),))


MATCH = MatchExtension(
    "realm",
    (Option("realm", negatable=True),),
    families=frozenset({Family.IP}),
    chains=frozenset({"INPUT", "FORWARD", "OUTPUT", "POSTROUTING"}),
    read=_read,
)
