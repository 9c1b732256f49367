"""Verdicts that stand in any chain of filters: accept, drop, reject, jump, goto, return."""

from __future__ import annotations

from collections.abc import Iterable

from polc.diagnostics import Collector
from polc.diagnostics.suggest import did_you_mean
from polc.ir.protocols import TCP
from polc.ir.verdicts import Accept, Drop, Goto, Jump, Queue, Reject, RejectType, Return, Verdict
from polc.policy.document import Decision, OptionReset, RuleDocument, SegmentSize, SynProxy, Word
from polc.policy.document import Verdict as VerdictWords
from polc.policy.lower.scope import Scope, Service
from polc.policy.lower.values import queues


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
        case Decision.QUEUE:
            return _queue(words, scope.collector)
        case _:
            return Accept()


def _chain(word: Word | None, scope: Scope) -> str:
    assert word is not None
    chains = scope.symbols.chains
    if word.text not in chains:
        hint = did_you_mean(word.text, chains)
        scope.collector.error("POL245", f"there is no chain `{word.text}`", word.span, help=hint)
    return word.text


_QUEUE_FLAGS = ("bypass", "fanout")


def _queue(words: VerdictWords, collector: Collector) -> Queue:
    first, last = 0, 0
    if words.answer:
        try:
            first, last = queues(words.answer.text)
        except ValueError as error:
            collector.error("POL121", str(error), words.answer.span)
    for word in words.flags:
        if word.text not in _QUEUE_FLAGS:
            hint = did_you_mean(word.text, _QUEUE_FLAGS) or "the flags are bypass and fanout"
            collector.error("POL121", f"unknown flag of a queue `{word.text}`", word.span, help=hint)
    flags = {word.text: word for word in words.flags}
    if "fanout" in flags and first == last:
        # net/netfilter/nft_queue.c chooses among several
        message = "`fanout` chooses among several queues, and this is one"
        collector.error("POL121", message, flags["fanout"].span, help="as in `queue 0-3 flags fanout`")
    return Queue(first, last, "bypass" in flags, "fanout" in flags)


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


def check_tcp(rule: RuleDocument, service: Service, asked: Iterable[set[int]], collector: Collector) -> None:
    """Record POL224 for a clause that changes or answers TCP packets, beside services of other protocols, or beside a
    condition that has a way to hold on which it asks for one; ``asked``: the protocols of each way.
    """
    elsewhere = (service and not only_of(service, {TCP})) or any(one - {TCP} for one in asked)
    for word, clause in (
        ("mss", rule.find(SegmentSize)),
        ("synproxy", rule.find(SynProxy)),
        ("reset tcp option", rule.find(OptionReset)),
    ):
        if clause and elsewhere:
            message = f"`{word}` is for TCP alone, and the rule also speaks of other packets"
            collector.error("POL224", message, clause.span, help="name TCP services alone, or none")


def only_of(service: Service, protocols: set[int] | frozenset[int]) -> bool:
    """Whether the rule speaks of packets of these protocols alone."""
    return bool(service) and all(part.term.protocol in protocols for part in service)
