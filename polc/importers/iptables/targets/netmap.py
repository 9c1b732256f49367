"""``-j NETMAP``: one network for another, host by host (net/netfilter/xt_NETMAP.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.problem import wrong
from polc.importers.iptables.values import host_and_mask, masked_ranges
from polc.ir.verdicts import Nat, NatKind

_PREFIX = 1
"""A mask that leaves more than one range is none of a prefix."""


def _read(options: Options, context: Context) -> Action:
    word = options.need("to").word
    address, mask = host_and_mask(word, context.family)
    network = masked_ranges(address & mask, mask, context.family.bits, _PREFIX)
    if network is None or len(network.ranges) != 1:
        raise wrong(word, f"`{word.text}` is no prefix")
    # Which side is mapped hangs on the chain, and is put right there.
    return Action(verdict=Nat(NatKind.NETMAP_DESTINATION, context.family, network))


TARGET = TargetExtension("NETMAP", (Option("to"),), tables=frozenset({"nat"}), read=_read)
