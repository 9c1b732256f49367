"""What a test needs of the machine."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

OF_NFT = {"queue": "nft-queue", "flowtable": "nft-flowtable"}
"""Goldens with what not every kernel has for nft."""


def lacking(reason: str) -> NoReturn:
    """Skips the test; where everything is to be there (``POLC_REQUIRE_KERNEL=1``), fails it."""
    if os.environ.get("POLC_REQUIRE_KERNEL") == "1":
        pytest.fail(f"POLC_REQUIRE_KERNEL=1, but {reason}", pytrace=False)
    pytest.skip(reason)
