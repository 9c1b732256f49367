"""Hooks as functions of packets: the base chains of all rulesets in the kernel's order, with conntrack and NAT."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from polc.ir.family import FAMILIES, Family
from polc.ir.fields import Field
from polc.ir.flavour import Flavour
from polc.ir.intervals import Intervals
from polc.ir.matches import InterfacePattern
from polc.ir.protocols import ICMP, ICMPV6
from polc.ir.ruleset import DEVICE_HOOKS, BaseChain, ChainType, Hook, Ruleset, TableFamily
from polc.ir.selectors import Element
from polc.ir.statements import Native, OpaqueStatement
from polc.ir.verdicts import Accept, Nat, NatMap
from polc.symbolic.answers import SetName
from polc.symbolic.chains import Chains
from polc.symbolic.diagram import NONE, Node
from polc.symbolic.outcome import Change, Changes, Outcome, Step, Unknown, Watch, Way, sorted_effects
from polc.symbolic.sequence import in_turn
from polc.symbolic.space import ESTABLISHED, NEW, RELATED, UNTRACKED, Of, Set, Space, Variable
from polc.symbolic.translation import as_before, bound
from polc.symbolic.wellformed import status_set, valid

_CONNTRACK, _DSTNAT, _SRCNAT = -200, -100, 100  # uapi/linux/netfilter_ipv4.h
_TRACKING = frozenset({Hook.PREROUTING, Hook.OUTPUT})
_SOURCE_HOOKS = frozenset({Hook.INPUT, Hook.POSTROUTING})
_SMALL = 255
_FLOWS = Intervals(((ESTABLISHED, NEW),))
_FAMILIES: dict[TableFamily, tuple[Family, ...]] = {
    TableFamily.INET: FAMILIES,
    TableFamily.IP: (Family.IP,),
    TableFamily.IP6: (Family.IP6,),
    TableFamily.NETDEV: FAMILIES,
    # What is bridged, and ARP, comes to no hook of these.
    TableFamily.BRIDGE: (),
    TableFamily.ARP: (),
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A ruleset, and whose words it is loaded with."""

    ruleset: Ruleset
    flavour: Flavour = Flavour.NFT


