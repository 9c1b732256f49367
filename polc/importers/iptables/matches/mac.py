"""``-m mac``: the sender's MAC address (net/netfilter/xt_mac.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.problem import Word
from polc.importers.iptables.saved import with_values
from polc.importers.iptables.values import mac
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch


def _read(options: Options, _context: Context) -> Meaning:
    given = options.need("mac-source")
    return Meaning((FieldMatch(Field.ETHER_SADDR, Intervals.single(mac(given.word)), None, given.negated),))


def _saved(word: Word) -> str:
    return mac(word).to_bytes(6, "big").hex(":")


MATCH = MatchExtension(
    "mac",
    (Option("mac-source", negatable=True, saved=with_values(_saved)),),
    chains=frozenset({"PREROUTING", "INPUT", "FORWARD"}),
    read=_read,
)
