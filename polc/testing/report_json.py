"""Results for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence

from polc.testing.coverage import Coverage
from polc.testing.results import CaseResult, StepResult, ends


def render(results: Sequence[CaseResult], coverage: Coverage | None) -> str:
    """``{"results": [...], "coverage": {...} or null}``; states, verdicts and status are the words of the language."""
    found = {
        "results": [_case(one) for one in results],
        "coverage": None
        if coverage is None
        else {
            "reached": len(coverage.reached),
            "rules": len(coverage.rules),
            "percent": round(coverage.percent, 1),
            "unreached": [str(rule) for rule in coverage.unreached],
        },
    }
    return json.dumps(found, indent=2) + "\n"


def _case(result: CaseResult) -> dict[str, object]:
    span = result.case.span
    return {
        "name": result.case.name,
        "file": span.source.path,
        "line": span.line,
        "judge": result.judge,
        "status": result.status.value,
        "reason": result.reason,
        "because": result.case.because,
        "seconds": round(result.seconds, 6),
        "steps": [_step(one) for one in result.steps],
    }


def _step(result: StepResult) -> dict[str, object]:
    seen = result.seen
    return {
        "step": result.step.text,
        "verdict": seen.verdict if seen else None,
        "state": seen.state.name.lower() if seen and seen.state and seen.state.name else None,
        "becomes": ends(seen.leaves) if seen and seen.leaves else None,
        "why": seen.why if seen else "",
        "wrong": list(result.wrong),
    }
