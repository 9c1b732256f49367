"""What became of rules of iptables that nft says in another way: the same packets through both."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateway import gateway
from lab import Lab
from test_nft_packets import load, to_host, walk

from polc.backends.model import Fidelity, Options
from polc.backends.nft.backend import NftBackend
from polc.diagnostics import Collector
from polc.importers.iptables.read import Input, Kind, read
from polc.ir.family import Family
from polc.kernel.netns import Namespace
from polc.passes import pipeline
from polc.source import SourceFile


def translated(rules: str, names: frozenset[str], format: str = "json", family: Family = Family.IP) -> str:
    """``names`` are the approximations in it."""
    (found,) = read([Input(SourceFile("rules", rules), Kind.RESTORE, family)], Collector())
    output = NftBackend().emit(pipeline.run(found), Options(format))
    assert {one.name for one in output.deviations} == names, output.deviations
    assert all(one.fidelity is not Fidelity.REFUSED for one in output.deviations)
    return output.files[0].text


def restore(namespace: Namespace, rules: str, tool: str = "iptables-legacy-restore") -> None:
    done = namespace.run([tool], input=rules)
    assert done.returncode == 0, done.stderr


# Two rules record and two ask, for other times and counts; what is asked of SSH holds back SMTP too.
COUNTS = """*filter
:INPUT DROP
-A INPUT -p tcp --dport 22 -m recent --update --seconds 2 --hitcount 4 --name guard -j DROP
-A INPUT -p tcp --dport 25 -m recent --update --seconds 5 --hitcount 6 --name guard -j DROP
-A INPUT -p tcp --dport 22 -m recent --set --name guard -j ACCEPT
-A INPUT -p tcp --dport 25 -m limit --limit 1/hour --limit-burst 100 -m recent --set --name guard -j ACCEPT
-A INPUT -p tcp --dport 80 -m recent ! --set --name guard -j DROP
-A INPUT -p tcp --dport 80 -j ACCEPT
COMMIT
"""
OTHER = "198.51.100.8"
SEEN = (
    # The first four pass, and then it is blocked while it goes on.
    *[to_host("accept", 22)] * 4,
    *[to_host("drop", 22)] * 3,
    to_host("drop", 25),
    # Each source has its own count, over all rules that record.
    *[to_host("accept", 22, OTHER)] * 3,
    *[to_host("accept", 25, OTHER)] * 2,
    to_host("drop", 22, OTHER),
    to_host("accept", 80, OTHER),
    to_host("drop", 25, OTHER),
    1.0,
    to_host("drop", 22),
    # Quiet for the time that is asked for, it passes again; the longer one still counts.
    2.4,
    to_host("accept", 22),
    to_host("drop", 25),
    5.4,
    to_host("accept", 25),
    to_host("accept", 22),
)


@pytest.mark.kernel("iptables-legacy", "recent")
@pytest.mark.parametrize("loaded", ["iptables", "nft"])
def test_several_counts_of_a_list(loaded: str) -> None:
    with gateway() as namespace:
        if loaded == "iptables":
            restore(namespace, COUNTS)
        else:
            load(namespace, translated(COUNTS, frozenset({"recent-as-set"})))
        assert walk(namespace, SEEN) == []


RAW = """*raw
:OUTPUT ACCEPT
:reject -
:ftp~helper -
-A OUTPUT -o lo -j ACCEPT
{before}-A OUTPUT -p tcp -m limit --limit 1/day --limit-burst 1 -j LOG
-A OUTPUT -p tcp -j reject
-A reject -p udp -j ACCEPT
-A reject -j ftp~helper
-A ftp~helper ! -p tcp -j RETURN
-A ftp~helper -p tcp --dport 21 -j CT --helper ftp
COMMIT
*filter
:INPUT DROP
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
"""
WAYS = {
    "helper": ("", True),
    "accepted before": ("-A OUTPUT -p tcp --dport 20:21 -j ACCEPT\n", False),
    "settled before": ("-A OUTPUT -p tcp -j CT --zone 0\n", False),
    "accepted for others": ("-A OUTPUT -p tcp --dport 22 -j ACCEPT\n", True),
}


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    directory = tmp_path / "served"
    directory.mkdir()
    (directory / "readme.txt").write_text("text\n")
    with Lab("server", "client") as lab:
        lab.peer("server", "ftp_server.py", "21", str(directory))
        yield lab


@pytest.mark.kernel("iptables-legacy", "ftp-helper", "conntrack")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("loaded", ["iptables", "nft"])
def test_a_helper_of_the_raw_table(lab: Lab, way: str, loaded: str) -> None:
    """Active FTP: the data connection comes through where the control connection has the helper."""
    before, works = WAYS[way]
    rules = RAW.format(before=before)
    client = lab["client"].namespace
    if loaded == "iptables":
        restore(client, rules)
    else:
        load(client, translated(rules, frozenset({"renamed"})))
    answer = lab.peer("client", "ftp_client.py").ask("list", lab["server"].address("ip"), 21, 1.5)
    assert (answer == "readme.txt") is works, answer


# Ports of the packets below: what an extension header has in it, and whether the rule there drops it.
_PAD = "01 04 00 00 00 00"
HEADERS = [
    ("-m rt --rt-type 0 --rt-segsleft 0", "43: 11 02 00 00 00 00 00 00" + " 00" * 16, True),
    ("-m rt --rt-type 0 --rt-segsleft 0", f"60: 11 00 {_PAD}", False),
    ("-m rt ! --rt-type 0", "43: 11 02 00 00 00 00 00 00" + " 00" * 16, False),
    ("-m rt --rt-len 24", "43: 11 02 00 00 00 00 00 00" + " 00" * 16, True),
    ("-m rt ! --rt-segsleft 1:3", "43: 11 02 00 00 00 00 00 00" + " 00" * 16, True),
    ("-m rt ! --rt-segsleft 1:3", f"60: 11 00 {_PAD}", False),
    ("-m hbh --hbh-len 8", f"0: 11 00 {_PAD}", True),
    ("-m hbh --hbh-len 16", f"0: 11 00 {_PAD}", False),
    ("-m hbh ! --hbh-len 16", f"0: 11 00 {_PAD}", True),
    ("-m dst --dst-len 16", "60: 11 01 1e 0c" + " 00" * 12, True),
    ("-m dst --dst-len 16", f"60: 11 00 {_PAD}", False),
    ("-m dst ! --dst-len 12", f"60: 11 00 {_PAD}", True),
    ("-m dst ! --dst-len 12", "44: 11 00 00 00 00 00 00 07", False),
    ("-m dst --dst-len 12", f"60: 11 00 {_PAD}", False),
    ("-m frag --fragid 5:9 --fragfirst --fraglast --fragres", "44: 11 00 00 00 00 00 00 07", True),
    ("-m frag --fragid 5:9", "44: 11 00 00 00 00 00 00 0a", False),
    ("-m frag ! --fragid 5:9", "44: 11 00 00 00 00 00 00 0a", True),
    ("-m frag --fragmore", "44: 11 00 00 00 00 00 00 07", False),
    ("-m frag --fragres", "44: 11 01 00 00 00 00 00 07", False),
]
_SEND = """
import socket, struct, sys
one = socket.inet_pton(socket.AF_INET6, "::1")
def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF or 0xFFFF
raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
for number, words in enumerate(sys.argv[1:]):
    kind, _, body = words.partition(":")
    header = bytes.fromhex(body)
    port = 1000 + number
    end = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    end.bind(("::1", port))
    end.settimeout(0.1)
    udp = struct.pack(">HHHH", 9, port, 8, 0)
    udp = udp[:6] + struct.pack(">H", checksum(one + one + struct.pack(">II", 8, 17) + udp))
    packet = struct.pack(">IHBB", 6 << 28, len(header) + 8, int(kind), 64) + one + one + header + udp
    try:
        raw.sendto(packet, ("::1", 0))
        end.recv(1)
        print("passed")
    except (PermissionError, TimeoutError):
        print("dropped")
    end.close()
"""


@pytest.mark.kernel("iptables-legacy")
@pytest.mark.parametrize("loaded", ["nothing", "ip6tables", "json", "text"])
def test_what_is_in_an_extension_header(scratch: Namespace, loaded: str) -> None:
    drops = [f"-A OUTPUT -p udp --dport {1000 + at} {words} -j DROP" for at, (words, *_) in enumerate(HEADERS)]
    rules = "\n".join(["*filter", *drops, "COMMIT", ""])
    assert scratch.run(["ip", "link", "set", "lo", "up"]).returncode == 0
    if loaded == "ip6tables":
        restore(scratch, rules, "ip6tables-legacy-restore")
    elif loaded != "nothing":
        load(scratch, translated(rules, frozenset(), loaded, Family.IP6))
    done = scratch.run([sys.executable, "-c", _SEND, *(header for _, header, _ in HEADERS)])
    assert done.returncode == 0, done.stderr
    expected = ["dropped" if drops and loaded != "nothing" else "passed" for _, _, drops in HEADERS]
    assert done.stdout.split() == expected
