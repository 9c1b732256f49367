"""Packets that rules log to an nfnetlink_log group, and their prefixes (uapi/linux/netfilter/nfnetlink_log.h)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

_NETLINK_NETFILTER = 12
_SUBSYSTEM = 4  # NFNL_SUBSYS_ULOG
_PACKET, _CONFIG = 0, 1
_CFG_CMD, _CFG_MODE, _CFG_NLBUFSIZ, _CFG_TIMEOUT, _CFG_QTHRESH = 1, 2, 3, 4, 5
_CMD_BIND = 1
_COPY_PACKET = 2
_PAYLOAD, _PREFIX = 9, 10
_REQUEST_ACK = 5
_COPIED = 2048
"""Bytes of a packet that are told: the headers, and what small ones carry. Large ones would fill the socket."""
_NLA_TYPE = 0x3FFF


class LogGroup:
    """A listener of one group in the network namespace in which it was made.

    Raises:
        OSError: the kernel has no nfnetlink_log, or somebody else listens to the group.
    """

    def __init__(self, group: int) -> None:
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
        self.socket.bind((0, 0))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._configure(group, _CFG_CMD, struct.pack(">B", _CMD_BIND))
        self._configure(group, _CFG_MODE, struct.pack(">IBB", _COPIED, _COPY_PACKET, 0))
        # Each packet is told at once, and not with others later.
        self._configure(group, _CFG_QTHRESH, struct.pack(">I", 1))
        self.socket.setblocking(False)

    def _configure(self, group: int, attribute: int, value: bytes) -> None:
        encoded = struct.pack("=HH", 4 + len(value), attribute) + value
        body = struct.pack(">BBH", 0, 0, group) + encoded + bytes(-len(encoded) % 4)
        head = struct.pack("=IHHII", 16 + len(body), _SUBSYSTEM << 8 | _CONFIG, _REQUEST_ACK, 1, 0)
        self.socket.send(head + body)
        answer = self.socket.recv(65536)
        error = struct.unpack_from("=i", answer, 16)[0]
        if error:
            raise OSError(-error, "nfnetlink_log")

    def packets(self) -> Iterator[tuple[str, bytes]]:
        """Prefix and datagram of each packet that has been logged so far."""
        while True:
            try:
                data = self.socket.recv(1 << 17)
            except BlockingIOError:
                return
            yield from _messages(data)


def _messages(data: bytes) -> Iterator[tuple[str, bytes]]:
    while len(data) >= 16:
        length, kind = struct.unpack_from("=IH", data)
        if kind == _SUBSYSTEM << 8 | _PACKET:
            found = dict(_attributes(data[20:length]))
            yield found.get(_PREFIX, b"").rstrip(b"\0").decode(), found.get(_PAYLOAD, b"")
        data = data[(length + 3) & ~3 :]


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            return
        yield kind & _NLA_TYPE, data[4:length]
        data = data[(length + 3) & ~3 :]
