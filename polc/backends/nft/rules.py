"""One rule of the IR as the rules of nft that together mean it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TypeGuard, assert_never

from polc.backends.cascade import Alternatives, Cascade, NeedsChain, cascade
from polc.backends.nft import effects, hits, limits, maps, marks, recent
from polc.backends.nft.context import Along, Context
from polc.backends.nft.definitions import LONGEST_COMMENT, LimitDefinition, QuotaDefinition, RuleDefinition
from polc.backends.nft.expressions import Numbers
from polc.backends.nft.fields import FLOW_PORTS, compare_random, compare_turn, none_joined, one_protocol
from polc.backends.nft.groups import SUFFIX
from polc.backends.nft.matches import (
    WITH_PORTS,
    Stateless,
    asks_for_ports,
    beside_reset,
    compare,
    family_only,
    implies_family,
    keys_of,
    split,
)
from polc.backends.nft.order import can_hold, frame_before_header, in_order
from polc.backends.nft.refused import Refused
from polc.backends.nft.services import names_transport
from polc.backends.nft.statements import ByteQuota, Call, Compare, Meter, ObjectKind, RuleStatement, UseObject
from polc.ir.family import FAMILIES, Family
from polc.ir.matches import STATEFUL, AddressMatch, FieldMatch, Match, OpaqueMatch, PortTerm, ServiceMatch
from polc.ir.protocols import TCP
from polc.ir.ruleset import Rule
from polc.ir.stateful import Connections, EveryNth, Hits, KeyField, Limit, Quota, RandomMatch, RecentMatch
from polc.ir.statements import ClampMss, Native, StripTcpOptions, Synproxy, Tproxy
from polc.ir.verdicts import Drop, Jump, Nat, NatMap, Reject, RejectType, VerdictMap, leaves

Counted = EveryNth | RandomMatch | RecentMatch | Limit | Connections | Quota | OpaqueMatch


@dataclass(slots=True)
class LoweredRule:
    """What one rule needs in the table: rules at its place, chains of its own, and what comes along."""

    rules: list[RuleDefinition] = field(default_factory=list)
    chains: dict[str, list[RuleDefinition]] = field(default_factory=dict)
    along: Along = field(default_factory=Along)


@dataclass(frozen=True, slots=True)
class RuleLowering:
    context: Context

    def lower(self, rule: Rule, chain: str) -> LoweredRule:
        """Raises:
        Refused: nft has no words for some part of the rule.
        """
        lowered = LoweredRule()
        self._check_native(rule)
        if any(isinstance(one, Tproxy) for one in rule.statements):
            rule = self._taken_or_dropped(rule, chain, lowered)
        lowered.rules = self._rewritten(rule, chain, lowered)
        return lowered

    def _rewritten(self, rule: Rule, chain: str, lowered: LoweredRule) -> list[RuleDefinition]:
        """What nft has no words for in one rule is first said in several."""
        names = self.context.chain_names
        profile = self.context.profile
        found = marks.bit_by_bit(rule, profile, lambda: names.like(f"{chain}-marks"))
        found = found or marks.before_the_rest(rule, lambda: names.like(f"{chain}-marks"))
        found = found or maps.one_by_one(rule, self.context, lambda: names.like(f"{chain}-map"))
        if found is None:
            return [new for apart in _clamped_apart(rule) for new in self._cascaded(apart, chain, lowered)]
        for extra in found.chains:
            lowered.chains[extra.name] = []
            rules = [new for one in extra.rules for new in self._rewritten(one, extra.name, lowered)]
            lowered.chains[extra.name] = rules
        return [new for one in found.rules for new in self._rewritten(one, chain, lowered)]

    def _cascaded(self, rule: Rule, chain: str, lowered: LoweredRule) -> list[RuleDefinition]:
        rules: list[RuleDefinition] = []
        for one in self._with_ports_beside_protocol(rule):
            cascaded = self._cascade(one, chain)
            for inner in cascaded.rules:
                rules += self._rule(inner, chain, lowered)
            for extra in cascaded.chains:
                lowered.chains[extra.name] = [
                    new for inner in extra.rules for new in self._rule(inner, extra.name, lowered)
                ]
        return rules

    def _cascade(self, rule: Rule, chain: str) -> Cascade:
        family, names = _one_family(rule), self.context.chain_names

        def parted(match: Match) -> Alternatives:
            return split(match, family, self.context)

        def in_one(match: Match) -> Alternatives:
            # A large set of addresses may be one, if need be.
            return Alternatives((match,)) if isinstance(match, AddressMatch) else parted(match)

        for way in (parted, in_one):
            try:
                return cascade(rule, way, lambda: names.like(f"{chain}-any"))
            except NeedsChain:
                pass
        raise Refused(
            "several interfaces or services together with a limit take a chain of their own in nft, which `return` and "
            "`goto` would leave instead of this one",
            "one rule for each of them",
        )

    def _taken_or_dropped(self, rule: Rule, chain: str, lowered: LoweredRule) -> Rule:
        """Where no socket takes the packet the kernel breaks off the rule and goes on behind it: there stands a drop.

        What the rule asks is asked before, once; the ports have to stand beside their protocol again.
        """
        name = self.context.chain_names.like(f"{chain}-proxy")
        inner = replace(rule, matches=tuple(match for match in rule.matches if isinstance(match, ServiceMatch)))
        rules = (
            *self._with_ports_beside_protocol(inner),
            replace(rule, matches=(), statements=(), verdict=Drop()),
        )
        lowered.chains[name] = [new for one in rules for new in self._rewritten(one, name, lowered)]
        return replace(rule, statements=(), verdict=Jump(name))

    def _check_native(self, rule: Rule) -> None:
        for one in rule.statements:
            if isinstance(one, Native) and (one.nft_json if self.context.json else one.nft) is None:
                key, form = ("nft_json", "JSON") if self.context.json else ("nft", "text")
                raise Refused(f"the rule is native and has no words for nft's {form}", f"the key `{key}` beside them")

    def _rule(self, rule: Rule, chain: str, lowered: LoweredRule) -> list[RuleDefinition]:
        family, along = _one_family(rule), lowered.along
        matches = self._matches(rule, along)
        if matches is None:
            return []
        effect = [each for one in rule.statements for each in effects.statement(one, family, self.context, along)]
        if any(isinstance(one, ClampMss) for one in rule.statements):
            matches.append(effects.SYN)
        if rule.verdict is not None:
            effect.append(effects.verdict(rule.verdict, family, self.context, along))
        comment = rule.origin.label(LONGEST_COMMENT)

        def definitions(bodies: Bodies) -> list[RuleDefinition]:
            # A rule that neither asks nor does anything has no form in text, and no meaning.
            return [RuleDefinition(body, comment) for body in bodies if body]

        def in_chain(bodies: Bodies) -> Call:
            if leaves(rule.verdict):
                raise Refused(
                    "a list of addresses beside something else that counts takes a chain of its own in nft, which "
                    "`return` and `goto` would leave instead of this one",
                    "a rule that jumps to a chain",
                )
            name = self.context.chain_names.like(f"{chain}-recent")
            lowered.chains[name] = definitions(bodies)
            return Call("jump", name)

        return definitions(self._bodies(rule, matches, effect, along, in_chain))

    def _matches(self, rule: Rule, along: Along) -> list[RuleStatement] | None:
        """None where no packet can meet the rule."""
        family = _one_family(rule)
        reset = rule.verdict == Reject(RejectType.TCP_RESET)
        asked = [beside_reset(one, self.context.table) if reset else one for one in rule.matches]
        stateless = (match for match in asked if isinstance(match, Stateless))
        found = in_order([one for match in stateless for one in compare(match, family, self.context, along)])
        if asks_for_ports(rule) and not _with_ports(rule):
            found.insert(0, WITH_PORTS)
        if any(isinstance(match, OpaqueMatch) for match in rule.matches):
            # What is known as nft wrote it takes the types of ports from the protocol.
            found += [Compare(one.left, Numbers(value)) for one in found if (value := one_protocol(one)) is not None]
        if not can_hold(found):
            return None
        found = none_joined(found)
        if family is not None and frame_before_header(found):
            found = [*family_only(family, self.context.table, beside_reset=False), *found]
        elif family is not None and not any(implies_family(match) for match in rule.matches):
            found += family_only(family, self.context.table, beside_reset=reset)
        return [*found]

    def _bodies(
        self,
        rule: Rule,
        matches: list[RuleStatement],
        effect: list[RuleStatement],
        along: Along,
        in_chain: Callable[[Bodies], Call],
    ) -> Bodies:
        # The first packet is already a hit, so a count of 1 holds always.
        stateful = [match for match in rule.matches if isinstance(match, STATEFUL)]
        counted = [one for one in stateful if not (isinstance(one, Hits) and one.count == 1)]
        match counted:
            case [Hits() as hit]:
                found = self._ban(hit, _only_family(rule), along)
                # Where a banned packet may go on to the next rule, that one must not count and treat it again.
                again = rule.verdict is None or isinstance(rule.verdict, Jump | VerdictMap | NatMap)
                guard = (found.not_blocked,) if again else ()
                return [(*matches, *found.blocked, *effect), (*matches, *guard, *found.excess, *effect)]
            case _ if any(isinstance(one, Hits) for one in counted):
                raise Refused("hits and another limit in one rule have no form in nft", "one of the two alone")
            case _:
                pass
        steps: list[recent.RecentUse | tuple[RuleStatement, ...]] = [
            self._recent(one, rule, along) if isinstance(one, RecentMatch) else self._counted(one, rule, along)
            for one in counted
            if not isinstance(one, Hits)
        ]
        bodies = [tuple(effect)]
        for step in reversed(steps):
            if isinstance(step, recent.RecentUse):
                bodies = _recorded(step, bodies, in_chain)
            else:
                bodies = [(*step, *_one_body(bodies, in_chain))]
        return [(*matches, *body) for body in bodies]

    def _counted(
        self, one: EveryNth | RandomMatch | Limit | Connections | Quota | OpaqueMatch, rule: Rule, along: Along
    ) -> tuple[RuleStatement, ...]:
        match one:
            case EveryNth():
                return (compare_turn(one),)
            case RandomMatch():
                return compare_random(one)
            case OpaqueMatch():
                return (effects.opaque(one, self.context),)
            case Limit():
                return (self._limit(one, rule, along),)
            case Connections():
                self.context.sharing.check_alone(one.table)
                if not one.key:
                    return (limits.simple_count(one),)
                _check_ports(one, rule)
                name = self.context.names.like(f"{one.table}-{_suffix(rule, one)}")
                return (limits.connections(one, _only_family(rule), name),)
            case Quota(size, over, table) as quota:
                self.context.sharing.check(one)
                if not self.context.sharing.is_shared(table):
                    return (ByteQuota(size, over),)
                name = self.context.object_name("quota", table, _suffix(rule, quota))
                along.definitions.append(QuotaDefinition(name, ByteQuota(size, over)))
                return (UseObject(ObjectKind.QUOTA, name),)
            case _:
                assert_never(one)

    def _limit(self, limit: Limit, rule: Rule, along: Along) -> RuleStatement:
        self.context.sharing.check(limit)
        shared = self.context.sharing.is_shared(limit.table)
        wanted = f"{limit.table}-{_suffix(rule, limit)}"
        if not limit.key:
            bucket = limits.simple_limit(limit)
            if not shared:
                return bucket
            name = self.context.object_name("limit", limit.table, _suffix(rule, limit))
            along.definitions.append(LimitDefinition(name, bucket))
            return UseObject(ObjectKind.LIMIT, name)
        _check_ports(limit, rule)
        family = _only_family(rule)
        name = (
            self.context.object_name("set", limit.table, _suffix(rule, limit))
            if shared
            else self.context.names.like(wanted)
        )
        found = limits.keyed_limit(limit, family, name)
        if shared and isinstance(found, Meter):
            element, definition = limits.shared_limit(found, family)
            along.definitions.append(definition)
            return element
        return found

    def _recent(self, one: RecentMatch, rule: Rule, along: Along) -> recent.RecentUse:
        found = self.context.recent.use(one, rule, _only_family(rule))
        along.definitions += found.sets
        if found.message:
            along.differences.append((recent.NAME, found.message, ""))
        return found

    def _ban(self, one: Hits, family: Family, along: Along) -> hits.Ban:
        self.context.sharing.check_hits(one)
        suffix = SUFFIX[family]
        names = self.context.names
        found = hits.ban(one, family, names.like(f"{one.table}-{suffix}"), names.like(f"{one.table}-blocked-{suffix}"))
        along.definitions.append(found.set)
        along.differences.append((hits.NAME, found.message, "`over` with a rate, which nft has exactly"))
        return found

    def _with_ports_beside_protocol(self, rule: Rule) -> list[Rule]:
        """A rule that rewrites ports, or asks for those before NAT, must itself name the transport protocol."""
        match rule.verdict:
            case Nat(ports=ports) if ports is not None:
                pass
            case NatMap() as nat if maps.has_ports(nat):
                pass
            case _ if any(isinstance(one, Tproxy | Synproxy) for one in rule.statements):
                pass
            case _ if any(isinstance(one, FieldMatch) and one.field in FLOW_PORTS for one in rule.matches):
                pass
            case _ if any(one in FLOW_PORTS for key in keys_of(rule) for one in key):
                pass
            case _:
                return [rule]
        if not _with_ports(rule):
            raise Refused(
                "nft knows ports only in a rule that names a transport protocol with ports", "a service in the rule"
            )
        options = [self._single_options(match, rule) for match in rule.matches]
        rules = [replace(rule, matches=matches) for matches in product(*options)]
        if len(rules) > 1 and any(isinstance(match, STATEFUL) for match in rule.matches):
            raise Refused(
                "such a rule with a limit and several services or interfaces has no form in nft", "one rule for each"
            )
        return rules

    def _single_options(self, match: Match, rule: Rule) -> tuple[Match, ...]:
        """A match as those that name one transport protocol at most: nft takes the type of a port from that."""
        if isinstance(match, STATEFUL):
            return (match,)
        found = split(match, _one_family(rule), self.context)
        if found.excluded:
            raise Refused("this negation takes a chain of its own in nft, and ports a rule that names their protocol")
        return tuple(
            part
            for one in found.options
            for part in ([ServiceMatch((term,)) for term in one.terms] if _of_protocols(one) else [one])
        )


Bodies = list[tuple[RuleStatement, ...]]
"""What rules in a row have behind the matches that all of them begin with."""


def _one_body(bodies: Bodies, in_chain: Callable[[Bodies], Call]) -> tuple[RuleStatement, ...]:
    return bodies[0] if len(bodies) == 1 else (in_chain(bodies),)


def _recorded(use: recent.RecentUse, bodies: Bodies, in_chain: Callable[[Bodies], Call]) -> Bodies:
    """What a match on a list asks and records, and ``bodies`` behind it."""
    if not use.holds:
        bodies = [()]
    if use.recorder is None:
        return [(*use.asks, *use.records, *_one_body(bodies, in_chain))]
    # Behind the chain that records nft goes on with the next rule, for which what was asked still holds.
    behind = [(*use.asks, *body) for body in bodies if body]
    return [(*use.asks, *use.records, Call("jump", use.recorder)), *behind]


def _with_ports(rule: Rule) -> bool:
    return any(isinstance(match, ServiceMatch) and names_transport(match) for match in rule.matches)


def _check_ports(counted: Limit | Connections, rule: Rule) -> None:
    if any(part.field in (KeyField.SPORT, KeyField.DPORT) for part in counted.key) and not _with_ports(rule):
        raise Refused("ports are a key for packets that have some", "a service in the rule")


def _suffix(rule: Rule, kept: Limit | Connections | Quota) -> str:
    """Tells apart what the two families keep."""
    family = None if kept.both else _one_family(rule)
    return "any" if family is None else SUFFIX[family]


def _one_family(rule: Rule) -> Family | None:
    """The rule's family, None for both."""
    return next(iter(rule.families)) if len(rule.families) == 1 else None


