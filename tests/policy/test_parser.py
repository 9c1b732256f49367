"""Our automaton reads what Lark reads, by the grammar as it is now."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import Lark
from lark import Token as LarkToken
from lark import Tree as LarkTree
from lark.exceptions import UnexpectedInput

from polc.parsing.tables import starts_of
from polc.policy.parser import Token, Tree, Unexpected, keywords, parse
from polc.resources import read_resource

GRAMMAR = read_resource("grammar", "rule.lark")
STARTS = starts_of(GRAMMAR)
LARK = Lark(GRAMMAR, parser="lalr", lexer="basic", start=list(STARTS), maybe_placeholders=False)

WORDS = st.sampled_from(
    [*sorted(keywords()), ",", ",", "ssh", "wan", "tcp/22", "udp/5-6", "80", "10/minute", "100s", "@a", "192.0.2.1",
     "2001:db8::/32", "source", "source/24", "/56", '"a b"', '"', "=", "new", "icmp/3/4", "accept,drop", "fromx", "é",
     ":", "22:", "eth0:", "2001:db8::", "192.0.2.1:", ".", "{", "}", "ip ttl", "tcp option sack-perm", "vmap", "map"]
)  # fmt: skip


def shape(tree: object) -> object:
    match tree:
        case Tree(name, children):
            return (name, [shape(child) for child in children])
        case Token(kind, text):
            return (kind, text)
        case LarkTree():
            return (str(tree.data), [shape(child) for child in tree.children])
        case LarkToken():
            return (tree.type, str(tree))
    raise AssertionError(tree)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(STARTS), st.lists(WORDS, max_size=12), st.sampled_from(["accept", "drop ssh", "10/minute", ""]))
def test_reads_what_lark_reads(start: str, words: list[str], head: str) -> None:
    text = " ".join([head, *words])
    try:
        expected = shape(LARK.parse(text, start=start))
    except UnexpectedInput:
        with pytest.raises(Unexpected):
            parse(text, start)
        return
    assert shape(parse(text, start)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "accept",
        "accept tcp/80,443, ssh from not wan, lan not @a, 192.0.2.1 to 2001:db8::/32 state new,related",
        "drop ssh sport 1-5, 7 limit 10/minute per source/24,/56 burst 5 over 1/day hits 3 in 5m per source refresh",
        "reject with tcp-reset tcp/113 comment \"a 'b' \\\"c\\\"\"",
        "helper ftp proto 6, tcp/21",
        "use stateful comment \"x\"",
        'vmap saddr . tcp dport {192.0.2.1 . 22: accept, 2001:db8:: . 80-90: jump web, @a . 1: goto web} counter',
        'vmap iifname {"wg*": accept, eth0.5: drop, br-lan: return} state new',
        "dnat tcp from wan -> map tcp dport {80: 192.0.2.10:8080, 443: [2001:db8::1]:443, 1: :5}",
        "mark set map ct mark {0x1: 2} ip ttl set 5 reset tcp option sack-perm, tcp option 8",
        'queue 0-3 flags bypass, fanout ssh log "x" group 5 snaplen 6 queue-threshold 7 flags skuid,ether at 5/minute',
        "flow add @fast dup to 192.0.2.1 device eth0 trace fully-random ct timeout set short meta priority set 1:10",
    ],
)  # fmt: skip
def test_whole_rules(text: str) -> None:
    assert shape(parse(text, "rule")) == shape(LARK.parse(text, start="rule"))


@settings(max_examples=200, deadline=None)
@given(st.lists(WORDS, max_size=8))
def test_what_is_expected_can_follow(words: list[str]) -> None:
    samples = {"NAME": "ssh", "PORTS": "tcp/22", "VALUE": "80", "STRING": '"x"', "REFERENCE": "@a", "COMMA": ",",
               "ADDRESS": "192.0.2.1", "LENGTH": "/56", "ARROW": "->", "FIELD": "ct mark", "SACK_PERM": "sack-perm",
               "COMPARE": "==", "BAR": "|", "MASKED": "&", "OPEN": "(", "CLOSE": ")", "SET_OPEN": "{",
               "SET_CLOSE": "}", "_COLON": ": ", "_DOT": ". ", "FULLY_RANDOM": "fully-random",
               "QUEUE_THRESHOLD": "queue-threshold"}  # fmt: skip
    text = " ".join(["accept", *words])
    try:
        parse(text, "rule")
    except Unexpected as error:
        before = text[: error.token.start]
        for kind in error.expected - {"$END"}:
            follow = f"{before} {samples.get(kind, kind.lower())}"
            assert _breaks_at(follow) in (None, "$END"), (follow, kind)


def _breaks_at(text: str) -> str | None:
    try:
        parse(text, "rule")
    except Unexpected as error:
        return error.token.kind
    return None
