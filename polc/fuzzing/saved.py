"""Random files of iptables-save: tables whose chains have rules that overlap, and chains of the user's."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from polc.fuzzing.case import Block, Case, Kind, Line, Part
from polc.fuzzing.entries import chosen
from polc.fuzzing.saved_rules import CHAINS, CONNECTIONS, matches, targets

_SHARES = {"raw": 0.2, "mangle": 0.3, "nat": 0.3, "filter": 0.9}
"""How many files have rules in a table."""

_SLOW = 0.03
"""As in ``policies``."""


def saved(random: Random) -> Case:
    """The file that these random numbers lead to."""
    kind = random.choice((Kind.SAVED, Kind.SAVED, Kind.SAVED6))
    blocks: list[Block] = []
    for table, share in _SHARES.items():
        if random.random() < share or (table == "filter" and not blocks):
            blocks += _table(random, table, kind)
    if random.random() < _SLOW and blocks[0].lines:
        head = Line((*chosen(random, (CONNECTIONS,), ""), Part("-j ", ("DROP",), needed=True, group="-j")))
        at = next((number for number, one in enumerate(blocks) if one.place == "filter.INPUT"), None)
        if at is not None:
            blocks[at] = replace(blocks[at], lines=(head, *blocks[at].lines[:3]))
    return Case(kind, tuple(blocks), options=("--for", "host") if random.random() < 0.5 else ())


def _table(random: Random, table: str, kind: Kind) -> list[Block]:
    six = kind is Kind.SAVED6
    blocks = []
    homes = {f"{table[0]}-{number}": random.choice(CHAINS[table]) for number in range(random.choice((0, 0, 1, 2)))}
    for chain in CHAINS[table]:
        lines = _lines(random, f"{table}.{chain}", six, random.choice((0, 1, 2, 4) if table != "filter" else (0, 3, 6)))
        below = [name for name, home in homes.items() if home == chain]
        policy = random.choice(("ACCEPT", "DROP")) if table == "filter" else "ACCEPT"
        blocks.append(Block(f"{table}.{chain}", policy, _leading(random, f"{table}.{chain}", six, lines, below)))
    names = list(homes)
    for number, (name, home) in enumerate(homes.items()):
        lines = _lines(random, f"{table}.{home}", six, random.randint(0, 4))
        below = [other for other in names[number + 1 :] if homes[other] == home]
        blocks.append(Block(f"{table}.{name}", "", _leading(random, f"{table}.{home}", six, lines, below)))
    return blocks


def _lines(random: Random, place: str, six: bool, count: int) -> list[Line]:
    return [_line(random, place, six, chosen(random, targets(six), place)) for _ in range(count)]


def _leading(random: Random, place: str, six: bool, lines: list[Line], below: list[str]) -> tuple[Line, ...]:
    """With rules that lead to the chains below."""
    for name in below:
        target = Part(f"{random.choice(('-j', '-j', '-g'))} {name}", needed=True, group="-j")
        lines.insert(random.randint(0, len(lines)), _line(random, place, six, (target,)))
    return tuple(lines)


def _line(random: Random, place: str, six: bool, target: tuple[Part, ...]) -> Line:
    parts = [one for one in target if one.group != "-j"]
    for _ in range(random.choice((0, 1, 1, 2, 2, 3, 4))):
        more = chosen(random, matches(six), place)
        if not {part.group for part in parts} & {part.group for part in more}:
            parts += more
    # Options of the table stand before those of matches; a target is the last.
    parts.sort(key=lambda part: {"-s": 0, "-d": 0, "-i": 1, "-o": 1, "-p": 2, "count": 4}.get(part.group, 3))
    return Line((*parts, *(one for one in target if one.group == "-j")))
