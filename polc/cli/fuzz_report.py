"""What ``polc fuzz`` says: for people and for machines."""

from __future__ import annotations

import sys
import textwrap
from collections import Counter
from pathlib import Path

from polc.fuzzing.run import Found, Order, Summary
from polc.fuzzing.write import again, commands
from polc.simulate.packet_format import format_packet

_WIDTH = 100


def print_found(found: Found, order: Order, path: Path | None) -> None:
    print(f"case {found.number}: {found.finding}")
    if found.others:
        print(f"  and the same by {', '.join(found.others)}")
    if not found.again:
        print("  it did not come again when the same case was judged once more")
    options = f" ({' '.join(found.least.options)})" if found.least.options else ""
    print(f"  {found.least.kind.value}{options}")
    print(textwrap.indent(found.least.text, "    "), end="")
    scene = found.finding.scene
    for probe in scene.probes if scene is not None else ():
        for packet in probe.packets:
            print(f"  packet: {format_packet(packet)}")
    for line in [again(found, order)] if path is None else commands(found, order, path):
        print(f"  {line}")
    sys.stdout.flush()


def print_summary(summary: Summary) -> None:
    total = summary.total
    kinds = ", ".join(f"{count} {name}" for name, count in sorted(summary.kinds.items()))
    stopped = ", stopped" if summary.stopped else ""
    print(f"seed {summary.order.seed}: {summary.cases} cases ({kinds}) in {summary.seconds:.0f} s{stopped}")
    for name, count in sorted(total.packets.items()):
        print(f"{name}: {count} packets")
    print(f"simulator and symbolic engine: {total.points} packets")
    print(f"outputs: {total.proven} proven to do what was meant, {total.undecided} undecided")
    if total.refused:
        print(f"refused: {_counted(total.refused)}")
    for message, count in sorted(total.lacking.items()):
        print(f"not tried, {count} times: {message}")
    every = len(summary.there | Counter(summary.never))
    print(f"constructs: {len(summary.there)} of {every} in rules, {len(summary.met)} in rules that decided a packet")
    for what, names in (("never in a rule", summary.never), ("never decided a packet", summary.never_met)):
        if names:
            print(textwrap.fill(f"{what}: {', '.join(names)}", _WIDTH, subsequent_indent="  "))
    print(f"{len(summary.found)} findings" if summary.found else "nothing found")


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items()))


def found_json(found: Found, order: Order, path: Path | None) -> dict[str, object]:
    scene = found.finding.scene
    packets = [packet for probe in scene.probes for packet in probe.packets] if scene is not None else []
    return {
        "case": found.number,
        "check": found.finding.check.name.lower(),
        "where": found.finding.where,
        "message": found.finding.message,
        "others": list(found.others),
        "again": found.again,
        "file": found.least.kind.value,
        "text": found.least.text,
        "options": list(found.least.options),
        "packets": [format_packet(one) for one in packets],
        "written": None if path is None else str(path),
        "commands": [again(found, order)] if path is None else commands(found, order, path),
    }


def summary_json(summary: Summary) -> dict[str, object]:
    total = summary.total
    return {
        "seed": summary.order.seed,
        "first": summary.order.first,
        "cases": summary.cases,
        "kinds": dict(summary.kinds),
        "seconds": round(summary.seconds, 3),
        "stopped": summary.stopped,
        "packets": dict(total.packets),
        "points": total.points,
        "proven": total.proven,
        "undecided": total.undecided,
        "refused": dict(total.refused),
        "lacking": dict(total.lacking),
        "constructs": {name: {"cases": count, "met": summary.met[name]} for name, count in summary.there.items()},
        "never": list(summary.never),
        "never_met": list(summary.never_met),
    }
