"""Which rulesets have the kernel track connections."""

from __future__ import annotations

import pytest

from polc.diagnostics import Collector
from polc.policy.read import inspect_source
from polc.probing.tracking import tracks
from polc.source import SourceFile

TRACKING = (
    "input: {default: drop, rules: [accept state established]}",
    "input: {default: drop, rules: [accept where ct mark 1]}",
    "input: {default: drop, rules: [accept where ct status dnat]}",
    "input: {default: drop, rules: [accept tcp/80 connections over 5 per source]}",
    "input: {default: drop, rules: ['vmap ct state {new: drop}']}",
    "input: {default: drop, rules: [mark save]}",
    "raw: {prerouting: [notrack udp/53]}",
    "nat: [masquerade]",
)
PLAIN = (
    "input: {default: drop, rules: [accept tcp/22 from 192.0.2.0/24 limit 5/second]}",
    "input: {default: drop, rules: [mark set 1 udp/9, reject]}",
    "raw: {prerouting: [drop where fragment]}",
)


@pytest.mark.parametrize(("text", "wanted"), [*((one, True) for one in TRACKING), *((one, False) for one in PLAIN)])
def test_tracks(text: str, wanted: bool) -> None:
    ruleset = inspect_source(SourceFile("policy.yaml", f"polc: 1\n{text}\n"), Collector()).ruleset
    assert tracks(ruleset) is wanted
