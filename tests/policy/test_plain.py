"""The shortcut for plain rules gives what the general way gives, errors included."""

from __future__ import annotations

import json

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from policies import HEAD, policy, read, read_bytes
from test_equal_forms import endpoints, states

from polc.ir.ruleset import Ruleset
from polc.policy.lower import rules as general
from polc.policy.lower.plain import plain


@st.composite
def plain_rules(draw: st.DrawFn) -> str:
    clauses = [draw(endpoints(word)) for word in draw(st.sampled_from([(), ("from",), ("to",), ("to", "from")]))]
    clauses += [draw(states())] if draw(st.booleans()) else []
    services = ["tcp/22", "ssh", "web", "tcp/80, 443, udp/53", "icmp/echo-request", "files", "proto gre", "tcp/9-1", ""]
    words = [draw(st.sampled_from(["accept", "drop", "reject", "return"])), draw(st.sampled_from(services))]
    words += [one.words for one in draw(st.permutations(clauses))]
    words += ['comment "why"'] if draw(st.booleans()) else []
    return " ".join(word for word in words if word)


def found(rule: str, section: str) -> object:
    head = f"polc: 1\n{HEAD}{section}: {{default: drop, rules: [{json.dumps(rule)}]}}\n"
    result = read_bytes(head.encode())
    if not isinstance(result, Ruleset):
        return [(one.code, one.message, [label.span.text for label in one.labels]) for one in result]
    (chain,) = result.chains
    return [(one, one.origin.comment, one.origin.span and one.origin.span.text) for one in chain.rules]


@settings(max_examples=300, deadline=None)
@given(plain_rules(), st.sampled_from(["input", "forward", "output"]))
def test_it_is_what_the_general_way_gives(rule: str, section: str) -> None:
    short = found(rule, section)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(general, "plain", lambda rule, scope: None)
        assert found(rule, section) == short
    event("errors" if isinstance(short, list) and short and isinstance(short[0][0], str) else "a rule")


def test_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    monkeypatch.setattr(general, "plain", lambda rule, scope: taken.append(one := plain(rule, scope)) or one)
    short = ("accept tcp/80 from 192.0.2.0/24", "drop ssh from wan to 2001:db8::/32 state new", "drop")
    read(policy(*short, "reject", "accept icmp/8", head=HEAD))
    assert [one is not None for one in taken] == [True, True, True, False, False]
