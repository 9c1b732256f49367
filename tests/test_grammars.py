"""The tables that are kept beside the grammars are what Lark makes of them now."""

from __future__ import annotations

from pathlib import Path

import pytest

from polc.parsing.build_tables import build_tables
from polc.parsing.tables import from_json, to_json
from polc.resources import read_resource

NAMES = sorted(path.stem for path in (Path(__file__).parent.parent / "grammar").glob("*.lark"))


@pytest.mark.parametrize("name", NAMES)
def test_kept_tables_are_of_the_grammar(name: str) -> None:
    kept = read_resource("grammar", f"{name}.tables.json")
    built = build_tables(read_resource("grammar", f"{name}.lark"))
    assert from_json(kept)._replace(lark_version="") == built._replace(lark_version=""), (
        "run python -m polc.parsing.build_tables"
    )
    assert from_json(to_json(built)) == built
