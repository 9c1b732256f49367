"""A status for people, for machines, and for Prometheus (its text format, version 0.0.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime

from polc.live.counted import Counted
from polc.live.render_plan import told
from polc.live.status import Status

Rates = dict[tuple[str, str], tuple[float, float]]
"""By chain and origin, packets and bytes a second."""


def as_text(status: Status, *, counters: bool, top: int, rates: Rates | None = None) -> str:
    return "".join(f"{line}\n" for line in _lines(status, counters, top, rates))


def _lines(status: Status, counters: bool, top: int, rates: Rates | None) -> Iterator[str]:
    if status.entry is None:
        yield "nothing of polc's runs here"
    else:
        when = datetime.fromtimestamp(status.entry.time, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        yield f"entry {status.entry.number}: {status.entry.policy}, by {status.entry.road}, {when}, {status.entry.who}"
    if status.waits is not None:
        yield f"entry {status.waits} waits to be confirmed: {status.seconds or 0:.0f} seconds left"
    yield f"boot loads entry {status.boot}" if status.boot else "boot loads nothing of polc's"
    if status.drift:
        yield "the kernel does not hold the policy; to hold it, it would have to:"
        yield from (f"  {one}" for one in told(status.drift))
    elif status.entry is not None:
        yield "the kernel holds the policy"
    if status.means is not None:
        yield "packets that are treated differently:" if status.means else "no packet is treated differently"
        yield from (f"  {one}" for one in status.means)
    if counters:
        yield from _table(status.counted, rates)
    for one in status.sets:
        size = f" of {one.size}" if one.size is not None else ""
        yield f"set {one.name}: {len(one.elements)}{size} elements"
        for element in one.top(top):
            packets = f", {element.packets} packets" if element.packets is not None else ""
            left = f", {element.left} s left" if element.left is not None else ""
            yield f"  {element.text}{packets}{left}"


def _table(counted: Iterable[Counted], rates: Rates | None) -> Iterator[str]:
    yield f"{'packets':>12}  {'bytes':>14}  {'' if rates is None else 'packets/s   bytes/s  '}rule"
    for one in counted:
        now = rates.get((one.chain, one.origin), (0.0, 0.0)) if rates is not None else None
        rate = "" if now is None else f"{now[0]:>9.1f} {now[1]:>9.0f}  "
        origin = one.origin or "(no line of the policy)"
        yield f"{one.packets:>12}  {one.bytes:>14}  {rate}{origin}  {one.chain}".rstrip()


def speeds(before: Iterable[Counted], after: Iterable[Counted], seconds: float) -> Rates:
    """What came by between two looks; of a rule that has begun anew, what it has counted since."""
    earlier = {(one.chain, one.origin): one for one in before}
    found: Rates = {}
    for one in after:
        old = earlier.get((one.chain, one.origin))
        packets, size = (old.packets, old.bytes) if old is not None and old.packets <= one.packets else (0, 0)
        found[one.chain, one.origin] = ((one.packets - packets) / seconds, (one.bytes - size) / seconds)
    return found


def as_json(status: Status, *, counters: bool, top: int, rates: Rates | None = None) -> dict[str, object]:
    found: dict[str, object] = {
        "entry": asdict(status.entry) if status.entry else None,
        "waits": status.waits,
        "seconds": status.seconds,
        "boot": status.boot,
        "drift": [{**asdict(one), "action": one.action.value} for one in status.drift],
        "means": None if status.means is None else list(status.means),
        "sets": [
            {
                "name": one.name,
                "size": one.size,
                "elements": len(one.elements),
                "top": [asdict(each) for each in one.top(top)],
            }
            for one in status.sets
        ],
    }
    if counters:
        found["counters"] = [_with_rate(one, rates) for one in status.counted]
    return found


def _with_rate(one: Counted, rates: Rates | None) -> dict[str, object]:
    if rates is None:
        return asdict(one)
    packets, size = rates.get((one.chain, one.origin), (0.0, 0.0))
    return {**asdict(one), "packets_per_second": packets, "bytes_per_second": size}


def as_prometheus(status: Status) -> str:
    return "".join(f"{line}\n" for line in _metrics(status))


def _metrics(status: Status) -> Iterator[str]:
    yield from _gauge(
        "polc_entry", "Number of the entry that runs, 0 for none.", status.entry.number if status.entry else 0
    )
    applied = status.entry.time if status.entry else 0
    yield from _gauge("polc_applied_timestamp_seconds", "When it was applied.", applied)
    yield from _gauge("polc_drift", "Parts in which the kernel differs from the policy.", len(status.drift))
    left = status.seconds if status.seconds is not None else 0
    yield from _gauge("polc_confirm_seconds", "Seconds left to confirm what was applied, 0 where nothing waits.", left)
    names = {"packets": "Packets", "bytes": "Bytes"}
    for name, word in names.items():
        yield f"# HELP polc_rule_{name}_total {word} that met a line of the policy."
        yield f"# TYPE polc_rule_{name}_total counter"
        for one in status.counted:
            labels = f'chain="{_escaped(one.chain)}",origin="{_escaped(one.origin)}"'
            yield f"polc_rule_{name}_total{{{labels}}} {one.packets if name == 'packets' else one.bytes}"
    yield "# HELP polc_set_elements Elements of a set that is filled at run time."
    yield "# TYPE polc_set_elements gauge"
    yield from (f'polc_set_elements{{set="{_escaped(one.name)}"}} {len(one.elements)}' for one in status.sets)
    yield "# HELP polc_set_size The most elements that the set takes."
    yield "# TYPE polc_set_size gauge"
    sizes = ((one.name, one.size) for one in status.sets if one.size is not None)
    yield from (f'polc_set_size{{set="{_escaped(name)}"}} {size}' for name, size in sizes)


def _gauge(name: str, help: str, value: float) -> Iterator[str]:
    yield f"# HELP {name} {help}"
    yield f"# TYPE {name} gauge"
    yield f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
