"""What the words of a packet mean, whether they stand in a text or in JSON: one function an option."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from polc.diagnostics import Failure
from polc.ir.addresses import parse_address
from polc.ir.family import Family
from polc.ir.fields import CT_STATUS_BITS, FIELDS, TCP_FLAG_BITS, TCP_OPTION_KINDS, Field
from polc.ir.matches import CtState, ExtensionHeader
from polc.ir.protocols import (
    DCCP,
    ICMP,
    ICMP_FAMILY,
    ICMP_TYPES,
    ICMPV6,
    MOBILITY,
    PORT_PROTOCOLS,
    PROTOCOLS,
    SCTP,
    TCP,
)
from polc.simulate.packet import GRE, SYN, Packet, Presumed
from polc.source import Span

EPHEMERAL = 40000
"""The source port of a packet that names none."""

SCTP_CHUNKS: dict[str, int] = {
    # RFC 9260, 3.2
    "data": 0, "init": 1, "init-ack": 2, "sack": 3, "heartbeat": 4, "heartbeat-ack": 5, "abort": 6, "shutdown": 7,
    "shutdown-ack": 8, "error": 9, "cookie-echo": 10, "cookie-ack": 11, "shutdown-complete": 14,
}  # fmt: skip

_STATES = {one.name.lower(): one for one in CtState if one.name}
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", '"': '"', "\\": "\\"}


class Word(NamedTuple):
    """A word and where it stands."""

    text: str
    span: Span

    def wrong(self, message: str, help: str = "") -> Failure:
        return Failure.of("POL062", message, self.span, help=help)


Words = tuple[Word, ...]


def protocol_of(word: Word) -> tuple[int, int, int]:
    """Protocol, and ICMP type and code, of ``tcp``, ``47``, ``icmp/8``, ``icmp/destination-unreachable/3``."""
    name, _, rest = word.text.partition("/")
    protocol = PROTOCOLS.get(name)
    if protocol is None:
        if not name.isdigit() or int(name) > 255:
            raise word.wrong(f"`{name}` is no protocol", f"the names are {', '.join(PROTOCOLS)}, or a number")
        protocol = int(name)
    if protocol not in ICMP_TYPES:
        if rest:
            raise word.wrong(f"`{word.text}` has a type, which only packets of icmp and icmpv6 have")
        return protocol, 0, 0
    kind, _, code = (rest or "echo-request").partition("/")
    number = ICMP_TYPES[protocol].get(kind)
    if number is None:
        if not kind.isdigit() or int(kind) > 255:
            names = ", ".join(ICMP_TYPES[protocol])
            raise word.wrong(f"`{kind}` is no type of {name}", f"the names are {names}, or a number from 0 to 255")
        number = int(kind)
    if code and (not code.isdigit() or int(code) > 255):
        raise word.wrong(f"`{code}` is not a code from 0 to 255")
    return protocol, number, int(code or 0)


class End(NamedTuple):
    """An address, None for the host's own, and a port."""

    family: Family | None
    address: int | None
    port: int | None
    word: Word


def end_of(word: Word) -> End:
    """``host``, ``host:22``, ``198.51.100.9:4000``, ``2001:db8::9``, ``[2001:db8::9]:4000``."""
    text = word.text
    if text == "host" or text.startswith("host:"):
        return End(None, None, _port(text.partition(":")[2], word), word)
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(.*))?", text)
    if bracketed:
        address, port = bracketed[1], bracketed[2] or ""
    elif text.count(":") == 1:
        address, _, port = text.partition(":")
    else:
        address, port = text, ""
    try:
        family, low, high = parse_address(address)
    except ValueError as error:
        raise word.wrong(str(error), "a packet has addresses, not host names: `198.51.100.9:4000`, `host:22`") from None
    if low != high:
        raise word.wrong(f"`{address}` is more than one address")
    if bracketed and family is Family.IP:
        raise word.wrong("brackets are for IPv6 addresses with a port", f"write `{address}:{port or 80}`")
    return End(family, low, _port(port, word), word)


def _port(text: str, word: Word) -> int | None:
    if not text:
        return None
    if not text.isdigit() or len(text) > 5 or int(text) > 65535:
        raise word.wrong(f"`{text}` is not a port from 0 to 65535")
    return int(text)


def number(word: Word, highest: int) -> int:
    """``31``, ``0x1f``: 0 to ``highest``."""
    text = word.text
    if re.fullmatch(r"0[xX][0-9A-Fa-f]{1,16}", text):
        found = int(text, 16)
    elif text.isascii() and text.isdigit() and len(text) <= 20:
        found = int(text)
    else:
        found = highest + 1
    if found > highest:
        raise word.wrong(f"`{text}` is not a number from 0 to {highest}")
    return found


