"""A rule as text and the same rule as a mapping are one rule."""

from __future__ import annotations

import json
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st
from policies import HEAD, read_bytes

from polc.ir.ruleset import BaseChain, Ruleset

Value = str | int | bool | list[str] | dict[str, "Value"]


@dataclass(frozen=True)
class Both:
    """A clause in words, and its key and value."""

    words: str
    key: str
    value: Value


def several(draw: st.DrawFn, items: list[str]) -> list[str]:
    return draw(st.lists(st.sampled_from(items), min_size=1, max_size=3, unique=True))


def one_or_list(draw: st.DrawFn, items: list[str]) -> Value:
    """A list, or, where it is the same, a text."""
    match draw(st.integers(0, 2)):
        case 0:
            return ", ".join(items)
        case 1 if len(items) == 1:
            return items[0]
    return list(items)


@st.composite
def endpoints(draw: st.DrawFn, word: str) -> Both:
    words, value = [word], {}
    if draw(st.booleans()):
        zones = several(draw, ["wan", "lan", "loopback"])
        negated = draw(st.booleans())
        words.append(("not " if negated else "") + ",".join(zones))
        value["not_zone" if negated else "zone"] = one_or_list(draw, zones)
    if len(words) == 1 or draw(st.booleans()):
        addresses = several(draw, ["@admins", "192.0.2.1", "198.51.100.0-198.51.100.9", "2001:db8::/32", "@four"])
        negated = draw(st.booleans())
        words.append(("not " if negated else "") + ", ".join(addresses))
        value["not_address" if negated else "address"] = one_or_list(draw, addresses)
    text = " ".join(words[1:])
    return Both(" ".join(words), word, text if draw(st.booleans()) else value)


@st.composite
def states(draw: st.DrawFn) -> Both:
    found = several(draw, ["new", "established", "related", "invalid", "untracked"])
    return Both(f"state {','.join(found)}", "state", one_or_list(draw, found))


@st.composite
def rates(draw: st.DrawFn, word: str) -> Both:
    rate = f"{draw(st.integers(1, 1000))}/{draw(st.sampled_from(['second', 'minute', 'hour', 'day', 's', 'min', 'h']))}"
    options, value = [], {"rate": rate}
    if draw(st.booleans()):
        value["burst"] = draw(st.integers(1, 100))
        options.append(f"burst {value['burst']}")
    if draw(st.booleans()):
        keys = draw(
            st.sampled_from(
                [
                    ["source"],
                    ["destination/24"],
                    ["source/24", "/56"],
                    ["source", "destination"],
                ]
            )
        )
        value["per"] = one_or_list(draw, keys)
        options.append(f"per {','.join(keys)}")
    text = " ".join([rate, *draw(st.permutations(options))])
    return Both(f"{word} {text}", word, text if draw(st.booleans()) else value)


@st.composite
def hits(draw: st.DrawFn) -> Both:
    count, within = draw(st.integers(1, 255)), f"{draw(st.integers(1, 90))}{draw(st.sampled_from('smhd'))}"
    refresh = draw(st.booleans())
    text = f"{count} in {within} per source{' refresh' if refresh else ''}"
    value = {"count": count, "within": within, "per": "source", "refresh": refresh}
    if not refresh and draw(st.booleans()):
        del value["refresh"]
    return Both(f"hits {text}", "hits", text if draw(st.booleans()) else value)


@st.composite
def logs(draw: st.DrawFn) -> Both:
    prefix = draw(st.sampled_from(["in-drop: ", "", 'a "b"', "x" * 128]))
    quoted = prefix.replace('"', '\\"')
    if draw(st.booleans()):
        level = draw(st.sampled_from(["info", "warn", "loud"]))
        return Both(f'log "{quoted}" level {level}', "log", {"prefix": prefix, "level": level})
    return Both(f'log "{quoted}"', "log", prefix if draw(st.booleans()) else {"prefix": prefix})


@st.composite
def counts(draw: st.DrawFn) -> Both:
    return Both(f"count {(name := draw(st.sampled_from(['hits_', 'c-1', 'a.b'])))}", "count", name)


@st.composite
def rules(draw: st.DrawFn) -> tuple[str, dict[str, Value]]:
    clauses = [endpoints("from"), endpoints("to"), states(), rates("limit"), rates("over"), hits(), logs(), counts()]
    clauses.append(st.just(Both("counter", "counter", True)))
    chosen = [draw(one) for one in draw(st.lists(st.sampled_from(clauses), max_size=4, unique_by=id))]
    verdict = draw(st.sampled_from(["accept", "drop", "reject", "reject with admin-prohibited", None]))
    services = draw(st.sampled_from([["tcp/22"], ["ssh"], ["web"], ["tcp/80", "443", "udp/53"], ["dns", "tcp/9"], []]))
    if verdict in ("accept", None) and draw(st.booleans()):
        services = ["files", "tcp/2000"]
    mapping: dict[str, Value] = {}
    words = []
    if verdict is None:
        services = ["tcp/21"]
        words.append("helper ftp")
        mapping["helper"] = "ftp"
    else:
        words.append(verdict)
        decision, _, answer = verdict.partition(" with ")
        mapping["verdict"] = decision
        if answer:
            mapping["with"] = answer
    if services:
        words.append(", ".join(services))
        mapping["service"] = ",".join(services)
        if services not in (["files", "tcp/2000"], ["dns", "tcp/9"]) and draw(st.booleans()):
            chosen.append(
                Both("sport 1024-65535, 7", "sport", draw(st.sampled_from(["1024-65535,7", ["1024-65535", 7]])))
            )
    if draw(st.booleans()):
        comment = draw(st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=("Cc",))))
        quoted = comment.replace("\\", "\\\\").replace('"', '\\"')
        chosen.append(Both(f'comment "{quoted}"', "comment", comment))
    for one in chosen:
        mapping[one.key] = one.value
    words += [one.words for one in draw(st.permutations(chosen))]
    return " ".join(words), mapping


def lowered(rule: object) -> tuple[object, ...]:
    head = f"polc: 1\n{HEAD}forward: {{default: drop, rules: [{json.dumps(rule)}]}}\n"
    found = read_bytes(head.encode())
    if not isinstance(found, Ruleset):
        return ("refused", *(one.code for one in found))
    (chain,) = found.chains
    assert isinstance(chain, BaseChain)
    # Names and comments stand outside equality, and must be equal too.
    return tuple((one, one.origin.name, one.origin.comment) for one in chain.rules)


@settings(max_examples=250, deadline=None)
@given(rules())
def test_text_and_mapping_are_one_rule(rule: tuple[str, dict[str, Value]]) -> None:
    text, mapping = rule
    assert lowered(text) == lowered(mapping), text


def test_most_of_them_are_rules() -> None:
    from hypothesis import find

    text, _ = find(rules(), lambda rule: len(rule[1]) > 5 and lowered(rule[0])[0] != "refused")
    assert text


def test_with_id_and_comment() -> None:
    plain = lowered('accept ssh comment "why"')
    assert lowered({"rule": "accept ssh", "comment": "why"}) == plain
    assert lowered({"use": "stateful", "comment": "c"}) == lowered('use stateful comment "c"')
    assert lowered({"rule": "use stateful", "comment": "c"}) == lowered('use stateful comment "c"')
    assert lowered({"rule": 'accept ssh comment "a"', "comment": "b"}) == ("refused", "POL111")
