"""``-j TCPOPTSTRIP`` (iptables-extensions(8))."""

from __future__ import annotations

from polc.backends.iptables.extensions.words import Refused, Target
from polc.ir.protocols import TCP
from polc.ir.statements import StripTcpOptions


def target(one: StripTcpOptions) -> Target:
    if not one.kinds or not all(2 <= kind <= 255 for kind in one.kinds):
        raise Refused("tcp-option", "TCP options of the kinds 2 to 255 can be taken out")
    return Target(f"-j TCPOPTSTRIP --strip-options {','.join(map(str, sorted(set(one.kinds))))}", (TCP,))
