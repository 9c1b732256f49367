"""Rules in a target's own words are proven to stand where they were meant to, and to be what was copied."""

from __future__ import annotations

from dataclasses import replace

import pytest

from polc.compiler import emit
from polc.diagnostics import Collector
from polc.passes import pipeline
from polc.policy.read import inspect_source
from polc.proving.model import Answer, Result
from polc.proving.native import WORDS
from polc.proving.validation import validate
from polc.source import SourceFile

POLICY = """\
polc: 1
input:
  default: drop
  rules:
    - native:
        nft_json:
          - {match: {op: "==", left: {payload: {protocol: tcp, field: dport}}, right: 8443}}
          - {accept: null}
        nft: tcp dport 8443 accept
        iptables: -p tcp -m tcp --dport 8443 -j ACCEPT
    - drop tcp/8000-9000
    - accept tcp/1-65535
"""


def judged(text: str, target: str, *changes: tuple[str, str]) -> Answer:
    """What is proven of the output with some words of it changed."""
    meant = inspect_source(SourceFile("policy.yaml", text), Collector()).ruleset
    files = emit(pipeline.run(meant), target).files
    for old, new in changes:
        assert any(old in one.text for one in files), [one.text for one in files]
        files = tuple(replace(one, text=one.text.replace(old, new)) for one in files)
    return validate([meant], target, files)


@pytest.mark.parametrize("target", ["nft", "iptables"])
def test_they_are_proven(target: str) -> None:
    answer = judged(POLICY, target)
    assert answer.result is Result.PROVEN
    assert WORDS in answer.assumes


def test_nothing_is_assumed_of_words_where_there_are_none() -> None:
    answer = judged("polc: 1\ninput: {default: drop, rules: [accept tcp/22]}\n", "iptables")
    assert answer.result is Result.PROVEN
    assert WORDS not in answer.assumes


@pytest.mark.parametrize(
    ("target", "old", "new"),
    [
        ("nft", "8443", "8444"),
        ("iptables", "--dport 8443", "--dport 8444"),
        ("iptables", "--dport 8443 -m comment", "--dport 8443 -i lo -m comment"),
        ("iptables", "--dport 8000:9000", "--dport 8000:9001"),
    ],
)
def test_what_is_changed_on_the_way_is_seen(target: str, old: str, new: str) -> None:
    answer = judged(POLICY, target, (old, new))
    assert answer.result is Result.REFUTED
    assert answer.counterexample is not None


BESIDE = """\
polc: 1
input:
  default: drop
  rules:
    - {rule: drop udp/2, native: {iptables: "-m u32 --u32 \\"0x0&0x1=0x1\\" -m length --length 100:200"}}
    - accept udp/2
"""


def test_words_beside_clauses() -> None:
    """Of two of them one stays opaque, and is the same on both sides."""
    assert judged(BESIDE, "iptables").result is Result.PROVEN
    assert judged(BESIDE, "iptables", ("100:200", "100:201")).result is not Result.PROVEN
    assert judged(BESIDE, "iptables", ("=0x1", "=0x2")).result is not Result.PROVEN


def test_words_beside_what_keeps_state_stay_opaque() -> None:
    text = BESIDE.replace("rule: drop udp/2", "rule: drop udp/2 limit 5/minute")
    answer = judged(text, "iptables")
    assert answer.result is Result.UNDECIDED
    assert WORDS not in answer.assumes


def test_words_that_nobody_reads() -> None:
    text = POLICY.replace("-p tcp -m tcp --dport 8443 -j ACCEPT", "-j SOMETHING --of 1")
    answer = judged(text, "iptables")
    assert answer.result is Result.UNDECIDED
    assert "cannot be read" in answer.reason
