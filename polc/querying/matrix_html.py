"""The matrix as one page of HTML that needs nothing else: no script, no font, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from polc.querying.matrix import Cell, Entry, Matrix
from polc.querying.report_text import decider_text

_SIGNS = {Cell.ALL: "●", Cell.LIMITED: "◐", Cell.SOME: "○", Cell.NONE: "·", Cell.UNKNOWN: "?"}
_WORDS = {
    Cell.ALL: "accepted",
    Cell.LIMITED: "accepted within limits and by what sets say",
    Cell.SOME: "some accepted, by addresses or other fields",
    Cell.NONE: "dropped or rejected",
    Cell.UNKNOWN: "only the kernel knows",
}

_STYLE = """
:root { color-scheme: light dark; --line: #8885; --yes: #1a7f37; --part: #9a6700; --no: #888; --head: #8882; }
@media (prefers-color-scheme: dark) { :root { --yes: #3fb950; --part: #d29922; --no: #777; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.05rem; margin-top: 2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { border: 1px solid var(--line); padding: .25rem .5rem; text-align: center; }
th { background: var(--head); font-weight: 600; white-space: nowrap; }
tbody th { text-align: left; }
.yes { color: var(--yes); } .limited, .some, .unknown { color: var(--part); } .no { color: var(--no); }
details { margin: .3rem 0; } summary { cursor: pointer; }
li { font-family: ui-monospace, monospace; font-size: 13px; overflow-wrap: anywhere; }
"""


def page(matrix: Matrix) -> str:
    """A table with a row for each pair of zones and a column for each service, then the rules behind each row."""
    return "\n".join(_page(matrix)) + "\n"


def _page(matrix: Matrix) -> Iterator[str]:
    title = escape(f"{matrix.title}: who can begin what with whom")
    yield "<!DOCTYPE html>"
    yield '<html lang="en">'
    yield f'<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    yield f"<style>{_STYLE}</style></head>"
    yield f"<body><h1>{title}</h1>"
    yield "<p>" + " &nbsp; ".join(f"{_sign(cell)} {escape(words)}" for cell, words in _WORDS.items()) + "</p>"
    yield '<div class="wide"><table><thead><tr><th>from</th><th>to</th>'
    yield "".join(f"<th>{escape(one)}</th>" for one in matrix.services) + "</tr></thead><tbody>"
    rows = list(_rows(matrix))
    for source, destination, entries in rows:
        cells = "".join(_cell(entries.get(service)) for service in matrix.services)
        yield f"<tr><th>{escape(source)}</th><th>{escape(destination)}</th>{cells}</tr>"
    yield "</tbody></table></div>"
    yield "<h2>The rules behind it</h2>"
    for source, destination, entries in rows:
        yield from _rules(source, destination, entries)
    for what, words in (("undecided", matrix.undecided), ("left out", matrix.left_out)):
        for one in words:
            yield f"<p>{what}: {escape(one)}</p>"
    yield "</body></html>"


def _rows(matrix: Matrix) -> Iterator[tuple[str, str, dict[str, Entry]]]:
    for source in matrix.zones:
        for destination in matrix.zones:
            found = {
                one.service: one for one in matrix.entries if (one.source, one.destination) == (source, destination)
            }
            if found:
                yield source, destination, found


def _sign(cell: Cell) -> str:
    return f'<span class="{cell.value}">{_SIGNS[cell]}</span>'


def _cell(entry: Entry | None) -> str:
    if entry is None:
        return "<td></td>"
    title = "\n".join((_WORDS[entry.cell], *(decider_text(one) for one in entry.rules)))
    return f'<td title="{escape(title)}">{_sign(entry.cell)}</td>'


def _rules(source: str, destination: str, entries: dict[str, Entry]) -> Iterator[str]:
    by_rule: dict[str, list[str]] = {}
    for service, entry in entries.items():
        for rule in entry.rules:
            by_rule.setdefault(decider_text(rule), []).append(service)
    yield f"<details><summary>{escape(source)} → {escape(destination)}</summary>"
    if by_rule:
        yield "<ul>" + "".join(
            f"<li>{escape(rule)}: {escape(', '.join(services))}</li>" for rule, services in by_rule.items()
        ) + "</ul>"  # fmt: skip
    else:
        yield "<p>nothing can begin</p>"
    yield "</details>"
