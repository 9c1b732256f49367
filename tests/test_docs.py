"""Every policy in the documentation compiles, on both targets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from polc.backends.registry import BACKENDS
from polc.compiler import compile_policy

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
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
