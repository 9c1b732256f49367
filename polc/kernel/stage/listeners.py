"""Who listens on a stage because rules hand packets to programs: on queues, and on transparent sockets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from polc.ir.addresses import format_address
from polc.ir.family import Family
from polc.ir.protocols import PROTOCOL_NAMES
from polc.ir.ruleset import Rule, Ruleset
from polc.ir.statements import Tproxy
from polc.ir.verdicts import Queue
from polc.simulate.packet import Packet
from polc.simulate.settings import MOST_QUEUES

_ANY = {Family.IP: "0.0.0.0", Family.IP6: "::"}


def queues_of(rulesets: Sequence[Ruleset]) -> list[int]:
    """The queues of each rule that does not name more than there can be listeners (``MOST_QUEUES``)."""
    queues = (one.verdict for one in _rules(rulesets) if isinstance(one.verdict, Queue))
    few = (one for one in queues if one.last - one.first < MOST_QUEUES)
    return sorted({number for one in few for number in range(one.first, one.last + 1)})


def proxies_of(rulesets: Sequence[Ruleset]) -> tuple[Tproxy, ...]:
    """Where rules hand packets to transparent sockets."""
    return tuple(one for rule in _rules(rulesets) for one in rule.statements if isinstance(one, Tproxy))


def sockets_for(packet: Packet, proxies: Sequence[Tproxy]) -> list[tuple[str, str, int]]:
    """Protocol, address and port of the sockets that a packet of TCP or UDP is to find: on its own destination, and
    where rules hand it to one.
    """
    own = packet.dport or 0
    wanted = {(format_address(packet.family, packet.daddr), own)}
    for one in proxies:
        if one.family in (None, packet.family):
            address = _ANY[packet.family] if one.address is None else format_address(packet.family, one.address)
            wanted.add((address, one.port or own))
    return [(PROTOCOL_NAMES[packet.protocol], *one) for one in sorted(wanted)]


def _rules(rulesets: Sequence[Ruleset]) -> Iterator[Rule]:
    return (rule for one in rulesets for chain in one.chains for rule in chain.rules)
