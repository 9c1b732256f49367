"""One rule of the IR as the rules of nft that together mean it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import product
from typing import assert_never

from polc.backends.cascade import Cascade, NeedsChain, cascade
from polc.backends.nft import effects, limits
from polc.backends.nft.definitions import HelperDefinition, QuotaDefinition, RuleDefinition, SetDefinition
from polc.backends.nft.fields import SYN_ONLY
from polc.backends.nft.hits import Ban, ban
from polc.backends.nft.matches import compare, every_nth, family_only, implies_family, split
from polc.backends.nft.names import FreshNames, check_name
from polc.backends.nft.refused import Refused
from polc.backends.nft.services import names_transport, only_transport
from polc.backends.nft.sharing import Sharing
from polc.backends.nft.statements import Meter, QuotaBytes, QuotaName, RuleStatement
from polc.ir.family import FAMILIES, Family
from polc.ir.fields import Field
from polc.ir.matches import STATEFUL, EveryNth, FieldMatch, Match, ServiceMatch
from polc.ir.ruleset import DynamicSet, Rule
from polc.ir.stateful import Connections, Hits, KeyField, KeyPart, Limit, Quota
from polc.ir.statements import AssignHelper, ClampMss, Counter, Tproxy
from polc.ir.verdicts import Jump, Nat, Reject, RejectType

LONGEST_COMMENT = 127
"""Bytes: NFTNL_UDATA_COMMENT_MAXLEN is 128 (libnftnl, udata.h), and readers want room for a NUL."""

_ORIGINAL_PORTS = (Field.CT_ORIGINAL_SPORT, Field.CT_ORIGINAL_DPORT)
_SUFFIX = {Family.IP: "v4", Family.IP6: "v6"}


@dataclass(slots=True)
class LoweredRule:
    """What one rule needs in the table: rules at its place, and what comes along."""

    rules: list[RuleDefinition] = field(default_factory=list)
    chains: dict[str, list[RuleDefinition]] = field(default_factory=dict)
    sets: list[SetDefinition] = field(default_factory=list)
    helpers: list[HelperDefinition] = field(default_factory=list)
    counters: list[str] = field(default_factory=list)
    quotas: list[QuotaDefinition] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RuleLowering:
    """``chain_names`` and ``set_names`` give names that the table does not have yet."""

    sets: dict[str, DynamicSet]
    sharing: Sharing
    chain_names: FreshNames
    set_names: FreshNames

    def lower(self, rule: Rule, chain: str) -> LoweredRule:
        """Raises:
        Refused: nft has no words for some part of the rule.
        """
        _check_ports_of_keys(rule)
        lowered = LoweredRule()
        for one in _with_ports_beside_protocol(rule):
            cascaded = _cascade(one, lambda: self.chain_names.like(f"{chain}-any"))
            for inner in cascaded.rules:
                lowered.rules += self._rule(inner, lowered)
            for extra in cascaded.chains:
                lowered.chains[extra.name] = [new for inner in extra.rules for new in self._rule(inner, lowered)]
        return lowered

    def _rule(self, rule: Rule, lowered: LoweredRule) -> list[RuleDefinition]:
        clamps = [one for one in rule.statements if isinstance(one, ClampMss)]
        if not clamps:
            return self._plain_rule(rule, lowered)
        rest = tuple(one for one in rule.statements if not isinstance(one, ClampMss))
        more = bool(rest) or rule.verdict is not None or len(clamps) > 1
        if more and any(isinstance(match, STATEFUL) for match in rule.matches):
            raise Refused(
                "nft clamps the MSS of a SYN in a rule of its own, which would count the limit twice", "a chain"
            )
        # The syn alone is clamped, and a packet without the option ends the rule: what else it does has its own.
        found = [
            new
            for clamp in clamps
            for new in self._plain_rule(replace(rule, statements=(clamp,), verdict=None), lowered)
        ]
        return found + self._plain_rule(replace(rule, statements=rest), lowered) if more else found

    def _plain_rule(self, rule: Rule, lowered: LoweredRule) -> list[RuleDefinition]:
        _check_transport(rule)
        family = _family(rule)
        matches = self._matches(rule, family)
        effect: list[RuleStatement] = []
        for one in rule.statements:
            if isinstance(one, ClampMss):
                effect.append(SYN_ONLY)
            effect.append(effects.statement(one, self.sets, family))
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

    def _matches(self, rule: Rule, family: Family | None) -> list[RuleStatement]:
        found: list[RuleStatement] = []
        # nft reads the ports of `ct original` by the transport protocol, which must stand before them.
        for match in sorted(rule.matches, key=_asks_for_protocol):
            if not isinstance(match, STATEFUL):
                found += compare(match, self.sets, family)
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
        self, match: Limit | EveryNth | Connections | Quota, rule: Rule, lowered: LoweredRule
    ) -> RuleStatement:
        match match:
            case Limit():
                return self._limit(match, rule, lowered)
            case EveryNth():
                return every_nth(match)
            case Connections():
                self.sharing.check_connections(match)
                family = _only_family(rule)
                name = self.set_names.like(f"{match.table}-{_SUFFIX[family]}") if match.key else ""
                return limits.connections(match, family, only_transport(rule.matches), name)
            case Quota():
                return self._quota(match, rule, lowered)
            case _:
                assert_never(match)

    def _quota(self, quota: Quota, rule: Rule, lowered: LoweredRule) -> QuotaBytes | QuotaName:
        self.sharing.check_quota(quota)
        if not 1 <= quota.bytes < 2**63:
            raise Refused(f"nft has no quota of {quota.bytes} bytes: it counts from 1, in 63 bits")
        if not self.sharing.is_shared(quota.table):
            return QuotaBytes(quota.bytes, quota.over)
        name = f"{quota.table}-{_SUFFIX[_only_family(rule)]}"
        check_name("quota", name)
        lowered.quotas.append(QuotaDefinition(name, quota.bytes, quota.over))
        return QuotaName(name)

    def _limit(self, limit: Limit, rule: Rule, lowered: LoweredRule) -> RuleStatement:
        self.sharing.check_limit(limit)
        if not limit.key:
            return limits.simple_limit(limit)
        family = _only_family(rule)
        wanted = f"{limit.table}-{_SUFFIX[family]}"
        shared = self.sharing.is_shared(limit.table)
        name = wanted if shared else self.set_names.like(wanted)
        found = limits.keyed_limit(limit, family, only_transport(rule.matches), name)
        if shared and isinstance(found, Meter):
            element, definition = limits.shared_limit(found, limits.simple_limit(limit), family)
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


def _family(rule: Rule) -> Family | None:
    return next(iter(rule.families)) if len(rule.families) == 1 else None


def _asks_for_protocol(match: Match) -> bool:
    return isinstance(match, FieldMatch) and match.field in _ORIGINAL_PORTS


def _check_transport(rule: Rule) -> None:
    """Raises:
    Refused: a rule that must name one transport protocol and does not.
    """
    if only_transport(rule.matches) != "th":
        return
    words = [match.field.value for match in rule.matches if isinstance(match, FieldMatch) and _asks_for_protocol(match)]
    if any(isinstance(one, Tproxy) for one in rule.statements):
        words.append("tproxy")
    if words:
        raise Refused(
            f"nft knows `{words[0]}` only in a rule that names one transport protocol with ports",
            "a service of one protocol in the rule, such as `tcp`",
        )


def _check_ports_of_keys(rule: Rule) -> None:
    """Raises:
    Refused: a key of ports for packets that may have none.
    """
    keys: list[KeyPart] = []
    for match in rule.matches:
        match match:
            case Limit(key=key) | Connections(key=key):
                keys += key
            case Hits(key=part):
                keys.append(part)
            case _:
                pass
    if not any(one.field in (KeyField.SPORT, KeyField.DPORT) for one in keys):
        return
    if not any(isinstance(match, ServiceMatch) and names_transport(match) for match in rule.matches):
        raise Refused("a key of ports needs packets that have them in nft", "a service with ports in the rule")


def _only_family(rule: Rule) -> Family:
    """The one family of a rule with state: the passes give each family its own rule."""
    (family,) = (one for one in FAMILIES if one in rule.families)
    return family


def _cascade(rule: Rule, fresh: Callable[[], str]) -> Cascade:
    try:
        return cascade(rule, split, fresh)
    except NeedsChain:
        raise Refused(
            "several interfaces or services together with a limit take a chain of their own in nft, which `return` and "
            "`goto` would leave instead of this one",
            "one rule for each of them",
        ) from None


def _with_ports_beside_protocol(rule: Rule) -> list[Rule]:
    """A NAT rule that rewrites ports must itself name the transport protocol: it cannot move into a chain."""
    match rule.verdict:
        case Nat(ports=ports) if ports is not None:
            pass
        case _:
            return [rule]
    if not any(isinstance(match, ServiceMatch) and names_transport(match) for match in rule.matches):
        raise Refused(
            "nft rewrites ports only in a rule that names a transport protocol with ports", "a service in the rule"
        )
    options: list[tuple[Match, ...]] = [
        (match,) if isinstance(match, STATEFUL) else split(match).options for match in rule.matches
    ]
    rules = [replace(rule, matches=matches) for matches in product(*options)]
    if len(rules) > 1 and any(isinstance(match, STATEFUL) for match in rule.matches):
        raise Refused(
            "a NAT rule with ports, a limit and several services or interfaces has no form in nft", "one rule for each"
        )
    return rules
