"""Messages of nfnetlink and their attributes (uapi/linux/netfilter/nfnetlink.h; uapi/linux/netlink.h)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

NETLINK_NETFILTER = 12
REQUEST, ACK = 1, 4
_NLA_TYPE = 0x3FFF
_HEAD = 20
"""Bytes of a message's two headers."""


def message(subsystem: int, what: int, flags: int, body: bytes = b"", *, family: int = 0, resource: int = 0) -> bytes:
    """``resource`` is a number that the subsystem gives a meaning, such as that of a queue."""
    whole = struct.pack(">BBH", family, 0, resource) + body
    return struct.pack("=IHHII", 16 + len(whole), subsystem << 8 | what, flags, 1, 0) + whole


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def refusal(answer: bytes) -> int:
    """The error of an acknowledgement, 0 for none."""
    return -int(struct.unpack_from("=i", answer, 16)[0])


def messages(data: bytes, subsystem: int, what: int) -> Iterator[tuple[int, dict[int, bytes]]]:
    """Those of a kind: the resource and the attributes of each."""
    while len(data) >= _HEAD:
        length, kind = struct.unpack_from("=IH", data)
        if length < _HEAD:
            return
        if kind == subsystem << 8 | what:
            yield struct.unpack_from(">H", data, 18)[0], dict(_attributes(data[_HEAD:length]))
        data = data[(length + 3) & ~3 :]


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            return
        yield kind & _NLA_TYPE, data[4:length]
        data = data[(length + 3) & ~3 :]
