"""Rates and bursts in bytes, as the hashlimit match has them (libxt_hashlimit.c)."""

from __future__ import annotations

import re

from polc.importers.iptables.problem import Word, wrong

RATE = re.compile(r"[0-9]{1,10}[km]?b/s(?:ec(?:ond)?)?")
STEP = 16  # XT_HASHLIMIT_BYTE_SHIFT
_COUNT = re.compile(r"([0-9]{1,10})([km]?)(?:b(?:/s(?:ec(?:ond)?)?)?)?")
_UNITS = {"m": 1024**2, "k": 1024, "": 1}
_MOST = 0xFFFFFFFF


def byte_count(word: Word) -> int:
    """Bytes, as in `512kb/s`; 1..4294967295.

    Raises:
        Problem: it is none, or beyond that.
    """
    found = _COUNT.fullmatch(word.text)
    if found is None:
        raise wrong(word, f"`{word.text}` is no number of bytes", help="as in `512kb`")
    count = int(found[1]) * _UNITS[found[2]]
    if not 1 <= count <= _MOST:
        raise wrong(word, f"`{word.text}` is no number of bytes below 4 GB")
    return count


def as_saved(rate: Word, burst: Word | None) -> tuple[str, str]:
    """Both as iptables-save writes them, where that is what they are: it finds the rate in the kernel's number for it,
    and cuts off what of the burst is no whole unit (bytes_to_cost, print_bytes).
    """
    count = byte_count(rate)
    cost = _MOST // (count // STEP + 1)
    if (_MOST // cost - 1) * STEP != count:
        return rate.text, burst.text if burst else ""
    unit, scale = next(one for one in _UNITS.items() if count % one[1] == 0)
    return f"{count // scale}{unit}b/s", _burst(count, byte_count(burst)) if burst else ""


def _burst(rate: int, burst: int) -> str:
    """The kernel has so many times the rate."""
    whole = -(-burst // rate) * rate
    unit, scale = next(one for one in _UNITS.items() if whole >= one[1])
    shown = whole // scale * scale
    return f"{shown // scale}{unit}b" if rate <= shown and whole - shown < rate else f"{whole}b"
