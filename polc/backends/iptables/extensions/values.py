"""Values of a field as options that one match of iptables holds each.

A packet without the field matches neither a match nor its negation, while most extensions' ``!`` would hold
for it: so a negated match becomes the values that are left.
"""

from __future__ import annotations

from polc.backends.cascade import Alternatives
from polc.backends.iptables.extensions.words import Refused
from polc.ir.addresses import prefixes
from polc.ir.family import Family
from polc.ir.fields import FIELDS
from polc.ir.intervals import Intervals
from polc.ir.matches import FieldMatch

MOST_OPTIONS = 256
"""Lines that a rule may become for one match; beyond, it is refused."""
_ALL = 0xFFFFFFFF


def left(match: FieldMatch) -> Intervals:
    """The values that the match takes, whichever way round it was written."""
    return match.values.complement(0, FIELDS[match.field].highest) if match.negated else match.values


def by_range(match: FieldMatch, highest: int | None = None) -> Alternatives:
    """One range an option; ``highest`` is the largest value that the extension holds, and that a packet can have.

    Raises:
        Refused: no value can be said, or the field is under a mask.
    """
    if match.mask is not None:
        raise Refused("field-mask", f"iptables takes no mask for `{match.field.value}`", "write the values instead")
    most = FIELDS[match.field].highest if highest is None else highest
    pairs = [(low, min(high, most)) for low, high in left(match).ranges if low <= most]
    return _options(match, [Intervals((pair,)) for pair in pairs])


def by_range_or_not(match: FieldMatch) -> Alternatives:
    """As ``by_range``; one range that is left out stays so. For extensions whose ``!`` holds for packets with the field
    alone.
    """
    options = by_range(match)
    return Alternatives((match,)) if match.negated and len(match.values.ranges) == 1 else options


def by_number_or_not(match: FieldMatch) -> Alternatives:
    """As ``by_range_or_not``, where the extension negates single numbers alone."""
    values = match.values.ranges
    return by_range_or_not(match) if len(values) == 1 and values[0][0] == values[0][1] else by_range(match)


def sign(match: FieldMatch) -> str:
    return "! " if match.negated else ""


def by_value(match: FieldMatch) -> Alternatives:
    """One value an option.

    Raises:
        Refused: there are too many, or none, or the field is under a mask.
    """
    ranges = by_range(match).options
    pairs = [pair for one in ranges if isinstance(one, FieldMatch) for pair in one.values.ranges]
    if sum(high - low + 1 for low, high in pairs) > MOST_OPTIONS:
        raise _too_many(match)
    return _options(match, [Intervals.single(value) for low, high in pairs for value in range(low, high + 1)])


def by_mask(match: FieldMatch) -> Alternatives:
    """One value under one mask an option, for fields of 32 bits.

    ``field & mask`` is in a prefix of the numbers exactly when ``field & mask & prefix mask`` is its first one;
    a prefix that begins with a bit outside the mask is met by nothing.
    """
    mask = _ALL if match.mask is None else match.mask
    found: list[FieldMatch] = []
    for low, high in left(match).ranges:
        for value, length in prefixes(Family.IP, low, high):
            if value & ~mask == 0:
                own = mask & (_ALL << (32 - length)) & _ALL
                found.append(FieldMatch(match.field, Intervals.single(value), own))
    return checked(match, found)


def _options(match: FieldMatch, values: list[Intervals]) -> Alternatives:
    return checked(match, [FieldMatch(match.field, one) for one in values])


def checked(match: FieldMatch, found: list[FieldMatch]) -> Alternatives:
    """Raises:
    Refused: there are none, or more than there may be lines.
    """
    if not found:
        raise Refused("field-value", f"no packet that iptables sees has such a value of `{match.field.value}`")
    if len(found) > MOST_OPTIONS:
        raise _too_many(match)
    return Alternatives(tuple(found))


def _too_many(match: FieldMatch) -> Refused:
    return Refused(
        "field-values",
        f"iptables would need more than {MOST_OPTIONS} lines for these values of `{match.field.value}`",
        "name fewer values",
    )


def pair(match: FieldMatch) -> tuple[int, int]:
    """The one range of an option."""
    ((low, high),) = match.values.ranges
    return low, high


def colon(match: FieldMatch) -> str:
    """The one range of an option as ``5`` or ``5:9``."""
    low, high = pair(match)
    return str(low) if low == high else f"{low}:{high}"


def masked(match: FieldMatch) -> str:
    """The value of an option in hexadecimal, with its mask where that leaves bits out."""
    own = _ALL if match.mask is None else match.mask
    return f"{pair(match)[0]:#x}" + ("" if own == _ALL else f"/{own:#x}")
