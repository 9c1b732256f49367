"""Numbers under a mask: ``-m mark``, ``-m connmark`` and ``-m devgroup`` (iptables-extensions(8))."""

from __future__ import annotations

from polc.backends.iptables.extensions.values import masked
from polc.backends.iptables.extensions.words import Words, module
from polc.ir.fields import Field
from polc.ir.matches import FieldMatch

_OPTIONS = {
    Field.META_MARK: "mark --mark",
    Field.CT_MARK: "connmark --mark",
    Field.META_IIFGROUP: "devgroup --src-group",
    Field.META_OIFGROUP: "devgroup --dst-group",
}


def words(match: FieldMatch) -> Words:
    return module(f"{_OPTIONS[match.field]} {masked(match)}")
