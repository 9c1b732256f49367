"""Any text is rulesets or diagnostics; nothing else ever comes out. POLC_FUZZ_EXAMPLES sets how many are tried."""

from __future__ import annotations

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from polc.diagnostics import Collector, Failure
from polc.diagnostics.text import render
from polc.importers.iptables.read import Input, Kind, read
from polc.importers.iptables.registry import MATCHES, TARGETS
from polc.ir.family import Family
from polc.source import SourceFile

EXAMPLES = int(os.environ.get("POLC_FUZZ_EXAMPLES", "200"))
SEEDS = (
    """*filter
:INPUT DROP [1:2]
:own - [0:0]
[5:300] -A INPUT ! -s 192.0.2.0/24,198.51.100.1 -p tcp -m tcp --dport 22 -m comment --comment "a \\"b\\"" -j own
-A own -m recent --update --seconds 5 --hitcount 3 --name x -m limit --limit 3/min -j LOG --log-prefix "x: "
-I INPUT 1 -m conntrack ! --ctstate NEW,DNAT -m owner ! --uid-owner 0 -g own
COMMIT
""",
    """#!/bin/sh
ipset create s hash:ip,port; ipset add s 192.0.2.1,tcp:80
iptables -t nat -A PREROUTING -p udp \\
  --dport 53 -j DNAT --to-destination 192.0.2.1-192.0.2.9:53-99/5 2>/dev/null && ip6tables -P INPUT DROP
iptables -A INPUT -m set --match-set s src,dst -j RETURN || $X
""",
    "create a hash:net family inet6 timeout 5\nadd a 2001:db8::/32 nomatch\nswap a a\nflush\n",
)
OPTIONS = sorted({f"--{option.name}" for one in (*MATCHES.values(), *TARGETS.values()) for option in one.options})
WORDS = (
    *OPTIONS,
    *(f"-m {name}" for name in MATCHES),
    *(f"-j {name}" for name in TARGETS),
    *("-A INPUT", "-I OUTPUT 1", "-D INPUT 1", "-R INPUT 1", "-F", "-X", "-N a", "-E a b", "-P INPUT DROP", "-Z", "-L"),
    *(
        "-p tcp",
        "-p 58",
        "-p icmp",
        "-p 0",
        "-s",
        "-d",
        "-i",
        "-o",
        "-f",
        "-c",
        "-g a",
        "-j a",
        "-t nat",
        "!",
        "--",
        "-",
    ),
    *("0", "1", "-1", "65536", "5:9", "9:5", ":", "0x10/0xff", "192.0.2.1", "10/8", "::1/64", "1-2", "tcp", "NEW,DNAT"),
    *("a,b", "root", "src,dst", "lo", "eth+", "+", "5/second", "1kb/s", "0.5", "|0a|", "ALL", "SYN,ACK", "Mo", "08:00"),
    *('"a b"', '""', "''", "[0:0]", "\\", '"', "'", "$X", "`", ";", "|", ">", "#", "\x00", "\xa0", "\u2028", "é"),
)


def attempt(text: str) -> None:
    for kind in Kind:
        for family in Family:
            collector = Collector()
            try:
                read([Input(SourceFile("any", text), kind, family)], collector)
            except Failure as failure:
                found = failure.diagnostics
            else:
                found = tuple(collector.in_order())
                assert not collector.has_errors
            assert all(one.span for one in found)
            assert render(found) or not found


@st.composite
def mangled(draw: st.DrawFn) -> str:
    """A file with pieces cut out and put in."""
    text = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 9)))
        text = text[:start] + draw(st.sampled_from(WORDS) | st.text(max_size=3)) + text[end:]
    return text


@settings(max_examples=EXAMPLES, deadline=None)
@given(mangled() | st.text(max_size=200) | st.binary(max_size=200).map(lambda data: data.decode("utf-8", "replace")))
def test_any_text(text: str) -> None:
    attempt(text)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=12), max_size=5))
def test_any_words(lines: list[list[str]]) -> None:
    body = "".join(f"-A INPUT {' '.join(words)}\n" for words in lines)
    attempt(f"*filter\n:a - [0:0]\n{body}COMMIT\n")


@st.composite
def extension(draw: st.DrawFn) -> str:
    """A match or target with options of its own, each with as many words as it takes."""
    chosen = draw(st.sampled_from([*MATCHES.values(), *TARGETS.values()]))
    words = [f"-j {chosen.name}" if chosen.name in TARGETS else f"-m {chosen.name}"]
    for option in draw(st.lists(st.sampled_from(chosen.options), max_size=4)) if chosen.options else ():
        words += ["!"] * draw(st.booleans()) + [f"--{option.name}"]
        words += [draw(VALUES) for _ in range(option.takes)]
    return " ".join(words)


VALUES = st.sampled_from(
    (
        *("0", "1", "5", "9:5", "5:9", "0:65535", ":", "255", "65535", "65536", "-1", "0x1/0x2", "1/0", "1,2,3", "08"),
        *(
            "192.0.2.1",
            "192.0.2.1-192.0.2.9",
            "192.0.2.9-192.0.2.1",
            "10/8",
            "10.0.0.1/255.0.255.0",
            "::1",
            "fe80::/10",
        ),
        *("0.0.0.0/0", "::/0", "192.0.2.1:80", "[::1]:80-90", ":80", "80-90", "tcp", "udp", "icmp", "icmpv6", "mark"),
        *("NEW", "NEW,DNAT", "SNAT", "NONE", "INVALID,UNTRACKED", "ALL", "SYN,ACK", "LOCAL", "UNICAST,LOCAL", "UNSPEC"),
        *("a", "src", "src,dst", "eth+", "+", "5/second", "5/day", "5kb/s", "0.5", "1.0", "nth", "random", "in", "out"),
        *("ipsec", "bytes", "packets", "both", "reply", "srcip,dstport", "bm", "|0a|", "08:00", "23:00", "Mo,7", "31"),
        *("Minimize-Delay", "EF", "redirect", "3/4", "any", "1:2", "tcp-reset", "crit", "linux", "02:00:00:00:00:01"),
    )
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.sampled_from(["", "-p tcp", "-p udp", "-p icmp", "-p icmpv6", "! -p 17", "-p esp", "-p 33", "-p sctp", "-p mh"]),
    st.lists(extension(), min_size=1, max_size=3),
    st.sampled_from(["", "-j DROP", "-j RETURN", "-g a", "-j a", "-j LOG"]),
    st.sampled_from(["INPUT", "OUTPUT", "a"]),
)
def test_any_extension(protocol: str, extensions: list[str], target: str, chain: str) -> None:
    attempt(f"*filter\n:a - [0:0]\n-A {chain} {protocol} {' '.join(extensions)} {target}\nCOMMIT\n")
    attempt(f"*mangle\n:a - [0:0]\n-A {chain} {protocol} {' '.join(extensions)} {target}\nCOMMIT\n")