def duration(word: Word) -> float:
    """Seconds of ``100s``, ``1h30m``, ``250ms``; a bare number is seconds."""
    text = word.text
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        return float(text)
    if not re.fullmatch(r"([0-9]{1,9}(\.[0-9]{1,9})?(ms|s|m|h|d))+", text):
        raise word.wrong(f"`{text}` is not a time such as `100s`, `5m` or `1h30m`")
    parts = re.findall(r"([0-9.]+)(ms|s|m|h|d)", text)
    return sum(float(amount) * _UNITS[unit] for amount, unit in parts)


def mac(word: Word) -> int:
    if not re.fullmatch(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}", word.text):
        raise word.wrong(f"`{word.text}` is not a MAC address such as `02:00:5e:00:53:01`")
    return int(word.text.replace(":", ""), 16)


def unquoted(word: Word) -> str:
    """The text of a word that may stand in double quotes, with ``\\r``, ``\\n``, ``\\xNN`` and the like."""
    text = word.text
    if not (len(text) >= 2 and text[0] == text[-1] == '"'):
        return text

    def escape(found: re.Match[str]) -> str:
        if found[1] is not None:
            return chr(int(found[1], 16))
        if found[2] not in _ESCAPES:
            raise word.wrong(f"`\\{found[2]}` is no escape", "they are `\\n`, `\\r`, `\\t`, `\\0`, `\\\\` and `\\xNN`")
        return _ESCAPES[found[2]]

    return re.sub(r"\\(?:x([0-9A-Fa-f]{2})|(.))", escape, text[1:-1], flags=re.DOTALL)


def _bits(words: Words, names: dict[str, int], what: str) -> int:
    if len(words) == 1 and words[0].text == "none":
        return 0
    found = 0
    for word in words:
        if word.text not in names:
            raise word.wrong(f"`{word.text}` is no {what}", f"they are {', '.join(names)}, or `none`")
        found |= names[word.text]
    return found


def _numbers(words: Words, names: dict[str, int], highest: int) -> tuple[int, ...]:
    return tuple(names[one.text] if one.text in names else number(one, highest) for one in words)


def _of(packet: Packet, word: Word, protocol: int, name: str) -> None:
    if packet.protocol != protocol:
        raise word.wrong(f"only packets of {name} have this")


def _named(field: Field) -> dict[str, int]:
    return dict(FIELDS[field].names)


def _tcp(packet: Packet, words: Words) -> None:
    _of(packet, words[0], TCP, "tcp")


def _flags(packet: Packet, words: Words) -> Packet:
    _tcp(packet, words)
    return replace(packet, flags=_bits(words, TCP_FLAG_BITS, "TCP flag"))


def _seq(packet: Packet, words: Words) -> Packet:
    _tcp(packet, words)
    return replace(packet, seq=number(words[0], 0xFFFFFFFF))


def _ack(packet: Packet, words: Words) -> Packet:
    _tcp(packet, words)
    return replace(packet, ack=number(words[0], 0xFFFFFFFF))


def _window(packet: Packet, words: Words) -> Packet:
    _tcp(packet, words)
    return replace(packet, window=number(words[0], 0xFFFF))


def _options(packet: Packet, words: Words) -> Packet:
    _tcp(packet, words)
    return replace(packet, options=frozenset(_numbers(words, TCP_OPTION_KINDS, 255)))


def _mss(packet: Packet, words: Words) -> Packet:
    _tcp(packet, words)
    return replace(packet, mss=number(words[0], 0xFFFF))


def _wscale(packet: Packet, words: Words) -> Packet:
    _tcp(packet, words)
    return replace(packet, wscale=number(words[0], 255))


def _sack(packet: Packet, words: Words) -> Packet:
    _tcp(packet, words)
    return replace(packet, sack=tuple(number(one, 0xFFFFFFFF) for one in words))


def _code(packet: Packet, words: Words) -> Packet:
    if packet.protocol not in ICMP_TYPES:
        raise words[0].wrong("only packets of icmp and icmpv6 have a code")
    return replace(packet, code=number(words[0], 255))


def _id(packet: Packet, words: Words) -> Packet:
    if packet.protocol not in ICMP_TYPES:
        raise words[0].wrong("only packets of icmp and icmpv6 have an identifier")
    return replace(packet, id=number(words[0], 0xFFFF))


def _chunks(packet: Packet, words: Words) -> Packet:
    _of(packet, words[0], SCTP, "sctp")
    return replace(packet, chunks=_numbers(words, SCTP_CHUNKS, 255))


def _vtag(packet: Packet, words: Words) -> Packet:
    _of(packet, words[0], SCTP, "sctp")
    return replace(packet, vtag=number(words[0], 0xFFFFFFFF))


