"""Tables of one family or of both to the rulesets that they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from polc.diagnostics import Collector, Diagnostic, Label, Severity
from polc.importers.iptables import hits
from polc.importers.iptables.draft import Draft
from polc.importers.iptables.finish import Finisher
from polc.importers.iptables.graph import DEEPEST, bottom_up, calls, depths, origins
from polc.importers.iptables.places import check_places
from polc.importers.iptables.problem import CYCLE, WRONG_PLACE
from polc.importers.iptables.state import Chain, Firewall, Table
from polc.importers.iptables.tables import SOURCE_NAT, TABLES, base
from polc.ir.families import interleaved
from polc.ir.family import Family
from polc.ir.matches import Match
from polc.ir.origin import Origin
from polc.ir.ruleset import BaseChain, DynamicSet, RegularChain, Rule, Ruleset, TableFamily
from polc.ir.ruleset import Chain as IrChain
from polc.ir.stateful import Connections, Limit, Quota
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Nat, NatKind, Verdict

_NEVER = "POL516"
_APART = "POL518"
_UNREACHED = "POL519"
_DEEP = "POL521"

_TABLE_FAMILIES = {Family.IP: TableFamily.IP, Family.IP6: TableFamily.IP6}

ChainName = tuple[str, str]
"""The table and the name that a chain has in iptables."""


def check(firewall: Firewall, collector: Collector) -> None:
    """What only whole tables tell: circles of jumps, depth, extensions out of their place."""
    for table in firewall.tables.values():
        called = {name: calls(chain) for name, chain in table.chains.items()}
        for found in bottom_up(called):
            if not isinstance(found, str):
                _circle(found, collector)
        for name, depth in depths(called).items():
            chain = table.chains[name]
            if chain.built_in and depth > DEEPEST:
                message = (
                    f"chains call each other {depth} deep from {name} of table {table.name}: nft follows {DEEPEST}"
                )
                rule = next(iter(called[name].values()))
                labels = (Label(rule.origin.span),) if rule.origin.span else ()
                collector.add(Diagnostic(_DEEP, message, labels, severity=Severity.WARNING))
        check_places(table, collector)


def _circle(rules: Sequence[Draft], collector: Collector) -> None:
    names = [rule.verdict.chain for rule in rules if isinstance(rule.verdict, Jump | Goto)]
    path = " -> ".join(f"`{name}`" for name in (names[-1], *names))
    spans = [rule.origin.span for rule in rules if rule.origin.span]
    message = f"chains jump in a circle: {path}"
    others = [Label(span, "and here") for span in spans[:-1]]
    collector.error(CYCLE, message, spans[-1], label="this closes it", also=others)


def rulesets(
    firewalls: Sequence[Firewall], sets: Sequence[DynamicSet], collector: Collector, name: str = "polc"
) -> tuple[Ruleset, ...]:
    """One ruleset of both families where their policies agree, else one of each. Families come at most once."""
    names = _names(firewalls)
    built = [_Builder(one, names, collector).build() for one in firewalls]
    if len(built) == 2:
        apart = _disagreement(*built)
        if apart is None:
            return (Ruleset(_numbered(_merged(*built)), tuple(sets), name),)
        collector.add(apart)
    return tuple(
        Ruleset(
            _numbered(one.chains()),
            tuple(found for found in sets if len(built) == 1 or one.family in found.families),
            name,
            family=_TABLE_FAMILIES[one.family],
        )
        for one in built
    )


def _names(firewalls: Iterable[Firewall]) -> dict[ChainName, str]:
    """Names of chains of one's own, unique among all tables: iptables has them for each table."""
    bases = {base(table, chain).name for table, chains in TABLES.items() for chain in chains}
    tables: dict[str, dict[str, None]] = {}
    for firewall in firewalls:
        for table in firewall.tables.values():
            for chain in table.chains.values():
                if not chain.built_in:
                    tables.setdefault(chain.name, {})[table.name] = None
    taken = bases | {name for name, where in tables.items() if len(where) == 1}
    found: dict[ChainName, str] = {}
    for name, where in tables.items():
        for table_name in where:
            own = name
            if len(where) > 1 or name in bases:
                own = _free(f"{table_name}-{name}", taken)
                taken.add(own)
            found[table_name, name] = own
    return found


def _free(name: str, taken: set[str]) -> str:
    number = 1
    found = name
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    return found


@dataclass(slots=True)
class _Built:
    """Chains of one family by their names in the IR, base chains first."""

    family: Family
    bases: dict[str, BaseChain]
    regular: dict[str, RegularChain]

    def chains(self) -> tuple[IrChain, ...]:
        kept = (one for one in self.bases.values() if one.rules or isinstance(one.policy, Drop))
        return (*kept, *self.regular.values())


