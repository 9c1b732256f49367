"""Checksums of the Internet (RFC 1071) and of SCTP (RFC 9260, appendix A)."""

from __future__ import annotations

import struct


def internet(data: bytes) -> int:
    """The one's complement of the one's complement sum of 16-bit words."""
    # Zeros at the end add nothing, and large packets are full of them.
    data = data.rstrip(b"\0")
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def crc32c(data: bytes) -> int:
    """The Castagnoli checksum, as a number of which the low byte goes first on the wire."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return ~crc & 0xFFFFFFFF
