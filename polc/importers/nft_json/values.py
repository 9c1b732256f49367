"""What stands on the right of a match, in elements and in maps, as numbers."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from polc.importers.nft_json import symbols
from polc.importers.nft_json.json_value import Json, compact
from polc.importers.nft_json.problems import Unknown
from polc.ir.family import Family
from polc.ir.fields import FIELDS, Field
from polc.ir.intervals import Intervals
from polc.ir.matches import InterfacePattern

CATCH_ALL = "*"
"""The element of a set or map that everything else is in."""


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A type of value, ``bits`` wide; ``word`` is the number of a word, None: it is none.

    ``cyclic``: a range may go over the end. ``bytes`` of an address are those of its text.
    """

    bits: int
    word: Callable[[str], int | None]
    cyclic: int = 0

    @property
    def highest(self) -> int:
        return (1 << self.bits) - 1

    def number(self, value: Json) -> int:
        """Raises:
        Unknown: it is no value of this type.
        """
        found: int | None = None
        if isinstance(value, str):
            found = self.word(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            # nft lists 64 bits with a sign.
            found = value + (1 << 64) if value < 0 and self.bits == 64 else value
        if found is None or not 0 <= found <= self.highest:
            raise Unknown(f"`{_short(value)}` is no value that is known here")
        return found


def pairs(value: Json, kind: Kind) -> Iterator[tuple[int, int]]:
    """The ranges of one element: a number, a range or a prefix.

    Raises:
        Unknown: it is something else.
    """
    if not isinstance(value, dict):
        if value == CATCH_ALL:
            yield 0, kind.highest
            return
        low = kind.number(value)
        yield low, low
        return
    match value:
        case {"range": [first, last], **rest} if not rest:
            low, high = kind.number(first), kind.number(last)
            if low <= high:
                yield low, high
            elif kind.cyclic:
                yield low, kind.cyclic - 1
                yield 0, high
            else:
                raise Unknown(f"`{_short(value)}` is the wrong way round")
        case {"prefix": {"addr": address, "len": int(length)}, **rest} if not rest and 0 <= length <= kind.bits:
            hosts = (1 << (kind.bits - length)) - 1
            low = kind.number(address) & ~hosts
            yield low, low | hosts
        case {"elem": {"val": inner, **details}, **rest} if not rest and not details:
            yield from pairs(inner, kind)
        case _:
            raise Unknown(f"`{_short(value)}` is no value that is known here")


def intervals(value: Json, kind: Kind) -> Intervals:
    """The values of the right side of a match, or of an anonymous set.

    Raises:
        Unknown: there is something else among them.
    """
    match value:
        case {"set": list(elements), **rest} if not rest and elements:
            return Intervals.of(pair for one in elements for pair in pairs(one, kind))
        case _:
            return Intervals.of(pairs(value, kind))


def _short(value: Json) -> str:
    text = value if isinstance(value, str) else compact(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


_NUMBER = re.compile(r"(?:0|[1-9][0-9]{0,39})\Z|0x([0-9a-fA-F]{1,32})\Z", re.ASCII)


def _whole(text: str) -> int | None:
    """A number as text, also in hexadecimal digits. What has a nought before it may be octal to one nft, and not to
    another.
    """
    found = _NUMBER.match(text)
    if not found:
        return None
    return int(found[1], 16) if found[1] else int(text)


def of_words(bits: int, words: Mapping[str, int]) -> Kind:
    """Numbers, also as text, and these words."""
    return Kind(bits, lambda text: found if (found := words.get(text)) is not None else _whole(text))


def _word_of(find: Callable[[str], int | None]) -> Callable[[str], int | None]:
    return lambda text: found if (found := _whole(text)) is not None else find(text)


PROTOCOL = Kind(8, _word_of(symbols.protocol))
PORT = Kind(16, _word_of(symbols.port))
MARK = of_words(32, {})
STATE = of_words(32, {"invalid": 1, "established": 2, "related": 4, "new": 8, "untracked": 64})


def _address(family: Family) -> Callable[[str], int | None]:
    af = socket.AF_INET if family is Family.IP else socket.AF_INET6

    def read(text: str) -> int | None:
        try:
            return int.from_bytes(socket.inet_pton(af, text), "big")
        except (OSError, ValueError):
            return None

    return read


ADDRESS: dict[Family, Kind] = {family: Kind(family.bits, _address(family)) for family in Family}

_MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}\Z", re.ASCII)
_CLOCK = re.compile(r"(\d\d):(\d\d)(?::(\d\d))?\Z", re.ASCII)
_CLASS = re.compile(r"([0-9a-fA-F]{1,4}):([0-9a-fA-F]{0,4})\Z", re.ASCII)
_TIME = re.compile(
    r"(?=\w)(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m(?!s))?(?:(\d{1,9})s)?(?:(\d{1,9})ms)?\Z", re.ASCII
)
_DAY = 86400


def _mac(text: str) -> int | None:
    return int(text.replace(":", ""), 16) if _MAC.match(text) else None


def _clock(text: str) -> int | None:
    found = _CLOCK.match(text)
    if not found:
        return _whole(text)
    hour, minute, second = (int(part or 0) for part in found.groups())
    return (hour * 60 + minute) * 60 + second


def _class(text: str) -> int | None:
    """A class of tc: ``major:minor``, in hexadecimal digits."""
    found = _CLASS.match(text)
    if found:
        return int(found[1], 16) << 16 | int(found[2] or "0", 16)
    return symbols.field_words(Field.META_PRIORITY).get(text, _whole(text))


def milliseconds(value: Json) -> int | None:
    """A time as nft writes it, ``1h30m`` or, in JSON, a number of seconds."""
    match value:
        case bool():
            return None
        case int() if 0 <= value < 1 << 53:
            return value * 1000
        case str() if found := _TIME.match(value):
            day, hour, minute, second, milli = (int(part or 0) for part in found.groups())
            return (((day * 24 + hour) * 60 + minute) * 60 + second) * 1000 + milli
        case _:
            return None


def _whole_seconds(text: str) -> int | None:
    found = milliseconds(text)
    return None if found is None else found // 1000


@cache
def field_kind(field: Field) -> Kind:
    bits = FIELDS[field].bits
    match field:
        case Field.ETHER_SADDR | Field.ETHER_DADDR:
            return Kind(bits, _mac)
        case Field.META_HOUR:
            return Kind(bits, _clock, cyclic=_DAY)
        case Field.META_PRIORITY:
            return Kind(bits, _class)
        case Field.CT_EXPIRATION:
            # In whole seconds, which is all that nft lists.
            return Kind(bits, _whole_seconds)
        case Field.CT_ORIGINAL_PROTOCOL:
            return PROTOCOL
        case _:
            return of_words(bits, symbols.field_words(field))


@cache
def icmp_kind(protocol: int, *, code: bool) -> Kind:
    return of_words(8, symbols.ICMP_CODES[protocol] if code else symbols.ICMP_TYPE_WORDS[protocol])


_LONGEST_NAME = 15  # IFNAMSIZ is 16, its last byte NUL (linux/if.h)


def interface(value: Json) -> InterfacePattern:
    """An interface name as nft writes it: a star at its end stands for any rest, a backslash before makes it a star.

    Raises:
        Unknown: it is none.
    """
    match value:
        case {"elem": {"val": inner, **details}, **rest} if not rest and not details:
            return interface(inner)
        case str() if value and not value.startswith("@"):
            pass
        case _:
            raise Unknown(f"`{_short(value)}` is no interface name")
    if value.endswith("\\*"):
        found = InterfacePattern(f"{value[:-2]}*")
    elif value.endswith("*"):
        found = InterfacePattern(value[:-1], wildcard=True)
    else:
        found = InterfacePattern(value)
    if len(found.name.encode()) > _LONGEST_NAME or "\\" in found.name:
        raise Unknown(f"`{_short(value)}` is no interface name")
    return found


def interfaces(value: Json) -> tuple[InterfacePattern, ...]:
    """Raises:
    Unknown: there is something else among them.
    """
    match value:
        case {"set": list(elements), **rest} if not rest and elements:
            return tuple(interface(one) for one in elements)
        case _:
            return (interface(value),)


def bits(value: Json, words: Mapping[str, int]) -> int | None:
    """The bits that a word, a list of words or a tree of them stands for, or None if it is none of those."""
    match value:
        case bool():
            return None
        case int() if value >= 0:
            return value
        case str():
            return words.get(value, _whole(value))
        case {"|": list(parts), **rest} if not rest:
            return bits(parts, words)
        case list() if value:
            found = 0
            for part in value:
                one = bits(part, words)
                if one is None:
                    return None
                found |= one
            return found
        case _:
            return None
