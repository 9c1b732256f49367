"""``-m mh``: the type of a mobility header (RFC 6275), in ip6tables alone."""

from __future__ import annotations

from polc.backends.iptables.extensions import service
from polc.backends.iptables.extensions.values import colon, pair, sign
from polc.backends.iptables.extensions.words import Words, module
from polc.ir.fields import FIELDS, Field
from polc.ir.matches import FieldMatch
from polc.ir.protocols import MOBILITY


def words(match: FieldMatch) -> Words:
    asked = (
        ""
        if pair(match) == (0, FIELDS[Field.MH_TYPE].highest) and not match.negated
        else f" {sign(match)}--mh-type {colon(match)}"
    )
    return Words((service.protocol(MOBILITY), *module(f"mh{asked}").pieces))
