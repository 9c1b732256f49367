"""``-j TEE``: a copy of the packet to a neighbour (net/netfilter/xt_TEE.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Action, Context, Option, Options, TargetExtension
from polc.importers.iptables.problem import wrong
from polc.importers.iptables.values import host, interface
from polc.ir.statements import Duplicate


def _read(options: Options, context: Context) -> Action:
    word = options.need("gateway").word
    gateway = host(word, context.family)
    if gateway == 0:
        raise wrong(word, f"`{word.text}` is no neighbour")
    device = options.get("oif")
    name = interface(device.word) if device else None
    if device and name and name.wildcard:
        raise wrong(device.word, "a copy is sent by one interface")
    return Action((Duplicate(context.family, gateway, name.name if name else None),))


TARGET = TargetExtension("TEE", (Option("gateway"), Option("oif")), read=_read)
