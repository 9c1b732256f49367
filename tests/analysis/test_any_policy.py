"""Lints of any policy: they end, their findings can be written, and places are in the policy's text."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from polc.analysis.registry import findings
from polc.analysis.suppress import suppress
from polc.diagnostics import Collector, Failure
from polc.diagnostics.json import render as as_json
from polc.diagnostics.sarif import render as as_sarif
from polc.diagnostics.text import render as as_text
from polc.policy.read import inspect_source
from polc.source import SourceFile

RULES = (
    "use stateful", "use loopback", "use icmp-essentials", "use mine", "use other", "accept ssh state new", "accept",
    "drop", "reject", "return", "return from 192.0.2.1", "accept state related", "jump first", "goto first",
    "jump second state new", "goto second tcp/22", "jump third", "drop ssh over 10/minute per source",
    "drop tcp hits 3 in 9s per source", "drop from @banned", "drop tcp/23 ban @banned", "accept files", "drop files",
    "accept all from @outer", 'log "x: "', 'drop log "x: " at 5/minute', 'log "x" limit 1/second', "helper ftp tcp/21",
    "accept from @inner where ct status dnat or ip ttl 5", "accept tcp/22 from 192.0.2.1,2001:db8::1",
    "accept icmpv6", "mark set 1", "accept udp to 192.0.2.9", "accept ssh from @banned",
    {"verdict": "accept", "service": "all", "from": {"address": "@outer"}}, {"use": "mine", "comment": "x"},
)  # fmt: skip
DEFINITIONS = {
    "addresses": {"banned": {"dynamic": True}, "inner": "192.0.2.0/24", "outer": ["@inner", "2001:db8::/32"]},
    "services": {"files": {"ports": "tcp/21", "helper": "ftp"}, "all": ["files", "tcp/80"]},
    "zones": {"lan": "eth0", "dmz": {"interfaces": "eth1", "addresses": "@inner"}},
}


@st.composite
def policies(draw: st.DrawFn) -> str:
    def rules(*unlike: str) -> list[object]:
        """Without those that hold one of these words: what names each other has no end."""
        fitting = [rule for rule in RULES if not any(word in str(rule) for word in ("loopback", *unlike))]
        return draw(st.lists(st.sampled_from(fitting), max_size=6))

    def sections(*names: str) -> dict[str, object]:
        return {
            name: {"default": draw(st.sampled_from(["accept", "drop", "reject"])), "rules": rules()}
            for name in names
            if draw(st.booleans())
        }

    return json.dumps(
        {
            "polc": 1,
            **DEFINITIONS,
            "settings": {"management": "all"} if draw(st.booleans()) else {},
            "macros": {"mine": rules("use", "jump", "goto"), "other": rules("other", "jump", "goto")},
            "chains": {"first": rules("first"), "second": rules("first", "second"), "third": rules("jump", "goto")},
            "mangle": {"input": rules()} if draw(st.booleans()) else {},
            **sections("input", "forward", "output"),
        },
        indent=1,
    )


@settings(max_examples=200, deadline=None)
@given(policies())
def test_lints_of_any_policy(text: str) -> None:
    source = SourceFile("policy.yaml", text)
    try:
        policy = inspect_source(source, Collector())
    except Failure:
        return
    found = suppress(findings(policy), policy.sources)
    assert found == suppress(findings(policy), policy.sources)
    assert as_text(found).count("POL") >= len(found)
    assert len(json.loads(as_json(found))) == len(json.loads(as_sarif(found))["runs"][0]["results"]) == len(found)
    for one in found:
        assert one.message[:1] != one.message[:1].upper() or not one.message[:1].isalpha()
        assert not one.message.endswith(".")
        assert one.span
        assert one.span.source is source
        assert one.span.text.strip()
