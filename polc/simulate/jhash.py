"""The kernel's hash of words (include/linux/jhash.h)."""

from __future__ import annotations


def _rotate(word: int, by: int) -> int:
    return (word << by | word >> 32 - by) & 0xFFFFFFFF


def jhash2(words: list[int], initial: int) -> int:
    """The hash of words of 32 bits."""
    length = len(words)
    a = b = c = (0xDEADBEEF + (length << 2) + initial) & 0xFFFFFFFF
    at = 0
    while length > 3:
        a, b, c = (a + words[at]) & 0xFFFFFFFF, (b + words[at + 1]) & 0xFFFFFFFF, (c + words[at + 2]) & 0xFFFFFFFF
        a = (a - c) & 0xFFFFFFFF ^ _rotate(c, 4)
        c = (c + b) & 0xFFFFFFFF
        b = (b - a) & 0xFFFFFFFF ^ _rotate(a, 6)
        a = (a + c) & 0xFFFFFFFF
        c = (c - b) & 0xFFFFFFFF ^ _rotate(b, 8)
        b = (b + a) & 0xFFFFFFFF
        a = (a - c) & 0xFFFFFFFF ^ _rotate(c, 16)
        c = (c + b) & 0xFFFFFFFF
        b = (b - a) & 0xFFFFFFFF ^ _rotate(a, 19)
        a = (a + c) & 0xFFFFFFFF
        c = (c - b) & 0xFFFFFFFF ^ _rotate(b, 4)
        b = (b + a) & 0xFFFFFFFF
        length -= 3
        at += 3
    if not length:
        return c
    rest = [*words[at:], 0, 0, 0]
    a, b, c = (a + rest[0]) & 0xFFFFFFFF, (b + rest[1]) & 0xFFFFFFFF, (c + rest[2]) & 0xFFFFFFFF
    c = ((c ^ b) - _rotate(b, 14)) & 0xFFFFFFFF
    a = ((a ^ c) - _rotate(c, 11)) & 0xFFFFFFFF
    b = ((b ^ a) - _rotate(a, 25)) & 0xFFFFFFFF
    c = ((c ^ b) - _rotate(b, 16)) & 0xFFFFFFFF
    a = ((a ^ c) - _rotate(c, 4)) & 0xFFFFFFFF
    b = ((b ^ a) - _rotate(a, 14)) & 0xFFFFFFFF
    return ((c ^ b) - _rotate(b, 24)) & 0xFFFFFFFF
