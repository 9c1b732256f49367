"""What a rule takes that some hosts do not have."""

from __future__ import annotations

from collections.abc import Iterator

from polc.backends.features import Feature
from polc.ir.matches import NameField, NameMatch, Trait, TraitMatch
from polc.ir.ruleset import Rule
from polc.ir.statements import AssignTimeout, Offload, Statement, StripTcpOptions, Synproxy, Tproxy
from polc.ir.verdicts import Queue

_STATEMENTS: dict[type[Statement], Feature] = {
    AssignTimeout: Feature.CT_TIMEOUT,
    Offload: Feature.FLOWTABLE,
    StripTcpOptions: Feature.TCP_OPTION_RESET,
    Synproxy: Feature.SYNPROXY,
    Tproxy: Feature.TPROXY,
}
_TRAITS = {Trait.SOCKET: Feature.SOCKET, Trait.IPSEC: Feature.IPSEC}


def needs(rule: Rule) -> Iterator[Feature]:
    for match in rule.matches:
        match match:
            case TraitMatch(trait) if trait in _TRAITS:
                yield _TRAITS[trait]
            case NameMatch(NameField.OSF_NAME):
                yield Feature.OSF
            case _:
                pass
    for one in rule.statements:
        if type(one) in _STATEMENTS:
            yield _STATEMENTS[type(one)]
    if isinstance(rule.verdict, Queue):
        yield Feature.QUEUE
