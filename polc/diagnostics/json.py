"""Diagnostics for machines: one JSON object a finding."""

from __future__ import annotations

import json
from collections.abc import Iterable

from polc.diagnostics.model import Diagnostic, Label

JsonValue = str | int | list["JsonValue"] | dict[str, "JsonValue"]


def render(diagnostics: Iterable[Diagnostic]) -> str:
    """An array of objects: code, severity, message, help, and labels with path, line and column (from 1)."""
    return json.dumps([_one(diagnostic) for diagnostic in diagnostics], indent=2, ensure_ascii=False) + "\n"


def _one(diagnostic: Diagnostic) -> JsonValue:
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "help": diagnostic.help,
        "path": diagnostic.span.source.path if diagnostic.span else diagnostic.path,
        "labels": [_label(label) for label in diagnostic.labels],
    }


def _label(label: Label) -> JsonValue:
    source = label.span.source
    line, column = source.position(label.span.start)
    end_line, end_column = source.position(label.span.end)
    return {
        "path": source.path,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
        "message": label.message,
    }
