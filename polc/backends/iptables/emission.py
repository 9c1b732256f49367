"""Ruleset to rules.v4 and rules.v6, and to sets.ipset when rules fill sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from polc.backends.iptables import ipsets
from polc.backends.iptables.extensions import comment, recent
from polc.backends.iptables.extensions.words import Context, Difference, Refused
from polc.backends.iptables.helper import raw_rules, without_helpers
from polc.backends.iptables.lower import Lines, lower
from polc.backends.iptables.names import FreshNames, rename_chains
from polc.backends.iptables.node_places import check_nodes
from polc.backends.iptables.restore import Table, file_text
from polc.backends.iptables.tables import ABSENT, Place, check_verdict, place
from polc.backends.model import Deviation, Fidelity, Output, OutputFile
from polc.ir.family import FAMILIES, Family
from polc.ir.matches import Direction, InterfaceMatch
from polc.ir.origin import Origin
from polc.ir.reachable import reachable
from polc.ir.ruleset import BaseChain, Chain, RegularChain, Rule, Ruleset
from polc.ir.stateful import Connections, Hits, Limit, Quota
from polc.ir.verdicts import Drop, chains_of, leaves

_FILES = {Family.IP: "rules.v4", Family.IP6: "rules.v6"}


def emit(ruleset: Ruleset) -> Output:
    """See ``polc.backends.model.Backend.emit``."""
    return _Emission(rename_chains(ruleset)).output()


@dataclass(frozen=True, slots=True)
class _Copy:
    """Lines of one rule for one table of one family's file."""

    family: Family
    table: str
    chain: str
    lines: Lines


