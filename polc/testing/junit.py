"""Results as JUnit's XML, which CI services read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from polc.testing.results import CaseResult, Status

_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(results: Sequence[CaseResult]) -> str:
    """One ``testsuite`` for each judge and file."""
    root = Element("testsuites")
    groups: dict[tuple[str, str], list[CaseResult]] = {}
    for one in results:
        groups.setdefault((one.case.span.source.path, one.judge), []).append(one)
    for (path, judge), some in groups.items():
        suite = SubElement(
            root, "testsuite", name=_clean(f"{path} [{judge}]"), tests=str(len(some)),
            failures=str(sum(one.status is Status.FAILED for one in some)),
            skipped=str(sum(one.status is Status.SKIPPED for one in some)),
            errors="0", time=f"{sum(one.seconds for one in some):.3f}",
        )  # fmt: skip
        for one in some:
            _case(suite, one)
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, "unicode") + "\n"


def _case(suite: Element, result: CaseResult) -> None:
    span = result.case.span
    case = SubElement(
        suite, "testcase", name=_clean(result.case.name), classname=_clean(f"{span.source.path}.{result.judge}"),
        file=_clean(span.source.path), line=str(span.line), time=f"{result.seconds:.3f}",
    )  # fmt: skip
    if result.status is Status.SKIPPED:
        SubElement(case, "skipped", message=_clean(result.reason))
    if result.status is Status.FAILED:
        messages = [
            f"step {number}, {one.step.text}: {message}" if result.case.is_scenario else message
            for number, one in enumerate(result.steps, 1)
            for message in one.wrong
        ]
        SubElement(case, "failure", message=_clean(messages[0])).text = _clean("\n".join(messages))


def _clean(text: str) -> str:
    """Without the characters that XML has no form for (XML 1.0, 2.2)."""
    return _NO_XML.sub("\ufffd", text)
