"""Each field's extension: how its values are split, and its words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from polc.backends.cascade import Alternatives
from polc.backends.iptables.extensions import clock, connbytes, dccp, header, mark, mobility, owner, realm, spi, ttl
from polc.backends.iptables.extensions.values import (
    by_mask,
    by_number_or_not,
    by_range,
    by_range_or_not,
    by_value,
    checked,
    left,
)
from polc.backends.iptables.extensions.words import Refused, Words
from polc.ir.family import Family
from polc.ir.fields import Field
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch

_LONGEST = 0xFFFF
_LONGEST_PACKET = _LONGEST + 40
"""Bytes: of IPv6 a length does not count the header."""


def _length(match: FieldMatch) -> Alternatives:
    """Packets of IPv6 may be longer than the extension can say: what has no end is all that is no shorter.

    Raises:
        Refused: some lengths above are named, and others not; or too many, or none; or the field is under a mask.
    """
    if match.mask is not None:
        return by_range(match)
    options: list[FieldMatch] = []
    for low, high in left(match).ranges:
        if high > _LONGEST and (high < _LONGEST_PACKET or low > _LONGEST + 1):
            if low > _LONGEST_PACKET:
                continue
            raise Refused("field-value", f"`-m length` tells lengths above {_LONGEST} not from each other")
        if low <= high <= _LONGEST or low == 0:
            options.append(FieldMatch(match.field, Intervals(((low, min(high, _LONGEST)),))))
        if high > _LONGEST:
            shorter = Intervals(((0, (low or _LONGEST + 1) - 1),))
            options.append(FieldMatch(match.field, shorter, None, negated=True))
    return checked(match, options)


_OWNER = partial(by_range, highest=owner.HIGHEST)


def _no_zone(match: FieldMatch) -> Alternatives:
    raise Refused("conntrack-zone", "iptables matches no conntrack zone")


def _up_to(highest: int) -> Callable[[FieldMatch], Alternatives]:
    """``by_value`` for a field of which no packet has a value above ``highest``."""
    return lambda match: by_value(replace(match, values=_within(left(match), highest), negated=False))


def _each(match: FieldMatch) -> Alternatives:
    """``!`` says each value once; there must be no more of those than there may be lines."""
    options = by_value(replace(match, negated=False))
    return Alternatives((match,)) if match.negated else options


def _protocol(match: FieldMatch) -> Alternatives:
    """`--ctproto 0` is no option to libxt_conntrack.c of 1.8.11, and `! --ctproto 0` to none."""
    if 0 not in match.values:
        return _each(match)
    if not match.negated:
        raise Refused("protocol-zero", "iptables cannot ask for flows of protocol 0")
    return by_value(match)


def _within(values: Intervals, highest: int) -> Intervals:
    return Intervals(tuple((low, min(high, highest)) for low, high in values.ranges if low <= highest))


_SPLIT: dict[Field, Callable[[FieldMatch], Alternatives]] = {
    Field.TTL: by_number_or_not,
    Field.IP_DSCP: header.split_byte,
    Field.IP_ECN: header.split_byte,
    Field.IP_LENGTH: partial(by_range, highest=_LONGEST),
    Field.HOPLIMIT: by_number_or_not,
    Field.IP6_DSCP: header.split_byte,
    Field.IP6_ECN: header.split_byte,
    Field.TCP_MSS: by_range,
    Field.META_MARK: mark.by_mark,
    Field.META_LENGTH: _length,
    Field.META_SKUID: _OWNER,
    Field.META_SKGID: _OWNER,
    Field.META_IIFGROUP: by_mask,
    Field.META_OIFGROUP: by_mask,
    Field.META_CGROUP: _each,
    Field.META_PKTTYPE: header.split_packet_type,
    Field.META_DAY: clock.split_day,
    Field.META_HOUR: clock.split_hour,
    Field.CT_MARK: mark.by_mark,
    Field.CT_ZONE: _no_zone,
    Field.CT_DIRECTION: _up_to(1),
    Field.CT_EXPIRATION: by_range,
    Field.CT_ORIGINAL_SPORT: by_range,
    Field.CT_ORIGINAL_DPORT: by_range,
    Field.CT_ORIGINAL_PROTOCOL: _protocol,
    Field.CT_REPLY_SPORT: by_range,
    Field.CT_REPLY_DPORT: by_range,
    **dict.fromkeys(connbytes.COUNTED, connbytes.split),
    Field.ETHER_SADDR: _each,
    Field.META_CPU: _each,
    Field.AH_SPI: by_range_or_not,
    Field.ESP_SPI: by_range_or_not,
    Field.DCCP_TYPE: dccp.split,
    Field.MH_TYPE: by_range_or_not,
}

_WORDS: dict[Field, Callable[[FieldMatch], Words]] = {
    Field.TTL: ttl.words,
    Field.IP_DSCP: header.in_byte,
    Field.IP_ECN: header.in_byte,
    Field.IP_LENGTH: header.one_range,
    Field.HOPLIMIT: ttl.words,
    Field.IP6_DSCP: header.in_byte,
    Field.IP6_ECN: header.in_byte,
    Field.TCP_MSS: header.mss,
    Field.META_MARK: mark.words,
    Field.META_LENGTH: header.length,
    Field.META_SKUID: owner.words,
    Field.META_SKGID: owner.words,
    Field.META_IIFGROUP: mark.words,
    Field.META_OIFGROUP: mark.words,
    Field.META_CGROUP: header.each,
    Field.META_PKTTYPE: header.packet_type,
    Field.META_DAY: clock.day,
    Field.META_HOUR: clock.hour,
    Field.CT_MARK: mark.words,
    Field.CT_DIRECTION: header.direction,
    Field.CT_EXPIRATION: header.one_range,
    Field.CT_ORIGINAL_SPORT: header.one_range,
    Field.CT_ORIGINAL_DPORT: header.one_range,
    Field.CT_ORIGINAL_PROTOCOL: header.each,
    Field.CT_REPLY_SPORT: header.one_range,
    Field.CT_REPLY_DPORT: header.one_range,
    **dict.fromkeys(connbytes.COUNTED, connbytes.words),
    Field.ETHER_SADDR: header.each,
    Field.META_CPU: header.each,
    Field.META_PROTOCOL: lambda match: Words(),
    Field.META_RTCLASSID: realm.words,
    Field.DCCP_TYPE: dccp.words,
    Field.MH_TYPE: mobility.words,
}
_ETHERTYPES = {Family.IP: 0x0800, Family.IP6: 0x86DD}


def _ethertype(match: FieldMatch, family: Family) -> Alternatives:
    """Each family's file sees packets of that family alone: they all meet it, or none does."""
    by_range(match)
    if not any(one in left(match) for one in _ETHERTYPES.values()):
        raise Refused("field-value", "iptables sees packets of IPv4 and IPv6 alone")
    return Alternatives((match,) if _ETHERTYPES[family] in left(match) else ())


def split(match: FieldMatch, family: Family) -> Alternatives:
    match match.field:
        case Field.META_PROTOCOL:
            return _ethertype(match, family)
        case Field.META_RTCLASSID:
            return realm.split(match, family)
        case known if known in _SPLIT:
            return _SPLIT[known](match)
        case _:
            raise Refused("field", f"iptables does not match `{match.field.value}`")


def words(match: FieldMatch, family: Family) -> Words:
    if match.field in (Field.AH_SPI, Field.ESP_SPI):
        return spi.words(match, family)
    return _WORDS[match.field](match)
