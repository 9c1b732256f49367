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
from polc.ir.matches import CtState, CtStateMatch, FieldMatch
from polc.ir.ruleset import RegularChain, Rule
from polc.ir.statements import CopyMark, Counter, Log, MarkField, SetMark, SetPriority, Trace
from polc.ir.verdicts import Jump, Return, leaves

WHOLE = 0xFFFFFFFF

_FIELDS = {MarkField.META: Field.META_MARK, MarkField.CT: Field.CT_MARK}
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


def _apart(rule: Rule, place: int, copy: CopyMark, fresh: Callable[[], str]) -> Cascade:
    before, after = rule.statements[:place], rule.statements[place + 1 :]
    if not all(isinstance(one, Counter | Log | SetMark | SetPriority | Trace | CopyMark) for one in (*before, *after)):
        raise Refused(
            "bits of a mark are copied in several rules of nft, beside which this cannot stand", "a rule for each"
        )
    plain = replace(rule, matches=(), statements=(), verdict=None)
    cleared, copied = masks(copy)
    inner = [replace(plain, statements=before)] if before else []
    if copy.to is MarkField.META:
        # Without a flow there is no mark to copy: the packet's stays as it is, and the rule is broken off.
        inner.append(replace(plain, matches=(_WITHOUT_FLOW,), verdict=Return()))
    if cleared:
        inner.append(replace(plain, statements=(SetMark(copy.to, 0, cleared),)))
    field = _FIELDS[source(copy)]
    for bit in (1 << number for number in range(32)):
        if copied & bit:
            found = FieldMatch(field, Intervals.single(bit), bit)
            inner.append(replace(plain, matches=(found,), statements=(SetMark(copy.to, bit, 0),)))
    if after or rule.verdict is not None:
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
