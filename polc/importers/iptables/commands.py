"""The options of iptables itself, that is of no extension (iptables(8); commandname options of iptables/xshared.c)."""

from __future__ import annotations

from polc.importers.iptables.extension import Option

COMMANDS: tuple[Option, ...] = (
    Option("append", short="A"),
    Option("check", short="C"),
    Option("delete", short="D", upto=1),
    Option("insert", short="I", upto=1),
    Option("replace", short="R", takes=2),
    Option("list", short="L", takes=0, upto=2),
    Option("list-rules", short="S", takes=0, upto=2),
    Option("flush", short="F", takes=0, upto=1),
    Option("zero", short="Z", takes=0, upto=2),
    Option("new-chain", short="N"),
    Option("delete-chain", short="X", takes=0, upto=1),
    Option("rename-chain", short="E", takes=2),
    Option("policy", short="P", takes=2),
)
"""What a line does: each has one."""

PROTOCOL = Option("protocol", short="p", negatable=True)
SOURCE = Option("source", ("src",), short="s", negatable=True)
DESTINATION = Option("destination", ("dst",), short="d", negatable=True)
IN = Option("in-interface", short="i", negatable=True)
OUT = Option("out-interface", short="o", negatable=True)
FRAGMENT = Option("fragments", short="f", takes=0, negatable=True)
COUNTERS = Option("set-counters", short="c", upto=1)
MATCH = Option("match", short="m", repeats=True)
JUMP = Option("jump", short="j")
GOTO = Option("goto", short="g")
TABLE = Option("table", short="t")
IPV4 = Option("ipv4", short="4", takes=0)
IPV6 = Option("ipv6", short="6", takes=0)

IDLE: tuple[Option, ...] = (
    Option("wait", short="w", takes=0, upto=1, repeats=True),
    Option("wait-interval", short="W", takes=0, upto=1, repeats=True),
    Option("verbose", short="v", takes=0, repeats=True),
    Option("numeric", short="n", takes=0, repeats=True),
    Option("exact", short="x", takes=0, repeats=True),
    Option("line-numbers", takes=0, repeats=True),
    Option("modprobe", short="M", repeats=True),
)
"""How a command is run or prints, not what it changes."""

BASIC: tuple[Option, ...] = (
    *COMMANDS,
    *(PROTOCOL, SOURCE, DESTINATION, IN, OUT, FRAGMENT, COUNTERS, MATCH, JUMP, GOTO, TABLE, IPV4, IPV6),
    *IDLE,
)
BY_LETTER: dict[str, Option] = {one.short: one for one in BASIC if one.short}


def _spellings(short: str, long: str) -> list[str]:
    return [short, *(f"--{long[:end]}" for end in range(1, len(long) + 1))]


KEYED: frozenset[str] = frozenset((*_spellings("-p", "protocol"), *_spellings("-m", "match")))
"""Options, however abbreviated, whose word decides which further options there are."""

JUMPS: frozenset[str] = frozenset(_spellings("-j", "jump"))
"""Options, however abbreviated, whose word does so where it is an extension, and not a chain."""
