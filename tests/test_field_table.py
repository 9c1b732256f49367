"""The table of the fields in the language page: as the code has it, and each row true."""

from __future__ import annotations

from pathlib import Path

import pytest
from field_table import PAGE, PLACES, Row, replaced, rows

from polc.compiler import compile_policy
from polc.ir.ruleset import ChainType
from polc.policy.parser import tokens

ROWS = tuple(rows())


def test_the_page_has_the_table_as_it_is_now() -> None:
    page = PAGE.read_text()
    assert page == replaced(page), "python tests/field_table.py"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.field)
def test_its_example_compiles_at_the_hooks_that_it_names(row: Row, tmp_path: Path) -> None:
    lists: dict[str, dict[str, str]] = {"raw": {}, "mangle": {}}
    sections = []
    rule = f"        - 'accept tcp where {row.example}'\n"
    for place in PLACES:
        said = row.hooks()
        fits = place.hook.value in said or said == "everywhere" or (said == "not in `raw`" and place.name[:3] != "raw")
        if not fits or place.type is ChainType.NAT:
            continue
        section, _, hook = place.name.partition("-")
        if hook:
            lists[section][hook] = rule
        else:
            sections.append(f"{section}:\n  default: drop\n  rules:\n{rule}")
    for section, hooks in lists.items():
        inside = "".join(f"  {hook}:\n{one}" for hook, one in hooks.items())
        sections += [f"{section}:\n{inside}"] if hooks else []
    assert sections
    path = tmp_path / "policy.yaml"
    path.write_text("polc: 1\n" + "".join(sections))
    assert compile_policy(str(path), "nft").files


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.field)
def test_its_field_is_a_word_of_the_language(row: Row) -> None:
    (first, *_) = tokens(row.example)
    assert first.kind == ("FIELD" if " " in row.example else "NAME")