def _only_family(rule: Rule) -> Family:
    """The one family of a rule that keeps state for addresses: the passes give each family its own rule.

    In other tables than IP's a rule of both has no address in its keys, and its state is no family's.
    """
    return next(one for one in FAMILIES if one in rule.families)


def _clamped_apart(rule: Rule) -> tuple[Rule, ...]:
    """A clamp is for SYNs, and the kernel breaks a rule off where there is no option to set: it has its own rule."""
    clamps = tuple(one for one in rule.statements if isinstance(one, ClampMss))
    rest = tuple(one for one in rule.statements if not isinstance(one, ClampMss))
    services = [match for match in rule.matches if isinstance(match, ServiceMatch)]
    if clamps and not all(map(_of_tcp, services)):
        raise Refused("nft changes the MSS of TCP alone", "only tcp services in the rule")
    if any(isinstance(one, StripTcpOptions) for one in rule.statements):
        alone = len(rule.statements) == 1 and rule.verdict is None and not services
        if not alone and not (services and all(map(_of_tcp, services))):
            raise Refused("nft changes options of TCP alone", "only tcp services in the rule")
    if not clamps or not (rest or rule.verdict):
        return (rule,)
    if any(isinstance(match, STATEFUL) for match in rule.matches):
        raise Refused("nft would count packets twice for a clamp beside something else", "a rule for each")
    return replace(rule, statements=clamps, verdict=None), replace(rule, statements=rest)


def _of_tcp(match: ServiceMatch) -> bool:
    return all(term.protocol == TCP for term in match.terms)


def _of_protocols(match: Match) -> TypeGuard[ServiceMatch]:
    """Whether a service names protocols alone, of which nft takes several in one rule."""
    return isinstance(match, ServiceMatch) and all(
        isinstance(term, PortTerm) and term.sport is None and term.dport is None for term in match.terms
    )
