"""Mistakes that a backend could make, each made on purpose in what was emitted: all are seen, and shown by a packet."""

from __future__ import annotations

import json
from functools import cache

import pytest

from polc.backends.model import OutputFile
from polc.compiler import emit
from polc.diagnostics import Collector, Failure
from polc.ir.flavour import Flavour
from polc.ir.ruleset import Ruleset
from polc.mutations.model import Mutant
from polc.mutations.table import MUTATIONS, mutants
from polc.passes import pipeline
from polc.policy.read import inspect_source
from polc.probing.faults import Effect, effect_of
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
  - snat from lan 192.0.2.99 to wan -> 203.0.113.7
  - masquerade from lan 0.0.0.0/0 to wan
output:
  default: accept
  rules:
    - drop tcp/25,587 to 198.51.100.0/24, 203.0.113.0/24
    - jump guard udp
    - 'vmap tcp dport {1: drop, 2: drop}'
    - drop where meta mark & 0xff == 5
    - drop udp where fib daddr type broadcast, multicast
chains:
  guard: [drop udp/99, return]
"""


MOST = 16
"""Mutants of one kind that are tried."""

NONE_HERE = frozenset(
    {
        "element lost",
    }
)  # fmt: skip
"""Kinds of which the policy has no rule."""


@cache
def meant() -> Ruleset:
    return inspect_source(SourceFile("m.yaml", POLICY), Collector()).ruleset


@cache
def emitted(target: str) -> tuple[OutputFile, ...]:
    return emit(pipeline.run(meant()), target).files


@cache
def of_kind(name: str) -> tuple[Mutant, ...]:
    """Mutants of one kind, spread over the policy."""
    every = [one for one in mutants(pipeline.run(meant())) if one.mutation == name]
    return tuple(every[:: max(1, len(every) // MOST)])


KINDS = [one.name for one in MUTATIONS if one.name not in NONE_HERE]


@pytest.mark.parametrize("target", ["nft", "iptables"])
@pytest.mark.parametrize("name", KINDS)
def test_it_is_seen_where_it_changes_anything(name: str, target: str) -> None:
    """The table that ``polc verify --mutations`` has, too."""
    seen = 0
    for mutant in of_kind(name):
        try:
            files = emit(mutant.ruleset, target).files
        except Failure:
            # The target refuses it.
            continue
        answer = validate([meant()], target, files)
        if answer.result is Result.REFUTED:
            assert answer.counterexample is not None
            assert len(answer.counterexample.seen) == 2
            seen += 1
        elif answer.result is Result.PROVEN:
            assert effect_of((pipeline.run(meant()),), (mutant.ruleset,), Flavour(target))[0] is Effect.NOTHING
        else:
            assert answer.reason
    assert seen


def test_kinds_that_the_policy_has_nothing_for() -> None:
    assert [name for name in NONE_HERE if of_kind(name)] == []


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


def test_nft_wrong_family() -> None:
    (file,) = emitted("nft")
    tree = json.loads(file.text)
    rules = [one["add"]["rule"] for one in tree["nftables"] if "rule" in one.get("add", {})]
    rule = next(one for one in rules if one["comment"] == "m.yaml:21" and "ipv6" in json.dumps(one["expr"]))
    rule["expr"] = json.loads(json.dumps(rule["expr"]).replace("ipv6", "ipv4"))
    shown("nft", (OutputFile(file.name, json.dumps(tree)),))


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


@pytest.mark.parametrize("target", ["nft", "iptables"])
def test_nothing_at_all_is_not_what_was_meant(target: str) -> None:
    files = {"nft": (OutputFile("ruleset.nft", '{"nftables": []}'),), "iptables": ()}
    shown(target, files[target])


def test_iptables_without_the_file_of_a_family() -> None:
    for left_out in (1, 2):
        files = emitted("iptables")
        shown("iptables", (*files[:left_out], *files[left_out + 1 :]))
