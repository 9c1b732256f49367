"""What ``polc verify`` says: for people and for machines."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from polc.diagnostics.text import render
from polc.kernel.verify import Result
from polc.probing.certify import Certified, Disagreement, Rules, name_of
from polc.probing.fillings import filling_json
from polc.probing.model import Plan, Unreached
from polc.simulate.packet_format import format_packet, packet_json

_MOST = 20
"""Disagreements of a loader that people are told of."""


def print_result(result: Result) -> None:
    files = " and ".join(part for part in (", ".join(result.files[:-1]), result.files[-1]) if part)
    if result.problems:
        print(f"{result.loader}: {files} not verified")
        sys.stdout.flush()
        sys.stderr.write(render(result.problems))
    elif result.differences:
        print(f"{result.loader}: {files} loaded, but the kernel holds something else:")
        for one in result.differences:
            print(f"  {one.file}: {one.message}")
    else:
        print(f"{result.loader}: {files} loaded in a scratch namespace, read back: same as compiled")
        if result.unread:
            print(f"  by its words; its meaning was not read: {result.unread}")


def result_json(result: Result) -> dict[str, object]:
    return {
        "loader": result.loader,
        "target": result.target,
        "files": list(result.files),
        "verified": result.verified,
        "unread": result.unread,
        "differences": [{"file": one.file, "message": one.message} for one in result.differences],
        "problems": [{"code": one.code, "message": one.message} for one in result.problems],
    }


def print_probes(plan: Plan, rules: Rules, certified: Sequence[Certified]) -> None:
    total = len(rules.named(plan.rules))
    for one in certified:
        if one.problems:
            print(f"{one.loader}: no packets sent")
            sys.stdout.flush()
            sys.stderr.write(render(one.problems))
            continue
        wrong = len(one.disagreements)
        decided = len(rules.named(one.met & set(plan.rules)))
        agree = "all as expected" if not wrong else f"{wrong} not as expected"
        print(f"{one.loader}: {one.packets} packets, {agree}; {decided} of {total} rules decide one")
        for other in one.disagreements[:_MOST]:
            for line in _lines(other):
                print(f"  {line}")
        if wrong > _MOST:
            print(f"  and {wrong - _MOST} more")
    if filled := _filled(plan):
        print(f"put into sets before packets were sent: {', '.join(filled)}")
    for name, rule in left(plan, rules):
        print(f"not reached: {name}: {rule.why.value}: {rule.reason}")
    for name, reason in untimed(plan, rules):
        print(f"not waited for: {name}: {reason}")


def _filled(plan: Plan) -> list[str]:
    """Sets that are filled for packets, and with how many elements at most."""
    counts: dict[tuple[str, str], int] = {}
    for one in (filling for scene in plan.scenes for filling in scene.fillings):
        counts[one.table, one.name] = max(counts.get((one.table, one.name), 0), len(one.elements))
    several = len({table for table, _ in counts}) > 1
    return [
        f"{count} element{'s' if count > 1 else ''} into `{name}`" + (f" of `{table}`" if several else "")
        for (table, name), count in counts.items()
    ]


def _lines(one: Disagreement) -> Iterator[str]:
    played = one.played
    yield f"{format_packet(played.packet)}: expected {played.expected}, seen {played.seen}"
    decision = played.outcome.decision
    if decision is not None:
        by = (
            name_of(decision.origin, (decision.chain, decision.number or 0))
            if decision.rule
            else f"the default of `{decision.chain}`"
        )
        yield f"  expected of {by}; tried for {played.probe.about}"
    yield from (f"    {line}" for line in one.trace.splitlines())


def left(plan: Plan, rules: Rules) -> Iterator[tuple[str, Unreached]]:
    """Rules as they were written of which no part is met, and why."""
    met = rules.named(plan.met)
    told: dict[str, Unreached] = {}
    for one in plan.unreached:
        told.setdefault(name_of(one.rule.origin, one.place), one)
    yield from ((name, one) for name, one in told.items() if name not in met)


def untimed(plan: Plan, rules: Rules) -> Iterator[tuple[str, str]]:
    """Rules as they were written of which it is not tried what they do when time has gone by, and why."""
    yield from {name_of(one.rule.origin, one.place): one.reason for one in plan.untimed}.items()


def probes_json(plan: Plan, rules: Rules, certified: Sequence[Certified]) -> dict[str, object]:
    return {
        "packets": plan.packets,
        "hosts": len(plan.scenes),
        "rules": len(rules.named(plan.rules)),
        "filled": [
            {"host": number, **filling_json(one)} for number, scene in enumerate(plan.scenes) for one in scene.fillings
        ],
        "unreached": [{"rule": name, "why": one.why.value, "reason": one.reason} for name, one in left(plan, rules)],
        "untimed": [{"rule": name, "reason": reason} for name, reason in untimed(plan, rules)],
        "loaders": [
            {
                "loader": one.loader,
                "packets": one.packets,
                "seconds": round(one.seconds, 3),
                "decided": len(rules.named(one.met & set(plan.rules))),
                "disagreements": [_json(other) for other in one.disagreements],
                "problems": [{"code": problem.code, "message": problem.message} for problem in one.problems],
            }
            for one in certified
        ],
    }


def _json(one: Disagreement) -> dict[str, object]:
    played, decision = one.played, one.played.outcome.decision
    span = decision.origin.span if decision else None
    return {
        "packet": packet_json(played.packet),
        "text": format_packet(played.packet),
        "about": played.probe.about,
        "expected": str(played.expected),
        "seen": str(played.seen),
        "chain": decision.chain if decision else "",
        "rule": decision.number if decision else None,
        "file": span.source.path if span else "",
        "line": span.line if span else None,
        "host": one.scene,
        "trace": one.trace.splitlines(),
    }
