"""Rules that stand in a chain already: every packet that meets them has met the first."""

from __future__ import annotations

from dataclasses import replace

from polc.ir.matches import AddressMatch, CtStateMatch, InterfaceMatch, ServiceMatch
from polc.ir.ruleset import Rule
from polc.ir.statements import Counter, Log, Notrack
from polc.ir.verdicts import Accept, Drop, Goto, Nat, Reject, Return

_ENDS = (Accept, Drop, Reject, Goto, Return, Nat)
_LASTING = (AddressMatch, InterfaceMatch, ServiceMatch, CtStateMatch)
"""What no rule of the same chain changes of a packet, but for its state where flows are not tracked from then on."""


def once(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """The rules without those that ask and decide what one before them does, and say nothing more."""
    if any(isinstance(one, Notrack) for rule in rules for one in rule.statements):
        return rules
    found: dict[int, Rule] = {}
    known: dict[tuple[object, ...], int] = {}
    for number, rule in enumerate(rules):
        key = (rule.matches, rule.verdict, rule.families)
        lasting = isinstance(rule.verdict, _ENDS) and all(isinstance(match, _LASTING) for match in rule.matches)
        first = known.get(key) if lasting and not rule.statements else None
        if first is not None and rule.origin.comment in ("", found[first].origin.comment):
            found[first] = replace(found[first], origin=found[first].origin.with_also(rule.origin))
            continue
        found[number] = rule
        if lasting and all(isinstance(one, Log | Counter) for one in rule.statements):
            known.setdefault(key, number)
    return tuple(found.values())