class _Emission:
    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        self.fresh = FreshNames(ruleset)
        self.tables = {family: {"filter": Table("filter")} for family in FAMILIES}
        self.deviations: dict[Deviation, None] = {}
        self.places = self._places()
        self.at_odds = self._at_odds()
        self.shared = {family: self._shared(family) for family in FAMILIES}
        self.sets = self._sets()

    def output(self) -> Output:
        raw: list[_Copy] = []
        rest: list[_Copy] = []
        for chain in self.ruleset.chains:
            for at in sorted(self.places.get(chain.name, ()), key=lambda one: (one.table, one.chain)):
                for family in FAMILIES:
                    self._open(chain, at, family)
            for position, rule in enumerate(chain.rules):
                if self.places.get(chain.name):
                    copies = self._rule(rule, chain, position)
                    raw += [one for one in copies if one.chain != self._home(chain, one.table)]
                    rest += [one for one in copies if one.chain == self._home(chain, one.table)]
        # Helpers first: no rule of table raw may end a packet's way before it is given one.
        for copy in (*raw, *rest):
            table = self.tables[copy.family].setdefault(copy.table, Table(copy.table))
            table.chains.setdefault(copy.chain, []).extend(copy.lines.own)
            for name, lines in copy.lines.chains.items():
                table.chains[name] = lines
        rules = tuple(OutputFile(_FILES[family], self._text(family)) for family in FAMILIES)
        # Rules name sets that exist.
        sets = (OutputFile(ipsets.FILE, ipsets.file_text(self.sets.values())),) if self.sets else ()
        return Output((*sets, *rules), tuple(self.deviations))

    def _sets(self) -> dict[str, str]:
        """The commands that make the dynamic sets, by their names; none for those that are refused."""
        found: dict[str, str] = {}
        for one in self.ruleset.sets:
            try:
                found[one.name] = ipsets.create(one)
            except Refused as refused:
                self._deviate(Fidelity.REFUSED, refused.difference, one.origin)
        return found

    def _text(self, family: Family) -> str:
        hits = any(
            isinstance(match, Hits) and family in rule.families
            for chain in self.ruleset.chains
            for rule in chain.rules
            for match in rule.matches
        )
        return file_text(self.tables[family], [recent.NOTE] if hits else [])

    def _places(self) -> dict[str, frozenset[Place]]:
        """The built-in chains that each chain's packets come from; a base chain has one, or none if refused."""
        found: dict[str, frozenset[Place]] = {}
        taken: dict[Place, str] = {}
        for chain in self.ruleset.chains:
            if isinstance(chain, BaseChain):
                try:
                    at = place(chain)
                    if at in taken:
                        first = taken[at]
                        message = f"`{first}` and `{chain.name}` are both {at.chain} of table {at.table} in iptables"
                        raise Refused("base-chain", message, "join the two chains")
                except Refused as refused:
                    self._deviate(Fidelity.REFUSED, refused.difference, chain.origin)
                    continue
                taken[at] = chain.name
                found[chain.name] = frozenset({at})
        chains = {chain.name: chain for chain in self.ruleset.chains}
        for name, start in [(name, next(iter(places))) for name, places in found.items()]:
            for reached in reachable(_called(chains[name]), lambda one: _called(chains[one])):
                found[reached] = found.get(reached, frozenset()) | {start}
        for chain in self.ruleset.chains:
            if isinstance(chain, RegularChain) and chain.name not in found:
                found[chain.name] = frozenset({Place("filter", chain.name)})
        return found

    def _check_limits(self, rule: Rule) -> None:
        for match in rule.matches:
            if isinstance(match, Limit) and match.table in self.at_odds:
                raise Refused(
                    "limit-table", f"limits that share the table `{match.table}` differ in rate, burst or key"
                )

    def _at_odds(self) -> frozenset[str]:
        """Limit tables that rules use with different settings: the kernel would take the first one's for all."""
        settings: dict[str, set[object]] = {}
        for chain in self.ruleset.chains:
            for rule in chain.rules:
                for match in rule.matches:
                    if isinstance(match, Limit):
                        settings.setdefault(match.table, set()).add((match.rate, match.burst, match.key, match.size))
        return frozenset(table for table, different in settings.items() if len(different) > 1)

    def _shared(self, family: Family) -> frozenset[str]:
        counts = Counter(
            match.table
            for chain in self.ruleset.chains
            for _ in {at.table for at in self.places.get(chain.name, ())}
            for rule in chain.rules
            if family in rule.families
            for match in rule.matches
            if isinstance(match, Limit | Connections | Quota)
        )
        return frozenset(table for table, count in counts.items() if count > 1)

    def _home(self, chain: Chain, table: str) -> str:
        """The name of the chain in a table; "" where it is not in that one."""
        at = next((one for one in self.places[chain.name] if one.table == table), None)
        return "" if at is None else at.chain if isinstance(chain, BaseChain) else chain.name

    def _open(self, chain: Chain, at: Place, family: Family) -> None:
        table = self.tables[family].setdefault(at.table, Table(at.table))
        table.chains.setdefault(self._home(chain, at.table), [])
        if isinstance(chain, BaseChain) and isinstance(chain.policy, Drop):
            table.policies[at.chain] = "DROP"

    def _rule(self, rule: Rule, chain: Chain, position: int) -> list[_Copy]:
        """All copies of a rule; none when any of them is refused, so that no file holds half of it."""
        if not ipsets.named(rule) <= self.sets.keys():
            return []  # refused with its set
        differences: list[Difference] = []
        copies: list[_Copy] = []
        try:
            self._check_limits(rule)
            check_verdict(rule.verdict, self.places[chain.name])
            check_nodes(rule, self.places[chain.name])
            found = _at_hook(rule, chain, self.places[chain.name])
            if found is None:
                return []
            helpers = raw_rules(found, position, chain, self.ruleset)
            if helpers is not None:
                differences += helpers.differences
                for one in helpers.rules:
                    copies += self._copies(one, "raw", helpers.chain, chain)
            stays = without_helpers(found)
            if stays is not None:
                for table in sorted({at.table for at in self.places[chain.name]}):
                    copies += self._copies(stays, table, self._home(chain, table), chain)
        except Refused as refused:
            self._deviate(Fidelity.REFUSED, refused.difference, rule.origin)
            return []
        for copy in copies:
            differences += copy.lines.differences
        for difference in differences:
            self._deviate(Fidelity.APPROXIMATE, difference, rule.origin)
        return copies

    def _copies(self, rule: Rule, table: str, name: str, chain: Chain) -> Iterable[_Copy]:
        for family in FAMILIES:
            if family in rule.families:
                context = Context(family, self.shared[family])
                lines = lower(rule, context, lambda: self.fresh.after(chain.name))
                if _hides_interface(rule, chain, name):
                    self._hide(lines, rule, chain)
                yield _Copy(family, table, name, lines)

    def _hide(self, lines: Lines, rule: Rule, chain: Chain) -> None:
        """Move a rule's lines into a chain of its own."""
        if leaves(rule.verdict):
            raise Refused(
                "leaves-chain",
                "it takes a chain of its own, out of which `return` and `goto` cannot lead",
                "name what comes in by its addresses",
            )
        inner = self.fresh.after(chain.name)
        lines.chains[inner] = list(lines.own)
        lines.own[:] = [" ".join((*(piece.text for piece in comment.pieces(rule.origin)), f"-j {inner}"))]

    def _deviate(self, fidelity: Fidelity, difference: Difference, origin: Origin) -> None:
        deviation = Deviation(fidelity, difference.name, origin, difference.message, difference.help)
        self.deviations[deviation] = None


def _at_hook(rule: Rule, chain: Chain, places: frozenset[Place]) -> Rule | None:
    """The rule without matches of an interface that no packet has in its built-in chain.

    None when it asked for one there, which no packet meets. The tools accept such matches in regular chains.
    """
    if isinstance(chain, RegularChain):
        return rule
    (built_in,) = (at.chain for at in places)
    kept = []
    for match in rule.matches:
        if isinstance(match, InterfaceMatch) and ABSENT.get(built_in) is match.direction:
            if not match.negated:
                return None
            continue
        kept.append(match)
    return replace(rule, matches=tuple(kept))


def _hides_interface(rule: Rule, chain: Chain, name: str) -> bool:
    """Whether the rule asks in POSTROUTING where a packet came in: the tools refuse `-i` there, but not in a chain that
    POSTROUTING calls, and the kernel knows it since Linux 5.7 (net/ipv4/ip_output.c, ip_output).
    """
    return (
        isinstance(chain, BaseChain)
        and name == "POSTROUTING"
        and any(isinstance(one, InterfaceMatch) and one.direction is Direction.IN for one in rule.matches)
    )


def _called(chain: Chain) -> set[str]:
    return {name for rule in chain.rules for name in chains_of(rule.verdict)}
