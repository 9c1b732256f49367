"""The table of the fields in the language page: as the code has it, and each row true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from field_table import NFT_ALONE, PAGE, Row, policy, replaced, rows

from polc.compiler import compile_policy
from polc.diagnostics import Failure
from polc.ir.ruleset import IP_HOOKS
from polc.policy.parser import tokens

ROWS = tuple(rows())


def test_the_page_has_the_table_as_it_is_now() -> None:
    page = PAGE.read_text()
    assert page == replaced(page), "python tests/field_table.py"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.field)
def test_its_example_compiles_at_the_hooks_that_it_names(row: Row, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(policy([row]))
    text = compile_policy(str(path), "nft", "text").files[0].text
    everywhere = row.hooks() in ("everywhere", "not in `raw`")
    hooks = {hook.value for hook in IP_HOOKS}
    named = hooks if everywhere else hooks & set(re.findall("[a-z]+", row.hooks()))
    assert set(re.findall(r"hook ([a-z]+) priority", text)) == named
    assert ("priority -300" in text) == (
        row.hooks() != "not in `raw`" and not named.isdisjoint({"prerouting", "output"})
    )


@pytest.mark.parametrize("row", [row for row in ROWS if row.place in NFT_ALONE], ids=lambda row: row.field)
def test_iptables_has_no_words_for_some(row: Row, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(policy([row]))
    with pytest.raises(Failure, match="POL402"):
        compile_policy(str(path), "iptables")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.field)
def test_its_field_is_a_word_of_the_language(row: Row) -> None:
    (first, *_) = tokens(row.example)
    assert first.kind == ("FIELD" if " " in row.example else "NAME")
