"""A program that listens on queues and drops whatever rules hand to it (uapi/linux/netfilter/nfnetlink_queue.h)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable

from polc.kernel.stage.nfnetlink import ACK, NETLINK_NETFILTER, REQUEST, attribute, message, messages, refusal

_SUBSYSTEM = 3  # NFNL_SUBSYS_QUEUE
_PACKET, _VERDICT, _CONFIG = 0, 1, 2
_CFG_CMD, _CFG_PARAMS = 1, 2
_CMD_BIND = 1
_COPY_META = 1
_PACKET_HDR, _VERDICT_HDR = 1, 2
_DROP = 0  # NF_DROP


class QueueListener:
    """Listens in the network namespace in which it was made, on no queue at first."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.socket.bind((0, 0))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.bound: set[int] = set()

    def listen(self, numbers: Iterable[int]) -> None:
        """On these, too.

        Raises:
            OSError: the kernel has no nfnetlink_queue, or somebody else listens there.
        """
        for number in sorted(set(numbers) - self.bound):
            self._configure(number, _CFG_CMD, struct.pack(">BBH", _CMD_BIND, 0, 0))
            self._configure(number, _CFG_PARAMS, struct.pack(">IB", 0, _COPY_META))
            self.bound.add(number)

    def drop(self) -> None:
        """All that has come so far. Nothing is left that a sender would wait for."""
        while self.bound:
            try:
                data = self.socket.recv(1 << 17, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            for number, found in messages(data, _SUBSYSTEM, _PACKET):
                verdict = struct.pack(">I", _DROP) + found[_PACKET_HDR][:4]
                self.socket.send(
                    message(_SUBSYSTEM, _VERDICT, REQUEST, attribute(_VERDICT_HDR, verdict), resource=number)
                )

    def _configure(self, number: int, kind: int, value: bytes) -> None:
        self.socket.send(message(_SUBSYSTEM, _CONFIG, REQUEST | ACK, attribute(kind, value), resource=number))
        error = refusal(self.socket.recv(65536))
        if error:
            raise OSError(error, "nfnetlink_queue")
