"""Sections and chains to a ruleset."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from polc.diagnostics import Collector, Failure, Label
from polc.ir.family import Family
from polc.ir.origin import Origin
from polc.ir.reachable import reachable
from polc.ir.ruleset import (
    IP_HOOKS,
    BaseChain,
    Chain,
    ChainType,
    Hook,
    Priority,
    RegularChain,
    Rule,
    Ruleset,
    TableFamily,
)
from polc.ir.verdicts import Accept, Drop, Goto, Jump, MapVerdict, Reject, Return, VerdictMap
from polc.policy.document import AnyRule, Decision, MacroDocument, RuleDocument, Verdict, Word
from polc.policy.lower import values
from polc.policy.lower.graph import in_order
from polc.policy.lower.rules import lower_rule
from polc.policy.lower.scope import POSTROUTING, PREROUTING, Place, Scope, Settings, StateTables, Symbols
from polc.policy.lower.symbols import definition_cycle
from polc.policy.merge import NAT, SECTIONS, Merged, Section
from polc.policy.nodes import Node
from polc.policy.rule_mapping import read_any_rule
from polc.source import Span

_HOOKS = {hook.value: hook for hook in IP_HOOKS}

_TYPES = {Hook.OUTPUT: ChainType.ROUTE}
"""A chain of type route looks the route up again when a mark has changed (nft(8), CHAINS)."""

LISTS: tuple[Place, ...] = (
    *(Place(f"raw-{hook.value}", hook, ChainType.FILTER, Priority.RAW) for hook in (Hook.PREROUTING, Hook.OUTPUT)),
    *(
        # A chain of type route looks the route up again when a mark has changed (nft(8), CHAINS).
        Place(
            f"mangle-{hook.value}", hook, ChainType.ROUTE if hook is Hook.OUTPUT else ChainType.FILTER, Priority.MANGLE
        )
        for hook in IP_HOOKS
    ),
)
SECTION_PLACES: tuple[Place, ...] = tuple(Place(one, _HOOKS[one]) for one in SECTIONS)
NAT_LISTS: tuple[Place, ...] = (
    # net/ipv4/netfilter/iptable_nat.c: destinations first, and sources last.
    PREROUTING,
    Place("nat-input", Hook.INPUT, ChainType.NAT, Priority.SRCNAT),
    Place("nat-output", Hook.OUTPUT, ChainType.NAT, Priority.DSTNAT),
    POSTROUTING,
)
"""The base chains of the sections that have no default: what no rule decides goes on."""

BASE_CHAINS = frozenset((*SECTIONS, *(place.name for place in (*LISTS, *NAT_LISTS))))
"""Names that no chain of a policy can have."""

_CALLS = (Decision.JUMP, Decision.GOTO)


class _Documents(NamedTuple):
    """The rules of a chain as they were read."""

    rules: tuple[AnyRule, ...]
    span: Span


class Written(NamedTuple):
    """The rules of a policy as they were read: those of the kernel's chains, of its own, and of its macros."""

    base: Mapping[str, tuple[AnyRule, ...]]
    chains: Mapping[str, tuple[AnyRule, ...]]
    macros: Mapping[str, tuple[AnyRule, ...] | None]

    def rules(self) -> Iterator[AnyRule]:
        for found in (*self.base.values(), *self.chains.values(), *self.macros.values()):
            yield from found or ()


def lower_sections(
    merged: Merged, symbols: Symbols, settings: Settings, collector: Collector
) -> tuple[Ruleset, Written]:
    """The chains of a policy, in netfilter's order; errors of all rules are recorded."""
    return _Sections(merged, symbols, settings, collector).lower()


