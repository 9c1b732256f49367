"""Numbers under a mask: ``-m mark``, ``-m connmark`` and ``-m devgroup`` (iptables-extensions(8))."""

from __future__ import annotations

from dataclasses import replace

from polc.backends.cascade import Alternatives
from polc.backends.iptables.extensions.values import by_mask, masked
from polc.backends.iptables.extensions.words import Words, module
from polc.ir.fields import Field
from polc.ir.matches import FieldMatch

_OPTIONS = {
    Field.META_MARK: "mark --mark",
    Field.CT_MARK: "connmark --mark",
    Field.META_IIFGROUP: "devgroup --src-group",
    Field.META_OIFGROUP: "devgroup --dst-group",
}


def by_mark(match: FieldMatch) -> Alternatives:
    """`!` is for one value: a packet without a flow meets neither form of `connmark` (xt_connmark.c, connmark_mt)."""
    lone = match.negated and len(match.values.ranges) == 1 and match.values.ranges[0][0] == match.values.ranges[0][1]
    found = by_mask(replace(match, negated=False) if lone else match)
    if not (lone and len(found.options) == 1):
        return found
    return Alternatives(tuple(replace(one, negated=True) for one in found.options if isinstance(one, FieldMatch)))


def words(match: FieldMatch) -> Words:
    name, _, option = _OPTIONS[match.field].partition(" ")
    return module(f"{name} {'! ' if match.negated else ''}{option} {masked(match)}")
