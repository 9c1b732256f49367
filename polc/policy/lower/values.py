"""Words to values. Each function raises ValueError with a reason fit for a diagnostic."""

from __future__ import annotations

import re

from polc.ir.matches import InterfacePattern
from polc.ir.protocols import PROTOCOLS
from polc.ir.stateful import Amount, KeyField, KeyPart, Rate, Unit

LARGEST_COUNT = (1 << 32) - 1
"""Largest count of packets: both kernels keep bursts and rates in 32 bits or more (linux/netfilter/xt_limit.h)."""

LARGEST_VOLUME = (1 << 63) - 1
"""Largest quota in bytes that both kernels keep (net/netfilter/nft_quota.c: a signed counter of 64 bits)."""

_BYTES = {"bytes": 1, "kbytes": 1 << 10, "mbytes": 1 << 20, "gbytes": 1 << 30}
"""nft's units of data (nft(8), LIMIT STATEMENT), in bytes; `gbytes` is polc's own."""

_PERIODS = {
    **{unit.name.lower(): unit for unit in Unit},
    "s": Unit.SECOND, "sec": Unit.SECOND, "m": Unit.MINUTE, "min": Unit.MINUTE, "h": Unit.HOUR, "d": Unit.DAY,
}  # fmt: skip

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_KEYS = {one.value for one in KeyField}
PORT_KEYS = (KeyField.SPORT, KeyField.DPORT)

_LONGEST_DAYS = 365
_LONGEST_INTERFACE = 15
"""Bytes of the longest interface name: IFNAMSIZ of linux/if.h counts a NUL too."""


def decimal(text: str, lowest: int, highest: int) -> int | None:
    """A number in plain decimal digits within the bounds, or None."""
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        return None
    number = int(text)
    return number if lowest <= number <= highest else None


def count(text: str, highest: int = LARGEST_COUNT) -> int:
    number = decimal(text, 1, highest)
    if number is None:
        raise ValueError(f"`{text}` is not a number of packets from 1 to {highest}")
    return number


def number(text: str, highest: int) -> int:
    """``31``, ``0x1f``: 0 to ``highest``."""
    found = decimal(text, 0, highest)
    if found is None and re.fullmatch(r"0[xX][0-9A-Fa-f]{1,16}", text):
        found = int(text, 16)
    if found is None or found > highest:
        raise ValueError(f"`{text}` is not a number from 0 to {highest}, such as `31` or `0x1f`")
    return found


def size(text: str, highest: int = LARGEST_COUNT) -> int:
    """Bytes: ``500 bytes``, ``10 kbytes``, ``1mbytes``, ``2 gbytes``; a kbyte is 1024 bytes."""
    found = re.fullmatch(r"([0-9]{1,20}) ?([a-z]+)", text)
    unit = _BYTES.get(found.group(2), 0) if found else 0
    amount = int(found.group(1)) * unit if found else 0
    if not 1 <= amount <= highest:
        units = ", ".join(f"`{one}`" for one in _BYTES)
        raise ValueError(f"`{text}` is not 1 to {highest} bytes: write a number and one of {units}, as in `10 mbytes`")
    return amount


def rate(text: str) -> Rate:
    """``10/minute``, ``10 mbytes/second``; periods also ``s``, ``sec``, ``m``, ``min``, ``h``, ``d``."""
    amount, slash, period = text.partition("/")
    if not slash or period not in _PERIODS:
        raise ValueError(
            f"`{text}` is not a rate: write packets or bytes per second, minute, hour or day, such as `10/minute` or "
            "`10 mbytes/second`"
        )
    if amount[-1:].isalpha():
        return Rate(size(amount), _PERIODS[period], Amount.BYTES)
    packets = decimal(amount, 1, LARGEST_COUNT)
    if packets is None:
        raise ValueError(f"`{text}` is not a rate: its number of packets is 1 to {LARGEST_COUNT}, as in `10/minute`")
    return Rate(packets, _PERIODS[period])