@dataclass(slots=True)
class _Sections:
    merged: Merged
    symbols: Symbols
    settings: Settings
    collector: Collector
    ingress: dict[str, str] = field(default_factory=dict)
    """Names of the chains at ingress, and their devices."""

    def lower(self) -> tuple[Ruleset, Written]:
        ids: dict[str, Word] = {}
        self.ingress = self._ingress()
        self.symbols = self.symbols._replace(macros=self._macros())
        documents = {name: self._read(nodes, span, ids) for name, nodes, span in self._lists()}
        regular = {
            name: self._read(_items(entry.value), entry.key.span, ids)
            for name, entry in self.merged.definitions["chains"].items()
        }
        self._check_chains(regular)
        tables = StateTables()
        ingress = [Place(name, Hook.INGRESS) for name in self.ingress]
        places = {place.name: place for place in (*ingress, *LISTS, *SECTION_PLACES, *NAT_LISTS)}
        reach = self._reach(places, documents, regular)

        def scope(chain: str, of: Iterable[Place]) -> Scope:
            return Scope(chain, tuple(of), self.symbols, tables, self.collector, self.settings)

        chains: list[Chain] = []
        for name, found in documents.items():
            if name == NAT:
                chains += self._nat(found, lambda place: scope(place.name, (place,)))
                continue
            place = places[name]
            rules = self._rules(found, scope(name, (place,)))
            section, device = self._section(name)
            policy, last = (Accept(), None) if section is None else self._default(name, section)
            if last and section and section.default:
                end = Rule((), last, origin=Origin(section.default.span, "default"))
                rules = (*_not_around(rules, end, name, tables), end)
            origin = Origin(found.span)
            devices = (device,) if device else ()
            chains.append(BaseChain(name, place.type, place.hook, place.priority.value, policy, rules, origin, devices))
        for name, found in regular.items():
            own = [places[one] for one in places if name in reach.get(one, ())]
            chains.append(RegularChain(name, self._rules(found, scope(name, own)), Origin(found.span, name)))
        self._check_macros((*documents.values(), *regular.values()))
        sets = tuple(one for group in self.symbols.dynamic.values() for one in group or ())
        flowtables = tuple(one for one in self.symbols.flowtables.values() if one)
        ruleset = Ruleset((*chains, *tables.chains), sets, flowtables=flowtables)
        if self.settings.family:
            ruleset = _of_one_family(ruleset, TableFamily(self.settings.family.text), self.settings.families)
        table = self.settings.table
        if table:
            ruleset = replace(ruleset, table=table.text, origin=Origin(table.span))
        written = Written(
            {name: found.rules for name, found in documents.items()},
            {name: found.rules for name, found in regular.items()},
            self.symbols.macros,
        )
        return ruleset, written

    def _section(self, name: str) -> tuple[Section | None, str]:
        """The section of a chain, where it is one with a default, and its device, where it has one."""
        if name in self.ingress:
            device = self.ingress[name]
            return self.merged.ingress[device], device
        return (self.merged.sections.get(name) if name in SECTIONS else None), ""

    def _lists(self) -> Iterator[tuple[str, list[Node], Span]]:
        for name, device in self.ingress.items():
            section = self.merged.ingress[device]
            yield name, section.rules, section.span
        for place in LISTS:
            found = self.merged.lists.get(place.name)
            if found:
                yield place.name, found.rules, found.span
        for name in SECTIONS:
            if name in self.merged.sections:
                section = self.merged.sections[name]
                yield name, section.rules, section.span
        for name in (NAT, *(place.name for place in NAT_LISTS)):
            found = self.merged.lists.get(name)
            if found:
                yield name, found.rules, found.span

    def _read(self, nodes: Iterable[Node], span: Span, ids: dict[str, Word]) -> _Documents:
        found: list[AnyRule] = []
        for node in nodes:
            try:
                document = read_any_rule(node)
            except Failure as failure:
                self.collector.diagnostics.extend(failure.diagnostics)
                continue
            found.append(document)
            if document.id:
                first = ids.setdefault(document.id.text, document.id)
                if first is not document.id:
                    message, also = f"the id `{first.text}` is there twice", (Label(first.span, "first here"),)
                    self.collector.error("POL210", message, document.id.span, also=also)
        return _Documents(tuple(found), span)

    def _macros(self) -> dict[str, tuple[AnyRule, ...] | None]:
        """User macros as documents; those of a circle are None."""
        from polc.policy.lower.macros import MACROS

        found: dict[str, tuple[AnyRule, ...] | None] = dict.fromkeys(self.merged.broken["macros"])
        for name, entry in self.merged.definitions["macros"].items():
            if name in MACROS:
                message = f"the macro `{name}` is built in"
                self.collector.error("POL211", message, entry.key.span, help="choose another name")
            found[name] = self._read(_items(entry.value), entry.key.span, {}).rules
        uses = {
            name: tuple(one.macro for one in rules or () if isinstance(one, MacroDocument))
            for name, rules in found.items()
        }
        for one in in_order(uses):
            if not isinstance(one, str):
                definition_cycle(one, self.collector)
                found.update(dict.fromkeys(word.text for word in one))
        return found

    def _ingress(self) -> dict[str, str]:
        """A name that nft takes for the chain of each device, and none twice."""
        found: dict[str, str] = {}
        for device, section in self.merged.ingress.items():
            try:
                values.device(device)
            except ValueError as error:
                self.collector.error("POL117", str(error), section.span)
            name = ingress_name(device)
            while name in found:
                name += "_"
            found[name] = device
        return found

    def _check_macros(self, chains: Iterable[_Documents]) -> None:
        """Record what is wrong in macros that no chain uses: a definition is looked at whether it is used or not."""
        used = {rule.macro.text for chain in chains for rule in chain.rules if isinstance(rule, MacroDocument)}
        for name, rules in self.symbols.macros.items():
            scope = Scope(name, (), self.symbols, StateTables(), self.collector, self.settings)
            for document in rules or () if name not in used else ():
                lower_rule(document, scope)

    def _check_chains(self, regular: dict[str, _Documents]) -> None:
        for name, entry in self.merged.definitions["chains"].items():
            if name in BASE_CHAINS or name in self.ingress:
                message = f"`{name}` is the name of a chain that the kernel calls"
                self.collector.error("POL211", message, entry.key.span, help="choose another name")
        for one in in_order({name: tuple(self._calls(found.rules)) for name, found in regular.items()}):
            if not isinstance(one, str):
                definition_cycle(one, self.collector)

    def _calls(self, rules: Iterable[AnyRule]) -> Iterator[Word]:
        """The chains that rules lead to, those of macros too."""
        for rule in rules:
            if isinstance(rule, MacroDocument):
                yield from self._calls(self.symbols.macros.get(rule.macro.text) or ())
            elif isinstance(rule, RuleDocument) and rule.verdict:
                yield from _called(rule.verdict)

    def _reach(
        self, places: dict[str, Place], documents: dict[str, _Documents], regular: dict[str, _Documents]
    ) -> dict[str, frozenset[str]]:
        """The regular chains that packets of each base chain can come to."""

        def called(found: _Documents) -> set[str]:
            return regular.keys() & {word.text for word in self._calls(found.rules)}

        return {
            name: frozenset(reachable(called(documents[name]), lambda chain: called(regular[chain])))
            for name in places
            if name in documents
        }

    def _rules(self, found: _Documents, scope: Scope) -> tuple[Rule, ...]:
        return tuple(rule for document in found.rules for rule in lower_rule(document, scope))

    def _default(self, name: str, section: Section) -> tuple[Accept | Drop, Reject | None]:
        """The chain's policy, and the verdict of a last rule where that is another."""
        if section.default is None:
            self.collector.error(
                "POL214",
                f"`{name}` has no `default`",
                section.span,
                help="say what happens to packets that no rule decides: `default: drop` is what most want",
            )
            return Drop(), None
        if section.default.value == "accept":
            return Accept(), None
        return Drop(), Reject() if section.default.value == "reject" else None

    def _nat(self, found: _Documents, scope_of: Callable[[Place], Scope]) -> list[BaseChain]:
        from polc.policy.lower.nat import lower_nat

        return lower_nat(found.rules, lower_rule, scope_of, Origin(found.span))