def _init_tag(packet: Packet, words: Words) -> Packet:
    _of(packet, words[0], SCTP, "sctp")
    return replace(packet, init_tag=number(words[0], 0xFFFFFFFF))


def _call_id(packet: Packet, words: Words) -> Packet:
    _of(packet, words[0], GRE, "gre")
    return replace(packet, call_id=number(words[0], 0xFFFF))


def _spi(packet: Packet, words: Words) -> Packet:
    if packet.protocol not in (50, 51):
        raise words[0].wrong("only packets of esp and ah have a security parameter index")
    return replace(packet, spi=number(words[0], 0xFFFFFFFF))


def _dccp_type(packet: Packet, words: Words) -> Packet:
    _of(packet, words[0], DCCP, "dccp")
    return replace(packet, dccp_type=number(words[0], 15))


def _mh_type(packet: Packet, words: Words) -> Packet:
    if packet.family is not Family.IP6 or packet.protocol != MOBILITY:
        raise words[0].wrong("only mobility messages of IPv6 have such a type", f"their protocol is `{MOBILITY}`")
    return replace(packet, mh_type=number(words[0], 255))


def _headers(packet: Packet, words: Words) -> Packet:
    known = {one.value for one in ExtensionHeader if one is not ExtensionHeader.MH}
    for word in words:
        if word.text == ExtensionHeader.MH.value:
            raise word.wrong("a mobility header is a packet's protocol", f"as in `{MOBILITY} 2001:db8::9 -> host`")
        if word.text not in known:
            raise word.wrong(f"`{word.text}` is no extension header", f"they are {', '.join(sorted(known))}")
    if packet.family is not Family.IP6:
        raise words[0].wrong("only IPv6 packets have extension headers")
    return replace(packet, headers=frozenset(word.text for word in words))


def _payload(packet: Packet, words: Words) -> Packet:
    return replace(packet, payload=unquoted(words[0]).encode("latin-1", "replace"))


def _status(packet: Packet, words: Words) -> Packet:
    return _presume(packet, status=_bits(words, CT_STATUS_BITS, "bit of a flow's status"))


def _state(packet: Packet, words: Words) -> Packet:
    state = _STATES.get(words[0].text)
    if state is None:
        raise words[0].wrong(f"`{words[0].text}` is no conntrack state", f"they are {', '.join(_STATES)}")
    return _presume(packet, state=state)


def _direction(packet: Packet, words: Words) -> Packet:
    if words[0].text not in ("original", "reply"):
        raise words[0].wrong(f"`{words[0].text}` is no direction", "they are `original` and `reply`")
    return _presume(packet, reply=words[0].text == "reply")


def _original(packet: Packet, words: Words) -> Packet:
    source, destination = end_of(words[0]), end_of(words[1])
    for one in (source, destination):
        if one.family is not packet.family or one.address is None:
            raise one.word.wrong(f"`{one.word.text}` is no address of the packet's family")
    assert source.address is not None
    assert destination.address is not None
    ends = (
        source.address,
        source.port or packet.sport or 0,
        destination.address,
        destination.port or packet.dport or 0,
    )
    return _presume(packet, original=ends)


def _presume(
    packet: Packet,
    *,
    state: CtState | None = None,
    status: int | None = None,
    mark: int | None = None,
    reply: bool | None = None,
    helper: str | None = None,
    original: tuple[int, int, int, int] | None = None,
) -> Packet:
    """Add to what is presumed; a state that nobody names is the one that goes with the rest."""
    had = packet.presumed or Presumed(CtState.NEW)
    made = Presumed(
        had.state,
        had.status if status is None else status,
        had.mark if mark is None else mark,
        had.reply if reply is None else reply,
        helper or had.helper,
        original or had.original,
    )
    if state is not None:
        return replace(packet, presumed=replace(made, state=state))
    if had.state is CtState.NEW and (made.reply or (made.status or 0) & CT_STATUS_BITS["seen-reply"]):
        made = replace(made, state=CtState.ESTABLISHED)
    if had.state is CtState.NEW and (helper or (status or 0) & CT_STATUS_BITS["expected"]):
        made = replace(made, state=CtState.RELATED)
    return replace(packet, presumed=made)


