"""What fuzzing begins with: files of each kind, and words that bytes alone would hardly come upon."""

from __future__ import annotations

import os
import re
import socket
import struct
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

import dpkt

from polc.backends.model import Options
from polc.compiler import produce, read
from polc.diagnostics import Failure
from polc.importers.iptables.registry import MATCHES, TARGETS

ROOT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("POLC_CORPUS") or ROOT.parent / "shared" / "corpus")
LARGEST = 8192
"""Bytes of an input."""


def seeds(reader: str) -> list[bytes]:
    """Inputs to begin with, in one order."""
    return [data for data in dict.fromkeys(_SEEDS[reader]()) if data and len(data) <= LARGEST]


def _of(pattern: str) -> Iterator[bytes]:
    for path in sorted((ROOT / "tests" / "golden").glob(pattern)):
        yield path.read_bytes()


def _saved() -> Iterator[bytes]:
    yield from _of("*.rules.v?")
    for path in sorted((CORPUS / "iptables-save").glob("*.save")):
        yield path.read_bytes()


def _scripts() -> Iterator[bytes]:
    yield from _SCRIPTS
    for data in _of("*.rules.v4"):
        table, lines = "filter", []
        for line in data.decode().splitlines():
            table = line[1:] if line.startswith("*") else table
            if line.startswith("-"):
                lines.append(f"iptables -t {table} {line}")
            elif line.startswith(":") and " - " in line:
                lines.append(f"iptables -t {table} -N {line.split()[0][1:]}")
        yield "\n".join(lines).encode()


_SCRIPTS = (
    b"#!/bin/sh\nset -e\nIPT=/sbin/iptables\n$IPT -F\nfor port in 22 80; do $IPT -A INPUT -p tcp --dport $port; done\n",
    b"ipset create s hash:ip,port; ipset add s 192.0.2.1,tcp:80\niptables -t nat -A PREROUTING -p udp \\\n --dport 53 "
    b"-j DNAT --to-destination 192.0.2.1-192.0.2.9:53-99/5 2>/dev/null && ip6tables -P INPUT DROP || exit 1\n",
    b'start() {\niptables-restore <<EOF\n*filter\nCOMMIT\nEOF\n}\ncase "$1" in\nstart) start ;;\nesac\n',
    b"iptables -N a; iptables -I INPUT 1 -j a; iptables -R INPUT 1 -g a; iptables -D INPUT 1; iptables -E a b; "
    b"iptables -X b; iptables -Z; iptables -P INPUT DROP; sudo iptables -w 5 -S\n",
)


def _sets() -> Iterator[bytes]:
    yield from _of("*.sets.ipset")
    yield b"create a hash:net family inet6 timeout 5 maxelem 9\nadd a 2001:db8::/32 nomatch timeout 3\nswap a a\n"
    yield b"create l list:set size 8\ncreate b bitmap:port range 1-99 counters\nadd l b\nadd b 5-9\ndel b 7\n"
    yield b"-N x iphash\n-A x 192.0.2.1\n"
    yield b'create y hash:ip,port,net comment skbinfo\nadd y 10.0.0.1,tcp:80,10/8 comment "a"\n'


def _policies() -> Iterator[bytes]:
    yield from _of("*.yaml")
    for path in sorted((ROOT / "examples").glob("*.yaml")):
        yield path.read_bytes()


def _nft() -> Iterator[bytes]:
    for path in sorted((ROOT / "tests" / "golden").glob("*.yaml")):
        try:
            output = produce(read(str(path)), "nft", Options("json"))
        except Failure:
            continue
        for file in output.files:
            yield re.sub(r"\s+(?=[\[{\]}\"])", "", file.text).encode()


def _packets() -> Iterator[bytes]:
    for data in _policies():
        found = re.findall(r"^\s*- (?:accept|drop|reject) ((?:tcp|udp|icmp).*?)(?: becomes.*)?$", data.decode(), re.M)
        yield "\n".join(found[:8]).encode()
    yield b'[{"protocol": "tcp", "source": "198.51.100.9", "destination": "host", "dport": 22, "in": "eth0"}]'
    yield b'{"reply": true}{"wait": "3s"}{"packet": "udp 192.0.2.1:5 -> host:53 in eth1 ttl 3 dscp 4 length 99"}'
    yield b"icmp/3/3 198.51.100.9 -> host in eth0 about tcp host:22 -> 198.51.100.9:4000\nreply flags rst\nwait 1h2m"


