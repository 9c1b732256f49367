"""One rule of the IR as the rules of nft that together mean it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TypeGuard, assert_never

from polc.backends.cascade import Cascade, NeedsChain, cascade
from polc.backends.nft import effects, limits
from polc.backends.nft.definitions import HelperDefinition, RuleDefinition, SetDefinition
from polc.backends.nft.fields import ORIGINAL_PORTS, compare_turn
from polc.backends.nft.hits import Ban, ban
from polc.backends.nft.matches import compare, family_only, implies_family, split
from polc.backends.nft.names import FreshNames
from polc.backends.nft.refused import Refused
from polc.backends.nft.services import names_transport
from polc.backends.nft.sharing import Sharing
from polc.backends.nft.statements import ByteQuota, Meter, RuleStatement
from polc.ir.family import FAMILIES, Family
from polc.ir.matches import STATEFUL, FieldMatch, Match, OpaqueMatch, PortTerm, ServiceMatch
from polc.ir.protocols import TCP
from polc.ir.ruleset import DynamicSet, Rule
from polc.ir.stateful import Connections, EveryNth, Hits, Limit, Quota, RandomMatch, RecentMatch
from polc.ir.statements import AssignHelper, ClampMss, Counter, Native, Synproxy, Tproxy
from polc.ir.verdicts import Drop, Jump, Nat, Reject, RejectType

LONGEST_COMMENT = 127
"""Bytes: NFTNL_UDATA_COMMENT_MAXLEN is 128 (libnftnl, udata.h), and readers want room for a NUL."""

Counted = EveryNth | RandomMatch | RecentMatch | Limit | Connections | Quota | OpaqueMatch

_SUFFIX = {Family.IP: "v4", Family.IP6: "v6"}


@dataclass(slots=True)
class LoweredRule:
    """What one rule needs in the table: rules at its place, and what comes along."""

    rules: list[RuleDefinition] = field(default_factory=list)
    chains: dict[str, list[RuleDefinition]] = field(default_factory=dict)
    sets: list[SetDefinition] = field(default_factory=list)
    helpers: list[HelperDefinition] = field(default_factory=list)
    counters: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RuleLowering:
    """``chain_names`` and ``set_names`` give names that the table does not have yet; ``json``: the format to come."""

    json: bool
    sets: dict[str, DynamicSet]
    sharing: Sharing
    chain_names: FreshNames
    set_names: FreshNames

    def lower(self, rule: Rule, chain: str) -> LoweredRule:
        """Raises:
        Refused: nft has no words for some part of the rule.
        """
        lowered = LoweredRule()
        self._check_native(rule)
        if any(isinstance(one, Tproxy) for one in rule.statements):
            rule = self._taken_or_dropped(rule, chain, lowered)
        for one in (part for apart in _clamped_apart(rule) for part in _with_ports_beside_protocol(apart)):
            cascaded = _cascade(one, lambda: self.chain_names.like(f"{chain}-any"))
            for inner in cascaded.rules:
                lowered.rules += self._rule(inner, lowered)
            for extra in cascaded.chains:
                lowered.chains[extra.name] = [new for inner in extra.rules for new in self._rule(inner, lowered)]
        return lowered

    def _taken_or_dropped(self, rule: Rule, chain: str, lowered: LoweredRule) -> Rule:
        """Where no socket takes the packet the kernel breaks off the rule and goes on behind it: there stands a drop.

        What the rule asks is asked before, once; the ports have to stand beside their protocol again.
        """
        name = self.chain_names.like(f"{chain}-proxy")
        inner = replace(rule, matches=tuple(match for match in rule.matches if isinstance(match, ServiceMatch)))
        rules = (*_with_ports_beside_protocol(inner), replace(rule, matches=(), statements=(), verdict=Drop()))
        lowered.chains[name] = [new for one in rules for new in self._rule(one, lowered)]
        return replace(rule, statements=(), verdict=Jump(name))

    def _check_native(self, rule: Rule) -> None:
        for one in rule.statements:
            if isinstance(one, Native) and (one.nft_json if self.json else one.nft) is None:
                key, form = ("nft_json", "JSON") if self.json else ("nft", "text")
                raise Refused(f"the rule is native and has no words for nft's {form}", f"the key `{key}` beside them")

    def _rule(self, rule: Rule, lowered: LoweredRule) -> list[RuleDefinition]:
        family = _one_family(rule)
        matches = self._matches(rule)
        effect: list[RuleStatement] = [effects.statement(one, self.sets, family) for one in rule.statements]
        if any(isinstance(one, ClampMss) for one in rule.statements):
            matches.append(effects.SYN)
        if rule.verdict is not None:
            effect.append(effects.verdict(rule.verdict))
        for one in rule.statements:
            match one:
                case AssignHelper():
                    lowered.helpers.append(effects.helper(one))
                case Counter(name) if name is not None:
                    lowered.counters.append(name)
                case _:
                    pass
        comment = rule.origin.label(LONGEST_COMMENT)
        found = self._stateful(rule, lowered)
        if isinstance(found, Ban):
            # Where a banned packet may go on to the next rule, that one must not count and treat it again.
            again = rule.verdict is None or isinstance(rule.verdict, Jump)
            guard = (found.not_blocked,) if again else ()
            bodies: list[tuple[RuleStatement, ...]] = [
                (*matches, *found.blocked, *effect),
                (*matches, *guard, *found.excess, *effect),
            ]
        else:
            bodies = [(*matches, *found, *effect)]
        # A rule that neither asks nor does anything has no form in text, and no meaning.
        return [RuleDefinition(body, comment) for body in bodies if body]

    def _matches(self, rule: Rule) -> list[RuleStatement]:
        found: list[RuleStatement] = []
        for match in rule.matches:
            if not isinstance(match, STATEFUL):
                found += compare(match, self.sets, _one_family(rule))
        if len(rule.families) == 1 and not any(implies_family(match) for match in rule.matches):
            reset = rule.verdict == Reject(RejectType.TCP_RESET)
            found += (family_only(family, beside_reset=reset) for family in rule.families)
        return found

    def _stateful(self, rule: Rule, lowered: LoweredRule) -> Ban | list[RuleStatement]:
        stateful = [match for match in rule.matches if isinstance(match, STATEFUL)]
        # The first packet is already a hit, so a count of 1 holds always.
        counted = [one for one in stateful if not (isinstance(one, Hits) and one.count == 1)]
        match counted:
            case [Hits() as hits]:
                return self._ban(hits, _only_family(rule), lowered)
            case _ if any(isinstance(one, Hits) for one in counted):
                raise Refused("hits and another limit in one rule have no form in nft", "one of the two alone")
        return [self._counted(one, rule, lowered) for one in counted if not isinstance(one, Hits)]

    def _counted(
        self,
        one: EveryNth | RandomMatch | RecentMatch | Limit | Connections | Quota | OpaqueMatch,
        rule: Rule,
        lowered: LoweredRule,
    ) -> RuleStatement:
        match one:
            case EveryNth():
                return compare_turn(one)
            case Limit():
                return self._limit(one, rule, lowered)
            case Connections():
                self.sharing.check_alone(one.table)
                family = _only_family(rule)
                return limits.connections(one, family, self.set_names.like(f"{one.table}-{_SUFFIX[family]}"))
            case RandomMatch() | RecentMatch() | OpaqueMatch():
                raise Refused(f"nft has no words for {type(one).__name__}")
            case Quota(size, over, table):
                self.sharing.check_alone(table)
                return ByteQuota(size, over)
            case _:
                assert_never(one)

    def _limit(self, limit: Limit, rule: Rule, lowered: LoweredRule) -> RuleStatement:
        self.sharing.check_limit(limit)
        if not limit.key:
            return limits.simple_limit(limit)
        family = _only_family(rule)
        wanted = f"{limit.table}-{_SUFFIX[family]}"
        shared = self.sharing.is_shared(limit.table)
        found = limits.keyed_limit(limit, family, wanted if shared else self.set_names.like(wanted))
        if shared and isinstance(found, Meter):
            element, definition = limits.shared_limit(found, family)
            lowered.sets.append(definition)
            return element
        return found

    def _ban(self, hits: Hits, family: Family, lowered: LoweredRule) -> Ban:
        self.sharing.check_hits(hits)
        suffix = _SUFFIX[family]
        found = ban(
            hits,
            family,
            self.set_names.like(f"{hits.table}-{suffix}"),
            self.set_names.like(f"{hits.table}-blocked-{suffix}"),
        )
        lowered.sets.append(found.set)
        lowered.messages.append(found.message)
        return found


def _one_family(rule: Rule) -> Family | None:
    """The rule's family, None for both."""
    return next(iter(rule.families)) if len(rule.families) == 1 else None


