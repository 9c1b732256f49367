"""What ``polc verify --mutations`` says: for people and for machines."""

from __future__ import annotations

import sys
from collections import Counter

from polc.diagnostics.text import render
from polc.probing.certify import name_of
from polc.probing.faults import Effect
from polc.probing.missed import why_missed
from polc.probing.model import Plan
from polc.probing.reckoning import ENOUGH, Reckoned, Trial
from polc.simulate.packet_format import format_packet

_MOST = 20


def print_mutations(plan: Plan, one: Reckoned) -> None:
    if one.problems:
        print(f"{one.loader}: no mutations tried")
        sys.stdout.flush()
        sys.stderr.write(render(one.problems))
        return
    seen, missed = (one.count(Effect.VERDICT, seen=which) for which in (True, False))
    print(
        f"{one.loader}: {len(one.trials)} mutations; {seen} of {seen + missed} that change a verdict are seen"
        f" ({one.rate:.1%})"
    )
    for words in _others(one):
        print(f"  {words}")
    told = [other for other in one.missed if other.fault.effect is Effect.VERDICT]
    for other in told[:_MOST]:
        print(f"  not seen: {_name(other)}: {why_missed(plan, other.fault.mutant)}")
    if len(told) > _MOST:
        print(f"  and {len(told) - _MOST} more")
    if not one.sound:
        print("  afterwards the firewall itself did not do what it had done: these figures are worth nothing")


def _others(one: Reckoned) -> list[str]:
    said = []
    equal = one.count(Effect.NOTHING, seen=False)
    if equal:
        said.append(f"{equal} are proven to change nothing, and left out")
    later = one.count(Effect.LATER, seen=False)
    if later:
        said.append(f"{later} change a verdict at another time of day or week alone, and are not tried")
    for effect, words in ((Effect.MEMORY, "change only what is remembered or marked"), (Effect.UNDECIDED, "undecided")):
        seen, missed = (one.count(effect, seen=which) for which in (True, False))
        if seen + missed:
            said.append(f"{seen + missed} {words}: {seen} are seen")
    if one.refused:
        said.append(f"{one.refused} are refused when they are written or loaded")
    return said


def _name(one: Trial) -> str:
    mutant = one.fault.mutant
    if mutant.rule is None or mutant.number is None:
        return f"{mutant.mutation}: the policy of `{mutant.chain}`"
    return f"{mutant.mutation}: {name_of(mutant.rule.origin, (mutant.chain, mutant.number))}"


def mutations_json(plan: Plan, one: Reckoned) -> dict[str, object]:
    kinds = Counter(other.fault.mutant.mutation for other in one.trials)
    return {
        "loader": one.loader,
        "mutations": len(one.trials),
        "rate": round(one.rate, 5),
        "enough": ENOUGH,
        "sound": one.sound,
        **{
            effect.value: {"seen": one.count(effect, seen=True), "missed": one.count(effect, seen=False)}
            for effect in Effect
        },
        "refused": one.refused,
        "kinds": dict(kinds),
        "missed": [{**_json(other), "why": why_missed(plan, other.fault.mutant)} for other in one.missed],
        "trials": [_json(other) for other in one.trials],
        "problems": [{"code": problem.code, "message": problem.message} for problem in one.problems],
    }


def _json(one: Trial) -> dict[str, object]:
    mutant, seen = one.fault.mutant, one.attempt.seen
    span = mutant.rule.origin.span if mutant.rule is not None else None
    return {
        "mutation": mutant.mutation,
        "chain": mutant.chain,
        "rule": mutant.number,
        "variant": mutant.variant,
        "file": span.source.path if span else "",
        "line": span.line if span else None,
        "effect": one.fault.effect.value,
        "reason": one.fault.reason,
        "refused": one.attempt.refused,
        "packet": format_packet(seen.packet) if seen else "",
        "expected": str(seen.expected) if seen else "",
        "seen": str(seen.seen) if seen else "",
    }
