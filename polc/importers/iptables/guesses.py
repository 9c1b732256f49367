"""What somebody probably meant by an option that is none. Imported with every reader, called for errors alone."""

from __future__ import annotations

from collections.abc import Sequence

from polc.diagnostics.suggest import nearest
from polc.importers.iptables import registry
from polc.importers.iptables.extension import MatchExtension, Option
from polc.importers.iptables.problem import LOST_OPTION, UNKNOWN_OPTION, Problem
from polc.importers.iptables.quoting import quote
from polc.ir.family import Family

_SHOWN = 4
"""Extensions that are named where an option belongs to many."""


def unknown_option(shown: str, at: int, known: Sequence[Option], family: Family) -> Problem:
    """``shown`` is the option as it was written, ``known`` are those that could stand there."""
    name = shown.lstrip("-")
    owners = registry.owners(name, family)
    if owners:
        listed = ", ".join(f"`{one}`" for one in owners[:_SHOWN]) + (" and others" if len(owners) > _SHOWN else "")
        hint = f"it belongs to {listed}: {'one of them' if len(owners) > 1 else 'that'} must stand before it"
        if "`-m tcp`" in listed:
            hint += ", as `-p tcp` stands for `-m tcp`"
        return Problem(UNKNOWN_OPTION, f"`{shown}` is no option of what stands before it", at, help=hint)
    names = [full for one in known for full in (one.name, *one.also) if full]
    near = nearest(name, names) or nearest(
        name, [full for one in registry.every_option(family) for full in (one.name, *one.also)]
    )
    return Problem(UNKNOWN_OPTION, f"unknown option `{shown}`", at, help=f"did you mean `--{near}`?" if near else "")


def lost_option(words: Sequence[str], before: MatchExtension | None, at: int) -> Problem | None:
    """`-m state NEW --state -m recent` for `-m state --state NEW -m recent`: a value that stands before its option, or
    without it. ``before`` is the extension whose ``-m`` the stray word ``at`` follows.
    """
    if before is None:
        return None
    value = words[at]
    takers = [one for one in before.options if one.takes == 1]
    following = words[at + 1] if at + 1 < len(words) else ""
    name = following.removeprefix("--") if following.startswith("--") else ""
    swapped = next((one for one in takers if name in (one.name, *one.also)), None)
    after = words[at + 2] if at + 2 < len(words) else "-"
    if swapped is not None and after.startswith(("-", "!")):
        meant = f"-m {before.name} {following} {quote(value)}"
        return Problem(
            LOST_OPTION,
            f"`{value}` stands before `{following}`, which then takes `{after}` for its value"
            if after != "-"
            else f"`{value}` stands before `{following}`, which is left without a value",
            at,
            help=f"did you mean `{meant}`?",
        )
    if len(takers) == 1 or before.name in ("state", "conntrack", "limit", "recent"):
        meant = f"-m {before.name} --{takers[0].name} {quote(value)}"
        return Problem(LOST_OPTION, f"`{value}` has no option before it", at, help=f"did you mean `{meant}`?")
    return None
