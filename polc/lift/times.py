"""Times and amounts as a policy has them."""

from __future__ import annotations

_PERIODS = ((86400, "d"), (3600, "h"), (60, "m"))
_BYTES = ((1 << 30, "gbytes"), (1 << 20, "mbytes"), (1 << 10, "kbytes"))


def seconds(number: int) -> str:
    """``100s``, ``5m``, ``1h``, ``1d``: the longest unit in which it is a whole number."""
    for length, unit in _PERIODS:
        if number % length == 0 and number:
            return f"{number // length}{unit}"
    return f"{number}s"


def clock(number: int) -> str:
    """A time of day: ``08:00``, ``17:30:59``."""
    hour, minute, second = number // 3600, number // 60 % 60, number % 60
    return f"{hour:02}:{minute:02}" + (f":{second:02}" if second else "")


def size(number: int) -> str:
    """``10 mbytes``, ``1500 bytes``."""
    for length, unit in _BYTES:
        if number % length == 0 and number:
            return f"{number // length} {unit}"
    return f"{number} bytes"
