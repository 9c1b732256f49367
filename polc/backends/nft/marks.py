"""Marks copied bit by bit, where nft cannot make one value of the bits of two marks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from polc.backends.cascade import Cascade
from polc.backends.features import Feature
from polc.backends.nft.refused import Refused
from polc.backends.profile import Profile
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import STATEFUL, CtState, CtStateMatch, FieldMatch, ServiceMatch
from polc.ir.ruleset import RegularChain, Rule
from polc.ir.statements import (
    AssignHelper,
    AssignTimeout,
    ClampMss,
    CopyMark,
    Counter,
    Log,
    MarkField,
    SetMark,
    SetPriority,
    Statement,
    Synproxy,
    Trace,
)
from polc.ir.verdicts import Jump, Nat, NatMap, Reject, RejectType, Return, leaves

WHOLE = 0xFFFFFFFF

_FIELDS = {MarkField.META: Field.META_MARK, MarkField.CT: Field.CT_MARK}
_WITH_FLOW = CtStateMatch(CtState.NEW | CtState.ESTABLISHED | CtState.RELATED)
_WITHOUT_FLOW = CtStateMatch(CtState.INVALID | CtState.UNTRACKED)


def source(one: CopyMark) -> MarkField:
    return MarkField.META if one.to is MarkField.CT else MarkField.CT


def masks(one: CopyMark) -> tuple[int, int]:
    """Which bits are cleared where they are copied to, and which are copied."""
    return one.mask, one.mask if one.from_mask is None else one.from_mask


def bit_by_bit(rule: Rule, profile: Profile, fresh: Callable[[], str]) -> Cascade | None:
    """The rule with such a copy as rules that clear the bits, and set each that is set over there; None without one.

    Raises:
        Refused: beside it stands what cannot be said in several rules.
    """
    for place, one in enumerate(rule.statements):
        if isinstance(one, CopyMark) and one.mask != WHOLE and not profile.has(Feature.MARK_FROM_MARK):
            return _apart(rule, place, one, fresh)
    return None


def before_the_rest(rule: Rule, fresh: Callable[[], str]) -> Cascade | None:
    """The rule with a statement that reads the mark of a flow apart from what stands behind it; None where there is no
    such thing. A packet without a flow has no such mark, and the kernel breaks the rule off there
    (net/netfilter/nft_ct.c, nft_ct_get_eval): what stands behind is to be done all the same.

    Raises:
        Refused: the verdict leaves the chain, and what the rule counts cannot be counted by two rules.
    """
    if any(isinstance(one, CtStateMatch) and not one.states & ~_WITH_FLOW.states for one in rule.matches):
        return None
    for place, one in enumerate(rule.statements):
        before, after = rule.statements[: place + 1], rule.statements[place + 1 :]
        # NAT is asked of flows alone.
        if _reads_flow(one) and (after or rule.verdict is not None) and not isinstance(rule.verdict, Nat | NatMap):
            return _in_turn(rule, before, after, fresh)
    return None


def _reads_flow(one: Statement) -> bool:
    match one:
        case SetMark(MarkField.CT, _, mask):
            return mask != WHOLE
        case CopyMark(to, mask):
            return to is MarkField.META or mask != WHOLE
        case _:
            return False


def _in_turn(
    rule: Rule, before: tuple[Statement, ...], after: tuple[Statement, ...], fresh: Callable[[], str]
) -> Cascade:
    if leaves(rule.verdict):
        return _by_flow(rule)
    first = replace(rule, matches=(), statements=before, verdict=None)
    # What names its protocol does so again.
    named = rule.verdict == Reject(RejectType.TCP_RESET) or any(isinstance(one, _OF_PROTOCOLS) for one in after)
    services = tuple(one for one in rule.matches if isinstance(one, ServiceMatch)) if named else ()
    name = fresh()
    inner = (first, replace(rule, matches=services, statements=after))
    return Cascade((replace(rule, statements=(), verdict=Jump(name)),), (RegularChain(name, inner, rule.origin),))


def _by_flow(rule: Rule) -> Cascade:
    """The rule for packets with a flow, and for the others without what asks one: each packet meets one of the two, so
    that nothing which the rule does is asked for by its own matches.
    """
    if any(isinstance(one, STATEFUL) for one in rule.matches):
        raise Refused(
            "a packet without a flow has no mark of one, and what is done with it takes a chain of its own in nft, "
            "which `return` and `goto` would leave instead of this one",
            "a rule for each",
        )
    others = tuple(one for one in rule.statements if not _reads_flow(one))
    return Cascade(
        (
            replace(rule, matches=(_WITH_FLOW, *rule.matches)),
            replace(rule, matches=(_WITHOUT_FLOW, *rule.matches), statements=others),
        )
    )


_OF_PROTOCOLS = (AssignHelper, AssignTimeout, ClampMss, Synproxy)


def _apart(rule: Rule, place: int, copy: CopyMark, fresh: Callable[[], str]) -> Cascade:
    before, after = rule.statements[:place], rule.statements[place + 1 :]
    if not all(isinstance(one, Counter | Log | SetMark | SetPriority | Trace | CopyMark) for one in (*before, *after)):
        raise Refused(
            "bits of a mark are copied in several rules of nft, beside which this cannot stand", "a rule for each"
        )
    plain = replace(rule, matches=(), statements=(), verdict=None)
    cleared, copied = masks(copy)
    inner = [replace(plain, statements=before)] if before else []
    more = bool(after) or rule.verdict is not None
    # Without a flow there is no mark to copy: the packet's stays as it is.
    of_flow = (_WITH_FLOW,) if copy.to is MarkField.META and more else ()
    if copy.to is MarkField.META and not more:
        inner.append(replace(plain, matches=(_WITHOUT_FLOW,), verdict=Return()))
    if cleared:
        inner.append(replace(plain, matches=of_flow, statements=(SetMark(copy.to, 0, cleared),)))
    field = _FIELDS[source(copy)]
    for bit in (1 << number for number in range(32)):
        if copied & bit:
            found = FieldMatch(field, Intervals.single(bit), bit)
            inner.append(replace(plain, matches=(found,), statements=(SetMark(copy.to, bit, 0),)))
    if more:
        inner.append(replace(plain, statements=after, verdict=rule.verdict))
    if leaves(rule.verdict):
        raise Refused(
            "bits of a mark are copied in a chain of their own in nft, which `return` and `goto` would leave instead "
            "of this one",
            "a rule for each",
        )
    name = fresh()
    return Cascade(
        (replace(rule, statements=(), verdict=Jump(name)),),
        (RegularChain(name, tuple(inner), rule.origin),),
    )
