"""Rules that cannot match, or not all that they speak of, because of address families."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from polc.diagnostics import Collector, Label
from polc.ir.family import BOTH, FAMILIES, Family
from polc.ir.fields import FIELDS
from polc.ir.matches import (
    AddressMatch,
    ExtensionHeaderMatch,
    FieldMatch,
    Match,
    NameField,
    NameMatch,
    OriginalAddressMatch,
    ServiceMatch,
)
from polc.ir.verdicts import Reject
from polc.policy.lower.scope import Settings
from polc.source import Span

_NAMES = {Family.IP: "IPv4", Family.IP6: "IPv6"}


class Constraint(NamedTuple):
    """A part of a rule and the families of the packets that it can hold for."""

    families: frozenset[Family]
    what: str
    span: Span


def of_policy(settings: Settings) -> list[Constraint]:
    """What the policy as a whole says, where it is about one family alone."""
    return [Constraint(settings.families, "the policy", settings.family.span)] if settings.family else []


def of_addresses(match: AddressMatch, span: Span) -> Constraint:
    if not match.negated:
        return Constraint(match.addresses.families, "these addresses", span)
    families = frozenset(
        family for family in FAMILIES if not match.addresses.of_family(family).covers(0, (1 << family.bits) - 1)
    )
    return Constraint(families, "what is not among these addresses", span)


def of_condition(families: Iterable[frozenset[Family]], span: Span) -> Constraint:
    """What ``where`` says, of which one of several ways must hold."""
    return Constraint(frozenset(one for some in families for one in some), "this condition", span)


def families_of(matches: Iterable[Match]) -> frozenset[Family]:
    """The families of the packets that can meet all the matches, as far as their fields say."""
    left = BOTH
    for match in matches:
        match match:
            case FieldMatch() if FIELDS[match.field].family:
                left &= {FIELDS[match.field].family}
            case NameMatch(NameField.OSF_NAME):
                left &= {Family.IP}
            case ExtensionHeaderMatch():
                left &= {Family.IP6}
            case AddressMatch() | OriginalAddressMatch() if not match.negated:
                left &= match.addresses.families
    return left


def of_service(match: ServiceMatch, span: Span) -> Constraint:
    families = frozenset(family for family in FAMILIES if match.of_family(family))
    return Constraint(families, "this service", span)


def check(constraints: Iterable[Constraint], verdict: Reject | None, span: Span, collector: Collector) -> bool:
    """Record POL220 when no packet can meet all constraints, POL225 when ``verdict`` cannot answer some that do.

    Returns whether one was.
    """
    left = BOTH
    before: list[Constraint] = []
    for one in constraints:
        if not left & one.families:
            others = tuple(
                Label(other.span, f"{other.what}: {_only(other)}") for other in before if other.families != BOTH
            )
            message = "no packet can match this rule"
            collector.error("POL220", message, one.span, label=f"{one.what}: {_only(one)}", also=others)
            return True
        left &= one.families
        before.append(one)
    if verdict is None or left <= verdict.type.families:
        return False
    only = next(family for family in FAMILIES if family in verdict.type.families)
    example = "from 0.0.0.0/0" if only is Family.IP else "from ::/0"
    fitting = bool(left & verdict.type.families)
    collector.error(
        "POL225",
        f"`{verdict.type.value}` answers {_NAMES[only]} alone, and the rule speaks of {_spoken(left)}",
        span,
        help=f"narrow it with `{example}`, or answer `admin-prohibited`, which both families have"
        if fitting
        else "`admin-prohibited` is an answer of both families",
    )
    return True


def _only(one: Constraint) -> str:
    return f"{_spoken(one.families)} only" if one.families else "none at all"


def _spoken(families: frozenset[Family]) -> str:
    return " and ".join(_NAMES[family] for family in FAMILIES if family in families)
