"""The language of assertions: what is read, and what is said of what cannot be."""

from __future__ import annotations

import re

import pytest
from firewalls import HEAD, policy, written

from polc.diagnostics import Failure
from polc.ir.way import Way
from polc.policy.assertion import Claim, Comparison, Quantity, Relation, Verb
from polc.policy.assertion_text import ASSERTION
from polc.policy.lower.assertions import assertions_of
from polc.policy.parser import RULE
from polc.policy.uses import uses_of
from polc.resources import read_resource


@pytest.mark.parametrize(
    ("text", "quantity", "verb", "opening"),
    [
        ("never accept tcp/22 from wan not @admins", Quantity.NEVER, Verb.ACCEPT, False),
        ("always drop from @banned", Quantity.ALWAYS, Verb.DROP, False),
        ("may reject tcp/25", Quantity.MAY, Verb.REJECT, False),
        ("never forward from wan to lan state new", Quantity.NEVER, Verb.FORWARD, False),
        ("@admins reaches host:443", Quantity.ALWAYS, Verb.ACCEPT, True),
        ("lan never reaches dmz tcp/25 sport 1024-65535", Quantity.NEVER, Verb.ACCEPT, True),
        ("not wan may reach wan ssh where ip ttl < 5", Quantity.MAY, Verb.ACCEPT, True),
    ],
)
def test_claims(text: str, quantity: Quantity, verb: Verb, opening: bool) -> None:
    claim = written(text).assertion
    assert isinstance(claim, Claim)
    assert (claim.quantity, claim.verb, claim.packets.opening) == (quantity, verb, opening)


@pytest.mark.parametrize(
    ("text", "relation", "path"),
    [
        ("equivalent old.yaml", Relation.EQUIVALENT, "old.yaml"),
        ("implies ../a/b.yaml for tcp/22 from wan", Relation.IMPLIES, "../a/b.yaml"),
        ('equivalent "with space.yaml"', Relation.EQUIVALENT, "with space.yaml"),
        ("equivalent old/rules.v4", Relation.EQUIVALENT, "old/rules.v4"),
        ("equivalent /etc/rules.v4", Relation.EQUIVALENT, "/etc/rules.v4"),
    ],
)
def test_comparisons(text: str, relation: Relation, path: str) -> None:
    found = written(text).assertion
    assert isinstance(found, Comparison)
    assert (found.relation, found.path.text) == (relation, path)


def test_a_port_behind_where_packets_go_is_a_service() -> None:
    for text in ("lan reaches host:443", "lan reaches 192.0.2.1:443", "lan reaches [2001:db8::1]:443"):
        claim = written(text).assertion
        assert isinstance(claim, Claim)
        assert [one.word.text for one in claim.packets.service] == ["tcp/443"]


@pytest.mark.parametrize(
    ("text", "code", "place", "words"),
    [
        ("never allow ssh", "POL110", "allow", "`never` needs `accept`"),
        ("accept ssh", "POL110", "accept", "`accept` needs `never`, `always` or `may`"),
        ("never accept ssh form wan", "POL110", "form", "did you mean `from`?"),
        ("never accept from wan tcp/22", "POL110", "tcp/22", "a service stands right behind the verdict"),
        ("lan reach wan", "POL110", "reach", "missing its verb"),
        ("must accept ssh", "POL110", "accept", "missing its verb"),
        ("never accept ssh limit 3/minute", "POL110", "limit", "holds whatever they say"),
        ("equivalent", "POL110", "equivalent", "the path of another firewall"),
        ("never accept ssh from wan from lan", "POL111", "from lan", "`from` is there twice"),
        ("lan reaches wan to dmz", "POL111", "to dmz", "says again what stands beside `reaches`"),
        ("always accept ssh to host, lan", "POL070", "host", "stands alone"),
        ("always accept ssh to not host", "POL070", "host", "stands alone"),
        ("lan reaches host:22 ssh", "POL070", "22", "a service says it again"),
        ("always forward ssh to host", "POL070", "to host", "cannot take this way"),
        ("always accept ssh from lam", "POL201", "lam", "did you mean `lan`?"),
        ("always accept ssh from lam to wan", "POL201", "lam", "did you mean `lan`?"),
        ("always accept shh", "POL203", "shh", "did you mean `ssh`?"),
        ("never accept from @nobody", "POL202", "@nobody", "nobody"),
        ("never accept from 192.0.2.1 to 2001:db8::1", "POL220", "2001:db8::1", "no packet can match"),
        ("never accept where rpfilter fails", "POL241", "rpfilter", "cannot stand in"),
    ],
)
def test_errors_have_places_and_words(text: str, code: str, place: str, words: str) -> None:
    with pytest.raises(Failure) as failure:
        assertions_of(policy(HEAD + f"assert: ['{text}']\n"))
    first = failure.value.diagnostics[0]
    assert first.code == code
    assert first.span is not None
    assert place in first.span.text
    assert words in f"{first.message} {first.help} {' '.join(one.message for one in first.labels)}"


