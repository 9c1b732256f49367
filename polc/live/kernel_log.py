"""A line of the kernel's log as a packet: what nf_log writes behind a rule's prefix (net/netfilter/nf_log_syslog.c)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from polc.diagnostics import Failure
from polc.ir.protocols import ICMP_TYPES, PROTOCOLS
from polc.source import SourceFile

_START = re.compile(r"(?P<prefix>.*?)IN=(?P<rest>\S* OUT=.*)", re.DOTALL)
_CLOCK = re.compile(r"^.*?(?:kernel: ?(?:\[ *[\d.]+\] ?)?|^\[ *[\d.]+\] ?|^<\d+>)")
_PAIR = re.compile(r"\b([A-Z]+)=(\S*)")
_FLAGS = {
    "CWR": "cwr",
    "ECE": "ecn",
    "URG": "urg",
    "ACK": "ack",
    "PSH": "psh",
    "RST": "rst",
    "SYN": "syn",
    "FIN": "fin",
}
_NAMES = {"ICMPv6": "icmpv6", "UDPLITE": "udplite"}


@dataclass(frozen=True, slots=True)
class Logged:
    """``prefix`` is the rule's own text, ``packet`` the packet in words, as far as the line tells."""

    prefix: str
    packet: str


def is_log(line: str) -> bool:
    return _START.search(line) is not None and "SRC=" in line


def read_log(source: SourceFile) -> Logged:
    """The packet of a line, as it was when it was logged.

    Raises:
        Failure: POL070, there is none in it.
    """
    # A packet within an ICMP error stands in brackets at the end: it is what that is about.
    line = re.sub(r" ?\[SRC=.*\]", "", source.text)
    found = _START.search(line)
    values = dict(_PAIR.findall(f"IN={found['rest']}")) if found else {}
    if found is None or not {"SRC", "DST", "PROTO"} <= values.keys():
        raise Failure.of(
            "POL070",
            "there is no packet in this line",
            source.whole(),
            help="a line of the kernel log has `IN=... SRC=... DST=... PROTO=...`; a packet in words is such as "
            "`tcp 198.51.100.9:4000 -> host:22 in eth0`",
        )
    prefix = _CLOCK.sub("", found["prefix"], count=1)
    return Logged(prefix, " ".join(_words(values, found["rest"].split())))


def _words(values: dict[str, str], bare: list[str]) -> list[str]:
    name = values["PROTO"]
    protocol = _NAMES.get(name, name.lower())
    ports = "SPT" in values and "DPT" in values
    kind = protocol
    number = PROTOCOLS.get(protocol, int(protocol) if protocol.isdigit() else -1)
    if number in ICMP_TYPES and "TYPE" in values:
        kind = f"{protocol}/{values['TYPE']}/{values.get('CODE', '0')}"
    ends = [
        _end(values[side], values.get(port, "") if ports else "") for side, port in (("SRC", "SPT"), ("DST", "DPT"))
    ]
    found = [kind, ends[0], "->", ends[1]]
    for key, word in (("IN", "in"), ("OUT", "out")):
        if values.get(key):
            found += [word, values[key]]
    flags = [word for key, word in _FLAGS.items() if key in bare]
    if protocol == "tcp":
        found += ["flags", ",".join(flags) or "none"]
    for key, word in (("TTL", "ttl"), ("HOPLIMIT", "ttl"), ("MARK", "mark")):
        if values.get(key):
            found += [word, values[key]]
    return found


def _end(address: str, port: str) -> str:
    if ":" in address:
        return f"[{address}]:{port}" if port else address
    return f"{address}:{port}" if port else address
