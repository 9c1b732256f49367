"""Macros: the rules behind ``use NAME``, for each chain."""

from __future__ import annotations

from typing import NamedTuple

from polc.diagnostics.suggest import did_you_mean
from polc.ir.addresses import AddressSet, parse_address
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressMatch,
    CtState,
    CtStateMatch,
    Direction,
    FieldMatch,
    IcmpTerm,
    InterfaceMatch,
    Match,
    ServiceMatch,
    Side,
)
from polc.ir.origin import Origin
from polc.ir.protocols import ICMP, ICMP_TYPES, ICMPV6
from polc.ir.ruleset import ChainType, Hook, Rule
from polc.ir.services import normalise
from polc.ir.stateful import Limit, Rate, Unit
from polc.ir.verdicts import Accept, Drop
from polc.policy.document import MacroDocument
from polc.policy.lower.places import TRACKED
from polc.policy.lower.scope import Scope
from polc.policy.lower.symbols import BUILTIN_ZONES, LOOPBACK

_ACCEPT = Accept()


class MacroRule(NamedTuple):
    """``echo`` rules are held to ``ECHO_RATE``, a bucket for each chain and family."""

    matches: tuple[Match, ...]
    verdict: Accept | Drop = _ACCEPT
    echo: bool = False


ECHO_RATE, ECHO_BURST = Rate(10, Unit.SECOND), 20
"""Enough for people and monitoring; a flood of echo requests costs the answers only, never other traffic."""


def _icmp(*types: str) -> ServiceMatch:
    return normalise(IcmpTerm(ICMP, ICMP_TYPES[ICMP][one]) for one in types)


def _icmpv6(*types: str) -> ServiceMatch:
    return normalise(IcmpTerm(ICMPV6, ICMP_TYPES[ICMPV6][one]) for one in types)


def _both(one: ServiceMatch, other: ServiceMatch) -> ServiceMatch:
    return normalise((*one.terms, *other.terms))


# Without these, path MTU discovery and error reporting break (RFC 1191; RFC 4890, 4.3.1 and 4.4.1). IPv4 tells
# "packet too big" by a code of destination-unreachable.
_ERRORS = MacroRule(
    (
        _both(
            _icmp("destination-unreachable", "time-exceeded", "parameter-problem"),
            _icmpv6("destination-unreachable", "packet-too-big", "time-exceeded", "parameter-problem"),
        ),
    )
)
_ECHO_REQUEST = _both(_icmp("echo-request"), _icmpv6("echo-request"))
_ECHO_REPLY = _both(_icmp("echo-reply"), _icmpv6("echo-reply"))

# A router never forwards neighbour discovery, and every hop takes one from the hop limit: 255 proves that the
# packet began on this link (RFC 4861, 6.1 and 7.1; RFC 4890, 4.4.1). Solicitations of routers are for those that
# advertise themselves, advertisements for hosts that configure themselves by them.
_DISCOVERY = MacroRule(
    (
        _icmpv6("nd-router-solicit", "nd-router-advert", "nd-neighbor-solicit", "nd-neighbor-advert"),
        FieldMatch(Field.HOPLIMIT, Intervals.single(255)),
    )
)

# Multicast listener discovery keeps switches forwarding neighbour discovery itself. It comes from link-local
# addresses (RFC 2710, 3; RFC 3810, 5), reports also from :: while a host has no address yet (RFC 3590, 4; RFC 3810,
# 5.2.13).
_LINK_LOCAL = parse_address("fe80::/10")
_LISTENERS = (
    MacroRule(
        (
            AddressMatch(Side.SADDR, AddressSet.of((_LINK_LOCAL,))),
            _icmpv6("mld-listener-query", "mld-listener-done"),
        )
    ),
    MacroRule(
        (
            AddressMatch(Side.SADDR, AddressSet.of((_LINK_LOCAL, parse_address("::")))),
            _icmpv6("mld-listener-report", "mld2-listener-report"),
        )
    ),
)