def test_all_errors_are_told_at_once() -> None:
    with pytest.raises(Failure) as failure:
        assertions_of(policy(HEAD + "assert: [never accept shh, always accept from lam]\n"))
    assert [one.code for one in failure.value.diagnostics] == ["POL203", "POL201"]


@pytest.mark.parametrize(
    ("text", "ways"),
    [
        ("never accept ssh", set(Way)),
        ("never accept ssh to host", {Way.INPUT}),
        ("never accept ssh from host", {Way.OUTPUT}),
        ("never accept ssh from wan", {Way.INPUT, Way.FORWARD}),
        ("never accept ssh to wan", {Way.FORWARD, Way.OUTPUT}),
        ("never accept ssh from lan to wan", {Way.FORWARD}),
        ("never accept ssh to host 192.0.2.1 from lan", {Way.INPUT}),
        ("never forward ssh from lan", {Way.FORWARD}),
        ("never accept where meta skuid 0", {Way.OUTPUT}),
    ],
)
def test_the_ways_of_a_class(text: str, ways: set[Way]) -> None:
    (meant,) = assertions_of(policy(HEAD + f"assert: ['{text}']\n"))
    assert meant.packets is not None
    assert set(meant.packets.rules) == ways


def test_states_that_are_not_written() -> None:
    texts = ("never accept", "always accept", "always drop", "never drop", "never accept state established")
    listed = ", ".join(texts)
    found = assertions_of(policy(HEAD + f"assert: [{listed}, never accept where ct status dnat]\n"))
    words = [one.packets and one.packets.states and one.packets.states.name for one in found]
    assert words == ["INVALID|NEW|UNTRACKED", "NEW", "INVALID|NEW|UNTRACKED", "NEW", None, None]


def test_what_assertions_name_is_used() -> None:
    inspected = policy(HEAD + "assert: [never accept ssh from wan not @admins to dmz]\n")
    unused = {one.name.text for one in uses_of(inspected.merged, inspected.written).unused()}
    assert unused == {"lan", "banned"}


SHARED = (
    "source", "destination", "sport", "state", "where", "service", "_service_start", "protocol", "endpoint", "_zones",
    "zones", "not_zones", "_addresses", "addresses", "not_addresses", "_address", "_expression", "either", "_both",
    "both", "_test", "negation", "trait", "comparison", "_operator", "operator", "within", "masked", "bits", "operand",
    "_values", "_value", "STRING.9", "REFERENCE.8", "FIELD.7", "ADDRESS.6", "PORTS.5", "VALUE.4", "LENGTH.3",
    "COMPARE.2", "NAME", "WHITE",
)  # fmt: skip


@pytest.mark.parametrize("name", SHARED)
def test_the_words_of_rules_are_those_of_assertions(name: str) -> None:
    found = []
    for grammar in ("rule", "assertion"):
        text = read_resource("grammar", f"{grammar}.lark")
        (line,) = re.findall(rf"^{re.escape(name)}: .*\n(?:    .*\n)*", text, re.MULTILINE)
        # Words that begin no clause in assertions are names there.
        found.append(re.sub(r" \| (?:REDIRECT|DNAT|SNAT|RESET)\b", "", line))
    assert found[0] == found[1]


def test_its_keywords() -> None:
    own = ASSERTION.keywords - RULE.keywords
    assert own == {"never", "always", "may", "forward", "reaches", "reach", "equivalent", "implies", "for"}
