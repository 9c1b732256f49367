"""Whether a ruleset has the kernel track connections: conntrack puts fragments together before rules see them
(net/ipv4/netfilter/nf_defrag_ipv4.c, net/ipv6/netfilter/nf_defrag_ipv6_hooks.c).
"""

from __future__ import annotations

from polc.ir.fields import Field
from polc.ir.matches import (
    CtStateMatch,
    ElementMatch,
    FieldMatch,
    FlagField,
    FlagsMatch,
    Match,
    NameField,
    NameMatch,
    OpaqueMatch,
    OriginalAddressMatch,
    SetMatch,
    Trait,
    TraitMatch,
)
from polc.ir.ruleset import Ruleset
from polc.ir.selectors import Conntrack, Selector
from polc.ir.stateful import Connections
from polc.ir.statements import (
    AssignHelper,
    AssignTimeout,
    AssignZone,
    CopyMark,
    MapMark,
    MarkField,
    Native,
    Notrack,
    Offload,
    OpaqueStatement,
    SetMark,
    Statement,
    Synproxy,
    Tproxy,
    UpdateSet,
)
from polc.ir.verdicts import Nat, NatMap, Verdict, VerdictMap

_MATCHES = (CtStateMatch, OriginalAddressMatch, Connections, OpaqueMatch)
"""Words that nothing here looks into may ask conntrack, too."""
_STATEMENTS = (
    AssignHelper, AssignTimeout, AssignZone, CopyMark, Native, Notrack, Offload, OpaqueStatement, Synproxy, Tproxy,
)  # fmt: skip


def tracks(ruleset: Ruleset) -> bool:
    rules = [rule for chain in ruleset.chains for rule in chain.rules]
    return any(
        _decides(rule.verdict) or any(map(_asks, rule.matches)) or any(map(_says, rule.statements)) for rule in rules
    )


def _decides(verdict: Verdict | None) -> bool:
    looked_up = isinstance(verdict, VerdictMap) and any(map(_of_flow, verdict.key))
    return looked_up or isinstance(verdict, Nat | NatMap)


def _asks(match: Match) -> bool:
    match match:
        case FieldMatch(field=field):
            return _of_flow(field)
        case FlagsMatch(field=flags):
            return flags is FlagField.CT_STATUS
        case NameMatch(field=name):
            return name is NameField.CT_HELPER
        case TraitMatch(trait=trait):
            return trait is Trait.SOCKET
        case ElementMatch(key=key) | SetMatch(key=key):
            return any(map(_of_flow, key))
        case _:
            return isinstance(match, _MATCHES)


def _of_flow(selector: Selector) -> bool:
    return isinstance(selector, Conntrack) or (isinstance(selector, Field) and selector.value.startswith("ct "))


def _says(statement: Statement) -> bool:
    if isinstance(statement, MapMark | UpdateSet) and any(map(_of_flow, statement.key)):
        return True
    if isinstance(statement, SetMark | MapMark):
        return statement.field is MarkField.CT
    return isinstance(statement, _STATEMENTS)
