"""A rule as text and the same rule as a mapping are one rule."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
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
        if draw(st.booleans()):
            value["size"] = draw(st.integers(1, 1000))
            options[-1] += f" size {value['size']}"
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
        for key in draw(st.lists(st.sampled_from(["snaplen", "queue_threshold"]), unique=True)):
            value[key] = draw(st.integers(1, 65535))
            words.append(f"{key.replace('_', '-')} {value[key]}")
    if draw(st.booleans()):
        flags = several(draw, ["tcp-sequence", "ip-options", "skuid", "all", "colour"])
        value["flags"] = one_or_list(draw, flags)
        words.append(f"flags {', '.join(flags)}")
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
    "ct status nothing", "ip ttl 256", "rpfilter fails", "meta skuid 0", "exthdr frag exists", "esp spi 5",
    "fib saddr . iif type local", "ct reply saddr @admins", "meta priority 1:10", "vlan id 5", "dccp type reset",
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
        Both("mark xor 5 mask 0xff", "mark", {"xor": 5, "mask": "0xff"}),
        Both("meta mark xor 0x1", "mark", {"xor": "0x1"}),
        Both(
            "mark set map saddr {192.0.2.1: 7, @admins: 0x8}",
            "mark",
            {"set": {"map": "saddr", "to": {"192.0.2.1": 7, "@admins": "0x8"}}},
        ),
    ),
    (
        Both("ct mark set 7", "ct_mark", {"set": 7}),
        Both("ct mark set 7 mask 1", "ct_mark", {"set": 7, "mask": 1}),
        Both("ct mark xor 7", "ct_mark", {"xor": 7}),
        Both("ct mark set map iifname {eth0: 1}", "ct_mark", {"set": {"map": "iifname", "to": {"eth0": 1}}}),
    ),
    (
        Both("ct timeout set short", "ct_timeout", "short"),
        Both("ct timeout set nothing", "ct_timeout", "nothing"),
    ),
    (Both("flow add @fast", "flow", "fast"), Both("flow add @fast", "flow", "@fast")),
    (Both("meta priority set 1:10", "priority", "1:10"), Both("meta priority set 7", "priority", 7)),
    (
        Both("dup to 192.0.2.1", "dup", "192.0.2.1"),
        Both("dup to 2001:db8::1 device eth1", "dup", {"to": "2001:db8::1", "device": "eth1"}),
    ),
    (Both("ip ttl set 64", "ttl", 64), Both("ip ttl inc 1", "ttl", {"inc": 1})),
    (Both("ip6 hoplimit set 64", "hoplimit", {"set": 64}), Both("ip6 hoplimit dec 3", "hoplimit", {"dec": 3})),
    (Both("ct zone set 5", "ct_zone", 5), Both("ct reply zone set 5", "ct_zone", {"reply": 5})),
    (Both("trace", "trace", True),),
    (
        Both("reset tcp option sack-perm, tcp option 8", "reset", "sack-perm, 8"),
        Both("reset tcp option mptcp", "reset", ["mptcp"]),
    ),
    (Both("mss clamp", "mss", "clamp"), Both("mss clamp size 1400", "mss", 1400)),
    (Both("counter", "counter", True),),
    (Both("dscp set ef", "dscp", "ef"), Both("dscp set 46", "dscp", 46)),
    (Both("synproxy mss 1460 timestamp wscale 7", "synproxy", {"mss": 1460, "wscale": 7, "timestamp": True}),),
    (Both("notrack", "notrack", True),),
    (
        Both("recent set seen", "recent", "set seen"),
        Both("recent set seen", "recent", {"verb": "set", "list": "seen"}),
        Both(
            'recent not update "a b" in 60s hitcount 4 per source/24,/56 flags ttl, reap',
            "recent",
            {
                "verb": "update",
                "list": "a b",
                "within": "60s",
                "hitcount": 4,
                "per": ["source/24", "/56"],
                "flags": "ttl, reap",
                "negated": True,
            },
        ),
        Both("recent rcheck a/b", "recent", "rcheck a/b"),
    ),
    (
        Both("nth 3", "nth", 3),
        Both("nth 3 packet 2", "nth", {"number": 3, "packet": 2}),
    ),
    (Both("probability 0.25", "probability", 0.25), Both("probability 1", "probability", "1")),
    (
        Both("ban @banned 5m per destination", "ban", {"set": "banned", "timeout": "5m", "per": "destination"}),
        Both("ban @banned per source", "ban", {"set": "@banned", "per": "source"}),
    ),
)


@st.composite
def verdicts(draw: st.DrawFn) -> tuple[str, dict[str, Value]]:
    """A verdict, None for none, in words and as keys."""
    kind = draw(st.sampled_from(["alone", "alone", "alone", "vmap", "queue"]))
    match kind:
        case "queue":
            numbers = draw(st.sampled_from(["", "7", "0-3", "3-0"]))
            flags = draw(st.lists(st.sampled_from(["bypass", "fanout", "faster"]), unique=True, max_size=2))
            value: dict[str, Value] = {"verdict": "queue"}
            if numbers:
                value["num"] = int(numbers) if numbers.isdigit() else numbers
            if flags:
                value["flags"] = one_or_list(draw, flags)
            words = ["queue", numbers, f"flags {', '.join(flags)}" if flags else ""]
            return " ".join(word for word in words if word), value
        case "vmap":
            key, places = draw(st.sampled_from(MAPS))
            some = draw(st.lists(st.sampled_from(places), min_size=1, unique=True))
            to = {
                one: draw(st.sampled_from(["accept", "drop", "jump c", "goto c", "return", "jump d"])) for one in some
            }
            elements = ", ".join(f"{place} : {verdict}" for place, verdict in to.items())
            return f"vmap {key} {{{elements}}}", {"vmap": key, "verdicts": dict(to)}
        case _:
            words = draw(st.sampled_from(["accept", "drop", "reject", "reject with admin-prohibited", "return"]))
            decision, _, answer = words.partition(" with ")
            return words, {"verdict": decision, **({"with": answer} if answer else {})}


MAPS = (
    ("iifname", ["eth0", "wg*", "eth*", '"odd name"']),
    ("tcp dport", ["22", "80", "20-30", "ssh"]),
    ("saddr . tcp dport", ["192.0.2.1 . 22", "@admins . 1-9", "2001:db8::1 . 22", "192.0.2.1"]),
    ("ct state", ["new", "established", "old"]),
    ("meta mark", ["0x1", "1", "2-5"]),
    ("port", ["1"]),
)


@st.composite
def rules(draw: st.DrawFn) -> tuple[str, dict[str, Value]]:
    clauses = [endpoints("from"), endpoints("to"), states(), rates("limit"), rates("over"), hits(), logs(), counts()]
    clauses += [bounds(), conditions(), *(st.sampled_from(one) for one in ACTS)]
    chosen = [draw(one) for one in draw(st.lists(st.sampled_from(clauses), max_size=4, unique_by=id))]
    chosen = list({one.key: one for one in chosen}.values())
    verdict, keys = draw(verdicts()) if draw(st.integers(0, 5)) else (None, {})
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
        mapping.update(keys)
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


FLOWS = """\
chains: {c: [accept]}
timeouts: {short: {protocol: tcp, close: 10s}}
flowtables: {fast: {devices: [eth0, eth1]}}
"""


SECTIONS = (
    "forward: {default: drop, rules: [RULE]}",
    "mangle: {forward: [RULE]}",
    "raw: {prerouting: [RULE]}",
    "ingress: {eth0: {default: accept, rules: [RULE]}}",
)


def lowered(rule: object, section: str = SECTIONS[0]) -> tuple[object, ...]:
    head = f"polc: 1\n{HEAD}{FLOWS}{section.replace('RULE', json.dumps(rule))}\n"
    found = read_bytes(head.encode())
    if not isinstance(found, Ruleset):
        # Findings come in the order of the text, and the two forms order their words differently.
        return ("refused", *sorted({one.code for one in found}))
    # Names and comments stand outside equality, and must be equal too.
    return tuple(
        (chain.name, one, one.origin.name, one.origin.comment) for chain in found.chains for one in chain.rules
    )


@settings(max_examples=250, deadline=None)
@given(rules(), st.sampled_from(SECTIONS))
def test_text_and_mapping_are_one_rule(rule: tuple[str, dict[str, Value]], section: str) -> None:
    text, mapping = rule
    assert lowered(text, section) == lowered(mapping, section), text


@pytest.mark.parametrize(
    ("text", "mapping"),
    [
        (
            "dnat tcp from wan -> map tcp dport {80: 192.0.2.10:8080, 443: 192.0.2.11}",
            {"verdict": "dnat", "service": "tcp", "from": "wan",
             "target": {"map": "tcp dport", "to": {"80": "192.0.2.10:8080", "443": "192.0.2.11"}}},
        ),
        (
            "snat to wan -> map saddr {192.0.2.0/25: 203.0.113.1, 192.0.2.128/25: 203.0.113.2} random",
            {"verdict": "snat", "to": "wan", "random": True,
             "target": {"map": "saddr", "to": {"192.0.2.0/25": "203.0.113.1", "192.0.2.128/25": "203.0.113.2"}}},
        ),
        ("masquerade to wan fully-random", {"verdict": "masquerade", "to": {"zone": "wan"}, "fully_random": True}),
        ("redirect -> map dport {80: :1}",
         {"verdict": "redirect", "target": {"map": "dport", "to": {"80": ":1"}}}),
    ],
)  # fmt: skip
def test_so_are_those_of_nat(text: str, mapping: dict[str, Value]) -> None:
    assert lowered(text, "nat: [RULE]") == lowered(mapping, "nat: [RULE]")


@pytest.mark.parametrize("section", SECTIONS)
def test_each_clause_alone(section: str) -> None:
    for one in (each for group in ACTS for each in group):
        text = f"accept tcp {one.words}"
        assert lowered(text, section) == lowered({"verdict": "accept", "service": "tcp", one.key: one.value}, section)


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
