"""A ruleset to the text of a policy that a person would have written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from polc.diagnostics import Collector, Diagnostic, Failure, Label, Severity
from polc.ir.addresses import AddressSet
from polc.ir.family import BOTH, Family
from polc.ir.matches import AddressMatch, OpaqueMatch, OriginalAddressMatch, ServiceMatch, SetMatch
from polc.ir.origin import Origin
from polc.ir.reachable import reachable
from polc.ir.ruleset import BaseChain, Hook, Rule, Ruleset
from polc.ir.statements import Counter as CounterStatement
from polc.ir.statements import Native, OpaqueStatement, UpdateSet
from polc.ir.verdicts import Accept, Goto, Nat, NatMap, Reject, Return, chains_of
from polc.lift import counts, page
from polc.lift.counters import is_counted, uncounted
from polc.lift.definitions import Definitions
from polc.lift.groups import Groups
from polc.lift.idle import busy
from polc.lift.macros import Use, recognised
from polc.lift.model import Lifted, Line, NativeRule, Unsayable, Written
from polc.lift.names import Names
from polc.lift.places import At, check_table, places
from polc.lift.prepare import Prepared, Preparer
from polc.lift.quoting import quoted
from polc.lift.rules import Speaker, say
from polc.lift.services import Services
from polc.lift.sets import Group, groups, is_group, settled
from polc.lift.turns import turns
from polc.lift.zones import Zones, roles
from polc.policy.lower.scope import POSTROUTING, PREROUTING, Place
from polc.policy.lower.sections import BASE_CHAINS, NAT_LISTS, SECTION_PLACES
from polc.policy.read import inspect_source
from polc.source import SourceFile, Span

_PATH = "policy.yaml"
_NAMED = 6
"""Chains that one note names."""
_EXEMPT = {PREROUTING.name: "dnat", POSTROUTING.name: "snat"}


def lift(ruleset: Ruleset) -> Lifted:
    """The ruleset as a policy, which compiled again does the same to every packet.

    It is read before anybody gets it: what the language does not take where it would stand is refused as well.
    """
    return _Lifter(ruleset).lift()


@dataclass(slots=True)
class _Lifter:
    ruleset: Ruleset
    refused: list[Diagnostic] = field(default_factory=list)
    notes: list[Diagnostic] = field(default_factory=list)
    natives: list[NativeRule] = field(default_factory=list)
    chains: dict[str, str] = field(default_factory=dict)
    sets: dict[str, str] = field(default_factory=dict)
    written: tuple[Written, ...] = ()
    idle: tuple[Span, ...] = ()

    def lift(self) -> Lifted:
        try:
            check_table(self.ruleset)
        except Unsayable as problem:
            self._refuse(self.ruleset.origin, str(problem))
            return self._result("")
        text = self._text()
        return self._result("" if self.refused else text)

    def _result(self, text: str) -> Lifted:
        refused = tuple(dict.fromkeys(self.refused))
        return Lifted(
            text, tuple(self.natives), refused, tuple(self.notes), self.chains, self.sets, self.written, self.idle
        )

    def _refuse(self, origin: Origin, reason: str) -> None:
        self.refused.append(Diagnostic("POL540", f"this cannot be put into a policy: {reason}", _labels(origin.span)))

    def _note(self, origin: Origin, message: str) -> None:
        self.notes.append(Diagnostic("POL541", message, _labels(origin.span), severity=Severity.NOTE))

    def _text(self) -> str:
        counted = self._counts(self.ruleset)
        ruleset, fixed = settled(self._busy(self.ruleset if counted else uncounted(self.ruleset)))
        for one in fixed:
            self._note(
                one.origin, f"what the set `{one.name}` holds stands in the policy: changes by hand are not in it"
            )
        self._check_held(ruleset)
        for declared in ruleset.declarations:
            self._refuse(declared.origin, declared.reason or "it is in the words of a target")
        found = self._places(ruleset)
        policy = frozenset({Family(ruleset.family.value)}) if ruleset.family.value in ("ip", "ip6") else BOTH
        free_groups = Names(suffix="group")
        filled = groups(ruleset, free_groups)
        self._name_sets(filled)
        by_set = {one.name: group.name for group in filled for one in group.sets.values()}
        taken = {chain.name for chain in ruleset.chains}
        prepared = Preparer(
            {one.name: one for one in ruleset.sets}, by_set, policy, lambda chain: _fresh(chain, taken)
        ).prepare(ruleset.chains, found)
        for rule in prepared.lost:
            self._note(rule.origin, "no packet can meet this rule, so it is left out")
        for origin, reason in prepared.problems:
            self._refuse(origin, reason)
        speaker = self._speaker(ruleset, prepared, policy, free_groups, by_set)
        self._name_chains(ruleset, found, speaker.known.chains)
        reach = _reach(prepared, found.values())
        called = {name: self._called(name, prepared, reach, speaker) for name in prepared.regular}
        sections, nat = self._sections(found.values(), prepared, speaker)
        if self.refused:
            return ""
        parts = page.Parts(
            settings=self._settings(ruleset),
            known=speaker.known,
            filled=filled,
            flowtables={speaker.known.flowtables[one.name]: one for one in ruleset.flowtables},
            chains={speaker.known.chains[name]: lines for name, lines in called.items()},
            sections=sections,
            nat=nat,
        )
        written_page = page.write(parts)
        self._check(written_page)
        self.written = written_page.written
        return written_page.text

    def _busy(self, ruleset: Ruleset) -> Ruleset:
        found = busy(ruleset)
        if found.chains:
            names = ", ".join(f"`{name}`" for name in found.chains[:_NAMED])
            others = len(found.chains) - _NAMED
            more = f" and {others} {'other' if others == 1 else 'others'}" if others > 0 else ""
            message = f"chains in which nothing happens, and jumps to them, are left out: {names}{more}"
            self._note(Origin(), message)
        self.idle = tuple(span for rule in found.rules for span in rule.origin.spans)
        return found.ruleset

    def _check_held(self, ruleset: Ruleset) -> None:
        """What stands beside chains, and is not what a policy has."""
        for table in ruleset.flowtables:
            if table.priority:
                message = f"the flowtable `{table.name}` has a priority of its own, {table.priority}"
                self._refuse(table.origin, message)
        rules = [rule for chain in ruleset.chains for rule in chain.rules]
        used = {
            one.set_name
            for rule in rules
            for one in (*rule.matches, *rule.statements)
            if isinstance(one, SetMatch | UpdateSet)
        }
        for one in ruleset.sets:
            if one.name not in used and not is_group(one):
                self._note(
                    one.origin, f"nothing uses the set `{one.name}`, whose keys a policy does not have: it is left out"
                )
        if any(isinstance(one, CounterStatement) and one.packets for rule in rules for one in rule.statements):
            self._note(Origin(), "counters begin at 0 in the policy")

    def _places(self, ruleset: Ruleset) -> dict[str, At]:
        found = {}
        for one in places(ruleset):
            if isinstance(one, At):
                found[one.chain.name] = one
            else:
                chain, reason = one
                self._refuse(chain.origin, f"the chain `{chain.name}`: {reason}")
        order = {chain.name: number for number, chain in enumerate(ruleset.chains)}
        return dict(sorted(found.items(), key=lambda one: order[one[0]]))

    def _name_sets(self, filled: Iterable[Group]) -> None:
        for group in filled:
            for family, one in group.sets.items():
                name = self.sets[one.name] = group.set_name(family)
                if name != one.name:
                    self._note(one.origin, f"the set `{one.name}` is called `{name}` now, for those who fill it")

    def _name_chains(self, ruleset: Ruleset, found: Mapping[str, At], names: Mapping[str, str]) -> None:
        for chain in ruleset.chains:
            if chain.name in found:
                self.chains[chain.name] = found[chain.name].place.name
            elif chain.name in names:
                name = self.chains[chain.name] = names[chain.name]
                if name != chain.name:
                    self._note(chain.origin, f"the chain `{chain.name}` is called `{name}` in the policy")

    def _counts(self, ruleset: Ruleset) -> bool:
        """Whether counters of rules say anything."""
        if is_counted(ruleset):
            self._note(Origin(), "every rule counts its packets; the policy does not say so, rule by rule")
            return False
        return True

    def _speaker(
        self,
        ruleset: Ruleset,
        prepared: Prepared,
        policy: frozenset[Family],
        free_groups: Names,
        by_set: Mapping[str, str],
    ) -> Speaker:
        rules = [rule for some in prepared.rules.values() for rule in some]
        free_chains = Names((*BASE_CHAINS, *prepared.rules.keys() - {*prepared.regular}), "chain")
        flowtables = Names(suffix="flowtable")
        known = Definitions(
            Zones(roles(rules)),
            Groups(*_addresses(rules), free_groups),
            Services(Counter(one for rule in rules for one in rule.matches if isinstance(one, ServiceMatch)), policy),
            dict(by_set),
            frozenset(one.name for one in ruleset.sets if one.timeout is None),
            {name: free_chains.near(name) for name in prepared.regular},
            {one.name: flowtables.near(one.name) for one in ruleset.flowtables},
        )
        return Speaker(known, counts.states(rules), policy)

    def _called(
        self, name: str, prepared: Prepared, reach: Mapping[str, frozenset[Place]], speaker: Speaker
    ) -> list[Line]:
        return self._lines(name, prepared.rules[name], reach.get(name, frozenset()), speaker)

    def _lines(
        self, chain: str, rules: Sequence[Rule], at: Iterable[Place], speaker: Speaker, *, exempt: str = ""
    ) -> list[Line]:
        found: list[Line] = []
        items = recognised(rules, at, speaker.policy)
        number = 0
        while number < len(items):
            item = items[number]
            if isinstance(item, Use):
                found.append(_use(item))
                number += 1
                continue
            following = [one for one in items[number : number + 64] if isinstance(one, Rule)]
            together = turns(following)
            more = [one.verdict for one in following[1:together] if isinstance(one.verdict, Nat)]
            try:
                line = say(item, speaker, more, exempt=exempt)
            except Unsayable as problem:
                self._refuse(item.origin, str(problem))
            else:
                others = (one.origin for one in following[1:together])
                found.append(replace(line, origin=line.origin.with_also(*others)))
                self._note_native(chain, item, line)
            number += together
        return found

    def _note_native(self, chain: str, rule: Rule, line: Line) -> None:
        reasons = [
            one.reason for one in (*rule.matches, *rule.statements) if isinstance(one, OpaqueMatch | OpaqueStatement)
        ]
        if any(isinstance(one, Native) for one in rule.statements):
            reasons.append("it was in the words of a target already")
        if reasons:
            self.natives.append(NativeRule(chain, line.words, "; ".join(dict.fromkeys(reasons)), rule.origin.span))

    def _sections(
        self, found: Iterable[At], prepared: Prepared, speaker: Speaker
    ) -> tuple[list[page.Section], list[page.Section]]:
        """Those of all base chains, and those of `nat`, which may be one list."""
        sections: list[page.Section] = []
        nat: list[page.Section] = []
        own = [at for at in found if at.place in NAT_LISTS]
        listed = all(at.place.name in _EXEMPT and _fits_list(prepared.rules[at.chain.name]) for at in own)
        for at in found:
            rules = prepared.rules[at.chain.name]
            default, default_origin = "", Origin()
            if at.place in SECTION_PLACES or at.device:
                default, kept = _default(at.chain, rules)
                default_origin = default_origin.with_also(*(one.origin for one in rules[len(kept) :]))
                rules = kept
            exempt = _EXEMPT.get(at.place.name, "") if listed else ""
            lines = self._lines(at.chain.name, rules, (at.place,), speaker, exempt=exempt)
            section = page.Section(at.place, default, lines, at.device, default_origin)
            if at.place in NAT_LISTS:
                nat.append(replace(section, listed=listed))
            else:
                sections.append(section)
        return sections, nat

    def _settings(self, ruleset: Ruleset) -> dict[str, str]:
        settings: dict[str, str] = {}
        if ruleset.table != "polc":
            name = Names(suffix="table").near(ruleset.table)
            settings["table"] = name
            if name != ruleset.table:
                self._note(ruleset.origin, f"the table is called `{name}` in the policy")
        if ruleset.family.value in ("ip", "ip6"):
            settings["family"] = ruleset.family.value
        return settings

    def _check(self, written_page: page.Page) -> None:
        """Refuse the rules of the page that the language does not take where they stand."""
        source = SourceFile(_PATH, written_page.text)
        try:
            inspect_source(source, Collector())
        except Failure as failure:
            for one in failure.diagnostics:
                if one.severity is Severity.ERROR:
                    place = written_page.places.get(one.span.line) if one.span else None
                    words = f", as `{one.span.text}`" if one.span and "\n" not in one.span.text else ""
                    self._refuse(Origin(place), f"{one.message}{words}")


def _labels(span: Span | None) -> tuple[Label, ...]:
    return (Label(span),) if span else ()


def _fresh(chain: str, taken: set[str]) -> str:
    number = 1
    while f"{chain}-below-{number}" in taken:
        number += 1
    taken.add(f"{chain}-below-{number}")
    return f"{chain}-below-{number}"


def _addresses(rules: Iterable[Rule]) -> tuple[Counter[AddressSet], dict[AddressSet, str]]:
    """How often each set of addresses is asked for, and the names that some had."""
    uses: Counter[AddressSet] = Counter()
    called: dict[AddressSet, str] = {}
    for rule in rules:
        for match in rule.matches:
            if isinstance(match, AddressMatch | OriginalAddressMatch):
                uses[match.addresses] += 1
            if isinstance(match, AddressMatch) and match.group:
                called.setdefault(match.addresses, match.group)
    return uses, called


def _reach(prepared: Prepared, found: Iterable[At]) -> dict[str, frozenset[Place]]:
    """The places from which packets come to each regular chain."""

    def called(name: str) -> set[str]:
        return {one for rule in prepared.rules[name] for one in chains_of(rule.verdict)}

    reach: dict[str, set[Place]] = {}
    for at in found:
        for name in reachable(called(at.chain.name), called):
            reach.setdefault(name, set()).add(at.place)
    return {name: frozenset(some) for name, some in reach.items()}


def _use(use: Use) -> Line:
    first = use.rules[0]
    comment = f" comment {quoted(first.origin.comment)}" if first.origin.comment else ""
    return Line(f"use {use.macro}{comment}", first.origin.with_also(*(one.origin for one in use.rules[1:])))


def _fits_list(rules: Iterable[Rule]) -> bool:
    """Whether rules of `nat` say all by themselves, so that they can stand in one list."""
    return all(
        isinstance(rule.verdict, Nat | NatMap | Accept) and not any(isinstance(one, Native) for one in rule.statements)
        for rule in rules
    )


def _default(chain: BaseChain, rules: tuple[Rule, ...]) -> tuple[str, tuple[Rule, ...]]:
    """The default of a section, and its rules, the last of which can be that."""
    if isinstance(chain.policy, Accept):
        return "accept", rules
    last = rules[-1] if rules else None
    rejects = last and last.verdict == Reject() and not (last.matches or last.statements or last.origin.comment)
    if (
        last
        and rejects
        and chain.hook is not Hook.INGRESS
        and not any(isinstance(one.verdict, Return | Goto) for one in rules)
    ):
        return "reject", rules[:-1]
    return "drop", rules