class Hooks:
    """The hooks of a host with rulesets, for packets of the space's family.

    ``watch`` is what outcomes hold besides verdicts; ``contents`` are elements of named sets, by name, where they are
    given: nothing is known of others.
    """

    def __init__(
        self,
        space: Space,
        loaded: Sequence[Loaded],
        watch: Watch = Watch.NOTHING,
        contents: Mapping[str, tuple[Element, ...]] | None = None,
    ) -> None:
        self.space = space
        self.loaded = tuple(one for one in loaded if space.family in _FAMILIES[one.ruleset.family])
        self.watch = watch
        self.contents = contents or {}
        self._chains: dict[tuple[int, bool], Chains] = {}
        self._steps: dict[Hook, Node] = {}
        self._outcomes: dict[Hook, Node] = {}

    def chains(self, ruleset: Ruleset, *, early: bool = False) -> Chains:
        """The chains of one of the rulesets, which is one that was given."""
        at = next(i for i, one in enumerate(self.loaded) if one.ruleset is ruleset)
        found = self._chains.get((at, early))
        if found is None:
            found = Chains(self.space, ruleset, self.loaded[at].flavour, self.watch, early=early, place=at)
            self._chains[at, early] = found
        return found

    def outcomes(self, hook: Hook) -> Node:
        """The outcome of every packet that comes to a hook; the leaves are ``Outcome``s. Points that ``valid`` leaves
        out are no packets, and what they have means nothing.
        """
        found = self._outcomes.get(hook)
        if found is None:
            found = self._outcomes[hook] = self.finished(self.begun(self.steps(hook)))
        return found

    def valid(self, hook: Hook) -> Set:
        """The packets that can come to the hook."""
        return valid(self.space, hook, translates=self.translates)

    def base_chains(self, hook: Hook) -> list[tuple[Ruleset, BaseChain]]:
        """In the order of their priorities; those of equal priority as they were loaded, which the kernel promises
        nobody.
        """
        found = [
            (one.ruleset, chain)
            for one in self.loaded
            for chain in one.ruleset.chains
            if isinstance(chain, BaseChain) and chain.hook is hook
        ]
        return sorted(found, key=lambda pair: pair[1].priority)

    def is_early(self, chain: BaseChain) -> bool:
        """Whether packets come to the chain before conntrack has seen them."""
        if chain.hook in _TRACKING:
            return chain.priority <= _CONNTRACK
        return chain.hook is Hook.INGRESS

    @property
    def translates(self) -> bool:
        """Whether there is any NAT: then the kernel changes packets of flows that it has bound. Chains whose rules
        bind no flow leave all as it is: what is expected follows its master only where that was bound
        (nf_nat_ftp.c and its like are asked where the flow's status has IPS_NAT_MASK, nf_conntrack_ftp.c).
        """
        return any(_binds(one.ruleset) for one in self.loaded)

    # How it is made

    def steps(self, hook: Hook) -> Node:
        """The hook as a function whose leaves are ``Step``s; ``NONE`` and ``Way.ON`` are packets that are through."""
        found = self._steps.get(hook)
        if found is None:
            placed: list[tuple[int, int, tuple[Node, bool]]] = []
            for order, (ruleset, chain) in enumerate(self.base_chains(hook)):
                if not _translates(chain):
                    placed.append((chain.priority, order, self._station(ruleset, chain)))
            if hook in _TRACKING:
                placed.append((_CONNTRACK, 1 << 20, self._conntrack()))
            chains = any(_translates(chain) for _, chain in self.base_chains(hook))
            if hook is not Hook.FORWARD and hook not in DEVICE_HOOKS and (chains or self.translates):
                priority = _SRCNAT if hook in _SOURCE_HOOKS else _DSTNAT
                placed.append((priority, 1 << 20, self._nat(hook)))
            placed.sort(key=lambda one: one[:2])
            found = self._steps[hook] = in_turn(self.space.manager, [one for _, _, one in placed])[0]
        return found

    def _station(self, ruleset: Ruleset, chain: BaseChain) -> tuple[Node, bool]:
        manager = self.space.manager
        node, changed = self.chains(ruleset, early=self.is_early(chain)).base(chain)
        if chain.hook in DEVICE_HOOKS:
            variable = self.space.variable(Of.IIF if chain.hook is Hook.INGRESS else Of.OIF)
            names = self.space.interfaces.matching(InterfacePattern(name) for name in chain.devices)
            node = manager.where(manager.within(variable.number, names), node)
        return node, changed

    def _conntrack(self) -> tuple[Node, bool]:
        """Packets that are exempted become untracked; of the others conntrack says what they are."""
        if not self.space.has(Of.NOTRACK):
            return NONE, False
        exempted = self.space.within(self.space.variable(Of.NOTRACK), 1)
        step = Step(Way.ON, ((self.space.variable(Of.CT).number, UNTRACKED),))
        return self.space.manager.where(exempted, self.space.manager.leaf(step)), True

    def _nat(self, hook: Hook) -> tuple[Node, bool]:
        """nf_nat_core.c, nf_nat_inet_fn: rules are asked for the first packet of a flow alone, until one binds it."""
        manager = self.space.manager
        own = [self.chains(ruleset).base(chain) for ruleset, chain in self.base_chains(hook) if _translates(chain)]
        # A chain that binds the flow is the last one that is asked.
        closed = [(manager.mapped(node, _closed), changed) for node, changed in own]
        asked = in_turn(manager, closed)[0]
        first = self.first()
        if not self.translates:
            return manager.where(first, asked), True
        # A flow that was expected may be bound as the one that told of it, and then no rule is asked
        # (nf_nat_helper.c, nf_nat_follow_master).
        related = self.space.within(self.space.variable(Of.CT), RELATED)
        follows = self.space.within(self.space.variable(Of.LATE, "bound as its master"), 1)
        first = manager.minus(first, manager.where(related, follows))
        found = manager.where(first, manager.replaced(asked, self._translated))
        # Other packets of flows are changed as their flow was bound before.
        later = manager.minus(manager.within(self.space.variable(Of.CT).number, _FLOWS), first)
        step = Step(Way.ON, as_before(self.space, hook, self._members()))
        return manager.over(found, manager.where(later, manager.leaf(step))), True

    def _members(self) -> list[Variable]:
        return [one for loaded in self.loaded for one in self.chains(loaded.ruleset).members.all()]

    def _translated(self, value: object) -> Node:
        """Steps of NAT's chains, with what their bindings change for whatever comes behind."""
        manager = self.space.manager
        if not (isinstance(value, Step) and isinstance(value.end, Accept)):
            return manager.leaf(value)
        step = value.ending(Way.ON)
        if step is None or not step.nat:
            return NONE if step is None else manager.leaf(step)
        cases = bound(self.space, step.nat[-1], self._members())
        return manager.first_of(
            manager.where(packets, manager.leaf(step.then(Step(Way.ON, changes)))) for packets, changes in cases
        )

    def first(self) -> Set:
        """The first packets of flows, which alone are asked for their NAT."""
        manager = self.space.manager
        first = manager.within(self.space.variable(Of.CT).number, Intervals(((RELATED, NEW),)))
        icmp = manager.within(self.space.variable(Of.PROTOCOL).number, Intervals.of([(ICMP, ICMP), (ICMPV6, ICMPV6)]))
        error = manager.where(icmp, self.space.within(self.space.variable(Of.CT), RELATED))
        first = manager.minus(first, error)
        # Whatever is confirmed was asked about when its first packet came, and bound to what it had if no rule spoke.
        return manager.minus(first, status_set(self.space, "confirmed")) if self.space.has(Of.STATUS) else first

    def begins(self, point: Mapping[int, int]) -> bool:
        """Whether a packet is the first one of a flow, which chains of NAT are asked about."""
        return self.space.manager.at(self.first(), point) is not None

    def tracked(self, point: Mapping[int, int]) -> dict[int, int]:
        """The point behind conntrack's hook: untracked, where rules have exempted it."""
        if not self.space.has(Of.NOTRACK) or not point.get(self.space.variable(Of.NOTRACK).number):
            return dict(point)
        return {**point, self.space.variable(Of.CT).number: UNTRACKED}

    def begun(self, function: Node) -> Node:
        """The function for packets with which nothing has happened yet: nothing was asked, no set was changed."""
        manager = self.space.manager
        asked = manager.support(function)
        for variable in self.space.variables:
            if variable.number not in asked:
                continue
            if variable.of in (Of.NOTRACK, Of.TIMES):
                function = manager.restricted(function, variable.number, 0)
            elif variable.of is Of.MEMBER:
                function = self._given(function, variable)
        return function

    def _given(self, function: Node, variable: Variable) -> Node:
        assert isinstance(variable.detail, tuple)
        name, key = variable.detail
        assert isinstance(name, SetName)
        if not self.loaded or name.name not in self.contents:
            return function
        manager = self.space.manager
        elements = self.contents[name.name]
        fields = self.chains(self.loaded[0].ruleset).predicates.fields
        inside = manager.first_of(fields.element(key, one) for one in elements)

        def where(low: int, high: int) -> Node:
            found = manager.complement(inside) if low == 0 else NONE
            return manager.over(found, inside) if high == 1 else found

        return manager.substituted(function, variable.number, where)

    # Outcomes

    def finished(self, function: Node) -> Node:
        """Steps to outcomes: accepted packets have NAT and what is watched of their changes, others effects alone."""
        manager = self.space.manager
        watched = frozenset(one.number for one in self.space.variables if self._is_watched(one))

        def end(value: object) -> Node:
            step = value if isinstance(value, Step) else Step(Way.ON)
            verdict = Accept() if isinstance(step.end, Way) else step.end
            if isinstance(verdict, Unknown):
                return manager.leaf(Outcome(verdict))
            effects = sorted_effects(step.effects)
            if not isinstance(verdict, Accept):
                return manager.leaf(Outcome(verdict, (), effects))
            changes = tuple((number, change) for number, change in step.changes if number in watched)
            return self._told(Outcome(verdict, step.nat, effects), changes)

        steps = manager.values(function)
        if not watched or not any(isinstance(one, Step) and one.changes for one in steps):
            return manager.mapped(function, lambda one: manager.value(end(one)))
        parts = [manager.where(manager.select(function, one), end(one)) for one in (None, *steps)]
        return manager.first_of(parts)

    def _told(self, outcome: Outcome, changes: Changes) -> Node:
        """The outcome with its changes as numbers, where there are few, and without those to what was there before."""
        manager = self.space.manager
        if not changes:
            return manager.leaf(outcome)
        (number, change), rest = changes[0], changes[1:]
        without = self._told(outcome, rest)

        def changed(to: Change) -> Node:
            return manager.mapped(without, lambda one: _with(one, number, to))

        if isinstance(change, int):
            return manager.either(manager.within(number, Intervals.single(change)), without, changed(change))
        if change.highest > _SMALL or self.space.variables[change.source].highest > _SMALL:
            return changed(change)
        cases = []
        for value in range(self.space.variables[change.source].highest + 1):
            here = manager.within(change.source, Intervals.single(value))
            cases.append(manager.where(here, self._told(outcome, ((number, change.of(value)), *rest))))
        return manager.first_of(cases)

    def _is_watched(self, variable: Variable) -> bool:
        if variable.of is Of.BITS:
            return Watch.MARK in self.watch
        if variable.of in (Of.FIELD, Of.OPTION):
            return Watch.PACKET in self.watch and variable.detail not in (Field.META_MARK, Field.CT_MARK)
        return False


def _translates(chain: BaseChain) -> bool:
    return chain.type is ChainType.NAT


def _binds(ruleset: Ruleset) -> bool:
    """Whether a rule may bind a flow: words that nobody looks into may."""
    chains = any(isinstance(chain, BaseChain) and _translates(chain) for chain in ruleset.chains)
    return chains and any(
        isinstance(rule.verdict, Nat | NatMap)
        or any(isinstance(one, Native | OpaqueStatement) for one in rule.statements)
        for chain in ruleset.chains
        for rule in chain.rules
    )


def _closed(value: object) -> object:
    return value.ending(Accept()) if isinstance(value, Step) and value.nat and value.end is Way.ON else value


def _with(value: object, number: int, change: Change) -> Outcome:
    assert isinstance(value, Outcome)
    changes = tuple(sorted([*value.changes, (number, change)], key=lambda one: int(one[0])))
    return Outcome(value.verdict, value.nat, value.effects, changes)
