"""A difference as a comment on a pull request: a headline, a table, and details that fold."""

from __future__ import annotations

import re
from collections.abc import Iterator

from polc.diffing.as_text import place_text, sentence
from polc.diffing.model import Difference, Region, Rule, Seen
from polc.diffing.words import (
    change_text,
    ends_text,
    families_text,
    headline,
    service_text,
    states_text,
    zones_text,
)

LONGEST = 60_000
"""Characters; forges take 65,536 in a comment (GitHub, body of an issue comment)."""
_LONGEST_CELL = 300
_SPECIAL = re.compile(r"([\\`*_{}\[\]<#|~])")


def render(difference: Difference, before: str, after: str) -> str:
    """``before`` and ``after`` are what the sides are called. At most ``LONGEST`` characters: what does not fit is
    counted.
    """
    title = "no difference" if difference.same else headline(difference)
    lines = [f"### Firewall: {_escaped(title)}", "", f"{_code(before)} compared with {_code(after)}"]
    if difference.regions:
        lines += ["", "| | packets | service | from | to | change |", "| --- | --- | --- | --- | --- | --- |"]
    text = "\n".join(lines) + "\n"
    rows = [_row(difference, number, one) for number, one in enumerate(difference.regions, 1)]
    folded = ["\n".join(_details(difference, number, one)) for number, one in enumerate(difference.regions, 1)]
    tail = "".join(f"\n{one}\n" for one in _tail(difference))
    # Rows come before details: with the least room there is, the table is what is read.
    room = LONGEST - len(text) - len(tail) - 200
    shown = _fitting(rows, room)
    room -= sum(len(one) + 1 for one in rows[:shown]) + 100
    explained = _fitting(folded[:shown], room)
    text += "".join(f"{one}\n" for one in rows[:shown])
    if explained:
        text += "\n<details><summary>An example of each, and the rules that decide</summary>\n\n"
        text += "\n\n".join(folded[:explained]) + "\n\n</details>\n"
    missing = difference.total - shown
    if missing:
        text += f"\n{missing} smaller ones are not shown.\n"
    return text + tail


def _fitting(parts: list[str], room: int) -> int:
    """How many of the parts there is room for."""
    for at, one in enumerate(parts):
        room -= len(one) + 2
        if room < 0:
            return at
    return len(parts)


def _row(difference: Difference, number: int, region: Region) -> str:
    shape, names = region.shape, difference.names
    sources, destinations = ends_text(shape, names)
    states = states_text(shape, region.change.kind, tracked=difference.tracked)
    details = (families_text(shape, difference.families, names), states, *shape.conditions)
    packets = ", ".join(one for one in (zones_text(region, difference.interfaces, names), *details) if one)
    cells = (packets, service_text(shape, names), sources, destinations)
    return " | ".join((f"| {number}", *(_cell(one) for one in cells), f"**{_cell(change_text(region))}** |"))


def _cell(text: str) -> str:
    return _escaped(text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 3] + "...")


def _details(difference: Difference, number: int, region: Region) -> Iterator[str]:
    yield f"**{number}. {_escaped(change_text(region))}**: {_escaped(sentence(difference, region))}"
    yield ""
    if region.witness is None:
        yield f"- no packet is shown: {_escaped(region.unshown)}"
        return
    yield f"- such as {_code(region.witness.packet)}"
    for one in region.witness.given:
        yield f"  - while {_escaped(one)}"
    yield from _seen("before", region.witness.before)
    yield from _seen("after", region.witness.after)


def _seen(when: str, seen: Seen) -> Iterator[str]:
    rules = "; ".join(_rule(one) for one in seen.rules) or "no rule has a say"
    nat = f" ({_escaped(seen.nat)})" if seen.nat else ""
    yield f"- {when}: **{_escaped(seen.fate)}**{nat}, {rules}"


def _rule(rule: Rule) -> str:
    place = place_text(rule)
    return " ".join(one for one in (_code(place) if place else "", _escaped(rule.chain), _code(rule.words)) if one)


def _tail(difference: Difference) -> Iterator[str]:
    for one in difference.undecided:
        yield f"Undecided: {_escaped(one)}."
    for one in difference.assumed:
        yield f"Assumed: {_escaped(one)}."


def _escaped(text: str) -> str:
    """Text that means nothing to markdown, HTML, or a forge: names of people are not called."""
    plain = " ".join(text.split()).replace("->", "\u2192")
    return _SPECIAL.sub(r"\\\1", plain).replace("&", "&amp;").replace("@", "@\u2060")


def _code(text: str) -> str:
    """As code, with as many backticks around it as it takes (CommonMark, 6.1)."""
    plain = " ".join(text.split())
    longest = max((len(one) for one in re.findall(r"`+", plain)), default=0)
    fence = "`" * (longest + 1)
    space = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{fence}{space}{plain}{space}{fence}"
