"""POL327: what a host or its connections cannot do without, and not one packet of which gets through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from polc.analysis import cut_discovery, cut_replies
from polc.analysis.exact import Exact, View
from polc.analysis.model import ExactLint
from polc.analysis.reach import filter_chain
from polc.diagnostics import Diagnostic, Label, Severity
from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import CtState, CtStateMatch, FieldMatch, IcmpTerm, Match, PortTerm, ServiceMatch
from polc.ir.protocols import ICMP, ICMPV6, TCP
from polc.ir.ruleset import BaseChain, Hook
from polc.source import Span
from polc.symbolic.diagram import NONE
from polc.symbolic.hooks import Hooks
from polc.symbolic.outcome import Outcome, Unknown, Watch
from polc.symbolic.space import Of, Set
from polc.symbolic.trace import Met, deciding
from polc.symbolic.witness import pick


@dataclass(frozen=True, slots=True)
class _Need:
    """Packets that hosts send each other without being asked, by the hooks at which all of them can be dropped."""

    words: str
    family: Family | None
    hooks: tuple[Hook, ...]
    matches: tuple[Match, ...]
    help: str


_ESSENTIALS = "`use icmp-essentials`"
_STATEFUL = "`use stateful`"
_ON_LINK = FieldMatch(Field.HOPLIMIT, Intervals.single(255))  # RFC 4861, 7.1.1 and 7.1.2: others are discarded
_RELATED = CtStateMatch(CtState.RELATED)
_ALL = (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT)


def _icmp(protocol: int, type: int, code: int | None = None) -> ServiceMatch:
    return ServiceMatch((IcmpTerm(protocol, type, code),))


_NEEDS = (
    _Need("established TCP", None, _ALL,
          (ServiceMatch((PortTerm(TCP),)), CtStateMatch(CtState.ESTABLISHED)), _STATEFUL),
    _Need("neighbour solicitations of IPv6", Family.IP6, (Hook.INPUT, Hook.OUTPUT),
          (_icmp(ICMPV6, 135, 0), _ON_LINK), _ESSENTIALS),
    _Need("neighbour advertisements of IPv6", Family.IP6, (Hook.INPUT, Hook.OUTPUT),
          (_icmp(ICMPV6, 136, 0), _ON_LINK), _ESSENTIALS),
    _Need("`packet-too-big` of known flows", Family.IP6, (Hook.INPUT, Hook.FORWARD),
          (_icmp(ICMPV6, 2), _RELATED), _ESSENTIALS),
    _Need("`frag-needed` of known flows", Family.IP, (Hook.INPUT, Hook.FORWARD),
          (_icmp(ICMP, 3, 4), _RELATED), _STATEFUL),
)  # fmt: skip


def _check(exact: Exact) -> Iterator[Diagnostic]:
    told = _told(exact)
    for hook in _ALL:
        chain = filter_chain(exact.ruleset, hook)
        if chain is None or chain.origin.span in told:
            continue
        for view in exact.views:
            if not view.early and _concerns(exact, view.family):
                yield from _cut(exact, view, chain)


def _told(exact: Exact) -> set[object]:
    """The chains of which POL302 and POL304 have said something already."""
    if exact.policy is None:
        return set()
    return {one.span for lint in (cut_replies.LINT, cut_discovery.LINT) for one in lint.check(exact.policy)}


def _concerns(exact: Exact, family: Family) -> bool:
    return exact.policy is None or family in exact.policy.settings.families


def _cut(exact: Exact, view: View, chain: BaseChain) -> Iterator[Diagnostic]:
    manager = view.space.manager
    hook = chain.hook
    needs = [
        (one, _packets(view, hook, one.matches))
        for one in _NEEDS
        if hook in one.hooks and one.family in (None, view.family)
    ]
    hooks = Hooks(view.space, view.hooks.loaded, Watch.NOTHING)
    passing = manager.chosen(hooks.outcomes(hook), _may_pass)
    if manager.where(hooks.valid(hook), passing) == NONE:
        # A hook that lets nothing through is meant to be closed.
        return
    cut: dict[tuple[Span, str], list[_Need]] = {}
    for need, packets in needs:
        if packets == NONE or manager.where(packets, passing) != NONE:
            continue
        point = pick(view.space, packets)
        by = deciding(hooks, hook, point) if point is not None else None
        if by is not None and by.ruleset is exact.ruleset:
            place, who = _decider(by)
            if place is not None:
                cut.setdefault((place, who), []).append(need)
    for (place, who), found in cut.items():
        yield Diagnostic(
            "POL327",
            f"`{chain.name}` cuts off {_listed([one.words for one in found])}: no such packet gets through, {who}",
            (Label(place, "decides"),),
            " and ".join(dict.fromkeys(one.help for one in found)) + " above it",
            Severity.WARNING,
        )


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _packets(view: View, hook: Hook, matches: tuple[Match, ...]) -> Set:
    manager, space = view.space.manager, view.space
    chains = view.arrivals.chains
    found = manager.where(view.hooks.valid(hook), manager.all_of(map(chains.match, matches)))
    if "lo" in space.interfaces.words:
        # What a host tells itself helps no other.
        lo = space.interfaces.place("lo")
        for of in (Of.IIF, Of.OIF):
            found = manager.minus(found, space.within(space.variable(of), lo))
    return found


def _may_pass(value: object) -> bool:
    return isinstance(value, Outcome) and (value.accepted or isinstance(value.verdict, Unknown))


def _decider(met: Met) -> tuple[Span | None, str]:
    if met.rule is None:
        return met.base.origin.span, f"the default of `{met.base.name}` takes them"
    return met.rule.origin.span or met.chain.origin.span, "this rule takes them"


LINTS = (ExactLint(("POL327",), _check),)
