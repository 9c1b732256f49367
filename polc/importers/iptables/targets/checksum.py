"""``-j CHECKSUM``: fills in checksums that hardware would have (net/netfilter/xt_CHECKSUM.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension


def _read(options: Options, _context: Context) -> Action:
    options.need("checksum-fill")
    return options.opaque_action("nft fills in no checksums; DHCP clients of the last fifteen years need none")


TARGET = TargetExtension("CHECKSUM", (Option("checksum-fill", takes=0),), tables=frozenset({"mangle"}), read=_read)
