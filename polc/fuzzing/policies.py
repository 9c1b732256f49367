"""Random policies: sections with rules that overlap, and chains below them."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random

from polc.fuzzing.case import Block, Case, Definition, Kind, Line, Part
from polc.fuzzing.entries import HOST, Entry, chosen
from polc.fuzzing.policy_rules import CLAUSES, CONNECTIONS, DEFINITIONS, FILTER, HEADS, IN_NAT, NAT_HEADS

_CHAINS = ("one", "two", "three")
_SLOW = 0.03
"""The share of policies with a rule that counts connections: each of their packets takes 40 ms."""


def policy(random: Random) -> Case:
    """The policy that these random numbers lead to."""
    homes = {name: random.choice(("input", "input", "forward", "output")) for name in _some_chains(random)}
    blocks = [_filter(random, section, homes) for section in ("input", "forward", "output") if random.random() < 0.75]
    names = list(homes)
    for number, (name, home) in enumerate(homes.items()):
        blocks.append(_filter(random, home, {one: homes[one] for one in names[number + 1 :]}, name))
    present = {block.place for block in blocks}
    if not present & FILTER or random.random() < 0.3:
        for place in ("raw.prerouting", "raw.output", *(f"mangle.{one}" for one in _MANGLE)):
            if random.random() < 0.3:
                blocks.append(_list(random, place, random.randint(1, 3)))
    if random.random() < 0.35:
        places = random.sample(sorted(IN_NAT - {"nat.input"}), random.choice((1, 1, 2)))
        blocks += [_list(random, place, random.randint(1, 3)) for place in places]
    if not blocks:
        blocks.append(_filter(random, "input", {}))
    if random.random() < _SLOW:
        blocks[0] = replace(blocks[0], lines=(*_counting(random), *blocks[0].lines[:3]))
    definitions = [Definition(key, json.dumps(value)) for key, value in DEFINITIONS.items()]
    if random.random() < 0.6:
        definitions.insert(0, Definition("settings.host", json.dumps(HOST)))
    order = {name: number for number, name in enumerate(("raw", "mangle", "input", "forward", "output", "nat"))}
    blocks.sort(key=lambda one: (order.get(one.place.partition(".")[0], -1), one.place))
    return Case(Kind.POLICY, tuple(blocks), tuple(definitions), _options(random))


_MANGLE = ("prerouting", "input", "forward", "output", "postrouting")


def _options(random: Random) -> tuple[str, ...]:
    """How it is emitted."""
    options: tuple[str, ...] = ("--for", "host") if random.random() < 0.5 else ()
    if random.random() < 0.4:
        options += ("--ipset", random.choice(("always", "never")))
    return options


def _some_chains(random: Random) -> tuple[str, ...]:
    return _CHAINS[: random.choice((0, 0, 1, 2, 3))]


def _filter(random: Random, section: str, homes: dict[str, str], chain: str = "") -> Block:
    below = [name for name, home in homes.items() if home == section]
    lines = [_rule(random, section, HEADS) for _ in range(random.randint(0, 6))]
    for name in below:
        at = random.randint(0, len(lines))
        head = Part(f"{random.choice(('jump', 'jump', 'goto'))} {name}", needed=True, group="head")
        lines.insert(at, _with_clauses(random, section, (head,)))
    place = f"chains.{chain}" if chain else section
    default = "" if chain else random.choice(("accept", "drop", "drop", "reject"))
    return Block(place, default, tuple(lines))


def _list(random: Random, place: str, count: int) -> Block:
    heads = NAT_HEADS if place in IN_NAT else HEADS
    return Block(place, "", tuple(_rule(random, place, heads) for _ in range(count)))


def _rule(random: Random, place: str, heads: tuple[Entry, ...]) -> Line:
    return _with_clauses(random, place, chosen(random, heads, place))


def _with_clauses(random: Random, place: str, head: tuple[Part, ...]) -> Line:
    parts, last = [one for one in head if one.group != "target"], [one for one in head if one.group == "target"]
    if str(head[0]).startswith("use "):
        return Line(head)
    for _ in range(random.choice((0, 1, 1, 2, 2, 3, 4))):
        more = chosen(random, CLAUSES, place)
        # `sport` is the service's own: beside a service that has ports it stands alone.
        taken = {part.group for part in (*parts, *last)} | ({"service"} if str(head[0]).startswith("vmap") else set())
        if not taken & {part.group for part in more}:
            parts += more
    # The service stands behind the verdict.
    parts.sort(key=lambda part: {"head": 0, "service": 1}.get(part.group, 2))
    return Line((*parts, *last), random.random() < 0.3)


def _counting(random: Random) -> tuple[Line, ...]:
    head = Part("", (random.choice(("drop", "accept")),), needed=True, group="head", key="verdict")
    return (Line((head, *chosen(random, (CONNECTIONS,), "input"))),)
