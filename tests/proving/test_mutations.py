"""Mistakes that a backend could make, each made on purpose in what was emitted: all are seen, and shown by a packet."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from polc.backends.model import OutputFile
from polc.compiler import emit
from polc.diagnostics import Collector
from polc.ir.ruleset import Ruleset
from polc.passes import pipeline
from polc.policy.read import inspect_source
from polc.proving.model import Result, Seen
from polc.proving.validation import validate
from polc.source import SourceFile

POLICY = """\
polc: 1
zones: {wan: eth0, lan: eth1}
addresses: {admins: [198.51.100.0/24, 203.0.113.128/25], banned: {dynamic: true, timeout: 1h, size: 1000}}
raw:
  prerouting:
    - drop from wan 10.0.0.0/8
input:
  default: drop
  rules:
    - use stateful
    - use loopback
    - use icmp-essentials
    - drop from @banned
    - drop tcp where tcp flags syn, fin / syn, fin
    - drop udp/5000-5010 from wan
    - accept udp/5000-6000 from wan
    - accept ssh from wan @admins state new
    - reject with tcp-reset tcp/25 from not lan
    - drop tcp/8080 over 10/minute burst 3 per source
    - accept tcp/8080
    - accept tcp/443 from wan not 192.0.2.0/24
    - 'log "in: " limit 5/minute'
forward:
  default: drop
  rules:
    - use stateful
    - accept from lan to wan
    - mark set 0x10 tcp/80 from wan
    - accept tcp/80 from wan to 192.0.2.10 where ct status dnat
nat:
  - dnat tcp/8000 from wan -> 192.0.2.10:80
  - masquerade from lan 0.0.0.0/0 to wan
