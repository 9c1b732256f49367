"""Diagnostics as SARIF 2.1.0 (OASIS), which code hosts show beside the changed lines."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import quote

from polc import __version__
from polc.diagnostics.codes import CODES, Code
from polc.diagnostics.json import JsonValue
from polc.diagnostics.model import Diagnostic, Label

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render(diagnostics: Iterable[Diagnostic]) -> str:
    """One run; severities are SARIF's levels of the same names."""
    found = list(diagnostics)
    codes = sorted({one.code for one in found})
    rules: list[JsonValue] = [_rule(CODES[code]) for code in codes]
    results: list[JsonValue] = [_result(one) for one in found]
    driver: JsonValue = {"name": "polc", "version": __version__, "rules": rules}
    run: JsonValue = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _rule(code: Code) -> JsonValue:
    return {
        "id": code.code,
        "shortDescription": {"text": code.title},
        "fullDescription": {"text": code.what},
        "help": {"text": f"{code.why}. Instead: {code.instead}"},
    }


def _result(one: Diagnostic) -> JsonValue:
    text = f"{one.message}; {one.help}" if one.help else one.message
    first = [_location(one.labels[0])] if one.labels else [_file(one.path)]
    return {
        "ruleId": one.code,
        "level": one.severity.value,
        "message": {"text": text},
        "locations": first if one.labels or one.path else [],
        "relatedLocations": [_location(label) for label in one.labels[1:]],
    }


def _location(label: Label) -> JsonValue:
    source = label.span.source
    line, column = source.position(label.span.start)
    end_line, end_column = source.position(label.span.end)
    region: JsonValue = {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}
    place: dict[str, JsonValue] = {"artifactLocation": {"uri": quote(source.path)}, "region": region}
    return (
        {"physicalLocation": place, "message": {"text": label.message}}
        if label.message
        else {"physicalLocation": place}
    )


def _file(path: str) -> JsonValue:
    return {"physicalLocation": {"artifactLocation": {"uri": quote(path)}}}