OPTIONS: dict[str, Callable[[Packet, Words], Packet]] = {
    "into": lambda packet, words: replace(packet, iif=unquoted(words[0])),
    "out": lambda packet, words: replace(packet, oif=unquoted(words[0])),
    "flags": _flags,
    "seq": _seq,
    "ack": _ack,
    "window": _window,
    "options": _options,
    "mss": _mss,
    "wscale": _wscale,
    "sack": _sack,
    "code": _code,
    "id": _id,
    "chunks": _chunks,
    "vtag": _vtag,
    "init_tag": _init_tag,
    "call_id": _call_id,
    "ttl": lambda packet, words: replace(packet, ttl=number(words[0], 255)),
    "dscp": lambda packet, words: replace(packet, dscp=_numbers(words, _named(Field.IP_DSCP), 63)[0]),
    "ecn": lambda packet, words: replace(packet, ecn=_numbers(words, _named(Field.IP_ECN), 3)[0]),
    "length": lambda packet, words: replace(packet, length=number(words[0], 65575)),
    "payload": _payload,
    "mark": lambda packet, words: replace(packet, mark=number(words[0], 0xFFFFFFFF)),
    "uid": lambda packet, words: replace(packet, uid=number(words[0], 0xFFFFFFFF)),
    "gid": lambda packet, words: replace(packet, gid=number(words[0], 0xFFFFFFFF)),
    "cgroup": lambda packet, words: replace(packet, cgroup=number(words[0], 0xFFFFFFFF)),
    "mac": lambda packet, words: replace(packet, mac=mac(words[0])),
    "mac_to": lambda packet, words: replace(packet, mac_to=mac(words[0])),
    "vlan": lambda packet, words: replace(packet, vlan=number(words[0], 4095)),
    "spi": _spi,
    "dccp_type": _dccp_type,
    "mh_type": _mh_type,
    "headers": _headers,
    "priority": lambda packet, words: replace(packet, priority=number(words[0], 0xFFFFFFFF)),
    "realm": lambda packet, words: replace(packet, realm=number(words[0], 0xFFFFFFFF)),
    "cpu": lambda packet, words: replace(packet, cpu=number(words[0], 0xFFFFFFFF)),
    "pkttype": lambda packet, words: replace(packet, pkttype=_numbers(words, _named(Field.META_PKTTYPE), 255)[0]),
    "os": lambda packet, words: replace(packet, os=unquoted(words[0])),
    "fragment": lambda packet, words: replace(packet, fragment=True),
    "ipsec": lambda packet, words: replace(packet, ipsec=True),
    "socket": lambda packet, words: replace(packet, socket=True),
    "bad_checksum": lambda packet, words: replace(packet, bad_checksum=True),
    "state": _state,
    "status": _status,
    "ct_mark": lambda packet, words: _presume(packet, mark=number(words[0], 0xFFFFFFFF)),
    "ct_direction": _direction,
    "ct_helper": lambda packet, words: _presume(packet, helper=words[0].text),
    "ct_original": _original,
}
"""Option -> what it makes of a packet. Names are those of the grammar's rules; in JSON ``into`` is ``in``."""


def assemble(kind: Word, source: End, destination: End, host: Callable[[End, Family], int]) -> Packet:
    """The packet of a protocol between two ends; ``host`` finds the address of an end that is the host itself."""
    protocol, type_, code = protocol_of(kind)
    family = source.family or destination.family or ICMP_FAMILY.get(protocol, Family.IP)
    if ICMP_FAMILY.get(protocol, family) is not family:
        other = "icmpv6" if protocol == ICMP else "icmp"
        raise kind.wrong(f"`{kind.text}` between addresses of the other family", f"there it is `{other}`")
    if destination.family and destination.family is not family:
        raise destination.word.wrong("the two ends are of different families")
    for one in (source, destination):
        if one.port is not None and protocol not in PORT_PROTOCOLS:
            raise one.word.wrong(f"`{one.word.text}` has a port, which packets of {kind.text} have not")
    saddr = host(source, family) if source.address is None else source.address
    daddr = host(destination, family) if destination.address is None else destination.address
    ports = protocol in PORT_PROTOCOLS
    sport = (EPHEMERAL if source.port is None else source.port) if ports else None
    return Packet(
        family, protocol, saddr, daddr, sport, destination.port if ports else None,
        flags=SYN if protocol == TCP else 0, type=type_, code=code,
        # RFC 4861, 4: neighbour discovery is sent so, and taken no other way.
        ttl=255 if protocol == ICMPV6 and 133 <= type_ <= 137 else 64,
    )  # fmt: skip


def finish(packet: Packet, destination: Word) -> Packet:
    """What can only be said when all options are read."""
    if packet.fragment:
        return replace(packet, sport=None, dport=None, flags=0)
    if packet.protocol in PORT_PROTOCOLS and packet.dport is None:
        raise destination.wrong(f"`{destination.text}` has no port", f"as in `{_with_port(destination.text)}`")
    return packet


def _with_port(text: str) -> str:
    return f"[{text}]:80" if ":" in text and not text.startswith("[") else f"{text}:80"
