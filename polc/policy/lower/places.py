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
    Copying,
    Decision,
    FlowMarking,
    HelperName,
    HopLimitSetting,
    MarkAction,
    Marking,
    NoTracking,
    Offloading,
    OptionReset,
    PrioritySetting,
    RuleDocument,
    SegmentSize,
    States,
    SynProxy,
    TimeoutName,
    Tracing,
    TtlSetting,
    Verdict,
    ZoneSetting,
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
    lambda place: place.priority is not Priority.RAW and place.hook is not Hook.INGRESS,
    "connection tracking has not seen the packet there yet",
)
"""Conntrack looks at packets at priority -200, between `raw` and `mangle` (uapi/linux/netfilter_ipv4.h)."""

_INET = Demand(lambda place: place.hook is not Hook.INGRESS, "at ingress, packets have not come to IP yet")
_ANSWERS = Demand(
    lambda place: place.priority is Priority.FILTER and place.hook is not Hook.INGRESS,
    "packets are answered in `input`, `forward` and `output` alone",  # iptables-extensions(8), REJECT
)
_RAW = Demand(lambda place: place.priority is Priority.RAW, "this works before connection tracking, in `raw`")
_MANGLE = Demand(lambda place: place.priority is Priority.MANGLE, "packets are changed so in `mangle` alone")
_NAT = Demand(lambda place: place.type is ChainType.NAT, "addresses are changed in `nat` alone")
_FILTERS = Demand(lambda place: place.type is not ChainType.NAT, "`nat` decides about addresses, and not about packets")
_DESTINATIONS = Demand(
    _of(Hook.PREROUTING, Hook.OUTPUT),  # net/netfilter/xt_nat.c, xt_REDIRECT.c, .hooks
    "destinations are changed where packets come in, in `prerouting` and `output`",
)
_SOURCES = Demand(
    _of(Hook.INPUT, Hook.POSTROUTING),  # net/netfilter/xt_nat.c, .hooks
    "sources are changed where packets leave or end, in `postrouting` and `input`",
)

_DECISIONS: dict[Decision, tuple[Demand, ...]] = {
    Decision.ACCEPT: (),
    Decision.DROP: (_FILTERS,),
    Decision.REJECT: (_FILTERS, _ANSWERS),
    **dict.fromkeys((Decision.JUMP, Decision.GOTO, Decision.RETURN, Decision.VMAP), ()),
    **dict.fromkeys((Decision.DNAT, Decision.REDIRECT), (_NAT, _DESTINATIONS)),
    Decision.SNAT: (_NAT, _SOURCES),
    Decision.MASQUERADE: (
        _NAT,
        Demand(_of(Hook.POSTROUTING), "only packets that leave get the address of an interface"),  # xt_MASQUERADE.c
    ),
    Decision.NETMAP: (_NAT,),
    # net/netfilter/nft_tproxy.c, nft_tproxy_validate; the socket must be known before the route is.
    Decision.TPROXY: (
        Demand(
            lambda place: place.hook is Hook.PREROUTING and place.priority is Priority.MANGLE,
            "`tproxy` works in `mangle.prerouting` alone",
        ),
    ),
    Decision.QUEUE: (_FILTERS, _INET),  # net/netfilter/nft_queue.c, nft_queue_validate
}

