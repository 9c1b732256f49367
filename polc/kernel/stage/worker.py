"""Puts packets into a stage and tells what came out: ``python -m polc.kernel.stage.worker``, in the host's namespace.

The first line of standard input is ``{"world": FILE, "interfaces": {NAME: MAC}, "far": MAC, "group": N}``; then a
request a line: ``{"interface": NAME, "data": HEX, "bytes": N, ...}`` for a packet that comes in there, ``{"interface":
"", "destination": ADDRESS, "data": HEX, "bytes": N, ...}`` for one that the host sends: of N bytes, zeros at the end
left out. ``"flow": [HEX, ...]`` are messages for conntrack that go before, ``"sockets": [[PROTOCOL, ADDRESS, PORT],
...]`` transparent ones that are there for the packet alone. The answer is a line each, ``{"logged":
[[PREFIX, HEX], ...], "far": [[NAME, HEX], ...], "error": TEXT}``: what rules logged to the group, and what left by an
interface. ``{"batch": [REQUEST, ...]}`` are packets that are sent without looking at what became of each; the answer
has ``"errors": [TEXT, ...]`` and ``"times": [SECONDS, ...]``, when each was sent. All answers to packets say when they
had come to an end: ``"settled": SECONDS``. ``{"listen": [N, ...]}`` has what comes to these queues dropped, and answers
with ``"error"``. ``{"join": [[NAME, ADDRESS], ...]}`` joins multicast groups, ``{"tell": [HEX, ...]}`` are messages for
conntrack. ``{"nft": TEXT}`` runs JSON commands of libnftables; the answer has ``"problem"``, its words where it refuses
them.

Nothing is waited for by the clock. A packet runs through the kernel within the call that sends it or from a queue of
this CPU (net/core/dev.c, enqueue_to_backlog); frames of another kind that are sent behind it on every link have come
out when it has, too.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import socket
import struct
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from polc.diagnostics import Failure
from polc.kernel.libnftables import Nftables
from polc.kernel.stage.nflog import LogGroup
from polc.kernel.stage.nfnetlink import NETLINK_NETFILTER, refusal
from polc.kernel.stage.nfqueue import QueueListener

_NEWNET = 0x40000000
_EVERYTHING, _FENCE = 3, 0x88B5  # ETH_P_ALL; IEEE 802, local experimental
_IP, _IP6 = b"\x08\x00", b"\x86\xdd"
_VLAN = b"\x81\x00"  # IEEE 802.1Q, 9.4
_BROADCAST = b"\xff" * 6
_SOL_PACKET, _QDISC_BYPASS, _IGNORE_OUTGOING = 263, 20, 23
_IPV6_HDRINCL, _IPV6_FREEBIND = 36, 78
_TRANSPARENT_4, _TRANSPARENT_6 = (socket.IPPROTO_IP, 19), (socket.IPPROTO_IPV6, 75)
_LONGEST = 10.0
"""Seconds after which a fence is lost."""


def main() -> int:
    # Whatever a library prints goes to standard error: standard output is the protocol's alone.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    requests = os.fdopen(0, encoding="utf-8", closefd=False)
    # One CPU has one queue, in which nothing overtakes.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    begin = json.loads(requests.readline())
    links = _Links(begin["world"], begin["interfaces"], begin["far"])
    log = LogGroup(begin["group"])
    queues = links.queues
    senders = _Senders()
    members: list[socket.socket] = []
    for line in requests:
        request = json.loads(line)
        found: dict[str, object] = {}
        if "nft" in request:
            found = {"problem": _run(request["nft"])}
        elif "listen" in request:
            found = {"error": _listen(queues, request["listen"])}
        elif "join" in request:
            members += [_member(name, address) for name, address in request["join"]]
        elif "tell" in request:
            for message in request["tell"]:
                senders.tell(bytes.fromhex(message))
        elif "batch" in request:
            errors, times = [], []
            for one in request["batch"]:
                times.append(time.monotonic())
                errors.append(_put(one, links, senders))
            found = {"errors": errors, "times": times}
        else:
            found = {"error": _put(request, links, senders)}
        far = links.settle()
        found["settled"] = time.monotonic()
        found |= {"logged": [[prefix, data.hex()] for prefix, data in log.packets()], "far": far}
        answers.write(json.dumps(found) + "\n")
        answers.flush()
    return 0


def _run(commands: str) -> list[str]:
    """The code and the words of a refusal; empty for none."""
    try:
        with Nftables() as nft:
            nft.run_json(commands)
    except Failure as failure:
        return [failure.diagnostics[0].code, failure.diagnostics[0].message]
    return []


def _listen(queues: QueueListener, numbers: list[int]) -> str:
    try:
        queues.listen(numbers)
    except OSError as error:
        return error.strerror or "error"
    return ""


def _put(request: dict[str, Any], links: _Links, senders: _Senders) -> str:
    try:
        for message in request.get("flow", ()):
            senders.tell(bytes.fromhex(message))
        with _listening(request.get("sockets", ())) as some:
            problem = links.put_in(request) if request["interface"] else senders.send(request)
            if some:
                # They are there for this packet alone.
                links.kept += links.settle()
        return problem
    except OSError as error:
        return error.strerror or "error"


@contextmanager
def _listening(wanted: Iterable[tuple[str, str, int]]) -> Iterator[int]:
    """Transparent sockets of a protocol, each on an address (empty: on any of IPv4, or of IPv6 for ``::``) and a port;
    tells how many (Documentation/networking/tproxy.rst).
    """
    with ExitStack() as stack:
        count = 0
        for protocol, address, port in wanted:
            six = ":" in address
            kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
            made = stack.enter_context(socket.socket(socket.AF_INET6 if six else socket.AF_INET, kind))
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.setsockopt(*(_TRANSPARENT_6 if six else _TRANSPARENT_4), 1)
            made.bind((address, port))
            if protocol == "tcp":
                made.listen()
            count += 1
        yield count


def _member(name: str, address: str) -> socket.socket:
    """A socket that keeps an interface in a multicast group."""
    index = socket.if_nametoindex(name)
    if ":" in address:
        made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        group = socket.inet_pton(socket.AF_INET6, address) + struct.pack("=I", index)
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
    else:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        group = socket.inet_aton(address) + bytes(4) + struct.pack("=I", index)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
    return made


class _Links:
    """Packet sockets on both ends of every link."""

    def __init__(self, world: str, macs: dict[str, str], far: str) -> None:
        self.macs = {name: bytes.fromhex(mac.replace(":", "")) for name, mac in macs.items()}
        self.far_mac = bytes.fromhex(far.replace(":", ""))
        self.near = {name: _packet_socket(name, _FENCE) for name in macs}
        own = os.open("/proc/self/ns/net", os.O_RDONLY)
        _enter(os.open(world, os.O_RDONLY))
        self.far = {name: _packet_socket(name, _EVERYTHING) for name in macs}
        _enter(own)
        self.fences = 0
        self.kept: list[list[str]] = []
        self.queues = QueueListener()

    def put_in(self, request: dict[str, Any]) -> str:
        name, data = request["interface"], bytes.fromhex(request["data"]).ljust(request["bytes"], b"\0")
        kind = _IP if data[0] >> 4 == 4 else _IP6
        source = bytes.fromhex(request["mac"]) if request.get("mac") else self.far_mac
        to = bytes.fromhex(request["to"]) if request.get("to") else self.macs[name]
        try:
            tag = b"" if request.get("vlan") is None else _VLAN + struct.pack(">H", request["vlan"])
            self.far[name].send(to + source + tag + kind + data)
        except OSError as error:
            return error.strerror or "error"
        return ""

    def settle(self) -> list[list[str]]:
        """Datagrams that have left by each interface, once all is through."""
        self.fences += 1
        self.queues.drop()
        seen, self.kept = self.kept, []
        fence = struct.pack(">HI", _FENCE, self.fences).ljust(50, b"\0")
        for near, far in ((self.near, self.far), (self.far, self.near)):
            for name, end in far.items():
                end.send(_BROADCAST + self.macs[name] + fence)
            for name, end in near.items():
                _read(name, end, fence, seen)
        # What came to a queue while the fences were on their way.
        self.queues.drop()
        return seen


def _read(name: str, end: socket.socket, fence: bytes, seen: list[list[str]]) -> None:
    """All that came before the fence."""
    while True:
        try:
            data = end.recv(1 << 17)
        except TimeoutError:
            raise TimeoutError(f"nothing comes through {name}") from None
        if data[12:62] == fence:
            return
        if data[12:14] in (_IP, _IP6):
            seen.append([name, data[14:].hex()])


def _packet_socket(name: str, kind: int) -> socket.socket:
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(kind))
    made.bind((name, kind))
    # Past the queue, which is not there yet when a link has just come up.
    made.setsockopt(_SOL_PACKET, _QDISC_BYPASS, 1)
    made.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
    made.settimeout(_LONGEST)
    return made


def _enter(namespace: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(namespace, _NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class _Senders:
    """Sockets of the host itself: one for each kind of sender, and one to conntrack."""

    def __init__(self) -> None:
        self._raw: dict[tuple[object, ...], socket.socket] = {}
        self._conntrack: socket.socket | None = None

    def send(self, request: dict[str, Any]) -> str:
        """Send a datagram from the host; gives the kernel's refusal, empty for none."""
        data = bytes.fromhex(request["data"]).ljust(request["bytes"], b"\0")
        family = socket.AF_INET if data[0] >> 4 == 4 else socket.AF_INET6
        group = _is_group(request["destination"], family)
        kind = (family, group, *(request.get(key) for key in ("uid", "gid", "mark", "priority", "device")))
        sender = self._raw.get(kind)
        if sender is None:
            sender = _raw_socket(family, int(request.get("uid", 0)), int(request.get("gid", 0)))
            level, option = (socket.IPPROTO_IP, 3) if family == socket.AF_INET else (41, _IPV6_HDRINCL)
            sender.setsockopt(level, option, 1)
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            if request.get("mark"):
                sender.setsockopt(socket.SOL_SOCKET, 36, struct.pack("=I", int(request["mark"])))
            if request.get("priority"):
                sender.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, struct.pack("=I", int(request["priority"])))
            if request.get("device") and group:
                # Not bound: NAT may send elsewhere what was to go to a group.
                index = socket.if_nametoindex(request["device"])
                if family == socket.AF_INET:
                    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("=8xi", index))
                else:
                    sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
            elif request.get("device"):
                sender.setsockopt(socket.SOL_SOCKET, 25, request["device"].encode() + b"\0")
            self._raw[kind] = sender
        try:
            sender.sendto(data, (request["destination"], 0))
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL or family != socket.AF_INET6:
                raise
            # The way leads over an interface without an address, and the source in the packet does not count for that.
            sender.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
            source = (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, data[8:24] + bytes(4))
            sender.sendmsg([data], [source], 0, (request["destination"], 0))
        return ""

    def tell(self, message: bytes) -> None:
        """Raises:
        OSError: conntrack refuses it; that a flow to be deleted is not there is none.
        """
        if self._conntrack is None:
            self._conntrack = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
            self._conntrack.bind((0, 0))
        self._conntrack.send(message)
        code = refusal(self._conntrack.recv(65536))
        if code not in (0, errno.ENOENT):
            raise OSError(code, f"conntrack: {os.strerror(code)}")


def _is_group(address: str, family: int) -> bool:
    first = socket.inet_pton(family, address)[0]
    return first >> 4 == 0xE if family == socket.AF_INET else first == 0xFF


def _raw_socket(family: int, uid: int, gid: int) -> socket.socket:
    """A socket that belongs to a user: `meta skuid` is the file system's user of its maker (credentials(7))."""
    libc = ctypes.CDLL(None)
    libc.setfsgid(gid)
    libc.setfsuid(uid)
    try:
        if libc.setfsuid(-1) != uid or libc.setfsgid(-1) != gid:
            raise OSError(22, "the user or group has no number in this user namespace")
        return socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
    finally:
        libc.setfsuid(0)
        libc.setfsgid(0)


if __name__ == "__main__":
    sys.exit(main())
