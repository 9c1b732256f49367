"""Ruleset to rules.v4 and rules.v6, and to sets.ipset when rules name sets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from polc.backends.cascade import NeedsChain
from polc.backends.iptables import coexist, groups, ipsets
from polc.backends.iptables.at_hook import at_hook, hides_interface
from polc.backends.iptables.extensions import comment, recent
from polc.backends.iptables.extensions.context import Context
from polc.backends.iptables.extensions.words import Difference, Refused, leaving_chain
from polc.backends.iptables.helper import raw_rules, without_helpers
from polc.backends.iptables.ipsets import Ipset
from polc.backends.iptables.load_script import SCRIPT, script
from polc.backends.iptables.lower import Lines, lower
from polc.backends.iptables.named_sets import NamedSets
from polc.backends.iptables.names import FreshNames, own_prefix, rename_chains
from polc.backends.iptables.needs import check_lines, has_set
from polc.backends.iptables.node_places import check_nodes
from polc.backends.iptables.places import find_places
from polc.backends.iptables.raw_helpers import RawTable, attaches_at_once, raw_table
from polc.backends.iptables.restore import Table, counting_from, file_beside, file_text
from polc.backends.iptables.state_tables import AtOdds, lists_of_ip6, shared
from polc.backends.iptables.tables import Place, check_verdict
from polc.backends.iptables.unfold import unfold
from polc.backends.model import Deviation, Fidelity, Layout, Options, Output, OutputFile
from polc.ir.family import FAMILIES, Family
from polc.ir.origin import Origin
from polc.ir.ruleset import BaseChain, Chain, Rule, Ruleset, TableFamily
from polc.ir.statements import AssignZone, Counter
from polc.ir.verdicts import Drop, leaves

FILES = {Family.IP: "rules.v4", Family.IP6: "rules.v6"}
_FAMILIES: dict[TableFamily, tuple[Family, ...]] = {
    TableFamily.INET: FAMILIES,
    TableFamily.IP: (Family.IP,),
    TableFamily.IP6: (Family.IP6,),
}
_COUNTERS = "rules have counters to begin from, which --counters reads"


def emit(ruleset: Ruleset, options: Options) -> Output:
    """See ``polc.backends.model.Backend.emit``."""
    try:
        if ruleset.family not in _FAMILIES:
            raise Refused("table-family", f"iptables has no rules for packets of {ruleset.family.value}")
        beside = options.layout is Layout.COEXIST
        layout = coexist.beside(ruleset.table) if beside else coexist.Layout()
    except Refused as refused:
        return Output((), (_deviation(Fidelity.REFUSED, refused.difference, ruleset.origin),))
    return _Emission(rename_chains(ruleset, layout.prefix), options, layout).output()


def _deviation(fidelity: Fidelity, difference: Difference, origin: Origin) -> Deviation:
    return Deviation(fidelity, difference.name, origin, difference.message, difference.help)


@dataclass(frozen=True, slots=True)
class _Stays:
    """A rule as far as it stays in its own chain, and what attaches its helpers in a chain of table raw."""

    rule: Rule | None
    raw: str = ""
    helpers: tuple[Rule, ...] = ()
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class _Copy:
    """Lines of one rule for one table of one family's file."""

    family: Family
    table: str
    chain: str
    lines: Lines
    helper: bool = False


