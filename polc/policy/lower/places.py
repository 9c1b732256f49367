"""What can stand where: verdicts and clauses that the kernel takes at some hooks alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from polc.ir.fields import Field
from polc.ir.matches import Trait
from polc.ir.ruleset import ChainType, Hook, Priority
from polc.policy.document import (
    Clause,
    CodePoint,
    ConnectionCount,
    Decision,
    FlowMarking,
    HelperName,
    MarkAction,
    Marking,
    NoTracking,
    RuleDocument,
    SegmentSize,
    States,
    SynProxy,
)
from polc.policy.lower.scope import Place, Scope
from polc.source import Span


class Demand(NamedTuple):
    """``fits`` says whether something can stand at a place, ``reason`` why not elsewhere."""

    fits: Callable[[Place], bool]
    reason: str


def _of(*hooks: Hook) -> Callable[[Place], bool]:
    return lambda place: place.hook in hooks


TRACKED = Demand(
    lambda place: place.priority is not Priority.RAW,
    "connection tracking has not seen the packet there yet",
)
"""Conntrack looks at packets at priority -200, between `raw` and `mangle` (uapi/linux/netfilter_ipv4.h)."""

_ANSWERS = Demand(
    lambda place: place.priority is Priority.FILTER,
    "packets are answered in `input`, `forward` and `output` alone",  # iptables-extensions(8), REJECT
)
_NAT = Demand(lambda place: place.type is ChainType.NAT, "addresses are changed in `nat` alone")
_FILTERS = Demand(lambda place: place.type is not ChainType.NAT, "`nat` has rules that change addresses, and no others")

_DECISIONS: dict[Decision, tuple[Demand, ...]] = {
    Decision.ACCEPT: (_FILTERS,),
    Decision.DROP: (_FILTERS,),
    Decision.REJECT: (_FILTERS, _ANSWERS),
    Decision.JUMP: (_FILTERS,),
    Decision.GOTO: (_FILTERS,),
    Decision.RETURN: (_FILTERS,),
    **dict.fromkeys((Decision.SNAT, Decision.DNAT, Decision.MASQUERADE, Decision.REDIRECT, Decision.NETMAP), (_NAT,)),
    # net/netfilter/nft_tproxy.c, nft_tproxy_validate; the socket must be known before the route is.
    Decision.TPROXY: (
        Demand(
            lambda place: place.hook is Hook.PREROUTING and place.priority is Priority.MANGLE,
            "`tproxy` works in `mangle.prerouting` alone",
        ),
    ),
}

_CLAUSES: dict[type[Clause], tuple[Demand, ...]] = {
    States: (TRACKED,),
    ConnectionCount: (TRACKED,),
    FlowMarking: (TRACKED,),
    HelperName: (TRACKED,),
    # A flow is exempted before conntrack looks at it (net/netfilter/nft_ct.c, nft_notrack_eval; xt_CT.c, table raw).
    NoTracking: (
        Demand(lambda place: place.priority is Priority.RAW, "`notrack` works before connection tracking, in `raw`"),
    ),
    # xt_DSCP.c registers itself for the table mangle alone.
    CodePoint: (Demand(lambda place: place.priority is Priority.MANGLE, "`dscp set` works in `mangle` alone"),),
    # net/netfilter/nft_synproxy.c, nft_synproxy_validate; net/ipv4/netfilter/ipt_SYNPROXY.c, .hooks.
    SynProxy: (
        Demand(_of(Hook.INPUT, Hook.FORWARD), "`synproxy` works in `input` and `forward` alone"),
        Demand(lambda place: place.priority is Priority.FILTER, "`synproxy` works in `input` and `forward` alone"),
    ),
}

_FIELDS: dict[Field | Trait | str, tuple[Demand, ...]] = {
    # net/netfilter/xt_owner.c, .hooks: a packet has an owner where this host sends it.
    Field.META_SKUID: (Demand(_of(Hook.OUTPUT, Hook.POSTROUTING), "only packets of this host have an owner"),),
    Field.META_SKGID: (Demand(_of(Hook.OUTPUT, Hook.POSTROUTING), "only packets of this host have an owner"),),
    Field.META_IIFGROUP: (Demand(lambda place: place.hook is not Hook.OUTPUT, "the packet came in nowhere"),),
    Field.META_OIFGROUP: (
        Demand(_of(Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING), "the packet leaves nowhere, or it is not known yet"),
    ),
    # net/netfilter/xt_cgroup.c, .hooks
    Field.META_CGROUP: (
        Demand(_of(Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING), "only packets of local sockets have a control group"),
    ),
    # net/netfilter/xt_mac.c, .hooks
    Field.ETHER_SADDR: (
        Demand(_of(Hook.PREROUTING, Hook.INPUT, Hook.FORWARD), "only packets that came in have a sender's MAC address"),
    ),
    # net/netfilter/xt_socket.c, .hooks
    Trait.SOCKET: (Demand(_of(Hook.PREROUTING, Hook.INPUT), "sockets are looked up for packets that come in"),),
    # net/netfilter/xt_policy.c: `--dir in`; decapsulation comes before these hooks.
    Trait.IPSEC: (
        Demand(_of(Hook.PREROUTING, Hook.INPUT, Hook.FORWARD), "only packets that came in can come out of IPsec"),
    ),
    # net/ipv4/netfilter/ipt_rpfilter.c: tables raw and mangle, prerouting
    "rpfilter": (
        Demand(
            lambda place: place.hook is Hook.PREROUTING,
            "the way back is looked up in `raw.prerouting` and `mangle.prerouting` alone",
        ),
    ),
    # net/netfilter/xt_osf.c, .hooks
    "osf name": (
        Demand(_of(Hook.PREROUTING, Hook.INPUT, Hook.FORWARD), "only packets that came in are fingerprinted"),
    ),
}


def check_rule(rule: RuleDocument, scope: Scope) -> None:
    """Record POL241 for the verdict and each clause that cannot stand in the chain."""
    if rule.verdict:
        _demand(_DECISIONS[rule.verdict.decision], rule.verdict.decision.value, rule.verdict.span, scope)
    for clause in rule.clauses:
        if type(clause) in _CLAUSES:
            word = clause.span.text.split(maxsplit=1)[0] if clause.span.text.strip() else ""
            _demand(_CLAUSES[type(clause)], word, clause.span, scope)
        match clause:
            case SegmentSize(size=None):
                _demand((_ROUTED,), "mss", clause.span, scope)
            case Marking(action=MarkAction.SAVE | MarkAction.RESTORE):
                _demand((TRACKED,), "mark", clause.span, scope)


_ROUTED = Demand(
    _of(Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING),  # net/netfilter/xt_TCPMSS.c, tcpmss_tg4_check
    "the route that limits it is known in `forward` and `output`; or name a `size`",
)


def check_field(field: Field | Trait | str, span: Span, scope: Scope) -> None:
    """Record POL241 for a field of `where` that packets of the chain do not have."""
    name = field if isinstance(field, str) else field.value
    _demand(_FIELDS.get(field, ()), name, span, scope)
    if name.startswith("ct "):
        _demand((TRACKED,), name, span, scope)


def _demand(demands: tuple[Demand, ...], word: str, span: Span, scope: Scope) -> None:
    for demand in demands:
        if not all(demand.fits(place) for place in scope.places):
            message = f"`{word}` cannot stand in `{scope.chain}`"
            scope.collector.error("POL241", message, span, label=demand.reason)
            return
