"""Verdicts that stand in any chain of filters: accept, drop, reject, jump, goto, return."""

from __future__ import annotations

from polc.diagnostics import Collector
from polc.diagnostics.suggest import did_you_mean
from polc.ir.protocols import TCP
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Reject, RejectType, Return, Verdict
from polc.policy.document import Decision, RuleDocument, SegmentSize, SynProxy, Word
from polc.policy.document import Verdict as VerdictWords
from polc.policy.lower.scope import Scope, Service


def verdict_of(words: VerdictWords | None, service: Service | None, scope: Scope) -> Verdict | None:
    """The verdict, None for a rule that has none; what is wrong is recorded."""
    if words is None:
        return None
    match words.decision:
        case Decision.DROP:
            return Drop()
        case Decision.REJECT:
            return _reject(words.answer, service, scope.collector)
        case Decision.JUMP:
            return Jump(_chain(words.answer, scope))
        case Decision.GOTO:
            return Goto(_chain(words.answer, scope))
        case Decision.RETURN:
            return Return()
        case _:
            return Accept()


def _chain(word: Word | None, scope: Scope) -> str:
    assert word is not None
    chains = scope.symbols.chains
    if word.text not in chains:
        hint = did_you_mean(word.text, chains)
        scope.collector.error("POL245", f"there is no chain `{word.text}`", word.span, help=hint)
    return word.text


def _reject(answer: Word | None, service: Service | None, collector: Collector) -> Reject:
    if answer is None:
        return Reject()
    known = {one.value: one for one in RejectType}
    if answer.text not in known:
        hint = did_you_mean(answer.text, known) or f"the answers are {', '.join(known)}"
        collector.error("POL207", f"unknown answer `{answer.text}`", answer.span, help=hint)
        return Reject()
    kind = known[answer.text]
    if kind is RejectType.TCP_RESET and service is not None and not only_of(service, {TCP}):
        message = "`tcp-reset` answers TCP alone, and the rule also speaks of other packets"
        collector.error("POL224", message, answer.span, help="name a TCP service, such as `tcp/25`, or all of `tcp`")
    return Reject(kind)


def check_tcp(rule: RuleDocument, service: Service, collector: Collector) -> None:
    """Record POL224 for a clause that changes or answers TCP packets, beside services of other protocols."""
    for word, clause in (("mss", rule.find(SegmentSize)), ("synproxy", rule.find(SynProxy))):
        if clause and service and not only_of(service, {TCP}):
            message = f"`{word}` is for TCP alone, and the rule also speaks of other packets"
            collector.error("POL224", message, clause.span, help="name TCP services alone, or none")


def only_of(service: Service, protocols: set[int] | frozenset[int]) -> bool:
    """Whether the rule speaks of packets of these protocols alone."""
    return bool(service) and all(part.term.protocol in protocols for part in service)