def ingress_name(device: str) -> str:
    """What the chain of a device at ingress is called."""
    return "ingress-" + re.sub(r"[^A-Za-z0-9_.-]", "_", device)


def _of_one_family(ruleset: Ruleset, table: TableFamily, families: frozenset[Family]) -> Ruleset:
    """The ruleset as it is of one family alone: macros and dynamic groups have both."""

    def in_chain(chain: Chain) -> Chain:
        own = ((rule, rule.families & families) for rule in chain.rules)
        return replace(chain, rules=tuple(replace(rule, families=spoken) for rule, spoken in own if spoken))

    chains = tuple(in_chain(chain) for chain in ruleset.chains)
    sets = tuple(one for one in ruleset.sets if one.families & families)
    return replace(ruleset, chains=chains, sets=sets, family=table)


def _items(node: Node) -> tuple[Node, ...]:
    return getattr(node, "items", ())


def _called(verdict: Verdict) -> Iterator[Word]:
    if verdict.decision in _CALLS and verdict.answer:
        yield verdict.answer
    for entry in verdict.map.entries if verdict.map else ():
        if entry.verdict:
            yield from _called(entry.verdict)


def _not_around(rules: Iterable[Rule], end: Rule, name: str, tables: StateTables) -> Iterator[Rule]:
    """`return` in a base chain, and the end of a chain that it went to, lead to the chain's policy, past the last rule.
    Here they do what that rule would: behind a `goto` in a chain of its own, since asking a second time what the rule
    asks may get another answer (a mark that was set, a limit).
    """
    made: dict[str, str] = {}

    def behind(what: str, rules: tuple[Rule, ...], origin: Origin) -> str:
        if what not in made:
            made[what] = tables.fresh(name, what)
            tables.chains.append(RegularChain(made[what], rules, origin))
        return made[what]

    def instead(verdict: MapVerdict, origin: Origin) -> MapVerdict:
        match verdict:
            case Goto(chain):
                return Jump(behind(f"goto {chain}", (Rule((), Jump(chain), origin=origin), end), origin))
            case Return():
                return Jump(behind("return", (end,), origin))
            case _:
                return verdict

    for rule in rules:
        match rule.verdict:
            case Return():
                yield replace(rule, verdict=end.verdict)
            case Goto():
                yield replace(rule, verdict=instead(rule.verdict, rule.origin))
            case VerdictMap(elements=elements):
                new = tuple((element, instead(one, rule.origin)) for element, one in elements)
                yield replace(rule, verdict=replace(rule.verdict, elements=new))
            case _:
                yield rule
