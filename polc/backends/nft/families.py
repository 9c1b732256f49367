"""What tables of bridges, of devices and of ARP do not have.

Sources: the families that the expressions register for (net/netfilter/nft_fib_inet.c, nft_nat.c, nft_ct.c,
nft_osf.c, nft_socket.c, nft_tproxy.c, nft_synproxy.c, nft_xfrm.c, nft_dup_ipv4.c, nft_reject_bridge.c), as of 5.10.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from polc.backends.features import Feature
from polc.backends.nft.matches import keys_of
from polc.backends.nft.needs import needs
from polc.backends.nft.refused import Refused
from polc.backends.requirements import REQUIREMENTS
from polc.ir.fields import FIELDS, Field
from polc.ir.matches import (
    ElementMatch,
    FieldMatch,
    InterfaceMatch,
    Match,
    OpaqueMatch,
    SetMatch,
)
from polc.ir.ruleset import BaseChain, Hook, Rule, TableFamily
from polc.ir.selectors import Direction, Selector
from polc.ir.stateful import EveryNth, Limit, Quota, RandomMatch
from polc.ir.statements import (
    ClampMss,
    Counter,
    Log,
    MapMark,
    Native,
    OpaqueStatement,
    SetMark,
    SetPriority,
    Statement,
    Trace,
    UpdateSet,
)
from polc.ir.verdicts import Reject

_OF_IP_ALONE = frozenset(
    {
        Feature.SOCKET,
        Feature.IPSEC,
        Feature.OSF,
        Feature.SYNPROXY,
        Feature.TPROXY,
        Feature.NAT,
        Feature.MASQUERADE,
        Feature.REDIRECT,
        Feature.DUPLICATE,
        Feature.FLOWTABLE,
    }
)
_CONNTRACK = frozenset(
    {
        Feature.CT,
        Feature.CT_MARK,
        Feature.CT_HELPER,
        Feature.CT_TIMEOUT,
        Feature.CT_ZONE,
        Feature.CONNLIMIT,
    }
)
_LACKING: dict[TableFamily, frozenset[Feature]] = {
    TableFamily.BRIDGE: _OF_IP_ALONE | {Feature.FIB},
    TableFamily.NETDEV: _OF_IP_ALONE | _CONNTRACK,
    TableFamily.ARP: _OF_IP_ALONE | _CONNTRACK | {Feature.FIB, Feature.REJECT},
}


_REJECTING = {TableFamily.BRIDGE: (Hook.PREROUTING, Hook.INPUT), TableFamily.NETDEV: (Hook.INGRESS,)}
"""Hooks at which a packet can be answered there."""


def check_family(rule: Rule, bases: Iterable[BaseChain], table: TableFamily) -> None:
    """``bases`` are the base chains from which packets reach the rule.

    Raises:
        Refused: tables of the family do not have what the rule takes.
    """
    lacking = _LACKING.get(table, frozenset())
    for feature in needs(rule, bases):
        if feature in lacking:
            raise Refused(f"tables of the family {table.value} have no {REQUIREMENTS[feature].what}", "a table inet")
    if lacking and any(isinstance(one, ClampMss) and one.size is None for one in rule.statements):
        raise Refused(f"tables of the family {table.value} have no route of which to take the MSS", "a `size`")
    if table is TableFamily.INET and Feature.FIB in set(needs(rule, bases)):
        for base in bases:
            if base.hook is Hook.INGRESS:
                raise Refused("inet tables have no looks at the routing table at ingress", "a table netdev")
    if table in _REJECTING and isinstance(rule.verdict, Reject):
        for base in bases:
            if base.hook not in _REJECTING[table]:
                names = " and ".join(hook.value for hook in _REJECTING[table])
                raise Refused(
                    f"tables of the family {table.value} reject at {names} alone, packets of {base.hook.value} come "
                    "here"
                )
    if table is TableFamily.ARP:
        for what in _of_ip(rule):
            raise Refused(f"packets of ARP have none of what `{what}` asks for or changes", "a table inet")


_PLAIN_MATCHES = (InterfaceMatch, EveryNth, RandomMatch, Quota, OpaqueMatch, SetMatch, ElementMatch)
_PLAIN_STATEMENTS = (
    Counter,
    Log,
    MapMark,
    Native,
    OpaqueStatement,
    SetMark,
    SetPriority,
    Trace,
    UpdateSet,
)


def _of_ip(rule: Rule) -> Iterator[str]:
    """Parts of a rule that packets of ARP do not have, by their names."""
    nodes: tuple[Match | Statement, ...] = (*rule.matches, *rule.statements)
    for node in nodes:
        match node:
            case FieldMatch(field) if _of_any_packet(field):
                pass
            case Limit(key=()):
                pass
            case _ if not isinstance(node, (*_PLAIN_MATCHES, *_PLAIN_STATEMENTS)):
                yield type(node).__name__
            case _:
                pass
    for key in keys_of(rule):
        yield from (str(one.value) for one in key if not _of_any_packet(one))


def _of_any_packet(one: Selector) -> bool:
    match one:
        case Field():
            fact = FIELDS[one]
            return one.value.startswith(("meta ", "ether ")) and fact.family is None and fact.protocol is None
        case _:
            return isinstance(one, Direction)
