"""What was found, for a terminal and for docs/versions.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from versions.outputs import ROOT
from versions.trials import CHECKS, Result
from versions.ways import WAYS

PAGE = ROOT / "docs" / "versions.md"
BEGIN = "<!-- written by scripts/versions --write -->"
END = "<!-- end -->"


@dataclass(slots=True)
class Row:
    """One generation; ``missing`` says why it was not built, and nothing else is known of it then."""

    suite: str
    profile: str
    missing: str = ""
    tools: dict[str, str] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)
    losses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PythonRow:
    """One Python: how many of the outputs are what this very Python makes."""

    version: str
    where: str
    same: int
    total: int
    problem: str = ""


@dataclass(slots=True)
class Report:
    rows: list[Row] = field(default_factory=list)
    pythons: list[PythonRow] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether everything was tried and is as it should be."""
        return not any(self.problems())

    def problems(self) -> Iterator[str]:
        for row in self.rows:
            if row.missing:
                yield f"{row.suite}: not built: {row.missing}"
            for result in row.results:
                for check, sentences in result.problems.items():
                    place = (
                        f"{row.suite} for {row.profile}, {result.trial.policy}, {result.trial.way.name}: not {check}"
                    )
                    yield from (f"{place}: {sentence}" for sentence in sentences)
            yield from (f"{row.suite}: known losses: {sentence}" for sentence in row.losses)
        for python in self.pythons:
            if python.problem:
                yield f"Python {python.version} ({python.where}): {python.problem}"


def tables(report: Report) -> str:
    """Two tables in Markdown, which a terminal shows as well."""
    kinds = list(CHECKS)
    parts = [_table(["Debian", "for", "tools", "way", "policies", *kinds], list(_ways(report.rows, kinds)))]
    if report.pythons:
        parts.append(_table(["Python", "dependencies of", "same bytes"], [_python(one) for one in report.pythons]))
    return "\n".join(parts)


def _ways(rows: Sequence[Row], kinds: Sequence[str]) -> Iterator[list[str]]:
    for row in rows:
        head = [row.suite, row.profile, ", ".join(f"{tool} {version}" for tool, version in row.tools.items())]
        if row.missing:
            yield [row.suite, row.profile, "not built", "", *("" for _ in (*kinds, ""))]
            continue
        for way in WAYS:
            mine = [result for result in row.results if result.trial.way == way]
            loaded = [result for result in mine if kinds[0] not in result.problems]
            # What could not be loaded is equal to nothing.
            fine = [sum(kind not in result.problems for result in loaded) for kind in kinds]
            yield [*head, way.name, str(len(mine)), *(f"{count}/{len(mine)}" for count in fine)]
            head = ["", "", ""]


def _python(row: PythonRow) -> list[str]:
    return [row.version, row.where, f"{row.same}/{row.total}" if row.total else "not checked"]


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def write(report: Report) -> None:
    """Put the tables in their place in the page."""
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{tables(report)}{END}{after}")
