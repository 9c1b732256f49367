"""Built-in chains in which the kernel takes a match or statement: the ``hooks`` and ``table`` of its registration."""

from __future__ import annotations

from dataclasses import dataclass

from polc.backends.iptables.extensions.words import Refused
from polc.backends.iptables.tables import TABLES, Place
from polc.ir.fields import Field
from polc.ir.matches import (
    AddressTypeMatch,
    Direction,
    FieldMatch,
    Match,
    NameField,
    NameMatch,
    ReversePathMatch,
    Trait,
    TraitMatch,
)
from polc.ir.ruleset import Rule
from polc.ir.statements import (
    AssignZone,
    ClampMss,
    Notrack,
    SetDscp,
    SetHops,
    SetPriority,
    Statement,
    StripTcpOptions,
    Synproxy,
    Tproxy,
    Trace,
)

_COMING = frozenset({"PREROUTING", "INPUT", "FORWARD"})
_GOING = frozenset({"FORWARD", "OUTPUT", "POSTROUTING"})
_LOCAL = frozenset({"OUTPUT", "POSTROUTING"})


@dataclass(frozen=True, slots=True)
class _Allowed:
    """``what`` in a person's words; no ``chains`` or ``tables``: any."""

    what: str
    chains: frozenset[str] = frozenset()
    tables: frozenset[str] = frozenset()


_FIELDS: dict[Field, frozenset[str]] = {
    Field.META_SKUID: _LOCAL,
    Field.META_SKGID: _LOCAL,
    Field.META_CGROUP: _LOCAL | {"INPUT"},
    Field.META_IIFGROUP: _COMING,
    Field.META_OIFGROUP: _GOING,
    Field.ETHER_SADDR: _COMING,
    Field.META_RTCLASSID: frozenset({"INPUT", "FORWARD", "OUTPUT", "POSTROUTING"}),
}
_RAW, _MANGLE = frozenset({"raw"}), frozenset({"mangle"})
_STATEMENTS: dict[type[Statement], _Allowed] = {
    Notrack: _Allowed("notrack", tables=_RAW),
    AssignZone: _Allowed("conntrack zone", tables=_RAW),
    Trace: _Allowed("trace", tables=_RAW),
    SetDscp: _Allowed("a new dscp", tables=_MANGLE),
    SetHops: _Allowed("a new TTL", tables=_MANGLE),
    StripTcpOptions: _Allowed("removal of TCP options", tables=_MANGLE),
    SetPriority: _Allowed("a class for tc", _GOING),
    Tproxy: _Allowed("tproxy", frozenset({"PREROUTING"}), _MANGLE),
    Synproxy: _Allowed("synproxy", frozenset({"INPUT", "FORWARD"})),
}


def check_nodes(rule: Rule, places: frozenset[Place]) -> None:
    """Whether the rule's matches and statements may stand in a chain that is reached from ``places``.

    Raises:
        Refused: the kernel would not load it.
    """
    for allowed in filter(None, (*map(_of_match, rule.matches), *map(_of_statement, rule.statements))):
        for at in sorted(places, key=lambda one: (one.table, one.chain)):
            # A chain that nothing jumps to has no hook, and the kernel asks none of it.
            wrong_chain = allowed.chains and at.chain in TABLES[at.table] and at.chain not in allowed.chains
            if wrong_chain or (allowed.tables and at.table not in allowed.tables):
                raise Refused("node-place", f"iptables has no {allowed.what} in {at.chain} of table {at.table}")


def _of_match(match: Match) -> _Allowed | None:
    match match:
        case FieldMatch(field) if field in _FIELDS:
            return _Allowed(f"match of `{field.value}`", _FIELDS[field])
        case NameMatch(NameField.OSF_NAME):
            return _Allowed("match of `osf name`", _COMING)
        case ReversePathMatch():
            return _Allowed("reverse path match", frozenset({"PREROUTING"}), frozenset({"raw", "mangle"}))
        case AddressTypeMatch(interface=Direction() as direction):
            what = f"match of an address type by {direction.value}"
            return _Allowed(what, _COMING if direction is Direction.IN else _GOING)
        case TraitMatch(Trait.IPSEC):
            return _Allowed("match of `ipsec` on the way in", _COMING)
        case TraitMatch(Trait.SOCKET):
            return _Allowed("match of `socket`", frozenset({"PREROUTING", "INPUT"}))
        case _:
            return None


def _of_statement(statement: Statement) -> _Allowed | None:
    if statement == ClampMss():
        # Only where the way out is known: the MTU is that of the route.
        return _Allowed("clamping to the path's MTU", _GOING)
    return _STATEMENTS.get(type(statement))