class _Emission:
    def __init__(self, ruleset: Ruleset, options: Options, layout: coexist.Layout) -> None:
        self.ruleset = ruleset
        self.profile = options.profile
        self.layout = layout
        self.families = _FAMILIES[ruleset.family]
        self.fresh = FreshNames(ruleset, layout.prefix)
        self.tables = {family: {} if layout.beside else {"filter": Table("filter")} for family in self.families}
        self.deviations: dict[Deviation, None] = {}
        self.places = find_places(ruleset, lambda refused, chain: self._refuse(refused, chain.origin))
        self.at_odds = AtOdds(ruleset)
        self.sets = NamedSets(ruleset, options.profile, lambda refused, one: self._refuse(refused, one.origin))
        self.prefix = own_prefix(ruleset.table)
        taken = {one.name for one in ruleset.sets} | {ipsets.end(family, self.prefix).name for family in FAMILIES}
        rules = [rule for chain in ruleset.chains for rule in chain.rules]
        self.groups = {family: groups.find(rules, family, options, self.prefix, taken) for family in self.families}
        self.contexts = {family: self._context(family) for family in self.families}
        self.raw: dict[str, RawTable] = {}

    def _context(self, family: Family) -> Context:
        return Context(
            family,
            shared(self.ruleset, self.places, family),
            lists_of_ip6(self.ruleset) if family is Family.IP6 else {},
            self.sets.forms,
            self.groups[family].addresses,
            self.groups[family].elements,
        )

    def output(self) -> Output:
        staying: list[tuple[Chain, Rule, _Stays]] = []
        for chain in self.ruleset.chains:
            if self.places.get(chain.name):
                for position, rule in enumerate(chain.rules):
                    stays = self._stays(rule, chain, position)
                    if stays is not None:
                        staying.append((chain, rule, stays))
        self.raw = self._raw_tables(staying)
        for chain in self.ruleset.chains:
            for at in sorted(self.places.get(chain.name, ()), key=lambda one: (one.table, one.chain)):
                for family in self.families:
                    self._open(chain, at, family)
        copies = [copy for chain, rule, stays in staying for copy in self._rule(rule, stays, chain)]
        zones = list(self._zone_copies())
        helpers = [copy for copy in copies if copy.helper]
        first = [copy for copy in helpers if not self.raw[copy.chain].last]
        last = [copy for copy in helpers if self.raw[copy.chain].last]
        for copy in (*first, *(copy for copy in copies if not copy.helper), *zones, *last):
            self._write(copy)
        for chain in self.ruleset.chains:
            if isinstance(chain, BaseChain) and self.places.get(chain.name):
                self._close(chain)
        # Rules name sets that exist, so they come first.
        text = ipsets.file_text(self._all_sets())
        rules = [OutputFile(FILES[family], self._text(family)) for family in self.families]
        files = (*([OutputFile(ipsets.FILE, text)] if text else []), *rules)
        if self.layout.beside:
            files = (*files, OutputFile(SCRIPT, script(self.layout.prefix, [file.name for file in files])))
        return Output(files, tuple(self.deviations))

    def _all_sets(self) -> list[Ipset]:
        """The named sets, and the groups that a line asks; the last ones say that all before them are complete."""
        found = list(self.sets.ipsets)
        for family in self.families:
            if not self.groups[family].sets:
                continue
            asked = {name for line in self._lines_of(family) for name in re.findall(r"--match-set (\S+) ", line)}
            found += (one for one in self.groups[family].sets if one.name in asked)
        ends = {family: ipsets.end(family, self.prefix) for family in self.families if ipsets.begins(found, family)}
        if not has_set(ipsets.END_TYPE, self.profile):
            return found
        for family, end in ends.items():
            # No packet comes there; but a rule that names a set which is missing is refused, and its table with it.
            self._table(family, "filter").chains[self.fresh.after("sets")] = [f"-m set --match-set {end.name} src"]
        return [*found, *ends.values()]

    def _text(self, family: Family) -> str:
        tables, lines = self.tables[family], self._lines_of(family)
        notes = [coexist.note(self.layout)] if self.layout.beside else []
        if any(recent.COUNTS in line for line in lines):
            notes.append(recent.NOTE)
        if any(line.startswith("[") for line in lines):
            notes.append(_COUNTERS)
        return file_beside(tables, notes) if self.layout.beside else file_text(tables, notes)

    def _lines_of(self, family: Family) -> list[str]:
        chains = (chain for table in self.tables[family].values() for chain in table.chains.values())
        return [line for chain in chains for line in chain]

    def _home(self, chain: Chain, table: str) -> str:
        """The name of the chain in a table; "" where it is not in that one."""
        at = next((one for one in self.places[chain.name] if one.table == table), None)
        return "" if at is None else self.layout.calls(at) if isinstance(chain, BaseChain) else chain.name

    def _table(self, family: Family, name: str) -> Table:
        return self.tables[family].setdefault(name, Table(name))

    def _open(self, chain: Chain, at: Place, family: Family) -> None:
        if self.layout.beside and isinstance(chain, BaseChain):
            if coexist.is_needed(chain):
                self._hook(family, at)
            return
        table = self._table(family, at.table)
        table.chains.setdefault(self._home(chain, at.table), [])
        if isinstance(chain, BaseChain) and isinstance(chain.policy, Drop):
            table.policies[at.chain] = "DROP"

    def _hook(self, family: Family, at: Place) -> None:
        """Have a built-in chain call ours, where ours is not that one."""
        table = self._table(family, at.table)
        table.chains.setdefault(self.layout.calls(at), [])
        if self.layout.beside:
            table.jumps[at.chain] = self.layout.calls(at)

    def _close(self, chain: BaseChain) -> None:
        """End a chain of our own as the policy of a built-in one would."""
        if not (self.layout.beside and isinstance(chain.policy, Drop)):
            return
        (at,) = self.places[chain.name]
        for family in self.families:
            chains = self._table(family, at.table).chains
            name = self.layout.calls(at)
            if coexist.returns(chain):
                inner = self.fresh.after(name)
                chains[inner] = chains[name]
                chains[name] = [f"-j {inner}"]
            chains[name].append("-j DROP")

    def _write(self, copy: _Copy) -> None:
        if copy.helper:
            self._hook(copy.family, Place("raw", copy.chain))
        table = self._table(copy.family, copy.table)
        home = self.layout.prefix + copy.chain if copy.helper else copy.chain
        table.chains.setdefault(home, []).extend(copy.lines.own)
        for name, lines in copy.lines.chains.items():
            table.chains[name] = lines

    def _stays(self, rule: Rule, chain: Chain, position: int) -> _Stays | None:
        """The rule without what no packet of its chain meets, and without helpers; None when it is refused."""
        spelled: tuple[Difference, ...] = ()
        if self.ruleset.sets:
            if self.sets.lack(rule):
                return None  # refused with its set
            rule, spelled = self.sets.spelled_out(rule)
        try:
            self.at_odds.check(rule)
            check_verdict(rule.verdict, self.places[chain.name])
            rule = ipsets.with_ports(rule, self.sets.forms) if self.sets.forms else rule
            found = at_hook(rule, chain, self.places[chain.name])
            if found is None:
                return None
            at_once = attaches_at_once(found, self.ruleset, self.places, chain)
            helpers = None if at_once else raw_rules(found, position, chain, self.ruleset)
        except Refused as refused:
            self._refuse(refused, rule.origin)
            return None
        if helpers is None:
            return _Stays(found, differences=spelled)
        return _Stays(without_helpers(found), helpers.chain, helpers.rules, (*spelled, *helpers.differences))

    def _raw_tables(self, staying: Iterable[tuple[Chain, Rule, _Stays]]) -> dict[str, RawTable]:
        found: dict[str, RawTable] = {}
        for _, _, stays in staying:
            if stays.helpers:
                if stays.raw not in found:
                    found[stays.raw] = raw_table(self.ruleset, self.places, stays.raw)
                found[stays.raw].helpers.extend(stays.helpers)
        for raw in found.values():
            if raw.last:
                raw.zones.update((zone, self.fresh.after("zone")) for zone in raw.assigned)
        return found

    def _rule(self, rule: Rule, stays: _Stays, chain: Chain) -> list[_Copy]:
        """All copies of a rule; none when any of them is refused, so that no file holds half of it."""
        copies: list[_Copy] = []
        try:
            for helper in stays.helpers:
                self.raw[stays.raw].check(helper)
                copies += self._helper(helper, stays.raw, chain)
            if stays.rule is not None:
                for table in sorted({at.table for at in self.places[chain.name]}):
                    copies += self._copies(stays.rule, table, chain)
                _count(rule, [copy.lines for copy in copies if not copy.helper])
            for copy in copies:
                check_lines(copy.lines.all(), self.profile)
        except Refused as refused:
            self._refuse(refused, rule.origin)
            return []
        for difference in (*stays.differences, *(one for copy in copies for one in copy.lines.differences)):
            self._deviate(Fidelity.APPROXIMATE, difference, rule.origin)
        return copies

    def _helper(self, rule: Rule, raw: str, chain: Chain) -> Iterator[_Copy]:
        for family in self.families:
            if family in rule.families:
                lines = lower(rule, self.contexts[family], lambda: self.fresh.after(chain.name))
                yield _Copy(family, "raw", raw, lines, helper=True)

    def _copies(self, rule: Rule, table: str, chain: Chain) -> Iterator[_Copy]:
        name = self._home(chain, table)
        zones = self._zones(rule, chain) if table == "raw" else {}
        for family in self.families:
            if family in rule.families:
                context = self.contexts[family]
                lines = self._lines(rule, chain, name, replace(context, zones=zones) if zones else context)
                yield _Copy(family, table, name, lines)

    def _lines(self, rule: Rule, chain: Chain, name: str, context: Context) -> Lines:
        def fresh() -> str:
            return self.fresh.after(chain.name)

        try:
            unfolded = unfold(rule, lambda match: match in context.elements, fresh)
        except NeedsChain:
            raise leaving_chain("rules that each name one element, and no limit") from None
        places = self.places[chain.name]
        lines = Lines()
        for one in unfolded.rules:
            # The rule itself has been looked at.
            found = one if one is rule else at_hook(one, chain, places)
            if found is not None:
                check_nodes(found, places)
                lines.add(lower(found, context, fresh))
        if any(hides_interface(one, chain, name) for one in unfolded.rules):
            self._hide(lines, rule, chain)
        for inner in unfolded.chains:
            written = Lines()
            for one in inner.rules:
                check_nodes(one, places)
                written.add(lower(one, context, fresh))
            lines.chains[inner.name] = written.own
            lines.chains |= written.chains
            lines.differences += written.differences
        return lines

    def _zones(self, rule: Rule, chain: Chain) -> Mapping[AssignZone, str]:
        """The chains that assign a zone, and a helper as the case may be."""
        assigns = any(isinstance(one, AssignZone) for one in rule.statements)
        raws = [at.chain for at in self.places[chain.name] if at.table == "raw"]
        found = [self.raw[name].zones for name in raws if name in self.raw and self.raw[name].zones]
        if not assigns or not found:
            return {}
        if len(raws) > 1:
            raise Refused("helper-zone", "both PREROUTING and OUTPUT of table raw lead there, and have other helpers")
        return found[0]

    def _zone_copies(self) -> Iterator[_Copy]:
        for raw in self.raw.values():
            for zone, name in raw.zones.items():
                for family in self.families:
                    rules = raw.together(zone, family)
                    lines = Lines()
                    for rule in rules:
                        lines.add(lower(rule, self.contexts[family], partial(self.fresh.after, name)))
                    if rules:
                        yield _Copy(family, "raw", name, lines)

    def _hide(self, lines: Lines, rule: Rule, chain: Chain) -> None:
        """Move a rule's lines into a chain of its own."""
        if leaves(rule.verdict):
            raise leaving_chain("name what comes in by its addresses")
        inner = self.fresh.after(chain.name)
        lines.chains[inner] = list(lines.own)
        lines.own[:] = [" ".join((*(piece.text for piece in comment.pieces(rule.origin)), f"-j {inner}"))]

    def _refuse(self, refused: Refused, origin: Origin) -> None:
        self._deviate(Fidelity.REFUSED, refused.difference, origin)

    def _deviate(self, fidelity: Fidelity, difference: Difference, origin: Origin) -> None:
        self.deviations[_deviation(fidelity, difference, origin)] = None


def _count(rule: Rule, copies: list[Lines]) -> None:
    """Have the counters of the rule's first line begin where the rule's do."""
    for one in rule.statements:
        if isinstance(one, Counter) and (one.packets or one.bytes) and copies:
            first = copies[0]
            if len(first.own) != 1 or first.chains:
                raise Refused("counter-start", "iptables counts each line by itself, and the rule is several")
            first.own[0] = counting_from(first.own[0], one.packets, one.bytes)
