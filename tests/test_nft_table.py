"""docs/nft.md says what the importer of nft's JSON knows."""

from __future__ import annotations

from typing import get_args

from nft_table import HEADINGS, table, written

from polc.importers.nft_json.subjects import Subject


def test_the_page_has_the_table() -> None:
    assert written() == table(), "python tests/nft_table.py writes it anew"


def test_every_kind_has_a_row() -> None:
    assert {*get_args(Subject)} == {*HEADINGS}
