"""``-m cgroup``: the control group of the local socket (net/netfilter/xt_cgroup.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.saved import decimal
from polc.importers.iptables.values import number
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch


def _read(options: Options, _context: Context) -> Meaning:
    given = options.need("cgroup", "path")
    if given.option.name == "path":
        return Meaning((options.opaque("nft matches a cgroup by its path only while the group exists, as its number"),))
    value = number(given.word, 0, 0xFFFFFFFF, "class")
    return Meaning((FieldMatch(Field.META_CGROUP, Intervals.single(value), None, given.negated),))


MATCH = MatchExtension(
    "cgroup",
    (Option("cgroup", negatable=True, saved=decimal), Option("path", negatable=True, text=True, quoted=True)),
    chains=frozenset({"INPUT", "OUTPUT", "POSTROUTING"}),
    read=_read,
)
