"""The corpus of real rulesets and of iptables' own test vectors, which is not part of the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CORPUS = Path(os.environ.get("POLC_CORPUS") or Path(__file__).parents[3] / "shared" / "corpus")
NEEDED = pytest.mark.skipif(
    not CORPUS.is_dir(), reason=f"the corpus is not at {CORPUS}; POLC_CORPUS names another place"
)


def saved() -> list[Path]:
    """Real rulesets, as iptables-save printed them."""
    return sorted((CORPUS / "iptables-save").glob("*.save"))
