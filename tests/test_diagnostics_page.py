"""docs/diagnostics.md is what the registry of codes says."""

from __future__ import annotations

import re
from pathlib import Path

from polc.diagnostics.codes import CODES
from polc.diagnostics.reference import page

PAGE = Path(__file__).parent.parent / "docs" / "diagnostics.md"


def test_it_is_fresh() -> None:
    """If not: ``python -m polc.diagnostics.reference > docs/diagnostics.md``."""
    assert PAGE.read_text() == page()


def test_it_has_every_code_once() -> None:
    headings = re.findall(r"^### (POL\d+): (.*)$", page(), re.MULTILINE)
    assert sorted(headings) == sorted((code.code, code.title) for code in CODES.values())
    assert max(map(len, page().splitlines())) <= 120
