"""Each field's extension: how its values are split, and its words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from polc.backends.cascade import Alternatives
from polc.backends.iptables.extensions import clock, header, mark, owner, ttl
from polc.backends.iptables.extensions.values import by_mask, by_range, by_value, left
from polc.backends.iptables.extensions.words import Refused, Words
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch

_LENGTH = partial(by_range, highest=0xFFFF)
_OWNER = partial(by_range, highest=owner.HIGHEST)


def _no_zone(match: FieldMatch) -> Alternatives:
    raise Refused("conntrack-zone", "iptables matches no conntrack zone")


def _up_to(highest: int) -> Callable[[FieldMatch], Alternatives]:
    """``by_value`` for a field of which no packet has a value above ``highest``."""
    return lambda match: by_value(replace(match, values=_within(left(match), highest), negated=False))


def _mac(match: FieldMatch) -> Alternatives:
    """``!`` says each value once; there must be no more of those than there may be lines."""
    options = by_value(replace(match, negated=False))
    return Alternatives((match,)) if match.negated else options


def _counted(match: FieldMatch) -> Alternatives:
    """A packet is among those counted, so that none meets 0; and iptables-save prints `0:0` as any number."""
    some = Intervals(tuple(one for one in left(match).ranges if one != (0, 0)))
    return by_range(replace(match, values=some, negated=False))


def _within(values: Intervals, highest: int) -> Intervals:
    return Intervals(tuple((low, min(high, highest)) for low, high in values.ranges if low <= highest))


_SPLIT: dict[Field, Callable[[FieldMatch], Alternatives]] = {
    Field.TTL: by_range,
    Field.IP_DSCP: by_value,
    Field.IP_ECN: by_value,
    Field.IP_LENGTH: _LENGTH,
    Field.HOPLIMIT: by_range,
    Field.IP6_DSCP: by_value,
    Field.IP6_ECN: by_value,
    Field.TCP_MSS: by_range,
    Field.META_MARK: mark.by_mark,
    Field.META_LENGTH: _LENGTH,
    Field.META_SKUID: _OWNER,
    Field.META_SKGID: _OWNER,
    Field.META_IIFGROUP: by_mask,
    Field.META_OIFGROUP: by_mask,
    Field.META_CGROUP: by_value,
    # Values above 3 are of link layers' own kinds, which the kernel hands to no firewall (uapi/linux/if_packet.h).
    Field.META_PKTTYPE: _up_to(3),
    Field.META_DAY: clock.split_day,
    Field.META_HOUR: clock.split_hour,
    Field.CT_MARK: mark.by_mark,
    Field.CT_ZONE: _no_zone,
    Field.CT_DIRECTION: _up_to(1),
    Field.CT_EXPIRATION: by_range,
    Field.CT_BYTES: _counted,
    Field.CT_PACKETS: _counted,
    Field.CT_ORIGINAL_SPORT: by_range,
    Field.CT_ORIGINAL_DPORT: by_range,
    Field.ETHER_SADDR: _mac,
}

_WORDS: dict[Field, Callable[[FieldMatch], Words]] = {
    Field.TTL: ttl.words,
    Field.IP_DSCP: header.one_value,
    Field.IP_ECN: header.one_value,
    Field.IP_LENGTH: header.one_range,
    Field.HOPLIMIT: ttl.words,
    Field.IP6_DSCP: header.one_value,
    Field.IP6_ECN: header.one_value,
    Field.TCP_MSS: header.mss,
    Field.META_MARK: mark.words,
    Field.META_LENGTH: header.one_range,
    Field.META_SKUID: owner.words,
    Field.META_SKGID: owner.words,
    Field.META_IIFGROUP: mark.words,
    Field.META_OIFGROUP: mark.words,
    Field.META_CGROUP: header.one_value,
    Field.META_PKTTYPE: header.packet_type,
    Field.META_DAY: clock.day,
    Field.META_HOUR: clock.hour,
    Field.CT_MARK: mark.words,
    Field.CT_DIRECTION: header.direction,
    Field.CT_EXPIRATION: header.one_range,
    Field.CT_BYTES: header.counted,
    Field.CT_PACKETS: header.counted,
    Field.CT_ORIGINAL_SPORT: header.one_range,
    Field.CT_ORIGINAL_DPORT: header.one_range,
    Field.ETHER_SADDR: header.mac,
}


def split(match: FieldMatch) -> Alternatives:
    if match.field not in _SPLIT:
        raise Refused("field", f"iptables does not match `{match.field.value}`")
    return _SPLIT[match.field](match)


def words(match: FieldMatch) -> Words:
    return _WORDS[match.field](match)
