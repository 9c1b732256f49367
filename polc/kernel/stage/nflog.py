"""Packets that rules log to an nfnetlink_log group, and their prefixes (uapi/linux/netfilter/nfnetlink_log.h)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

from polc.kernel.stage.nfnetlink import ACK, NETLINK_NETFILTER, REQUEST, attribute, message, messages, refusal

_SUBSYSTEM = 4  # NFNL_SUBSYS_ULOG
_PACKET, _CONFIG = 0, 1
_CFG_CMD, _CFG_MODE, _CFG_NLBUFSIZ, _CFG_TIMEOUT, _CFG_QTHRESH = 1, 2, 3, 4, 5
_CMD_BIND = 1
_COPY_PACKET = 2
_PAYLOAD, _PREFIX = 9, 10
_COPIED = 2048
"""Bytes of a packet that are told: the headers, and what small ones carry. Large ones would fill the socket."""


class LogGroup:
    """A listener of one group in the network namespace in which it was made.

    Raises:
        OSError: the kernel has no nfnetlink_log, or somebody else listens to the group.
    """

    def __init__(self, group: int) -> None:
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.socket.bind((0, 0))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._configure(group, _CFG_CMD, struct.pack(">B", _CMD_BIND))
        self._configure(group, _CFG_MODE, struct.pack(">IBB", _COPIED, _COPY_PACKET, 0))
        # Each packet is told at once, and not with others later.
        self._configure(group, _CFG_QTHRESH, struct.pack(">I", 1))
        self.socket.setblocking(False)

    def _configure(self, group: int, kind: int, value: bytes) -> None:
        self.socket.send(message(_SUBSYSTEM, _CONFIG, REQUEST | ACK, attribute(kind, value), resource=group))
        error = refusal(self.socket.recv(65536))
        if error:
            raise OSError(error, "nfnetlink_log")

    def packets(self) -> Iterator[tuple[str, bytes]]:
        """Prefix and datagram of each packet that has been logged so far."""
        while True:
            try:
                data = self.socket.recv(1 << 17)
            except BlockingIOError:
                return
            for _, found in messages(data, _SUBSYSTEM, _PACKET):
                yield found.get(_PREFIX, b"").rstrip(b"\0").decode(), found.get(_PAYLOAD, b"")
