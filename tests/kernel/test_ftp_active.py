"""Active-mode FTP through a client's firewall: a real server on another host opens the data connection."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from compiled import every_loader, load, variant
from lab import Lab, both_families

from polc.kernel.loaders import Loader

EXAMPLE = "ftp-client.yaml"
HELPER = ("    - helper ftp tcp/21\n", "    - accept tcp/21\n")
STATEFUL = ("    - use stateful\n", "    - drop state invalid\n    - accept state established\n")
FILES = ("readme.txt", "second.txt")


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    directory = tmp_path / "served"
    directory.mkdir()
    for name in FILES:
        (directory / name).write_text("text\n")
    with Lab("server", "client") as lab:
        lab.peer("server", "ftp_server.py", "21", str(directory))
        yield lab


def listing(lab: Lab, family: str) -> str:
    return lab.peer("client", "ftp_client.py").ask("list", lab["server"].address(family), 21, 1.5)


def works(lab: Lab, family: str) -> None:
    assert listing(lab, family) == " ".join(FILES)


def only_data_fails(lab: Lab, family: str) -> None:
    assert listing(lab, family).startswith("data: "), "the control connection works, the data connection does not"


@every_loader("ftp-helper", "conntrack")
def test_lists_with_helper_and_related(lab: Lab, loader: Loader, tmp_path: Path) -> None:
    load(loader, lab["client"].namespace, variant(EXAMPLE), tmp_path)
    both_families(partial(works, lab))


@every_loader("ftp-helper", "conntrack")
@pytest.mark.parametrize("edit", [pytest.param(HELPER, id="no-helper"), pytest.param(STATEFUL, id="no-related")])
def test_only_the_data_connection_fails_without(
    lab: Lab, loader: Loader, edit: tuple[str, str], tmp_path: Path
) -> None:
    load(loader, lab["client"].namespace, variant(EXAMPLE, edit), tmp_path)
    both_families(partial(only_data_fails, lab))


@pytest.mark.kernel
def test_lists_without_any_firewall(lab: Lab) -> None:
    """What the tests above fail for is the firewall."""
    both_families(partial(works, lab))