def _hosts() -> Iterator[bytes]:
    yield b"eth0 203.0.113.1/24 2001:db8::1/64, eth1 192.0.2.1/24, 0.0.0.0/0 via eth0, ::/0 via eth0, local 10.0.0.0/8"
    for data in _policies():
        found = re.search(rb"host: (.*)$", data, re.M)
        if found:
            yield found[1]
    yield b'{"interfaces": {"eth0": ["203.0.113.1/24"]}, "routes": [{"to": "0.0.0.0/0", "via": "eth0"}]}'


def _captures() -> Iterator[bytes]:
    four = (socket.inet_aton("198.51.100.9"), socket.inet_aton("203.0.113.1"))
    six = tuple(socket.inet_pton(socket.AF_INET6, one) for one in ("2001:db8::9", "2001:db8::1"))
    tcp = dpkt.tcp.TCP(sport=4000, dport=22, flags=2, opts=b"\x02\x04\x05\xb4\x04\x02\x01\x01")
    udp = dpkt.udp.UDP(sport=53, dport=5000, data=b"x" * 9, ulen=17)
    echo = dpkt.icmp.ICMP(type=8, data=dpkt.icmp.ICMP.Echo(id=1, seq=2))
    gre, sctp = b"\x20\x01\x88\x0b" + bytes(12), struct.pack("!HHIIBBH", 1, 2, 3, 4, 1, 0, 20)
    datagrams = [
        bytes(dpkt.ip.IP(src=four[0], dst=four[1], p=number, data=data))
        for number, data in ((6, tcp), (17, udp), (1, echo), (47, gre), (132, sctp))
    ]
    datagrams += [
        bytes(dpkt.ip6.IP6(src=six[0], dst=six[1], nxt=number, plen=len(bytes(data)), data=data))
        for number, data in ((6, tcp), (17, udp), (58, b"\x80\0\0\0\0\1\0\2"), (44, b"\x11\0\0\1\0\0\0\7" + bytes(udp)))
    ]
    datagrams.append(bytes(dpkt.ip.IP(src=four[0], dst=four[1], p=1, data=b"\x03\x03\0\0\0\0\0\0" + datagrams[0])))
    for link, head in ((1, b"\2\0\x5e\0\0\x10\2\0\0\0\0\1"), (101, b""), (113, bytes(14)), (276, b"")):
        for data in datagrams:
            kind = struct.pack("!H", 0x86DD if data[0] >> 4 == 6 else 0x0800)
            frame = {1: head + kind + data, 113: head + kind + data, 276: kind + bytes(18) + data}.get(link, data)
            for writer in (dpkt.pcap.Writer, dpkt.pcapng.Writer):
                file = BytesIO()
                written = writer(file, linktype=link)
                written.writepkt(frame, 1.5)
                written.writepkt(frame, 2.5)
                yield file.getvalue()


_SEEDS = {
    "iptables-save": _saved,
    "script": _scripts,
    "ipset": _sets,
    "nft": _nft,
    "policy": _policies,
    "packet": _packets,
    "host": _hosts,
    "pcap": _captures,
}


def words(reader: str) -> list[bytes]:
    """Words for the dictionary."""
    found: set[str] = set()
    if reader in ("iptables-save", "script"):
        for one in (*MATCHES.values(), *TARGETS.values()):
            found.update((f" -m {one.name}" if one.name in MATCHES else f" -j {one.name}",))
            found.update(f" --{option.name} " for option in one.options)
        found.update((" -A INPUT", " -I ", " -D ", " -R ", " -N a", " -X", " -E a b", " -P INPUT DROP", " ! ", " -g "))
    for data in seeds(reader) if reader != "pcap" else ():
        found.update(re.findall(r"[A-Za-z][\w./:-]+|[\"'{}\[\]$`|&;<>]+", data.decode("utf-8", "replace")))
    return [one.encode() for one in sorted(found) if len(one) <= 40]


def dictionary(reader: str) -> str:
    """In the form of libFuzzer (AFL's): a quoted word a line."""
    return "".join(f'"{_quoted(one)}"\n' for one in words(reader))


def _quoted(data: Iterable[int]) -> str:
    return "".join(chr(one) if 32 <= one < 127 and one not in b'"\\' else f"\\x{one:02x}" for one in data)
