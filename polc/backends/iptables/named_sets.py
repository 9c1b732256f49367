"""The named sets of a ruleset on iptables: ipsets, or, where there is no such type, what rules spell out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from polc.backends.iptables import ipsets
from polc.backends.iptables.extensions.settypes import Form
from polc.backends.iptables.extensions.words import Difference, Refused
from polc.backends.iptables.ipsets import Ipset
from polc.backends.iptables.needs import check_set
from polc.backends.profile import Profile
from polc.ir.matches import ElementMatch, SetMatch
from polc.ir.ruleset import DynamicSet, Rule, Ruleset


class NamedSets:
    """``forms`` are those of the sets that are ipsets, by name; a set that is refused is nowhere."""

    def __init__(self, ruleset: Ruleset, profile: Profile, refuse: Callable[[Refused, DynamicSet], None]) -> None:
        self.forms: dict[str, Form] = {}
        self.ipsets: list[Ipset] = []
        self._fixed: dict[str, DynamicSet] = {}
        changes = ipsets.Changes.of(rule for chain in ruleset.chains for rule in chain.rules)
        for one in ruleset.sets:
            try:
                form, made = ipsets.made(one, changes)
                check_set(form.type, profile)
            except Refused as refused:
                known = one.elements and one.timeout is None and one.name not in changes.changed
                if known and refused.difference.name == ipsets.NO_TYPE:
                    self._fixed[one.name] = one
                else:
                    refuse(refused, one)
                continue
            self.forms[one.name] = form
            self.ipsets.append(made)

    def lack(self, rule: Rule) -> bool:
        """Whether a set that the rule names was refused."""
        return not ipsets.named(rule) <= self.forms.keys() | self._fixed.keys()

    def spelled_out(self, rule: Rule) -> tuple[Rule, tuple[Difference, ...]]:
        """The rule with the elements of sets for which there is no ipset and which no rule changes."""
        names = sorted(ipsets.named(rule) & self._fixed.keys())
        if not names:
            return rule, ()
        matches = tuple(
            ElementMatch(match.key, self._fixed[match.set_name].elements, match.negated)
            if isinstance(match, SetMatch) and match.set_name in self._fixed
            else match
            for match in rule.matches
        )
        differences = (
            Difference("set-fixed", f"there is no such ipset as `{name}`: its elements are in the rule, and stay")
            for name in names
        )
        return replace(rule, matches=matches), tuple(differences)