"""


@cache
def meant() -> Ruleset:
    return inspect_source(SourceFile("m.yaml", POLICY), Collector()).ruleset


@cache
def emitted(target: str) -> tuple[OutputFile, ...]:
    return emit(pipeline.run(meant()), target).files


IPTABLES: dict[str, tuple[str, str]] = {
    "dropped rule": ('-A INPUT -i eth0 -p udp -m udp --dport 5000:5010 -m comment --comment "m.yaml:15" -j DROP\n', ""),
    "off by one port": ("--dport 5000:5010", "--dport 5000:5009"),
    "lost negation of an interface": ("! -i eth1 -p tcp", "-i eth1 -p tcp"),
    "lost negation of addresses": ("! -s 192.0.2.0/24 -i eth0", "-s 192.0.2.0/24 -i eth0"),
    "widened prefix": ("-s 198.51.100.0/24", "-s 198.51.100.0/23"),
    "narrowed prefix": ("-s 203.0.113.128/25", "-s 203.0.113.128/26"),
    "merged flag bits": ("--tcp-flags FIN,SYN FIN,SYN", "--tcp-flags FIN,SYN SYN"),
    "accept for drop": ('"m.yaml:6" -j DROP', '"m.yaml:6" -j ACCEPT'),
    "drop for reject": ("-j REJECT --reject-with tcp-reset", "-j DROP"),
    "another answer": ("-j REJECT --reject-with tcp-reset", "-j REJECT --reject-with icmp-port-unreachable"),
    "removed limit": ("-m limit --limit 10/sec --limit-burst 20 ", ""),
    "another burst": ("--limit 10/sec --limit-burst 20", "--limit 10/sec --limit-burst 21"),
    "under for over": ("--hashlimit-above 10/min", "--hashlimit-upto 10/min"),
    "another key": ("--hashlimit-mode srcip", "--hashlimit-mode dstip"),
    "lost interface": ("-A FORWARD -i eth1 -o eth0", "-A FORWARD -i eth1"),
    "lost state": (" -m conntrack --ctstate NEW -m comment", " -m comment"),
    "another state": ("--ctstate RELATED,ESTABLISHED ", "--ctstate RELATED,ESTABLISHED,NEW "),
    "lost status": (" -m conntrack --ctstate DNAT", ""),
    "lost set": ("-m set --match-set banned-v4 src ", ""),
    "negated set": ("--match-set banned-v4 src", "--match-set banned-v4 dst"),
    "another policy": (":INPUT DROP", ":INPUT ACCEPT"),
    "another prefix of a log": ('--log-prefix "in: "', '--log-prefix "on: "'),
    "another mark": ("--set-xmark 0x10/0xffffffff", "--set-xmark 0x11/0xffffffff"),
    "another mask": ("--set-xmark 0x10/0xffffffff", "--set-xmark 0x10/0x7fffffff"),
    "another target of NAT": ("--to-destination 192.0.2.10:80", "--to-destination 192.0.2.10:81"),
    "lost NAT": ("-A nat-postrouting-1 -i eth1 -o eth0 -m comment --comment \"m.yaml:32\" -j MASQUERADE\n", ""),
    "another protocol": ("-p tcp -m tcp --dport 443", "-p udp -m udp --dport 443"),
    "another type of ICMP": ("--icmp-type 11 ", "--icmp-type 13 "),
    "a return for an accept": ('"m.yaml:20" -j ACCEPT', '"m.yaml:20" -j RETURN'),
}  # fmt: skip
"""Name -> what is replaced in rules.v4, and what by."""


def swapped(text: str) -> str:
    """The rule of line 15 behind the one of line 16."""
    lines = text.splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if '"m.yaml:15"' in line)
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    return "".join(lines)


def shown(target: str, files: tuple[OutputFile, ...]) -> tuple[Seen, ...]:
    answer = validate([meant()], target, files)
    assert answer.result is Result.REFUTED, answer
    assert answer.counterexample is not None
    assert len(answer.counterexample.seen) == 2
    return answer.counterexample.seen


@pytest.mark.parametrize("target", ["nft", "iptables"])
def test_what_is_emitted_is_proven(target: str) -> None:
    assert validate([meant()], target, emitted(target)).result is Result.PROVEN


@pytest.mark.parametrize("name", IPTABLES)
def test_iptables(name: str) -> None:
    before, after = IPTABLES[name]
    sets, rules, *others = emitted("iptables")
    assert before in rules.text
    shown("iptables", (sets, OutputFile(rules.name, rules.text.replace(before, after, 1)), *others))


def test_iptables_swapped_order() -> None:
    sets, rules, *others = emitted("iptables")
    seen = shown("iptables", (sets, OutputFile(rules.name, swapped(rules.text)), *others))
    assert [one.fate.value for one in seen] == ["drop", "accept"]


def test_iptables_wrong_family() -> None:
    """Rules that are missing in the file of one family."""
    sets, four, six = emitted("iptables")
    shown("iptables", (sets, four, OutputFile(six.name, empty(six.text))))


def empty(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("-A INPUT"))


Expr = list[dict[str, Any]]


def without(key: str) -> Callable[[Expr], Expr]:
    return lambda expr: [one for one in expr if key not in json.dumps(one)]


def replaced(before: str, after: str) -> Callable[[Expr], Expr]:
    def change(expr: Expr) -> Expr:
        text = json.dumps(expr)
        assert before in text, text
        changed: Expr = json.loads(text.replace(before, after, 1))
        return changed

    return change


NFT: dict[str, tuple[int, Callable[[Expr], Expr]]] = {
    "off by one port": (15, replaced("[5000, 5010]", "[5000, 5009]")),
    "lost negation of an interface": (18, replaced('"!=", "left": {"meta"', '"==", "left": {"meta"')),
    "lost negation of addresses": (21, replaced('"op": "!="', '"op": "=="')),
    "widened prefix": (6, replaced('"len": 8', '"len": 7')),
    "merged flag bits": (14, replaced('"op": "==", "left": {"&"', '"op": "!=", "left": {"&"')),
    "accept for drop": (6, replaced('"drop"', '"accept"')),
    "removed limit": (12, without('"limit"')),
    "lost meter": (19, without('"meter"')),
    "lost interface": (27, without('"oifname"')),
    "wrong family": (21, replaced('"ipv6"', '"ipv4"')),
    "lost state": (17, without('"ct"')),
    "lost status": (29, without('"status"')),
    "lost set": (13, without('"saddr"')),
    "lost mark": (28, without('"mangle"')),
    "another prefix of a log": (22, replaced("in: ", "on: ")),
    "lost log": (22, without('"log"')),
    "another target of NAT": (31, replaced('"port": 80', '"port": 81')),
    "lost NAT": (32, without('"masquerade"')),
    "a return for an accept": (20, replaced('"accept"', '"return"')),
}  # fmt: skip
"""Name -> the line of the policy whose rules are changed, and how."""


def changed(line: int, change: Callable[[Expr], Expr]) -> OutputFile:
    (file,) = emitted("nft")
    tree = json.loads(file.text)
    found = 0
    for command in tree["nftables"]:
        rule = command.get("add", {}).get("rule")
        if rule and rule["comment"].split()[0] == f"m.yaml:{line}":
            try:
                expr = change(rule["expr"])
            except AssertionError:
                continue
            found += expr != rule["expr"]
            rule["expr"] = expr
    assert found
    return OutputFile(file.name, json.dumps(tree))


@pytest.mark.parametrize("name", NFT)
def test_nft(name: str) -> None:
    shown("nft", (changed(*NFT[name]),))


def test_nft_dropped_rule() -> None:
    (file,) = emitted("nft")
    tree = json.loads(file.text)
    kept = [one for one in tree["nftables"] if "m.yaml:15" not in json.dumps(one)]
    assert len(kept) == len(tree["nftables"]) - 1
    shown("nft", (OutputFile(file.name, json.dumps({"nftables": kept})),))


def test_nft_swapped_order() -> None:
    (file,) = emitted("nft")
    commands = json.loads(file.text)["nftables"]
    at = next(number for number, one in enumerate(commands) if "m.yaml:15" in json.dumps(one))
    commands[at], commands[at + 1] = commands[at + 1], commands[at]
    seen = shown("nft", (OutputFile(file.name, json.dumps({"nftables": commands})),))
    assert [one.fate.value for one in seen] == ["drop", "accept"]


def test_nft_lost_element() -> None:
    (file,) = emitted("nft")
    assert '"len": 25' in file.text or '"len":25' in file.text
    text = file.text.replace('"len": 25', '"len": 26').replace('"len":25', '"len":26')
    shown("nft", (OutputFile(file.name, text),))


def test_nft_another_policy() -> None:
    (file,) = emitted("nft")
    text = json.dumps(json.loads(file.text)).replace('"policy": "drop"', '"policy": "accept"', 1)
    shown("nft", (OutputFile(file.name, text),))


@pytest.mark.parametrize("target", ["nft", "iptables"])
def test_nothing_at_all_is_not_what_was_meant(target: str) -> None:
    files = {"nft": (OutputFile("ruleset.nft", '{"nftables": []}'),), "iptables": ()}
    shown(target, files[target])


def test_iptables_without_the_file_of_a_family() -> None:
    for left_out in (1, 2):
        files = emitted("iptables")
        shown("iptables", (*files[:left_out], *files[left_out + 1 :]))
