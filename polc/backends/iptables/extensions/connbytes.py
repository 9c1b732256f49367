"""``-m connbytes``: what a flow has carried so far (net/netfilter/xt_connbytes.c).

One number alone is a lower bound; iptables-save prints `0:0` as if it were one, so that is said as "not 1 or more".
"""

from __future__ import annotations

from dataclasses import replace

from polc.backends.cascade import Alternatives
from polc.backends.iptables.extensions.values import by_range, left, pair
from polc.backends.iptables.extensions.words import Words, module
from polc.ir.fields import FIELDS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch

_MODES: dict[Field, tuple[str, str]] = {
    Field.CT_BYTES: ("bytes", "both"),
    Field.CT_PACKETS: ("packets", "both"),
    Field.CT_AVGPKT: ("avgpkt", "both"),
    Field.CT_ORIGINAL_BYTES: ("bytes", "original"),
    Field.CT_ORIGINAL_PACKETS: ("packets", "original"),
    Field.CT_ORIGINAL_AVGPKT: ("avgpkt", "original"),
    Field.CT_REPLY_BYTES: ("bytes", "reply"),
    Field.CT_REPLY_PACKETS: ("packets", "reply"),
    Field.CT_REPLY_AVGPKT: ("avgpkt", "reply"),
}
COUNTED = frozenset(_MODES)


def split(match: FieldMatch) -> Alternatives:
    """One range an option. Of a whole flow a packet is among those counted, so that none meets 0."""
    values = left(match)
    if _MODES[match.field][1] == "both":
        values = Intervals(tuple(one for one in values.ranges if one != (0, 0)))
    return by_range(replace(match, values=values, negated=False))


def words(match: FieldMatch) -> Words:
    low, high = pair(match)
    mode, direction = _MODES[match.field]
    if (low, high) == (0, 0):
        bounds = "! --connbytes 1"
    else:
        bounds = f"--connbytes {low}" if high == FIELDS[match.field].highest else f"--connbytes {low}:{high}"
    return module(f"connbytes {bounds} --connbytes-mode {mode} --connbytes-dir {direction}")
