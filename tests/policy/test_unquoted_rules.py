"""Rules that YAML reads as something else, because nobody put them in quotes: what is said of them."""

from __future__ import annotations

import pytest
from policies import errors, policy, read

READ_AS_KEYS = (
    'log "in: " limit 5/minute',
    'log "in: "',
    'log "a: b: c" at 5/minute',
    'drop tcp/23 log "in: x"',
    'accept tcp/80 comment "it\'s for: x"',
    'drop log "a" comment "b: c"',
    "vmap tcp dport {22: accept}",
    "vmap tcp dport {22: accept, 80: drop} from 192.0.2.0/24",
    'vmap iifname {eth0: accept, "eth1": drop}',
    'drop log "in: " where ip ttl in {1, 2}',
)


@pytest.mark.parametrize("after", [(), ("accept ssh",), ('drop log "out: "',), ("'accept tcp/80 comment \"x\"'",)])
@pytest.mark.parametrize("rule", READ_AS_KEYS)
def test_the_rule_is_pointed_at_and_written_as_it_should_be(rule: str, after: tuple[str, ...]) -> None:
    found = errors(policy(rule, *after))[0]
    quoted = f"'{rule.replace(chr(39), chr(39) * 2)}'"
    assert found.code in ("POL006", "POL102")
    assert found.span is not None
    assert found.span.text == rule
    assert "in YAML, `: ` ends a key" in found.message
    assert found.help == f"put the whole rule in single quotes: `{quoted}`"
    assert read(policy(quoted))


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        ('{rule: log "in: " limit 5/minute}', 'log "in: " limit 5/minute}'),
        ('rule: log "in: " limit 5/minute', 'log "in: " limit 5/minute'),
        ('log "in: " limit 5/minute   # so many', 'log "in: " limit 5/minute'),
        ("rule: vmap tcp dport {22: accept}", "vmap tcp dport {22: accept}"),
        ("vmap ct state {new: accept, invalid: drop}   # so", "vmap ct state {new: accept, invalid: drop}"),
    ],
)
def test_also_within_a_mapping_and_before_a_comment(rule: str, place: str) -> None:
    (found,) = errors(policy(rule))
    assert found.code == "POL006"
    assert found.span is not None
    assert found.span.text == place
    assert found.help.startswith("put the whole rule in single quotes")


@pytest.mark.parametrize(
    ("text", "place", "opened"),
    [
        ('polc: 1\nzones: {wan: "eth0}\n', "", '"'),
        ("polc: 1\nzones: {wan: eth0\n", "", "{"),
        ("polc: 1\nzones: {wan: [eth0}\n", "}", "["),
    ],
)
def test_what_was_opened_and_never_closed(text: str, place: str, opened: str) -> None:
    (found,) = errors(text)
    assert found.code == "POL006"
    first, also = found.labels
    assert (first.span.text.strip(), also.span.text) == (place, opened)
    assert also.message.endswith("begins here")


def test_another_error_is_not_put_down_to_rules_in_quotes() -> None:
    (found,) = errors(policy("'log \"in: \" limit 5/minute'", "accept ssh", "@x"))
    assert (found.code, found.span and found.span.text) == ("POL006", "@")


def test_a_mapping_of_one_word_is_told_the_keys() -> None:
    (found,) = errors(policy("accept: ssh"))
    assert found.code == "POL103"
    assert "`verdict`" in found.message