def _only_family(rule: Rule) -> Family:
    """The one family of a rule with state: the passes give each family its own rule."""
    (family,) = (one for one in FAMILIES if one in rule.families)
    return family


def _cascade(rule: Rule, fresh: Callable[[], str]) -> Cascade:
    try:
        family = _one_family(rule)
        return cascade(rule, lambda match: split(match, family), fresh)
    except NeedsChain:
        raise Refused(
            "several interfaces or services together with a limit take a chain of their own in nft, which `return` and "
            "`goto` would leave instead of this one",
            "one rule for each of them",
        ) from None


def _clamped_apart(rule: Rule) -> tuple[Rule, ...]:
    """A clamp is for SYNs, and the kernel breaks a rule off where there is no option to set: it has its own rule."""
    clamps = tuple(one for one in rule.statements if isinstance(one, ClampMss))
    rest = tuple(one for one in rule.statements if not isinstance(one, ClampMss))
    if clamps and any(isinstance(match, ServiceMatch) and not _of_tcp(match) for match in rule.matches):
        raise Refused("nft changes the MSS of TCP alone", "only tcp services in the rule")
    if not clamps or not (rest or rule.verdict):
        return (rule,)
    if any(isinstance(match, STATEFUL) for match in rule.matches):
        raise Refused("nft would count packets twice for a clamp beside something else", "a rule for each")
    return replace(rule, statements=clamps, verdict=None), replace(rule, statements=rest)


