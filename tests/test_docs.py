"""Every policy in the documentation compiles, on both targets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from polc.backends.registry import BACKENDS
from polc.compiler import compile_policy
from polc.diagnostics.codes import CODES
from polc.diagnostics.reference import page as diagnostics_page

ROOT = Path(__file__).parent.parent
DIAGNOSTICS = ROOT / "docs" / "diagnostics.md"
"""Its examples are wrong on purpose: the tests of the codes judge them."""
PAGES = [ROOT / "README.md", *sorted({*(ROOT / "docs").glob("*.md")} - {DIAGNOSTICS})]
BLOCK = re.compile(r"^```yaml[^\n]*\n(polc: 1[^\n]*\n.*?)^```$", re.MULTILINE | re.DOTALL)
POLICIES = [
    pytest.param(found[1], id=f"{page.name}-{number}")
    for page in PAGES
    for number, found in enumerate(BLOCK.finditer(page.read_text()))
]


def test_there_are_policies_in_the_pages() -> None:
    assert len(POLICIES) >= 2


@pytest.mark.parametrize("target", BACKENDS)
@pytest.mark.parametrize("policy", POLICIES)
def test_it_compiles(policy: str, target: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(policy)
    assert compile_policy(str(path), target).files


def test_the_page_of_diagnostics_is_fresh() -> None:
    """If not: ``python -m polc.diagnostics.reference > docs/diagnostics.md``."""
    assert DIAGNOSTICS.read_text() == diagnostics_page()


def test_the_page_of_diagnostics_has_every_code_once() -> None:
    headings = re.findall(r"^### (POL\d+): (.*)$", diagnostics_page(), re.MULTILINE)
    assert sorted(headings) == sorted((code.code, code.title) for code in CODES.values())
    assert max(map(len, diagnostics_page().splitlines())) <= 120
