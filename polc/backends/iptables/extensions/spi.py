"""``-m esp`` and ``-m ah``: the security parameter index (iptables-extensions(8)).

In IPv6 the authentication header is one on the way to the transport header: there `-p ah` finds no packet
(ip6_packet_match in net/ipv6/netfilter/ip6_tables.c), and the match needs none (ip6t_ah.c).
"""

from __future__ import annotations

from polc.backends.iptables.extensions import service
from polc.backends.iptables.extensions.values import colon, pair, sign
from polc.backends.iptables.extensions.words import Words, module
from polc.ir.family import Family
from polc.ir.fields import FIELDS, Field
from polc.ir.matches import FieldMatch

_MODULES = {Field.ESP_SPI: "esp", Field.AH_SPI: "ah"}


def words(match: FieldMatch, family: Family) -> Words:
    fact, name = FIELDS[match.field], _MODULES[match.field]
    # iptables-save leaves out the range of all numbers.
    asked = (
        "" if pair(match) == (0, fact.highest) and not match.negated else f" {sign(match)}--{name}spi {colon(match)}"
    )
    found = module(name + asked)
    if fact.protocol is None or (match.field is Field.AH_SPI and family is Family.IP6):
        return found
    return Words((service.protocol(fact.protocol), *found.pieces))
