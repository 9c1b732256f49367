"""Captured packets: files of ``tcpdump -w`` and the like, read with dpkt (the extra ``pcap``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING

from polc.diagnostics import Failure
from polc.simulate.host import LOOPBACK, Host, Routing
from polc.simulate.packet import Packet
from polc.simulate.steps import Send, Step, Wait
from polc.simulate.wire import NoDatagram, read_datagram

if TYPE_CHECKING:
    from types import ModuleType

_ETHERNET, _COOKED, _COOKED2 = 1, 113, 276
_RAW = frozenset({12, 14, 101, 228, 229})
"""Link types (www.tcpdump.org/linktypes.html)."""

_IP, _IP6 = 0x0800, 0x86DD
_VLANS = (0x8100, 0x88A8)
_OUTGOING = 4
_MAGIC = (b"\xa1\xb2\xc3\xd4", b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\x3c\x4d", b"\x4d\x3c\xb2\xa1", b"\x0a\x0d\x0d\x0a")


def is_capture(beginning: bytes) -> bool:
    """Whether a file that begins so is a capture, of the old format or of pcapng."""
    return beginning[:4] in _MAGIC


class _Whole(BytesIO):
    """Refuses to end within what is asked for: dpkt takes the last packet of a file that was cut off as it is."""

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if size is not None and 0 < len(data) < size:
            raise ValueError("it is cut off")
        return data


def read_capture(data: bytes, path: str, host: Host, interface: str) -> Iterator[Step]:
    """Send each packet of a capture, and wait between them as long as it took.

    Of a cooked capture (``tcpdump -i any``) each packet says whether the host sent it; of others the host's own
    addresses do. They came in at, or left by, ``interface``, or where the addresses of the host say so. What is no IP
    is left out.

    Raises:
        Failure: POL064: the file cannot be read; POL063: it cannot be said where packets came in; POL601: no dpkt.
    """
    dpkt = _dpkt()
    try:
        reader = dpkt.pcap.UniversalReader(_Whole(data))
        link = reader.datalink()
    except (ValueError, dpkt.dpkt.Error) as error:
        raise Failure.of("POL064", f"this is no capture file: {_reason(error)}", path=path) from None
    if link not in (_ETHERNET, _COOKED, _COOKED2, *_RAW):
        raise Failure.of("POL064", f"packets of link type {link} are not known", path=path)
    routing = Routing(host)
    before: float | None = None
    frames = iter(reader)
    number = 0
    while True:
        try:
            stamp, frame = next(frames)
        except StopIteration:
            return
        except (ValueError, dpkt.dpkt.Error) as error:
            raise Failure.of("POL064", f"behind packet {number}: {_reason(error)}", path=path) from None
        number += 1
        if not frame:
            raise Failure.of("POL064", f"packet {number} is cut off", path=path)
        found = _unframed(bytes(frame), link)
        if found is None:
            continue
        datagram, sent, mac, mac_to, vlan = found
        try:
            packet = read_datagram(datagram)
        except NoDatagram as error:
            raise Failure.of("POL064", f"packet {number} is no datagram: {error}", path=path) from None
        if before is not None and float(stamp) > before:
            yield Wait(float(stamp) - before)
        before = float(stamp)
        placed = _placed(packet, routing, interface, sent)
        if placed is None:
            raise Failure.of(
                "POL063", f"it is not known where packet {number} came in", path=path,
                help="describe the host, and say at which interface the packets were captured",
            )  # fmt: skip
        yield Send(replace(placed, mac=mac if placed.iif else None, mac_to=mac_to if placed.iif else None, vlan=vlan))


def _dpkt() -> ModuleType:
    try:
        import dpkt
    except ImportError:
        raise Failure.of(
            "POL601", "the library dpkt is missing, with which captures are read", help="pip install 'polc[pcap]'"
        ) from None
    module: ModuleType = dpkt
    return module


def _reason(error: Exception) -> str:
    return str(error).lower() or "it is cut off"


def _unframed(frame: bytes, link: int) -> tuple[bytes, bool | None, int | None, int | None, int | None] | None:
    """The datagram of a frame, whether the host sent it, the link's addresses and VLAN; None: it is none of IP."""
    if link in _RAW:
        return frame, None, None, None, None
    if link == _COOKED:
        kind, sent = int.from_bytes(frame[14:16], "big"), int.from_bytes(frame[0:2], "big") == _OUTGOING
        mac = int.from_bytes(frame[6:12], "big") if frame[4:6] == b"\0\6" else None
        return (frame[16:], sent, mac, None, None) if kind in (_IP, _IP6) else None
    if link == _COOKED2:
        kind, sent = int.from_bytes(frame[0:2], "big"), frame[10:11] == bytes([_OUTGOING])
        mac = int.from_bytes(frame[12:18], "big") if frame[11:12] == b"\6" else None
        return (frame[20:], sent, mac, None, None) if kind in (_IP, _IP6) else None
    mac_to, mac, kind = (int.from_bytes(frame[at : at + size], "big") for at, size in ((0, 6), (6, 6), (12, 2)))
    vlan, at = None, 14
    while kind in _VLANS and len(frame) >= at + 4:
        vlan = int.from_bytes(frame[at : at + 2], "big") & 0xFFF
        kind, at = int.from_bytes(frame[at + 2 : at + 4], "big"), at + 4
    return (frame[at:], None, mac, mac_to, vlan) if kind in (_IP, _IP6) else None


def _placed(packet: Packet, routing: Routing, interface: str, sent: bool | None) -> Packet | None:
    """The packet with its interface; None: nothing says which."""
    own = routing.owner(packet.family, packet.saddr)
    if sent is None:
        if not routing.host.described:
            return None
        sent = own != ""
    if sent:
        hop = routing.lookup(packet.family, packet.daddr)
        out = interface or own or (hop.interface if hop else "")
        return replace(packet, oif=out) if out else None
    if own and not interface:
        return replace(packet, iif=LOOPBACK)
    back = routing.lookup(packet.family, packet.saddr)
    into = interface or routing.owner(packet.family, packet.daddr) or (back.interface if back else "")
    return replace(packet, iif=into) if into else None