def _of_tcp(match: ServiceMatch) -> bool:
    return all(term.protocol == TCP for term in match.terms)


def _with_ports_beside_protocol(rule: Rule) -> list[Rule]:
    """A rule that rewrites ports, or asks for those before NAT, must itself name the transport protocol."""
    match rule.verdict:
        case Nat(ports=ports) if ports is not None:
            pass
        case _ if any(isinstance(one, Tproxy | Synproxy) for one in rule.statements):
            pass
        case _ if any(isinstance(one, FieldMatch) and one.field in ORIGINAL_PORTS for one in rule.matches):
            pass
        case _:
            return [rule]
    if not any(isinstance(match, ServiceMatch) and names_transport(match) for match in rule.matches):
        raise Refused(
            "nft knows ports only in a rule that names a transport protocol with ports", "a service in the rule"
        )
    options = [_single_options(match, rule) for match in rule.matches]
    rules = [replace(rule, matches=matches) for matches in product(*options)]
    if len(rules) > 1 and any(isinstance(match, STATEFUL) for match in rule.matches):
        raise Refused(
            "such a rule with a limit and several services or interfaces has no form in nft", "one rule for each"
        )
    return rules


def _single_options(match: Match, rule: Rule) -> tuple[Match, ...]:
    """A match as those of which each names one transport protocol at most: nft takes the type of a port from that."""
    if isinstance(match, STATEFUL):
        return (match,)
    found = split(match, _one_family(rule))
    if found.excluded:
        raise Refused("this negation takes a chain of its own in nft, and ports a rule that names their protocol")
    return tuple(
        part
        for one in found.options
        for part in ([ServiceMatch((term,)) for term in one.terms] if _of_protocols(one) else [one])
    )


def _of_protocols(match: Match) -> TypeGuard[ServiceMatch]:
    """Whether a service names protocols alone, of which nft takes several in one rule."""
    return isinstance(match, ServiceMatch) and all(
        isinstance(term, PortTerm) and term.sport is None and term.dport is None for term in match.terms
    )
