"""Whole files as iptables-restore takes them, or does not: accepted by both or refused by both, and then what
iptables-save prints means what was read.

What differs on purpose is in ``STRICTER`` and ``LOOSER``.
"""

from __future__ import annotations

import re

import pytest
from importing import import_all

from polc.diagnostics import Failure
from polc.ir.canonical import differences
from polc.ir.ruleset import Ruleset
from polc.kernel.netns import Namespace
from polc.kernel.programs import find
from polc.passes import pipeline

FILES = {
    # Quotes, and what stands right behind them.
    "quotes": '-A INPUT -m comment --comment "a \\"b\\" c" -j ACCEPT',
    "backslash": '-A INPUT -m comment --comment "a\\\\b" -j ACCEPT',
    "quoted option": '-A INPUT -m comment --comment "-j DROP" -j ACCEPT',
    "quote in a word": '-A INPUT -m comment --comment a"b c"d -j ACCEPT',
    "open quote": '-A INPUT -m comment --comment "a b -j ACCEPT',
    "empty quotes": '-A INPUT -m comment --comment "" -j ACCEPT',
    "single quotes": "-A INPUT -m comment --comment 'a' -j ACCEPT",
    "single quotes with a blank": "-A INPUT -m comment --comment 'a b' -j ACCEPT",
    "hash in a rule": "-A INPUT -j ACCEPT # done",
    "hash in a comment": '-A INPUT -m comment --comment "# no comment" -j ACCEPT',
    "quoted names": '-A "INPUT" -s "192.0.2.1" -j "ACCEPT"',
    # Negation.
    "new": "-A INPUT ! -s 192.0.2.1 ! -p tcp -j DROP",
    "old": "-A INPUT -s ! 192.0.2.1 -j DROP",
    "old, of an extension": "-A INPUT -p tcp --dport ! 22 -j DROP",
    "twice": "-A INPUT ! ! -s 192.0.2.1 -j DROP",
    "old and new": "-A INPUT ! -s ! 192.0.2.1 -j DROP",
    "no blank": "-A INPUT !-s 192.0.2.1 -j DROP",
    "before a target": "-A INPUT ! -j DROP",
    "at the end": "-A INPUT -s 192.0.2.1 !",
    "of what cannot be": "-A INPUT -m limit ! --limit 5/second -j ACCEPT",
    # Counters.
    "counters": "[1:60] -A INPUT -j ACCEPT",
    "counters behind": "-A INPUT -c 1 60 -j ACCEPT",
    "counters and others": "[1:60] -A INPUT -c 2 120 -j ACCEPT",
    "counters without a number": "[:60] -A INPUT -j ACCEPT",
    "counters, unclosed": "[1:60 -A INPUT -j ACCEPT",
    "a counter alone": "[1] -A INPUT -j ACCEPT",
    # Commands.
    "insert": "-A INPUT -j ACCEPT\n-I INPUT -j DROP\n-I INPUT 2 -s 192.0.2.1 -j DROP",
    "insert too far": "-I INPUT 2 -j DROP",
    "insert at 0": "-I INPUT 0 -j DROP",
    "replace": "-A INPUT -j ACCEPT\n-R INPUT 1 -s 192.0.2.1 -j DROP",
    "replace nothing": "-R INPUT 1 -j DROP",
    "delete by number": "-A INPUT -j ACCEPT\n-A INPUT -j DROP\n-D INPUT 1",
    "delete by words": "-A INPUT -p tcp --dport ssh -j ACCEPT\n-D INPUT -p 6 -m tcp --dport 22 -j ACCEPT",
    "delete what is not there": "-D INPUT -j DROP",
    "new chain": "-N a\n-A a -j DROP\n-A INPUT -j a",
    "new chain twice": "-N a\n-N a",
    "flush": "-A INPUT -j ACCEPT\n-F INPUT",
    "flush all": "-A INPUT -j ACCEPT\n-A OUTPUT -j DROP\n-F",
    "delete a chain": "-N a\n-X a",
    "delete a chain in use": "-N a\n-A INPUT -j a\n-X a",
    "delete a chain with rules": "-N a\n-A a -j DROP\n-X a",
    "rename": "-N a\n-A INPUT -j a\n-E a b\n-A b -j DROP",
    "policy": "-P INPUT DROP",
    "policy of a chain of one's own": "-N a\n-P a DROP",
    "zero": "-A INPUT -j ACCEPT\n-Z",
    "two commands": "-A INPUT -A OUTPUT -j ACCEPT",
    "no chain": "-A",
    "no such command": "-Q INPUT",
    "check": "-A INPUT -j DROP\n-C INPUT -j DROP",
    # Lines of a file.
    "declared again": ":a - [0:0]\n:a - [0:0]",
    "declared late": "-A INPUT -j ACCEPT\n:a - [0:0]\n-A INPUT -j a",
    "policy without counters": ":INPUT DROP",
    "policy of no verdict": ":INPUT REJECT [0:0]",
    "chain with a policy": ":a ACCEPT [0:0]",
    "blank lines": "\n\n-A INPUT -j ACCEPT\n\n",
    "tabs": "-A\tINPUT\t-s 192.0.2.1  -j   ACCEPT",
    "trailing blanks": "-A INPUT -j ACCEPT   ",
    "jump to a chain that comes later": "-A INPUT -j later\n:later - [0:0]",
    "a circle": ":a - [0:0]\n:b - [0:0]\n-A INPUT -j a\n-A a -j b\n-A b -j a",
    "table in a rule": "-t filter -A INPUT -j ACCEPT",
    "other table in a rule": "-t nat -A PREROUTING -j ACCEPT",
    "two dashes at the end": "-A INPUT -j ACCEPT --",
    "two dashes between": "-A INPUT -- -j ACCEPT",
    "words behind two dashes": "-A INPUT -j ACCEPT -- now",
    "a word too many": "-A INPUT now -j ACCEPT",
    "equals sign": "-A INPUT -p tcp --dport=22 --jump=ACCEPT",
    "abbreviated": "-A INPUT --proto tcp --dest 192.0.2.1 --ju ACCEPT",
    "both lists": "-A INPUT -s 192.0.2.1,192.0.2.2 -d 198.51.100.1,198.51.100.2 -j DROP",
    "goto": ":a - [0:0]\n-A INPUT -g a\n-A a -p udp -j RETURN",
    "host bits": "-A INPUT -s 192.0.2.77/24 -j DROP",
    "mask": "-A INPUT -s 192.0.2.77/255.255.255.0 -j DROP",
}

