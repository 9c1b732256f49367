"""Simple, certain answers about what rules do: enough for lints that need no solver.

Each function says yes only where that is certain from the words of a rule alone.
"""

from __future__ import annotations

from polc.analysis.walk import ends_in, walk
from polc.ir.family import BOTH
from polc.ir.matches import (
    STATEFUL,
    CtState,
    CtStateMatch,
    FieldMatch,
    IcmpTerm,
    InterfaceMatch,
    Match,
    PortTerm,
    ServiceMatch,
)
from polc.ir.protocols import TCP
from polc.ir.ruleset import BaseChain, ChainType, Hook, Rule, Ruleset
from polc.ir.verdicts import Accept, Drop, Jump, NatMap, Reject, VerdictMap


def filter_chain(ruleset: Ruleset, hook: Hook) -> BaseChain | None:
    """The policy's own filter chain of a hook."""
    for chain in ruleset.chains:
        if isinstance(chain, BaseChain) and chain.hook is hook and chain.type is ChainType.FILTER:
            return chain
    return None


def decides(rule: Rule) -> bool:
    """Whether the rule ends the chain for the packets that it matches."""
    return isinstance(rule.verdict, Accept | Drop | Reject)


def is_total(rule: Rule) -> bool:
    """Whether every packet meets the rule and goes no further."""
    return not rule.matches and decides(rule) and rule.families == BOTH


def is_last(rule: Rule, ruleset: Ruleset) -> bool:
    """Whether no packet goes on to the next rule of the chain."""
    if rule.matches or rule.families != BOTH:
        return False
    match rule.verdict:
        case Jump(chain):
            return ends_in(ruleset, chain)
        case None | VerdictMap() | NatMap():
            return False
        case _:
            return True


def closed(ruleset: Ruleset, chain: BaseChain) -> bool:
    """Whether packets that no rule names do not pass."""
    for step in walk(ruleset, chain):
        if is_total(step.whole):
            return not isinstance(step.rule.verdict, Accept)
    return isinstance(chain.policy, Drop)


def states(rule: Rule) -> CtState:
    """The conntrack states that the rule asks for; all of them where it does not ask."""
    wanted = ~CtState(0)
    for match in rule.matches:
        if isinstance(match, CtStateMatch):
            wanted &= match.states
    return wanted


def only_states(rule: Rule) -> bool:
    """Whether nothing but the conntrack state narrows the rule."""
    return all(isinstance(match, CtStateMatch) for match in rule.matches) and rule.families == BOTH


def takes_tcp(rule: Rule) -> bool:
    """Whether a TCP packet can meet the rule's service."""
    return all(
        any(term.protocol == TCP for term in match.terms) for match in rule.matches if isinstance(match, ServiceMatch)
    )


def takes_icmp_type(rule: Rule, protocol: int, type: int) -> bool:
    """Whether a packet of this ICMP type with hop limit 255, from anywhere, meets all of the rule's matches."""
    return all(_match_takes_icmp(match, protocol, type) for match in rule.matches)


def _match_takes_icmp(match: Match, protocol: int, type: int) -> bool:
    match match:
        case ServiceMatch():
            return any(
                (isinstance(term, IcmpTerm) and (term.protocol, term.type, term.code) == (protocol, type, None))
                or (isinstance(term, PortTerm) and term.protocol == protocol)
                for term in match.terms
            )
        case FieldMatch():
            return 255 in match.values
        case InterfaceMatch():
            # Discovery is of one link: a rule for some interfaces is somebody's decision about the others.
            return not any(pattern.name == "lo" for pattern in match.patterns)
        case _:
            return False


def keeps_count(rule: Rule) -> bool:
    """Whether the rule counts what reaches it."""
    return any(isinstance(match, STATEFUL) for match in rule.matches)
