"""``-j CHECKSUM``: fills in checksums that hardware would have (net/netfilter/xt_CHECKSUM.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.ir.matches import Syntax
from polc.ir.statements import Omission, OpaqueStatement

_LEFT = Omission(
    "checksum-left",
    "nft fills in no checksums: a packet that this host made goes on with the part of one that a device would "
    "complete. A virtual machine on a bridge of this host sees it so; its kernel knows, but old DHCP clients that read "
    "packets themselves (ISC dhclient without PACKET_AUXDATA) take the packet for a broken one",
)


def _read(options: Options, _context: Context) -> Action:
    options.need("checksum-fill")
    return Action((OpaqueStatement(options.text(), Syntax.IPTABLES, "nft fills in no checksums", _LEFT),))


TARGET = TargetExtension("CHECKSUM", (Option("checksum-fill", takes=0),), tables=frozenset({"mangle"}), read=_read)
