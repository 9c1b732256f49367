"""SARIF of ``polc check``: what SARIF 2.1.0 requires, and what code hosts need besides."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from polc.cli.main import main
from polc.diagnostics.codes import CODES

_TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
_NUMBER = {"type": "integer", "minimum": 1}
_LOCATIONS = {
    "type": "array",
    "items": {
        "required": ["physicalLocation"],
        "properties": {
            "message": _TEXT,
            "physicalLocation": {
                "required": ["artifactLocation"],
                "properties": {
                    # RFC 3986: a reference has neither white space nor characters beyond ASCII.
                    "artifactLocation": {"required": ["uri"], "properties": {"uri": {"pattern": "^[!-~]+$"}}},
                    "region": {
                        "required": ["startLine"],
                        "properties": dict.fromkeys(("startLine", "startColumn", "endLine", "endColumn"), _NUMBER),
                    },
                },
            },
        },
    },
}
SCHEMA = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": {
                "required": ["tool", "results"],
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "tool": {
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "required": ["name", "version", "rules"],
                                "properties": {
                                    "name": {"const": "polc"},
                                    "version": {"type": "string"},
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "required": ["id", "shortDescription", "fullDescription", "help"],
                                            "properties": {
                                                "id": {"pattern": "^POL[0-9]{3}$"},
                                                **dict.fromkeys(("shortDescription", "fullDescription", "help"), _TEXT),
                                            },
                                        },
                                    },
                                },
                            }
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "required": ["ruleId", "level", "message", "locations"],
                            "properties": {
                                "ruleId": {"pattern": "^POL[0-9]{3}$"},
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": _TEXT,
                                "locations": _LOCATIONS,
                                "relatedLocations": _LOCATIONS,
                            },
                        },
                    },
                },
            },
        },
    },
}
"""The members of https://docs.oasis-open.org/sarif/sarif/v2.1.0/ that polc writes."""

CLOSED = "polc: 1\ninput:\n  default: drop\n  rules:\n    - drop\n    - use stateful\n"


@pytest.mark.parametrize(
    ("text", "status", "codes"),
    [
        ("polc: 1\n", 0, set()),
        (CLOSED, 1, {"POL302", "POL303", "POL304", "POL305", "POL306"}),
        ("polc: 1\nzoens: {}\ninput: {default: dorp}\n", 2, {"POL101", "POL104"}),
        ("", 2, {"POL004"}),
        (None, 2, {"POL001"}),
    ],
)
def test_what_is_required_is_there(
    text: str | None, status: int, codes: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "my pölicy.yaml"
    if text is not None:
        path.write_text(text)
    assert main(["check", str(path), "--output-format", "sarif"]) == status
    log = json.loads(capsys.readouterr().out)
    jsonschema.validate(log, SCHEMA)
    (run,) = log["runs"]
    assert {result["ruleId"] for result in run["results"]} == codes
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == codes
    for result in run["results"]:
        (location,) = result["locations"]
        assert location["physicalLocation"]["artifactLocation"]["uri"].endswith("/my%20p%C3%B6licy.yaml")


def test_rules_say_what_to_write_instead(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(CLOSED)
    main(["check", str(path), "--output-format", "sarif"])
    for rule in json.loads(capsys.readouterr().out)["runs"][0]["tool"]["driver"]["rules"]:
        code = CODES[rule["id"]]
        assert code.why in rule["help"]["text"]
        assert code.instead in rule["help"]["text"]


def test_regions_are_those_of_the_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(CLOSED)
    main(["check", str(path), "--output-format", "sarif", "--select", "POL305"])
    (result,) = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    region = {"startLine": 6, "startColumn": 7, "endLine": 6, "endColumn": 19}
    assert result["locations"][0]["physicalLocation"]["region"] == region
