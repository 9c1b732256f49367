"""A plan for people, for machines, and for a merge request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from polc.live.change import Action, Part
from polc.live.guard import Asked
from polc.live.plan import Plan

_SIGNS = {Action.ADD: "+", Action.REMOVE: "-", Action.REPLACE: "~"}
_MOST = 200
"""Parts that are told one by one."""


def as_text(plan: Plan) -> str:
    return "".join(f"{line}\n" for line in _lines(plan))


def _lines(plan: Plan) -> Iterator[str]:
    yield _summary(plan)
    yield from (f"  {one}" for one in told(plan.change.parts))
    if plan.change.renamed:
        yield f"  {_renamed(plan)}"
    if plan.means is not None:
        yield "packets that are treated differently:" if plan.means else "no packet is treated differently"
        yield from (f"  {one}" for one in plan.means)
    for title, some in (("lost", plan.change.lost), ("also judges packets here", _beside(plan))):
        if some:
            yield f"{title}:"
            yield from (f"  {one}" for one in some)
    if plan.asked:
        yield "simulated against the new policy:"
        yield from (f"  {_asked(one)}" for one in plan.asked)
    yield from (f"warning: {one.message}" for one in plan.warnings)
    for one in plan.unsure:
        yield f"warning: only the kernel knows what becomes of {one.what}: {one.reason}"
    if plan.locked_out:
        names = " and ".join(one.what for one in plan.locked_out)
        yield f"refused: this would cut off {names}; `--force` applies it all the same, best with `--confirm`"


def as_json(plan: Plan) -> dict[str, object]:
    return {
        "changed": plan.change.changes,
        "running": plan.running,
        "parts": [
            {
                "action": one.action.value, "kind": one.kind, "name": one.name, "text": one.text,
                "origin": one.origin, "count": one.count,
            }
            for one in plan.change.parts
        ],
        "renamed": plan.change.renamed,
        "lost": list(plan.change.lost),
        "means": None if plan.means is None else list(plan.means),
        "others": [{"what": one.what, "program": one.program, "effect": one.effect} for one in plan.others],
        "asked": [
            {"what": one.what, "packet": one.packet, "fate": one.fate.value, "reason": one.reason}
            for one in plan.asked
        ],
        "warnings": [one.message for one in plan.warnings],
        "locked_out": bool(plan.locked_out),
    }  # fmt: skip


def as_markdown(plan: Plan) -> str:
    return "".join(f"{line}\n" for line in _page(plan))


def _page(plan: Plan) -> Iterator[str]:
    yield f"### {_summary(plan)}"
    if plan.change.parts:
        yield from ("", "```diff", *told(plan.change.parts), "```")
    if plan.change.renamed:
        yield from ("", _renamed(plan))
    if plan.means is not None:
        yield from (
            "",
            "**Packets that are treated differently:**" if plan.means else "No packet is treated differently.",
        )
        yield from ("", *(f"- {one}" for one in plan.means))
    for title, some in (("Lost", plan.change.lost), ("Also judges packets here", _beside(plan))):
        if some:
            yield from ("", f"**{title}:**", "", *(f"- {one}" for one in some))
    if plan.asked:
        yield from ("", "| simulated against the new policy | fate | by |", "| --- | --- | --- |")
        yield from (
            f"| {one.what} | {one.fate.value} | {one.reason.replace('|', chr(92) + '|')} |" for one in plan.asked
        )
    if plan.warnings:
        yield from ("", *(f"- warning: {one.message}" for one in plan.warnings))
    if plan.locked_out:
        yield from ("", f"**Refused**: this would cut off {' and '.join(one.what for one in plan.locked_out)}.")


def _summary(plan: Plan) -> str:
    if not plan.change.changes:
        return "nothing to change: the kernel holds this policy"
    counts = Counter[Action]()
    for one in plan.change.parts:
        counts[one.action] += one.count
    words = {Action.ADD: "to add", Action.REPLACE: "to replace", Action.REMOVE: "to remove"}
    return "plan: " + ", ".join(f"{counts[action]} {word}" for action, word in words.items())


def told(parts: tuple[Part, ...]) -> Iterator[str]:
    """Parts for people, a line each."""
    # Rules whose line in the policy is another now are many, and all the same.
    moved = [one for one in parts if one.kind == "rule" and one.action is Action.REPLACE]
    others = [one for one in parts if one not in moved] if len(moved) > 3 else [*parts]
    for one in others[:_MOST]:
        origin = f"   # {one.origin}" if one.origin else ""
        count = f" ({one.count})" if one.kind == "elements" else ""
        text = f": {one.text}" if one.text else ""
        yield f"{_SIGNS[one.action]} {one.kind} {one.name}{count}{text}{origin}"
    if len(others) > _MOST:
        yield f"... and {len(others) - _MOST} more"
    if len(moved) > 3:
        yield f"~ {len(moved)} rules whose line in the policy is another now"


def _renamed(plan: Plan) -> str:
    return (
        f"{plan.change.renamed} rules stay for what they have counted, "
        "although their comments name the lines that they had before"
    )


def _beside(plan: Plan) -> tuple[str, ...]:
    return tuple(f"{one.what}{f' ({one.program})' if one.program else ''}: {one.effect}" for one in plan.others)


def _asked(one: Asked) -> str:
    return f"{one.what}: {one.fate.value} {one.reason}".rstrip()
