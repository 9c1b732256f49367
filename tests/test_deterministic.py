"""The same policy compiles to the same bytes, run by run and whatever the seed of Python's hashes.

Every golden and example, each seed in a process of its own; ``scripts/versions`` does it on other Pythons.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from versions import outputs


@pytest.fixture(scope="module")
def here() -> dict[str, str]:
    return dict(outputs.digests())


def test_all_outputs_are_among_them(here: dict[str, str]) -> None:
    assert {name.split()[0] for name in here} == {path.stem for path in outputs.POLICIES}
    assert {name.split()[-1] for name in here} == {
        *("refused", "ruleset.nft", "ruleset.nft.json"),
        *("rules.v4", "rules.v6", "sets.ipset"),
    }


@pytest.mark.parametrize("seed", ["0", "1", "4294967295"])
def test_bytes_do_not_depend_on_the_seed_of_hashes(here: dict[str, str], seed: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    argv = [sys.executable, outputs.__file__]
    done = subprocess.run(argv, capture_output=True, text=True, env=environment, check=True)
    assert json.loads(done.stdout)["digests"] == here