class _Builder:
    def __init__(self, firewall: Firewall, names: Mapping[ChainName, str], collector: Collector) -> None:
        self.firewall = firewall
        self.names = names
        self.collector = collector
        self.taken = set(names.values())
        drafts = [rule for table in firewall.tables.values() for chain in table.chains.values() for rule in chain.rules]
        self.lists = hits.users(drafts)
        self.built = _Built(firewall.family, {}, {})

    def build(self) -> _Built:
        for name in TABLES:
            if name in self.firewall.tables:
                self._table(self.firewall.tables[name])
        return self.built

    def _table(self, table: Table) -> None:
        reached = origins(table)
        for chain in table.chains.values():
            from_chains = reached[chain.name]
            if not from_chains and table.name != "filter":
                self._unreached(table, chain)
                continue
            own = base(table.name, chain.name).name if chain.built_in else self.names[table.name, chain.name]
            finisher = Finisher(self.firewall.family, self._fresh(own))
            rules: list[Rule] = []
            for draft in hits.paired(chain.rules, self.lists):
                if draft.never:
                    self._note(_NEVER, "no packet can meet this rule, so it is left out", draft.origin)
                    continue
                done = finisher.finish(self._at_home(draft, table, from_chains))
                rules += done.rules
                self.built.regular.update((one.name, one) for one in done.chains)
            self._add(table, chain, own, tuple(rules))

    def _add(self, table: Table, chain: Chain, name: str, rules: tuple[Rule, ...]) -> None:
        origin = Origin(chain.span)
        if chain.built_in:
            at = base(table.name, chain.name)
            self.built.bases[name] = BaseChain(name, at.type, at.hook, at.priority, chain.policy, rules, origin)
        else:
            self.built.regular[name] = RegularChain(name, rules, origin)

    def _at_home(self, draft: Draft, table: Table, from_chains: frozenset[str]) -> Draft:
        """The draft with what hangs on its table and chain: names of chains, and which side NETMAP maps."""
        verdict: Verdict | None = draft.verdict
        match verdict:
            case Jump(chain) | Goto(chain):
                verdict = replace(verdict, chain=self.names[table.name, chain])
            case Nat(NatKind.NETMAP_DESTINATION):
                if from_chains <= SOURCE_NAT:
                    verdict = replace(verdict, kind=NatKind.NETMAP_SOURCE)
                elif not from_chains.isdisjoint(SOURCE_NAT) and draft.origin.span:
                    message = "NETMAP maps sources for some packets that come here, and destinations for others"
                    self.collector.error(WRONG_PLACE, message, draft.origin.span, help="use a chain for each")
            case _:
                return draft
        return replace(draft, verdict=verdict)

    def _unreached(self, table: Table, chain: Chain) -> None:
        if chain.rules:
            message = f"nothing jumps to chain `{chain.name}` of table {table.name}, so it is left out"
            self._note(_UNREACHED, message, Origin(chain.span))

    def _note(self, code: str, message: str, origin: Origin) -> None:
        labels = (Label(origin.span),) if origin.span else ()
        self.collector.add(Diagnostic(code, message, labels, severity=Severity.NOTE))

    def _fresh(self, chain: str) -> Callable[[], str]:
        def make() -> str:
            found = _free(f"{chain}-{self.firewall.family.value}", self.taken)
            self.taken.add(found)
            return found

        return make


def _disagreement(one: _Built, other: _Built) -> Diagnostic | None:
    """Why the families cannot share a table: packets that no rule decides go different ways."""
    for name in dict.fromkeys((*one.bases, *other.bases)):
        chains = (one.bases.get(name), other.bases.get(name))
        policies = [chain.policy if chain else Accept() for chain in chains]
        if policies[0] != policies[1]:
            labels = tuple(Label(chain.origin.span) for chain in chains if chain and chain.origin.span)
            words = ["accepts" if isinstance(policy, Accept) else "drops" for policy in policies]
            message = (
                f"chain `{name}` {words[0]} {_packets(one.family)} that no rule decides and {words[1]} "
                f"{_packets(other.family)}, so each family has a table of its own"
            )
            return Diagnostic(_APART, message, labels, severity=Severity.NOTE)
    return None


def _packets(family: Family) -> str:
    return "IPv4 packets" if family is Family.IP else "IPv6 packets"


def _merged(one: _Built, other: _Built) -> tuple[IrChain, ...]:
    bases = []
    for name in sorted({*one.bases, *other.bases}, key=_by_priority(one, other)):
        left, right = one.bases.get(name), other.bases.get(name)
        some = left or right
        assert some is not None
        rules = interleaved(left.rules if left else (), right.rules if right else ())
        if rules or isinstance(some.policy, Drop):
            bases.append(replace(some, rules=rules))
    regular = []
    for name in dict.fromkeys((*one.regular, *other.regular)):
        first, second = one.regular.get(name), other.regular.get(name)
        either = first or second
        assert either is not None
        rules = interleaved(first.rules if first else (), second.rules if second else ())
        regular.append(replace(either, rules=rules))
    return (*bases, *regular)


def _by_priority(one: _Built, other: _Built) -> Callable[[str], int]:
    order = {base(table, chain).name: at for at, (table, chain) in enumerate(_built_in())}
    return order.__getitem__


def _built_in() -> list[ChainName]:
    return [(table, chain) for table, chains in TABLES.items() for chain in chains]


def _numbered(chains: tuple[IrChain, ...]) -> tuple[IrChain, ...]:
    """The chains with a name for what each rule counts by itself."""
    found: list[IrChain] = []
    for chain in chains:
        if any(_nameless(match) for rule in chain.rules for match in rule.matches):
            rules = []
            number = 0
            for rule in chain.rules:
                matches: list[Match] = []
                for match in rule.matches:
                    if isinstance(match, Limit | Connections | Quota) and not match.table:
                        number += 1
                        match = replace(match, table=f"{chain.name}-{number}")
                    matches.append(match)
                rules.append(replace(rule, matches=tuple(matches)))
            chain = replace(chain, rules=tuple(rules))
        found.append(chain)
    return tuple(found)


def _nameless(match: Match) -> bool:
    return isinstance(match, Limit | Connections | Quota) and not match.table
