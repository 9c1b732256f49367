"""``-m connlabel``: bits of a flow that rules set and ask (net/netfilter/xt_connlabel.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Context, MatchExtension, Meaning, Option, Options
from polc.importers.iptables.values import number

_HIGHEST = 127


def _read(options: Options, _context: Context) -> Meaning:
    number(options.need("label").word, 0, _HIGHEST, "label")
    return Meaning((options.opaque("labels of connections have no place in a policy, and names of the host in nft"),))


MATCH = MatchExtension("connlabel", (Option("label", negatable=True, quoted=True), Option("set", takes=0)), read=_read)