_CLAUSES: dict[type[Clause], tuple[Demand, ...]] = {
    States: (TRACKED,),
    ConnectionCount: (TRACKED,),
    FlowMarking: (TRACKED,),
    TimeoutName: (TRACKED,),
    # A flow is exempted before conntrack looks at it (net/netfilter/nft_ct.c, nft_notrack_eval; xt_CT.c, table raw),
    # and so is its zone chosen.
    NoTracking: (_RAW,),
    ZoneSetting: (_RAW,),
    Tracing: (_RAW,),  # net/netfilter/xt_TRACE.c, .table; what comes before would not be told
    # xt_DSCP.c, xt_HL.c and xt_TCPOPTSTRIP.c register themselves for the table mangle alone.
    CodePoint: (_MANGLE,),
    TtlSetting: (_MANGLE,),
    HopLimitSetting: (_MANGLE,),
    OptionReset: (_MANGLE,),
    Copying: (_INET,),
    # Before conntrack, iptables says it of the flow to come (net/netfilter/xt_CT.c).
    HelperName: (_INET,),
    # net/netfilter/xt_CLASSIFY.c, .hooks
    PrioritySetting: (
        Demand(_of(Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING), "a packet has a priority where it leaves"),
    ),
    # net/netfilter/nft_flow_offload.c, nft_flow_offload_validate
    Offloading: (Demand(_of(Hook.FORWARD), "flows are offloaded in `forward` alone"),),
    # net/netfilter/nft_synproxy.c, nft_synproxy_validate; net/ipv4/netfilter/ipt_SYNPROXY.c, .hooks.
    SynProxy: (
        Demand(_of(Hook.INPUT, Hook.FORWARD), "`synproxy` works in `input` and `forward` alone"),
        Demand(lambda place: place.priority is Priority.FILTER, "`synproxy` works in `input` and `forward` alone"),
    ),
}

_NAMES: dict[type[Clause], str] = {
    States: "state",
    ConnectionCount: "connections",
    HelperName: "helper",
    NoTracking: "notrack",
    Tracing: "trace",
    CodePoint: "dscp set",
    SynProxy: "synproxy",
    Copying: "dup to",
    Offloading: "flow add",
    FlowMarking: "ct mark set",
    ZoneSetting: "ct zone set",
    TimeoutName: "ct timeout set",
    TtlSetting: "ip ttl set",
    HopLimitSetting: "ip6 hoplimit set",
    PrioritySetting: "meta priority set",
    OptionReset: "reset tcp option",
}
"""What clauses are called in rules."""

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
    **dict.fromkeys(
        (Field.ETHER_SADDR, Field.ETHER_DADDR, Field.ETHER_TYPE, Field.VLAN_ID),
        (
            Demand(
                _of(Hook.INGRESS, Hook.PREROUTING, Hook.INPUT, Hook.FORWARD),
                "only packets that came in have an Ethernet header",
            ),
        ),
    ),
    # net/netfilter/xt_realm.c, .hooks
    Field.META_RTCLASSID: (
        Demand(
            _of(Hook.INPUT, Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING), "the packet's route is not known there yet"
        ),
    ),
    # net/netfilter/nft_fib.c, nft_fib_validate; xt_addrtype.c, addrtype_mt_checkentry_v1
    **dict.fromkeys(("fib saddr type", "fib daddr type"), (_INET,)),
    **dict.fromkeys(
        ("fib saddr . iif type", "fib daddr . iif type"),
        (Demand(_of(Hook.PREROUTING, Hook.INPUT, Hook.FORWARD), "the packet came in nowhere, or that is forgotten"),),
    ),
    **dict.fromkeys(
        ("fib saddr . oif type", "fib daddr . oif type"),
        (
            Demand(
                _of(Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING), "the packet leaves nowhere, or it is not known yet"
            ),
        ),
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
            lambda place: place.hook is Hook.PREROUTING and place.type is not ChainType.NAT,
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
        _check_verdict(rule.verdict, scope)
    for clause in rule.clauses:
        if type(clause) in _CLAUSES:
            _demand(_CLAUSES[type(clause)], _NAMES[type(clause)], clause.span, scope)
        match clause:
            case SegmentSize(size):
                _demand((_INET if size else _ROUTED,), "mss", clause.span, scope)
            case Marking(action=MarkAction.SAVE | MarkAction.RESTORE):
                _demand((TRACKED,), "mark", clause.span, scope)


def _check_verdict(verdict: Verdict, scope: Scope) -> None:
    _demand(_DECISIONS[verdict.decision], verdict.decision.value, verdict.span, scope)
    for entry in verdict.map.entries if verdict.map else ():
        if entry.verdict:
            _check_verdict(entry.verdict, scope)


_ROUTED = Demand(
    _of(Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING),  # net/netfilter/xt_TCPMSS.c, tcpmss_tg4_check
    "the route that limits it is known in `forward` and `output`; or name a `size`",
)


def check_state(name: str, span: Span, scope: Scope) -> None:
    """Record POL241 for what conntrack knows, where it has not seen the packet."""
    _demand((TRACKED,), name, span, scope)


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
