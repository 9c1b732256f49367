"""POL1xx: the structure of a policy, and the syntax of its words."""

from __future__ import annotations

from polc.diagnostics.codes.model import Code


def _rule(rule: str) -> str:
    """A policy with one rule."""
    return f"polc: 1\ninput:\n  default: drop\n  rules:\n    - {rule}\n"


SYNTAX_CODES: tuple[Code, ...] = (
    Code(
        "POL101",
        "an unknown key",
        what="a mapping has a key that the language does not know",
        why="a misspelt key would be a setting without effect",
        example="polc: 1\nzone: {wan: eth0}\n",
        instead="one of the keys that the message lists",
    ),
    Code(
        "POL102",
        "another type is expected",
        what="there is a number, text, list or mapping where the language wants something else",
        why="no guess at what is meant would be safe",
        example="polc: 1\ninput: {default: drop, rules: 5}\n",
        instead="the type that the message names; in YAML, numbers that are meant as text stand in quotes",
    ),
    Code(
        "POL103",
        "a key is missing",
        what="a mapping lacks a key without which it means nothing",
        why="a default for it would be somebody else's decision",
        example="zones: {wan: eth0}\n",
        instead="the key that the message names",
    ),
    Code(
        "POL104",
        "not one of the possible values",
        what="a value is not among the few that can stand there",
        why="it means nothing",
        example="polc: 1\ninput: {default: droop}\n",
        instead="one of the values that the message lists",
    ),
    Code(
        "POL105",
        "not a name",
        what="the name of a zone, address group or service, or the id of a rule, is not made like a name",
        why="in a rule it could not be told from other words",
        example="polc: 1\nzones: {my wan: eth0}\n",
        instead="a letter or `_`, then letters, digits, `_` and `-`",
    ),
    Code(
        "POL106",
        "nothing in it",
        what="a list, text or file of addresses that must hold something is empty",
        why="a rule that names an empty group matches nothing, or, negated, everything",
        example="polc: 1\naddresses: {admins: []}\n",
        instead="at least one member, or no such key",
    ),
    Code(
        "POL107",
        "an unknown version of the language",
        what="`polc` is not 1",
        why="another version may give the same words another meaning",
        example="polc: 2\n",
        instead="`polc: 1`",
    ),
    Code(
        "POL108",
        "a number out of range",
        what="a number is smaller or larger than what it counts can be",
        why="the kernel would refuse it, or take another",
        example=_rule("{verdict: drop, service: ssh, hits: {count: 300, within: 10s, per: source}}"),
        instead="a number in the range that the message gives",
    ),
    Code(
        "POL110",
        "a word out of place",
        what="a rule is not `VERDICT [service] clauses`",
        why="a rule that is half understood must not be loaded",
        example=_rule("drop ssh state new limit per source"),
        instead="what the message asks for",
    ),
    Code(
        "POL111",
        "a clause twice",
        what="a rule has the same clause two times",
        why="whether both or one of them must hold would be a guess",
        example=_rule("accept ssh state new state established"),
        instead="one clause with a list, or two rules",
    ),
    Code(
        "POL112",
        "keys that do not go together",
        what="a rule or definition as a mapping says something twice, or half",
        why="one of the two would have no effect",
        example=_rule("{verdict: accept, from: {address: 192.0.2.1, not_address: 192.0.2.2}}"),
        instead="one of them",
    ),
    Code(
        "POL113",
        "not a number of packets",
        what="a burst or count is not a number, or out of range",
        why="the kernel would refuse it",
        example=_rule("drop ssh state new hits 256 in 100s per source"),
        instead="1 to 255 for `hits`, 1 to 4294967295 for `burst`",
    ),
    Code(
        "POL114",
        "not a rate or time",
        what="a rate or a time is not in a form that polc reads",
        why="both kernels' limits know seconds, minutes, hours and days, and nothing between",
        example=_rule("drop ssh state new over 10/fortnight"),
        instead="`10/minute`, `100s`, `5m`, `1h`, `1d`",
    ),
    Code(
        "POL115",
        "not a port",
        what="a port or range of ports is wrong",
        why="it matches nothing",
        example=_rule("accept tcp/70000"),
        instead="numbers from 0 to 65535, ranges as `1000-2000`",
    ),
    Code(
        "POL116",
        "not an address",
        what="an address, prefix or range is wrong, or a prefix has host bits set",
        why="what is meant, the host or the network, is for its author to say",
        example=_rule("accept ssh from 192.0.2.1/24"),
        instead="`192.0.2.0/24`, `192.0.2.1`, `192.0.2.1-192.0.2.9`, `2001:db8::/32`",
    ),
    Code(
        "POL117",
        "not an interface name",
        what="an interface of a zone is too long, or no name that Linux gives",
        why="it matches nothing, or, where a tool cuts it short, something else",
        example="polc: 1\nzones: {wan: a-very-long-interface}\n",
        instead="at most 15 bytes; `wg*` for all that begin so, `\\*` for the character",
    ),
    Code(
        "POL119",
        "not a key to count by",
        what="what follows `per` is not a key, or a prefix length is wrong",
        why="packets would be counted together that are not meant to be",
        example=_rule("drop ssh state new over 10/minute per address"),
        instead="`source`, `destination`, `source/24`, `source/24,/56`, `source,destination`",
    ),
)
