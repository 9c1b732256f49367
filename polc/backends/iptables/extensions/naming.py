"""Names of the kernel's state tables (/proc/net/ipt_hashlimit/NAME, /proc/net/xt_recent/NAME)."""

from __future__ import annotations

from zlib import crc32

_ALLOWED = frozenset("_-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LONGEST = 40


def state_name(table: str, *configuration: object) -> str:
    """A name for the state of ``table``: readable, fit for a file name, and different where anything is."""
    digest = crc32(repr((table, configuration)).encode())
    readable = "".join(c if c in _ALLOWED else "-" for c in table)[:_LONGEST].lstrip("-")
    return f"{readable or 'polc'}-{digest:08x}"
