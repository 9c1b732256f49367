"""MAC addresses as text."""

from __future__ import annotations


def format_mac(number: int) -> str:
    """``02:00:5e:00:53:01`` for a number of 48 bits."""
    digits = f"{number:012x}"
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))
