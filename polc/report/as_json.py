"""The report for machines; ``schemas/report.schema.json`` describes it."""

from __future__ import annotations

import json
from dataclasses import asdict

from polc.backends.profile import dotted
from polc.report.model import Cost, Difference, ElsewhereReport, Report, RuleReport

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]


def render(report: Report) -> str:
    profile = report.profile
    whole: Json = {
        "report": 1,
        "target": report.target,
        "format": report.format,
        "profile": {
            "name": profile.name,
            "nft": dotted(profile.nft),
            "iptables": dotted(profile.iptables),
            "kernel": dotted(profile.kernel),
        },
        "totals": asdict(report.totals),
        "rules": [_rule(one) for one in report.rules],
        "elsewhere": [_elsewhere(one) for one in report.elsewhere],
        "chains": [
            {
                "file": one.file,
                "table": one.table,
                "name": one.name,
                "hook": one.hook,
                "rules": one.rules,
                "worst": _cost(one.worst),
                "established": _cost(one.established),
            }
            for one in report.chains
        ],
        "sets": [asdict(one) for one in report.sets],
    }
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def _rule(one: RuleReport) -> Json:
    return {
        **_place(one),
        "name": one.name,
        "chain": one.chain,
        "fidelity": one.fidelity.value,
        "differences": [_difference(each) for each in one.differences],
        "emitted": one.emitted,
        "constructs": [*one.constructs],
    }


def _elsewhere(one: ElsewhereReport) -> Json:
    return {**_place(one), "fidelity": one.fidelity.value, "difference": _difference(one.difference)}


def _place(one: RuleReport | ElsewhereReport) -> dict[str, Json]:
    return {"file": one.file or None, "line": one.line or None, "column": one.column or None}


def _difference(one: Difference) -> Json:
    return {"name": one.name, "message": one.message}


def _cost(one: Cost) -> Json:
    return {"rules": one.rules, "lookups": one.lookups}
