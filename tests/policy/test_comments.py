"""Where a YAML text has its comments."""

from __future__ import annotations

import pytest
import yaml

from polc.policy.comments import comments
from polc.source import SourceFile

TEXTS: tuple[tuple[str, list[str]], ...] = (
    ("# a\npolc: 1 # b  \n  # c", ["# a", "# b", "# c"]),
    ("polc: 1\nx: [a, # b\n  c] # d\n", ["# b", "# d"]),
    ("x: 'a # b'\ny: \"a # b\" # c\n", ["# c"]),
    ("x: a#b\ny: 'a\n  # b' # c\n", ["# c"]),
    ("x: | # a\n  b # c\n  # d\n# e\ny: >- # f\n  g\n", ["# a", "# e", "# f"]),
    ("x: |\n\n  # a\n\n# b\n", ["# b"]),
    ("# ä\r\nx: ü # ö\r\n", ["# ä", "# ö"]),
    ("", []),
    ('{"x": "# a"}', []),
    ("x: 'open # a", []),
)


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize(("text", "found"), TEXTS)
def test_comments(text: str, found: list[str], fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml, "__with_libyaml__", fast)
    assert [one.text for one in comments(SourceFile("policy.yaml", text))] == found


def test_json_has_none() -> None:
    assert not list(comments(SourceFile("policy.json", "x: 1 # a\n")))
