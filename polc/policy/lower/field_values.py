"""Values of the fields that ``where`` compares: words to numbers."""

from __future__ import annotations

import re
from collections.abc import Callable

from polc.diagnostics import Failure
from polc.diagnostics.suggest import did_you_mean
from polc.ir.fields import FIELDS, Field
from polc.ir.intervals import Intervals
from polc.policy.document import Word
from polc.policy.lower import values

_DAY = 86400


def field_values(field: Field, words: tuple[Word, ...]) -> Intervals:
    """The values that the words name: numbers, names and ranges.

    Raises:
        Failure: POL243: a word is none of the field's values.
    """
    found: list[tuple[int, int]] = []
    for word in words:
        try:
            found += _range(field, word.text)
        except ValueError as error:
            raise Failure.of("POL243", str(error), word.span, help=_help(field, word.text)) from None
    return Intervals.of(found)


def _range(field: Field, text: str) -> list[tuple[int, int]]:
    left, dash, right = text.partition("-")
    # Names can have a hyphen, and so have MAC addresses on some systems; a name as a whole comes first.
    if not dash or text.lower() in dict(FIELDS[field].names):
        value = _value(field, text)
        return [(value, value)]
    low, high = _value(field, left), _value(field, right)
    if low <= high:
        return [(low, high)]
    if field is Field.META_HOUR:
        return [(low, _DAY - 1), (0, high)]
    if field is Field.META_DAY:
        return [(low, 6), (0, high)]
    raise ValueError(f"the range is the wrong way round: write `{right}-{left}`")


def _value(field: Field, text: str) -> int:
    fact = FIELDS[field]
    name = text.lower()
    for known, number in fact.names:
        if name == known:
            return number
    return _READERS.get(field, values.number)(text, fact.highest)


def _clock(text: str, highest: int) -> int:
    """Seconds since midnight, UTC: ``08:00``, ``17:30:59``."""
    found = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?", text)
    if not found:
        raise ValueError(f"`{text}` is not a time of day such as `08:00` or `17:30:59`")
    hour, minute, second = (int(one or 0) for one in found.groups())
    return (hour * 60 + minute) * 60 + second


def _seconds(text: str, highest: int) -> int:
    return values.number(text, highest) if text.isdigit() else values.duration(text)


def _volume(text: str, highest: int) -> int:
    return values.size(text, highest) if text.endswith("bytes") else values.number(text, highest)


def _mac(text: str, highest: int) -> int:
    if not re.fullmatch(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}", text):
        raise ValueError(f"`{text}` is not a MAC address such as `02:00:5e:00:53:01`")
    return int(text.replace(":", ""), 16)


def _day(text: str, highest: int) -> int:
    return values.number(text, 6)


def tc_handle(text: str, highest: int = 0xFFFFFFFF) -> int:
    """``1:10``: a class of tc(8), both numbers in hexadecimal; or all 32 bits as one number."""
    found = re.fullmatch(r"([0-9A-Fa-f]{0,4}):([0-9A-Fa-f]{0,4})", text)
    if not found:
        if text in _HANDLES:
            return _HANDLES[text]
        try:
            return values.number(text, highest)
        except ValueError:
            raise ValueError(f"`{text}` is neither a class such as `1:10` nor a number of 32 bits") from None
    major, minor = (int(one or "0", 16) for one in found.groups())
    return major << 16 | minor


_HANDLES = dict(FIELDS[Field.META_PRIORITY].names)


_READERS: dict[Field, Callable[[str, int], int]] = {
    Field.META_HOUR: _clock,
    Field.META_DAY: _day,
    Field.CT_EXPIRATION: _seconds,
    **dict.fromkeys((Field.CT_BYTES, Field.CT_ORIGINAL_BYTES, Field.CT_REPLY_BYTES), _volume),
    Field.ETHER_SADDR: _mac,
    Field.ETHER_DADDR: _mac,
    Field.META_PRIORITY: tc_handle,
}


def _help(field: Field, text: str) -> str:
    if field in (Field.META_SKUID, Field.META_SKGID):
        return "a number: names of users and groups are other numbers on other hosts"
    names = [name for name, _ in FIELDS[field].names]
    if not names or text[:1].isdigit():
        return ""
    return did_you_mean(text.lower(), names) or f"the names are {', '.join(names)}"
