"""``-m connlabel``: bits of a flow that rules set and ask (net/netfilter/xt_connlabel.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.in_nft import flow_label
from polc.importers.iptables.saved import decimal
from polc.importers.iptables.values import number

_HIGHEST = 127


def _read(options: Options, _context: Context) -> Meaning:
    label = options.need("label")
    bit = number(label.word, 0, _HIGHEST, "label")
    if label.negated or "set" in options:
        # Without a flow nft's words hold in neither form, and it tells nobody whether a label could be set.
        return Meaning((options.opaque("nft asks whether a flow has a label, and no more"),))
    return Meaning((options.opaque("labels of connections have no place in a policy", nft=flow_label(bit)),))


MATCH = MatchExtension(
    "connlabel", (Option("label", negatable=True, quoted=True, saved=decimal), Option("set", takes=0)), read=_read
)
