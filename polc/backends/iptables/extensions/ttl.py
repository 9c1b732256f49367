"""TTL and hop limit: ``-m ttl`` and ``-m hl``, which compare with one number each time."""

from __future__ import annotations

from polc.backends.iptables.extensions.values import pair, sign
from polc.backends.iptables.extensions.words import Words, module
from polc.ir.fields import FIELDS, Field
from polc.ir.matches import FieldMatch

_MODULES = {Field.TTL: "ttl", Field.HOPLIMIT: "hl"}


def words(match: FieldMatch) -> Words:
    low, high = pair(match)
    name = _MODULES[match.field]
    if low == high:
        return module(f"{name} {sign(match)}--{name}-eq {low}")
    bounds = []
    if low > 0:
        bounds.append(f"{name} --{name}-gt {low - 1}")
    if high < FIELDS[match.field].highest:
        bounds.append(f"{name} --{name}-lt {high + 1}")
    return Words(tuple(piece for bound in bounds for piece in module(bound).pieces))
