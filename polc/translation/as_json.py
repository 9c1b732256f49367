"""The report for machines; ``schemas/translation.schema.json`` describes it."""

from __future__ import annotations

import json

from polc.backends.model import Fidelity
from polc.translation.model import Place, Remark, RuleTranslation, TranslationReport

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]


def render(report: TranslationReport) -> str:
    whole: Json = {
        "translation": 1,
        "target": report.target,
        "format": report.format,
        "profile": report.profile or None,
        "totals": {"rules": len(report.rules), **{one.value: report.count(one) for one in Fidelity}},
        "rules": [_rule(one) for one in report.rules],
        "remarks": [_remark(one) for one in report.remarks],
    }
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def _rule(one: RuleTranslation) -> Json:
    return {
        **_place(one.place),
        "words": one.words,
        "fidelity": one.fidelity.value,
        "differences": [{"name": each.name, "message": each.message} for each in one.differences],
        "became": [{"file": each.file, "words": each.words} for each in one.became],
        "notes": [*one.notes],
    }


def _remark(one: Remark) -> Json:
    return {**_place(one.place), "code": one.code, "severity": one.severity.value, "message": one.message}


def _place(one: Place) -> dict[str, Json]:
    return {"file": one.file or None, "line": one.line or None, "column": one.column or None}