_STATEFUL = (
    MacroRule((CtStateMatch(CtState.ESTABLISHED | CtState.RELATED),)),
    MacroRule((CtStateMatch(CtState.INVALID),), Drop()),
)

MACROS: dict[str, dict[Hook, tuple[MacroRule, ...] | str]] = {
    # Replies and what belongs to known flows pass; what conntrack cannot place does not.
    "stateful": dict.fromkeys((Hook.INPUT, Hook.FORWARD, Hook.OUTPUT), _STATEFUL),
    "loopback": {
        Hook.INPUT: (MacroRule((InterfaceMatch(Direction.IN, BUILTIN_ZONES[LOOPBACK]),)),),
        Hook.OUTPUT: (MacroRule((InterfaceMatch(Direction.OUT, BUILTIN_ZONES[LOOPBACK]),)),),
        Hook.FORWARD: "the kernel never forwards between the loopback interface and another",
    },
    "icmp-essentials": {
        Hook.INPUT: (_ERRORS, _DISCOVERY, *_LISTENERS, MacroRule((_ECHO_REQUEST,), echo=True)),
        # Discovery and listener reports are of one link: forwarding them is never right (RFC 4890, 4.3).
        Hook.FORWARD: (_ERRORS, MacroRule((_ECHO_REQUEST,), echo=True), MacroRule((_ECHO_REPLY,), echo=True)),
        Hook.OUTPUT: (_ERRORS, _DISCOVERY, *_LISTENERS, MacroRule((_both(_ECHO_REQUEST, _ECHO_REPLY),))),
    },
}
"""Name -> the rules for each chain, or why there are none."""

_OF_STATES = ("stateful",)
"""Macros whose rules ask for conntrack's states."""


def expand(rule: MacroDocument, scope: Scope) -> tuple[Rule, ...]:
    """The rules of a macro, each with the place of the ``use``; errors are recorded."""
    name = rule.macro.text
    if name not in MACROS:
        known = (*MACROS, *scope.symbols.macros)
        hint = did_you_mean(name, known) or f"the macros are {', '.join(known)}"
        scope.collector.error("POL204", f"unknown macro `{name}`", rule.macro.span, help=hint)
        return ()
    rules = _rules(name, scope)
    if isinstance(rules, str):
        scope.collector.error("POL222", f"`use {name}` has no meaning in `{scope.chain}`: {rules}", rule.macro.span)
        return ()
    origin = Origin(rule.span, rule.id.text if rule.id else name, rule.comment)
    return tuple(Rule((*one.matches, *_echo(one, name, scope)), one.verdict, origin=origin) for one in rules)


def _rules(name: str, scope: Scope) -> tuple[MacroRule, ...] | str:
    """The macro's rules, the same for every hook that leads here, or why there are none."""
    by_hook = MACROS[name]
    if any(place.type is ChainType.NAT for place in scope.places):
        return "`nat` decides about addresses, and not about packets"
    if not scope.places:
        # Nothing leads here, so no packet sees which of them it is.
        return by_hook[Hook.INPUT]
    found = [by_hook[hook] for hook in by_hook if hook in scope.hooks]
    if not scope.hooks <= by_hook.keys():
        return f"it is of {', '.join(f'`{hook.value}`' for hook in by_hook)}"
    reason = next((one for one in found if isinstance(one, str)), None)
    if reason:
        return reason
    if any(one != found[0] for one in found[1:]):
        return "its rules differ between the chains that lead here; use it in those"
    if name in _OF_STATES and not all(TRACKED.fits(place) for place in scope.places):
        return TRACKED.reason
    return found[0]


def _echo(rule: MacroRule, name: str, scope: Scope) -> tuple[Limit, ...]:
    if not rule.echo:
        return ()
    return (Limit(ECHO_RATE, ECHO_BURST, False, (), scope.tables.fresh(scope.chain, f"use {name}")),)
