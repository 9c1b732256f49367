"""Machines that systemd boots are asked for by ``POLC_SYSTEMD=SUITE``: scripts/systemd does that."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from machine import Machine, machine, wheels


@pytest.fixture(scope="session")
def suite() -> str:
    found = os.environ.get("POLC_SYSTEMD", "")
    if not found:
        pytest.skip("a machine is booted where POLC_SYSTEMD names a suite of Debian (scripts/systemd)")
    return found


@pytest.fixture(scope="session")
def wheelhouse(suite: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("wheels")
    wheels(suite, place)
    return place


@pytest.fixture(scope="module")
def bare(suite: str, wheelhouse: Path) -> Iterator[Machine]:
    """A machine without polc, but with its wheels."""
    # A short path: a socket's name has at most a hundred bytes.
    with tempfile.TemporaryDirectory(prefix="polc-") as directory:
        shared = Path(directory)
        shutil.copytree(wheelhouse, shared / "wheels")
        with machine(suite, shared) as booted:
            yield booted


@pytest.fixture(scope="module")
def host(bare: Machine) -> Machine:
    """A machine with polc."""
    bare.install_polc()
    return bare
