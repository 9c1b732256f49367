"""What becomes of packets on both sides, as far as it differs, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from polc.ir.addresses import format_range
from polc.ir.family import Family
from polc.ir.ruleset import Hook
from polc.ir.statements import (
    AssignHelper,
    AssignTimeout,
    AssignZone,
    Counter,
    Duplicate,
    Log,
    Offload,
    SetOperation,
    UpdateSet,
)
from polc.ir.verdicts import Accept, Queue
from polc.proving.differs import verdict_words as words_of_verdict
from polc.symbolic.outcome import Binding, Derived, Effect, Evaluated, Outcome, Unknown, Verdict
from polc.symbolic.space import Space


class Kind(Enum):
    """What differs. UNKNOWN: both sides lead to the same words of which only the kernel knows what they do: what comes
    after them may differ.
    """

    VERDICT = "verdict"
    NAT = "nat"
    EFFECTS = "effects"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Change:
    """Of packets that are treated alike on each side, what each side does."""

    kind: Kind
    before: str
    after: str


def change_of(space: Space, before: Outcome, after: Outcome) -> Change | None:
    """What differs; a verdict before NAT, and that before effects. None: nothing does."""
    if isinstance(before.verdict, Unknown) and before.verdict == after.verdict:
        words = verdict_words(before.verdict)
        return Change(Kind.UNKNOWN, words, words)
    if before.verdict != after.verdict or _queues(before) != _queues(after):
        return Change(Kind.VERDICT, *(verdict_words(one.verdict, _queues(one)) for one in (before, after)))
    # Chains that nat chains jump to do not know at which hook they are.
    if _bare(before.nat) != _bare(after.nat):
        left, right = (nat_words(space.family, one.nat) for one in (before, after))
        return Change(Kind.NAT, left, right)
    if (before.effects, before.changes) != (after.effects, after.changes):
        ours, theirs = _effects(space, before), _effects(space, after)
        left, right = (
            ", ".join(one for one in own if one not in other) or "nothing"
            for own, other in ((ours, theirs), (theirs, ours))
        )
        if left == right:
            # The same in another order.
            left, right = ", ".join(ours), ", ".join(theirs)
        return Change(Kind.EFFECTS, left, right)
    return None


def _bare(bindings: Iterable[Binding]) -> tuple[Binding, ...]:
    return tuple(replace(one, hook=Hook.PREROUTING) for one in bindings)


def _queues(outcome: Outcome) -> tuple[Queue, ...]:
    return tuple(one for one in outcome.effects if isinstance(one, Queue))


def verdict_words(verdict: Verdict, queues: tuple[Queue, ...] = ()) -> str:
    """``accept``, ``reject with tcp-reset``, ``queue 3``."""
    if isinstance(verdict, Accept) and queues:
        return ", ".join(_queue(one) for one in queues)
    return words_of_verdict(verdict)


def nat_words(family: Family, bindings: Iterable[Binding]) -> str:
    """``dnat to 192.0.2.10:80``, ``masquerade``; ``no nat``."""
    return ", ".join(_binding(family, one) for one in bindings) or "no nat"


def _binding(family: Family, one: Binding) -> str:
    words = [one.kind.value]
    target = "" if one.addresses is None else format_range(family, *one.addresses)
    if one.ports is not None:
        low, high = one.ports
        ports = str(low) if low == high else f"{low}-{high}"
        target = f"[{target}]:{ports}" if ":" in target else f"{target}:{ports}"
    if target:
        words += ["to", target]
    return " ".join((*words, *one.flags))


def _effects(space: Space, outcome: Outcome) -> list[str]:
    found = [_effect(one) for one in outcome.effects]
    for number, change in outcome.changes:
        variable = space.variables[number]
        detail = variable.detail[0] if isinstance(variable.detail, tuple) else variable.detail
        name = getattr(detail, "value", None) or str(variable)
        if isinstance(change, Derived):
            found.append(f"{name} changed")
        else:
            low = (
                variable.detail[1] if isinstance(variable.detail, tuple) and isinstance(variable.detail[1], int) else 0
            )
            found.append(f"{name} set {change << low:#x}" if low or "mark" in name else f"{name} set {change}")
    return found


def _queue(queue: Queue) -> str:
    return f"queue {queue.first}" if queue.first == queue.last else f"queue {queue.first}-{queue.last}"


def _effect(effect: Effect) -> str:
    match effect:
        case Log(prefix, level, group):
            where = f"group {group}" if group is not None else f"level {level.name.lower()}"
            return f'log "{prefix}" {where}'
        case Counter(name):
            return f"count {name}"
        case UpdateSet(set_name=name, operation=operation, timeout=timeout):
            lasting = "" if timeout is None else f" for {timeout}s"
            way = "from" if operation is SetOperation.DELETE else "to"
            return f"{operation.value} {way} @{name}{lasting}"
        case Queue():
            return _queue(effect)
        case Evaluated(state):
            return f"asks {state}"
        case AssignHelper(helper):
            return f"helper {helper}"
        case AssignTimeout(name):
            return f"timeouts {name}"
        case AssignZone(zone):
            return f"conntrack zone {zone}"
        case Offload(flowtable):
            return f"offload to {flowtable}"
        case Duplicate(family, address, device):
            copy = f"copy to {format_range(family, address, address)}"
            return copy if device is None else f"{copy} by {device}"
        case _:
            # Trace, notrack, tproxy: their names are words.
            return type(effect).__name__.lower()
