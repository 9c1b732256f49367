"""``# polc: ignore POL306 because REASON``: findings that their author has looked at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from polc.analysis.model import warning
from polc.diagnostics import Diagnostic
from polc.diagnostics.codes import CODES, is_advice
from polc.policy.comments import comments as comments_of
from polc.source import SourceFile, Span

_COMMENT = re.compile(
    r"#[ \t]*polc:[ \t]*ignore\b[ \t]*(?P<codes>(?:POL\d+[ \t,]*)*)(?:because\b[ \t]*(?P<reason>[^\n]*))?"
)


Comments = Callable[[SourceFile], Iterable[Span]]


def suppress(
    findings: Iterable[Diagnostic], sources: Iterable[SourceFile], comments_in: Comments = comments_of
) -> tuple[Diagnostic, ...]:
    """The findings that no comment hides, and POL390 for each comment that is not in order; ``comments_in`` tells
    where a text has them.

    A comment hides findings of its codes whose place is on its own line or, where it stands alone on a line, on
    the next. JSON has no comments, and so no suppressions: what is to be hidden there, `--ignore` names.
    """
    hidden: dict[tuple[str, int, str], re.Match[str]] = {}
    wrong: list[Diagnostic] = []
    comments: list[tuple[Span, re.Match[str]]] = []
    for source in sources:
        for place, found in _marked(source, comments_in):
            codes = re.findall(r"POL\d+", found["codes"])
            problem = _problem(codes, found["reason"])
            if problem:
                wrong.append(warning("POL390", problem, place))
                continue
            comments.append((place, found))
            alone = not source.line(place.line)[: place.column - 1].strip()
            hidden |= {(source.path, place.line + alone, code): found for code in codes}
    used: set[re.Match[str]] = set()
    left: list[Diagnostic] = []
    for finding in findings:
        key = (finding.span.source.path, finding.span.line, finding.code) if finding.span else None
        if key in hidden:
            used.add(hidden[key])
        else:
            left.append(finding)
    for place, found in comments:
        if found not in used:
            wrong.append(warning("POL390", "this comment hides nothing", place, help="remove it"))
    return (*left, *wrong)


def _marked(source: SourceFile, comments_in: Comments) -> Iterator[tuple[Span, re.Match[str]]]:
    """The comments that mean to hide something."""
    # Most policies have none, and then nobody has to look for the comments of a large text.
    if _COMMENT.search(source.text):
        for place in comments_in(source):
            found = _COMMENT.search(place.text)
            if found:
                yield place, found


def _problem(codes: list[str], reason: str | None) -> str:
    unknown = [code for code in codes if code not in CODES or not is_advice(code)]
    if not codes or unknown:
        return f"`{unknown[0]}` is not the code of a finding" if unknown else "the comment names no code to ignore"
    return "" if reason and reason.strip() else "the comment gives no reason: write `because ...`"
