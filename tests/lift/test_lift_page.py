"""The example of the page about migration is what lifting gives."""

from __future__ import annotations

import re
from pathlib import Path

from lifting import lifted

PAGE = Path(__file__).parents[2] / "docs" / "migrate.md"


def test_the_example_is_what_comes_out() -> None:
    _, _, section = PAGE.read_text().partition("\n## As a policy\n")
    rules, policy = re.findall(r"```(?:text|yaml policy refused=nft)\n(.*?)```", section, re.DOTALL)
    found = lifted(rules)
    assert found.text == policy
    assert len(found.natives) == 1
