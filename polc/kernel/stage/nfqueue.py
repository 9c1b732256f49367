"""A program that listens on queues and drops whatever rules hand to it (uapi/linux/netfilter/nfnetlink_queue.h)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator

_NETLINK_NETFILTER = 12
_SUBSYSTEM = 3  # NFNL_SUBSYS_QUEUE
_PACKET, _VERDICT, _CONFIG = 0, 1, 2
_CFG_CMD, _CFG_PARAMS = 1, 2
_CMD_BIND = 1
_COPY_META = 1
_PACKET_HDR, _VERDICT_HDR = 1, 2
_REQUEST, _ACK = 1, 4
_DROP = 0  # NF_DROP
_NLA_TYPE = 0x3FFF


class Queues:
    """Listens in the network namespace in which it was made, on no queue at first."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
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
            for number, packet in _packets(data):
                verdict = struct.pack("=HH", 12, _VERDICT_HDR) + struct.pack(">II", _DROP, packet)
                self._send(_VERDICT, _REQUEST, number, verdict)

    def _configure(self, number: int, attribute: int, value: bytes) -> None:
        encoded = struct.pack("=HH", 4 + len(value), attribute) + value + bytes(-len(value) % 4)
        self._send(_CONFIG, _REQUEST | _ACK, number, encoded)
        error = struct.unpack_from("=i", self.socket.recv(65536), 16)[0]
        if error:
            raise OSError(-error, "nfnetlink_queue")

    def _send(self, what: int, flags: int, number: int, encoded: bytes) -> None:
        body = struct.pack(">BBH", 0, 0, number) + encoded
        self.socket.send(struct.pack("=IHHII", 16 + len(body), _SUBSYSTEM << 8 | what, flags, 1, 0) + body)


def _packets(data: bytes) -> Iterator[tuple[int, int]]:
    """The queue of each packet, and its number there."""
    while len(data) >= 20:
        length, kind = struct.unpack_from("=IH", data)
        if kind == _SUBSYSTEM << 8 | _PACKET:
            (queue,) = struct.unpack_from(">H", data, 18)
            at = 20
            while at + 4 <= length:
                size, name = struct.unpack_from("=HH", data, at)
                if name & _NLA_TYPE == _PACKET_HDR:
                    yield queue, struct.unpack_from(">I", data, at + 4)[0]
                if size < 4:
                    break
                at += (size + 3) & ~3
        data = data[(length + 3) & ~3 :]
