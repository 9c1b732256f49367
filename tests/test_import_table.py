"""docs/iptables.md says of each extension what the importer does with it."""

from __future__ import annotations

from import_table import made, written


def test_it_is_fresh() -> None:
    """If not: ``python tests/import_table.py``."""
    assert written()[1] == made()