def duration(text: str) -> int:
    """Seconds, 1 or more, at most a year: ``100s``, ``5m``, ``1h``, ``1d``."""
    found = re.fullmatch(r"([0-9]{1,9})([smhd])", text)
    seconds = int(found.group(1)) * _SECONDS[found.group(2)] if found else 0
    if not 1 <= seconds <= _LONGEST_DAYS * 86400:
        raise ValueError(f"`{text}` is not a time such as `100s`, `5m`, `1h` or `1d`, at most {_LONGEST_DAYS} days")
    return seconds


def ports(text: str) -> tuple[int, int]:
    """``22`` or ``1000-2000`` as lowest and highest."""
    left, dash, right = text.partition("-")
    low = decimal(left, 0, 65535)
    high = decimal(right, 0, 65535) if dash else low
    if low is None or high is None:
        raise ValueError(f"`{text}` is not a port or range of ports: write numbers from 0 to 65535, as in `1000-2000`")
    if low > high:
        raise ValueError(f"the range is the wrong way round: write `{high}-{low}`")
    return low, high


def protocol(text: str) -> int | None:
    """The number of a transport protocol, None where the text names none."""
    return PROTOCOLS.get(text, decimal(text, 0, 255))


def key(words: tuple[str, ...]) -> tuple[KeyPart, ...]:
    """``source``, ``source/24``, ``source/24``+``/56``, ``destination`` ...: the first length is IPv4's, the second
    IPv6's; a length that is not written is the whole address.
    """
    parts: list[KeyPart] = []
    may_go_on = False
    for word in words:
        name, slash, length = word.partition("/")
        if not name:
            found = decimal(length, 0, 128)
            if not may_go_on:
                raise ValueError(f"`{word}` must follow a key with an IPv4 prefix length, as in `source/24,/56`")
            if found is None:
                raise ValueError(f"`{word}` is not an IPv6 prefix length of 0 to 128")
            parts[-1] = KeyPart(parts[-1].field, parts[-1].ip_length, found)
            may_go_on = False
            continue
        if name not in _KEYS:
            raise ValueError(
                f"`{word}` is not a key: packets are counted by `source`, `destination`, `sport` or `dport`"
            )
        if slash and KeyField(name) in PORT_KEYS:
            raise ValueError(f"`{name}` is a port: it has no prefix length")
        short = decimal(length, 0, 32) if slash else 32
        if short is None:
            raise ValueError(f"`/{length}` is not an IPv4 prefix length of 0 to 32: for IPv6 write `{name}/32,/64`")
        if any(one.field.value == name for one in parts):
            raise ValueError(f"`{name}` is there twice")
        parts.append(KeyPart(KeyField(name), short))
        may_go_on = bool(slash)
    return tuple(parts)


def interface(text: str) -> InterfacePattern:
    r"""``eth0``, ``wg*``, ``odd\*`` (a name may hold what the kernel lets it: net/core/dev.c, dev_valid_name)."""
    escaped = text.endswith("\\*")
    wildcard = text.endswith("*") and not escaped
    name = text[:-2] + "*" if escaped else text[:-1] if wildcard else text
    if wildcard and not name:
        raise ValueError("`*` alone would be any interface: leave the zone out of the rule")
    if "*" in (name[:-1] if escaped else name):
        raise ValueError(f"`{text}` has a `*` that is not at its end")
    if len(text.encode()) - escaped > _LONGEST_INTERFACE:
        raise ValueError(f"`{text}` is longer than the {_LONGEST_INTERFACE} bytes of an interface name")
    if name in (".", "..") or re.search(r'[\s/:"\\]', name) or not name.isprintable():
        raise ValueError(f"`{text}` is not an interface name")
    return InterfacePattern(name, wildcard)


def device(text: str) -> str:
    """The full name of one interface."""
    found = interface(text)
    if found.wildcard:
        raise ValueError(f"`{text}` stands for several interfaces, and one is meant here")
    return found.name


def queues(text: str) -> tuple[int, int]:
    """``3`` or ``0-3`` as first and last."""
    left, dash, right = text.partition("-")
    first, last = decimal(left, 0, 65535), decimal(right if dash else left, 0, 65535)
    if first is None or last is None:
        raise ValueError(f"`{text}` is not a queue or range of queues: write numbers from 0 to 65535, as in `0-3`")
    if first > last:
        raise ValueError(f"the range is the wrong way round: write `{last}-{first}`")
    return first, last
