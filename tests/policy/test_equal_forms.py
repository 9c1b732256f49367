"""A rule as text and the same rule as a mapping are one rule."""

from __future__ import annotations

import json
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st
from policies import HEAD, read_bytes

from polc.ir.ruleset import Ruleset

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
    period = draw(st.sampled_from(["second", "minute", "hour", "day", "s", "min", "h"]))
    unit = draw(st.sampled_from(["", "", " kbytes", "mbytes"]))
    rate = f"{draw(st.integers(1, 1000))}{unit}/{period}"
    options, value = [], {"rate": rate}
    if draw(st.booleans()):
        burst = draw(st.integers(1, 100))
        value["burst"] = f"{burst}{unit}" if unit else burst
        options.append(f"burst {value['burst']}")
    if draw(st.booleans()):
        keys = draw(
            st.sampled_from(
                [
                    ["source"],
                    ["destination/24"],
                    ["source/24", "/56"],
                    ["source", "destination"],
                    ["source", "dport"],
                    ["sport"],
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
    words, value = [], {"prefix": prefix}
    if draw(st.booleans()):
        value["level"] = draw(st.sampled_from(["info", "warn", "loud"]))
        words.append(f"level {value['level']}")
    elif draw(st.booleans()):
        value["group"] = draw(st.sampled_from([0, 7, 65535]))
        words.append(f"group {value['group']}")
    if draw(st.booleans()):
        value["at"] = draw(st.sampled_from(["5/minute", {"rate": "5/minute", "burst": 9}]))
        words.append("at 5/minute" + (" burst 9" if isinstance(value["at"], dict) else ""))
    if words:
        return Both(" ".join((f'log "{quoted}"', *draw(st.permutations(words)))), "log", value)
    return Both(f'log "{quoted}"', "log", prefix if draw(st.booleans()) else {"prefix": prefix})


@st.composite
def counts(draw: st.DrawFn) -> Both:
    return Both(f"count {(name := draw(st.sampled_from(['hits_', 'c-1', 'a.b'])))}", "count", name)


@st.composite
def bounds(draw: st.DrawFn) -> Both:
    """``connections`` and ``quota``."""
    bound = draw(st.sampled_from(["over", "upto"]))
    if draw(st.booleans()):
        size = draw(st.sampled_from(["10 mbytes", "7gbytes", "5 bytes", "5"]))
        return Both(f"quota {bound} {size}", "quota", draw(st.sampled_from([f"{bound} {size}", {bound: size}])))
    number = draw(st.integers(0, 50))
    if draw(st.booleans()):
        text = f"{bound} {number} per source/24,/56"
        return Both(
            f"connections {text}",
            "connections",
            draw(st.sampled_from([text, {bound: number, "per": ["source/24", "/56"]}])),
        )
    return Both(f"connections {bound} {number}", "connections", {bound: number})


CONDITIONS = (
    "ct status dnat", "not ct status dnat", "tcp flags syn / syn,ack,fin,rst", "tcp flags & (syn|ack) == syn|ack",
    "tcp flags == 0", "ct mark & 0xff == 0x1", "ct mark 1/3", "meta mark != 7", "ip ttl < 5 or ip6 hoplimit < 5",
    "ip ttl in {1, 7-9} or ip dscp ef", "ct helper ftp or ct helper sip", "not (fragment or ipsec)",
    "meta hour 22:00-06:00 and meta day friday-monday", "ether saddr 02:00:5e:00:53:01", "ct bytes > 10mbytes",
    "ct original daddr 192.0.2.0/24", "fib daddr type local, broadcast", "tcp option sack-perm missing",
    "ct direction reply", "ct expiration < 30s", "meta pkttype multicast", "meta length 64-1500", "socket",
    "ct status nothing", "ip ttl 256", "rpfilter fails", "meta skuid 0",
)  # fmt: skip


@st.composite
def conditions(draw: st.DrawFn) -> Both:
    some = draw(st.lists(st.sampled_from(CONDITIONS), min_size=1, max_size=2, unique=True))
    if len(some) == 1:
        return Both(f"where {some[0]}", "where", one_or_list(draw, some) if "," not in some[0] else some)
    return Both(f"where ({some[0]}) and ({some[1]})", "where", some)


ACTS = (
    (
        Both("mark set 0x1 mask 0xff", "mark", {"set": "0x1", "mask": "0xff"}),
        Both("mark set 1", "mark", {"set": 1}),
        Both("mark save", "mark", "save"),
        Both("mark save mask 3", "mark", {"save": True, "mask": 3}),
        Both("mark restore", "mark", {"restore": True}),
    ),
    (Both("ct mark set 7", "ct_mark", {"set": 7}), Both("ct mark set 7 mask 1", "ct_mark", {"set": 7, "mask": 1})),
    (Both("mss clamp", "mss", "clamp"), Both("mss clamp size 1400", "mss", 1400)),
    (Both("counter", "counter", True),),
    (Both("dscp set ef", "dscp", "ef"), Both("dscp set 46", "dscp", 46)),
    (Both("synproxy mss 1460 timestamp wscale 7", "synproxy", {"mss": 1460, "wscale": 7, "timestamp": True}),),
    (Both("notrack", "notrack", True),),
)


@st.composite
def rules(draw: st.DrawFn) -> tuple[str, dict[str, Value]]:
    clauses = [endpoints("from"), endpoints("to"), states(), rates("limit"), rates("over"), hits(), logs(), counts()]
    clauses += [bounds(), conditions(), *(st.sampled_from(one) for one in ACTS)]
    chosen = [draw(one) for one in draw(st.lists(st.sampled_from(clauses), max_size=4, unique_by=id))]
    chosen = list({one.key: one for one in chosen}.values())
    verdict = draw(st.sampled_from(["accept", "drop", "reject", "reject with admin-prohibited", "return", None]))
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
        # Findings come in the order of the text, and the two forms order their words differently.
        return ("refused", *sorted(one.code for one in found))
    # Names and comments stand outside equality, and must be equal too.
    return tuple(
        (chain.name, one, one.origin.name, one.origin.comment) for chain in found.chains for one in chain.rules
    )


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
