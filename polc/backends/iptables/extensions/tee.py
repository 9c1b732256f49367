"""``-j TEE``: a copy of the packet to a neighbour (iptables-extensions(8), TEE)."""

from __future__ import annotations

from polc.backends.iptables.extensions import interface
from polc.backends.iptables.extensions.words import Refused
from polc.ir.addresses import format_address
from polc.ir.family import Family
from polc.ir.selectors import InterfacePattern
from polc.ir.statements import Duplicate


def target(one: Duplicate, family: Family) -> str:
    if one.family is not family:
        raise Refused("tee-family", "the copy's address is of another family than the rule")
    if not one.address:
        raise Refused("tee-family", "a copy needs an address to go to")
    device = "" if one.device is None else f" --oif {interface.spelled(InterfacePattern(one.device))}"
    return f"-j TEE --gateway {format_address(family, one.address)}{device}"
