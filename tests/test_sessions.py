"""Sessions of the documentation: what its pages show is what the commands print."""

from __future__ import annotations

from pathlib import Path

import pytest
from sessions import PAGES, played, run, without_kernel


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_shows_what_commands_print(page: Path, tmp_path: Path) -> None:
    shown = page.read_text()
    assert played(shown, tmp_path, without_kernel) == shown, "python tests/sessions.py"


@pytest.mark.kernel("nft", "iptables-nft", "iptables-legacy", "hashlimit")
def test_it_shows_what_verify_prints(tmp_path: Path) -> None:
    shown = PAGES[0].read_text()
    assert "$ polc verify" in shown
    assert played(shown, tmp_path) == shown, "python tests/sessions.py"


def test_output_is_replaced(tmp_path: Path) -> None:
    page = (
        "```yaml policy file=a.yaml\npolc: 2\n```\n\n"
        "```console head=1\n$ polc check a.yaml   # wrong\nold\n$ ls | cat\nx\n```\n"
    )
    new = played(page, tmp_path)
    assert new == page.replace("old\n", run(["check", "a.yaml"], tmp_path).split("\n")[0] + "\n...\n")
    assert "POL107" in new


def test_output_is_filtered(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("polc: 2\n")
    new = played("```console\n$ polc check a.yaml | grep 1:7\n```\n", tmp_path)
    assert new == "```console\n$ polc check a.yaml | grep 1:7\n  --> a.yaml:1:7\n```\n"
