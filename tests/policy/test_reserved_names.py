"""Names that rules could not use are refused where they are defined, and others can be used everywhere."""

from __future__ import annotations

import re

import pytest
from policies import errors, read

from polc.policy.parser import FIELD_WORDS, keywords, reserved
from polc.resources import read_resource

DEFINITIONS = {
    "zones": "eth0",
    "addresses": "192.0.2.1",
    "services": "udp/9999",
    "chains": "[accept tcp/80]",
    "macros": "[accept tcp/80]",
    "timeouts": "{protocol: tcp, close: 10s}",
    "flowtables": "{devices: [eth0]}",
}

NEVER_TAKEN = {"vlan", "ah", "esp", "dccp", "mh", "exthdr"}
"""The second words of these fields begin no clause: in `from vlan limit 1/second` nothing can be taken for a field."""


@pytest.mark.parametrize("word", sorted(reserved() - {"tcp"}))
@pytest.mark.parametrize("kind", DEFINITIONS)
def test_words_of_the_language_are_refused(kind: str, word: str) -> None:
    (found,) = errors(f'polc: 1\n{kind}: {{"{word}": {DEFINITIONS[kind]}}}\n')
    assert found.code == "POL211"
    assert found.span is not None
    assert found.span.text.strip('"') == word


def test_tcp_is_a_service_that_can_be_defined_as_what_it_is() -> None:
    assert read("polc: 1\nservices: {tcp: tcp}\n")
    assert [one.code for one in errors("polc: 1\nservices: {tcp: tcp/80}\n")] == ["POL211"]
    assert [one.code for one in errors("polc: 1\nzones: {tcp: eth0}\n")] == ["POL211"]


@pytest.mark.parametrize(
    "name",
    [
        "state-of",
        "limits",
        "ct-wan",
        "metal",
        "notary",
        "ip4",
        "rpfilters",
        "new",
        "source",
        "fragment",
        "_",
        "x--",
        "vlan",
        "ah",
        "mh",
        "exthdr",
        "zone",
        "timeout",
        "bypass",
        "ttl",
        "priority",
        "queues",
        "original",
    ],
)
def test_other_names_can_be_used_in_every_place(name: str) -> None:
    definitions = "".join(f"{kind}: {{{name}: {value}}}\n" for kind, value in DEFINITIONS.items())
    rules = "".join(
        f"    - {rule}\n"
        for rule in (
            f"accept {name} from {name} @{name} state new limit 1/second",
            f"mark set 1 {name} from not {name}",
            f"accept {name} from {name} where ct mark 1",
            f"jump {name} from {name} not @{name}",
            f"use {name}",
            f'accept {name}, http from {name}, loopback comment "x"',
        )
    )
    assert read(f"polc: 1\n{definitions}input:\n  default: drop\n  rules:\n{rules}")


def test_the_words_of_fields_are_those_of_the_grammar() -> None:
    (pattern,) = re.findall(r"^FIELD\.\d+: /\(\?:(.*)\)\(\?!.*/$", read_resource("grammar", "rule.lark"), re.MULTILINE)
    depth, first = 0, [""]
    for character in pattern:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "|" and not depth:
            first.append("")
        else:
            first[-1] += character
    fields = {found[1]: one for one in first if (found := re.match(r"([a-z0-9]+)", one))}
    assert fields.keys() - NEVER_TAKEN == FIELD_WORDS
    for word in NEVER_TAKEN:
        seconds = set(re.findall(r"[a-z]+", fields[word].replace("\\s", " "))) - {word}
        assert seconds
        assert not seconds & keywords(), word