STRICTER = {"open quote": "iptables takes what follows, the end of the line included, for the comment"}
"""What iptables-restore takes here, and is refused, since nobody can mean it."""

LOOSER = {
    "counters and others": "iptables-restore takes both where it is not told to restore counters (`-c`)",
    "old": "iptables before 1.4.3 took a `!` behind its option, and files of that time are read",
    "old, of an extension": "as above",
    "equals sign": "`--jump=ACCEPT` is what getopt_long(3) takes; iptables looks for a target of that whole name",
}
"""What iptables-restore refuses here, and is read as it can only be meant."""


def _read(text: str) -> Ruleset | None:
    try:
        found, _ = import_all(text)
    except Failure:
        return None
    return pipeline.run(found[0])


@pytest.mark.kernel("iptables-legacy")
def test_each_file(scratch: Namespace) -> None:
    restore, save = find("iptables-legacy-restore"), find("iptables-legacy-save")
    differ: list[tuple[str, str]] = []
    for name, lines in FILES.items():
        text = f"*filter\n{lines}\nCOMMIT\n"
        scratch.run([restore], input="*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n")
        # With `-c` it wants counters of each policy, too.
        counted = ["-c"] if name.startswith("counter") else []
        done = scratch.run([restore, *counted], input=text)
        taken, found = done.returncode == 0, _read(text)
        if name in STRICTER or name in LOOSER:
            if taken is not (name in STRICTER) or (found is not None) is not (name in LOOSER):
                differ.append((name, "it is as with iptables-restore by now"))
        elif taken is not (found is not None):
            differ.append((name, f"iptables-restore: {done.stderr.strip() or 'taken'}"))
        elif found is not None:
            printed = scratch.run([save, "-c", "-t", "filter"]).stdout.replace("[0:0] -A", "-A")
            # A file that names a chain has it; what is printed names all of them.
            wrong = [one for one in differences(found, _known(printed)) if not re.match("the chain .* not wanted", one)]
            differ += [(name, wrong[0])] if wrong else []
    assert not differ


def _known(text: str) -> Ruleset:
    found = _read(text)
    assert found is not None, text
    return found
