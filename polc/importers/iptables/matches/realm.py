"""``-m realm``: the realm of the packet's route (net/netfilter/xt_realm.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.matches.mark import masked
from polc.ir.family import Family
from polc.ir.fields import Field


def _read(options: Options, _context: Context) -> Meaning:
    return Meaning((masked(Field.META_RTCLASSID, options.need("realm")),))


MATCH = MatchExtension(
    "realm",
    (Option("realm", negatable=True),),
    families=frozenset({Family.IP}),
    chains=frozenset({"INPUT", "FORWARD", "OUTPUT", "POSTROUTING"}),
    read=_read,
)
