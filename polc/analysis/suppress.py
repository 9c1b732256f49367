"""``# polc: ignore POL306 because REASON``: findings that their author has looked at."""

from __future__ import annotations

import re
from collections.abc import Iterable

from polc.analysis.model import warning
from polc.diagnostics import Diagnostic
from polc.diagnostics.codes import CODES, is_advice
from polc.source import SourceFile

_COMMENT = re.compile(r"#\s*polc:\s*ignore\b[ \t]*(?P<codes>(?:POL\d+[ \t,]*)*)(?:because\b[ \t]*(?P<reason>[^\n]*))?")


def suppress(findings: Iterable[Diagnostic], sources: Iterable[SourceFile]) -> tuple[Diagnostic, ...]:
    """The findings that no comment hides, and POL390 for each comment that is not in order.

    A comment hides findings of its codes whose place is on its own line or, where it stands alone on a line, on
    the next. JSON has no comments, and so no suppressions.
    """
    hidden: dict[tuple[str, int, str], re.Match[str]] = {}
    wrong: list[Diagnostic] = []
    comments: list[tuple[SourceFile, re.Match[str]]] = []
    for source in sources:
        for found in _COMMENT.finditer(source.text):
            codes = re.findall(r"POL\d+", found["codes"])
            problem = _problem(codes, found["reason"])
            if problem:
                wrong.append(warning("POL390", problem, source.span(*found.span())))
                continue
            comments.append((source, found))
            line, column = source.position(found.start())
            alone = not source.line(line)[: column - 1].strip()
            hidden |= {(source.path, line + alone, code): found for code in codes}
    used: set[re.Match[str]] = set()
    left: list[Diagnostic] = []
    for finding in findings:
        key = (finding.span.source.path, finding.span.line, finding.code) if finding.span else None
        if key in hidden:
            used.add(hidden[key])
        else:
            left.append(finding)
    for source, found in comments:
        if found not in used:
            span = source.span(*found.span())
            wrong.append(warning("POL390", "this comment hides nothing", span, help="remove it"))
    return (*left, *wrong)


def _problem(codes: list[str], reason: str | None) -> str:
    unknown = [code for code in codes if code not in CODES or not is_advice(code)]
    if not codes or unknown:
        return f"`{unknown[0]}` is not the code of a finding" if unknown else "the comment names no code to ignore"
    return "" if reason and reason.strip() else "the comment gives no reason: write `because ...`"
