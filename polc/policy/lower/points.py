"""New addresses and ports, as they stand behind ``->``."""

from __future__ import annotations

import re
from typing import NamedTuple

from polc.diagnostics import Collector
from polc.ir.addresses import parse_address
from polc.ir.family import Family
from polc.policy.document import Word
from polc.policy.lower import values


class Point(NamedTuple):
    """A new address range and port range; either may be missing, not both."""

    family: Family | None
    addresses: tuple[int, int] | None
    ports: tuple[int, int] | None


def point_of(word: Word, collector: Collector) -> Point | None:
    """``192.0.2.10``, ``192.0.2.10:80``, ``192.0.2.1-192.0.2.9:1024-65535``, ``[2001:db8::1]:80``, ``:3128``.

    None for a wrong one, which is recorded.
    """
    text = word.text
    try:
        if text.startswith("["):
            inside, bracket, rest = text[1:].rpartition("]")
            if not inside or not bracket or (rest and not rest.startswith(":")):
                raise ValueError(f"`{text}` is not an address in brackets with a port, such as `[2001:db8::1]:80`")
            address, ports = inside.replace("]-[", "-"), rest[1:]
            with_ports = bool(rest)
        elif text.count(":") == 1:
            address, _, ports = text.partition(":")
            with_ports = True
        else:
            address, ports, with_ports = text, "", False
        port_range = values.ports(ports) if with_ports else None
        if port_range and port_range[0] == 0:
            raise ValueError("port 0 is no port of a packet")
        if not address:
            if port_range is None:
                raise ValueError(f"`{text}` is neither an address nor a port")
            return Point(None, None, port_range)
        family, low, high = parse_address(address)
    except ValueError as error:
        collector.error("POL116", str(error), word.span, help=_help(text))
        return None
    return Point(family, (low, high), port_range)


def _help(text: str) -> str:
    if re.fullmatch(r"[0-9]{1,5}(-[0-9]{1,5})?", text):
        return f"a port alone is written `:{text}`"
    return ""
