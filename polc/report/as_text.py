"""The report for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from polc.backends.model import Fidelity
from polc.backends.profile import dotted
from polc.report.model import Cost, ElsewhereReport, Report, RuleReport, SetReport

_Rows = list[tuple[str, ...]]


def render(report: Report) -> str:
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    profile, totals = report.profile, report.totals
    versions = f"nft {dotted(profile.nft)}, iptables {dotted(profile.iptables)}, Linux {dotted(profile.kernel)}"
    yield f"{report.target} ({report.format}) for {profile.name}: {versions}"
    yield (
        f"{_count(totals.rules, 'rule')} of the policy: {totals.exact} exact, {totals.approximate} approximate, "
        f"{totals.refused} refused"
    )
    yield (
        f"{_count(totals.emitted, 'rule')} emitted in {_count(totals.chains, 'chain')}; "
        f"{_count(totals.sets, 'set')} with {_count(totals.elements, 'element')}, and "
        f"{totals.anonymous_sets} in rules with {totals.anonymous_elements}"
    )
    yield ""
    rows: _Rows = [("place", "name", "chain", "fidelity", "emitted", "with")]
    rows += (
        (_place(one), one.name, one.chain, one.fidelity.value, str(one.emitted), ", ".join(one.constructs))
        for one in report.rules
    )
    yield from _table(rows)
    departing = [
        (f"{_place(one)} {one.name}".strip(), one.fidelity, each) for one in report.rules for each in one.differences
    ] + [(_place(one), one.fidelity, one.difference) for one in report.elsewhere]
    if departing:
        yield ""
        for place, fidelity, difference in departing:
            name = f" (`{difference.name}`)" if fidelity is Fidelity.APPROXIMATE else ""
            yield f"{place}: {fidelity.value}{name}: {difference.message}"
    if any(one.rules for one in report.chains):
        yield ""
        yield "rules looked at + looks into sets, at most, by a packet; and by one of an established flow"
        rows = [("chain", "hook", "rules", "at most", "established")]
        rows += (
            (f"{one.file}: {one.name}", one.hook, str(one.rules), _cost(one.worst), _cost(one.established))
            for one in report.chains
            if one.rules
        )
        yield from _table(rows)
    if report.sets:
        yield ""
        rows = [("set", "kind", "room for", "elements")]
        rows += (_set(one) for one in report.sets)
        yield from _table(rows)


def _place(one: RuleReport | ElsewhereReport) -> str:
    return f"{one.file}:{one.line}:{one.column}" if one.file else "(no file)"


def _cost(one: Cost) -> str:
    return f"{one.rules} + {one.lookups}"


def _set(one: SetReport) -> tuple[str, ...]:
    return (one.name, one.kind, "as needed" if one.size is None else str(one.size), str(one.elements))


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _table(rows: _Rows) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
