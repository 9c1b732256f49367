"""A difference for people at a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from polc.diffing.model import Difference, Region, Rule, Seen
from polc.diffing.words import change_text, ends_text, families_text, headline, service_text, states_text, zones_text


def render(difference: Difference, before: str, after: str) -> str:
    """``before`` and ``after`` are what the sides are called."""
    lines = [f"{before} -> {after}: {headline(difference)}"]
    for number, region in enumerate(difference.regions, 1):
        lines += ["", *_region(difference, number, region)]
    if len(difference.regions) < difference.total:
        lines += ["", f"{difference.total - len(difference.regions)} smaller ones are not shown (--max)"]
    lines += [f"undecided: {one}" for one in difference.undecided if difference.total]
    lines += [f"assumed: {one}" for one in difference.assumed]
    return "\n".join(lines) + "\n"


def sentence(difference: Difference, region: Region) -> str:
    """``wan -> host, tcp/22 from @admins``."""
    shape, names = region.shape, difference.names
    sources, destinations = ends_text(shape, names)
    words = [service_text(shape, names)]
    if sources != "any":
        words.append(f"from {sources}")
    if destinations != "any":
        words.append(f"to {destinations}")
    states = states_text(shape, region.change.kind, tracked=difference.tracked)
    details = [one for one in (families_text(shape, difference.families, names), states, *shape.conditions) if one]
    text = f"{zones_text(region, difference.interfaces, names)}, {' '.join(words)}"
    return f"{text}, {', '.join(details)}" if details else text


def _region(difference: Difference, number: int, region: Region) -> Iterator[str]:
    yield f"{number}. {change_text(region)}: {sentence(difference, region)}"
    if region.witness is None:
        yield f"   no packet is shown: {region.unshown}"
        return
    yield f"   such as `{region.witness.packet}`"
    for one in region.witness.given:
        yield f"     while {one}"
    yield from _seen("before", region.witness.before)
    yield from _seen("after", region.witness.after)


def _seen(when: str, seen: Seen) -> Iterator[str]:
    rules = [rule_text(one) for one in seen.rules] or ["no rule has a say"]
    yield f"   {when + ':':<8}{seen.fate}, {rules[0]}"
    for one in rules[1:]:
        yield f"           {one}"
    if seen.nat:
        yield f"           {seen.nat}"


def place_text(rule: Rule) -> str:
    """``policy.yaml:14``; empty where a rule stands in no file."""
    return f"{rule.path}:{rule.line}" if rule.line else ""


def rule_text(rule: Rule) -> str:
    """``policy.yaml:14 input `accept ssh```."""
    return " ".join(one for one in (place_text(rule), rule.chain, f"`{rule.words}`") if one)
