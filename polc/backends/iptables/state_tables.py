"""Names of the kernel's state that rules share, or must not."""

from __future__ import annotations

from collections import Counter

from polc.backends.iptables.extensions import recent
from polc.backends.iptables.extensions.words import Refused
from polc.backends.iptables.places import Places
from polc.ir.family import Family
from polc.ir.ruleset import Rule, Ruleset
from polc.ir.stateful import Connections, Limit, Quota, RecentMatch


def shared(ruleset: Ruleset, places: Places, family: Family) -> frozenset[str]:
    """Tables of limits that more than one rule of a family's file counts in."""
    counts = Counter(
        match.table
        for chain in ruleset.chains
        for _ in {at.table for at in places.get(chain.name, ())}
        for rule in chain.rules
        if family in rule.families
        for match in rule.matches
        if isinstance(match, Limit | Connections | Quota)
    )
    return frozenset(table for table, count in counts.items() if count > 1)


def lists_of_ip6(ruleset: Ruleset) -> dict[str, str]:
    """Lists of xt_recent that rules of both families use -> their names for IPv6: the kernel cuts the addresses of a
    list to the mask of whoever named it first, whatever the family (net/netfilter/xt_recent.c, recent_mt_check).
    """
    used: dict[Family, dict[str, None]] = {family: {} for family in Family}
    for chain in ruleset.chains:
        for rule in chain.rules:
            for match in rule.matches:
                if isinstance(match, RecentMatch):
                    for family in rule.families:
                        used[family][match.name] = None
    taken = used[Family.IP].keys() | used[Family.IP6].keys()
    found: dict[str, str] = {}
    for name in used[Family.IP6]:
        if name in used[Family.IP]:
            other = f"{name}-v6"
            while other in taken:
                other += "-"
            taken.add(other)
            found[name] = other
    return found


class AtOdds:
    """State that rules use under one name with different settings: the kernel would take the first one's for all."""

    def __init__(self, ruleset: Ruleset) -> None:
        limits: dict[str, set[object]] = {}
        masks: dict[tuple[str, Family], set[int]] = {}
        for chain in ruleset.chains:
            for rule in chain.rules:
                for match in rule.matches:
                    match match:
                        case Limit():
                            limits.setdefault(match.table, set()).add((match.rate, match.burst, match.key, match.size))
                        case RecentMatch():
                            for family in rule.families:
                                masks.setdefault((match.name, family), set()).add(recent.prefix(match.key, family))
                        case _:
                            pass
        self._limits = {table for table, different in limits.items() if len(different) > 1}
        self._lists = {name for (name, _), different in masks.items() if len(different) > 1}

    def check(self, rule: Rule) -> None:
        """
        Raises:
            Refused: the rule uses such state.
        """
        for match in rule.matches:
            if isinstance(match, Limit) and match.table in self._limits:
                raise Refused(
                    "limit-table", f"limits that share the table `{match.table}` differ in rate, burst or key"
                )
            if isinstance(match, RecentMatch) and match.name in self._lists:
                raise Refused("recent-mask", f"rules cut the addresses of the list `{match.name}` to several lengths")
