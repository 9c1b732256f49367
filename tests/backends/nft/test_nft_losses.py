"""The table of what listings lose: its page, and what is true of it for the nft of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from versions.inside import Inside
from versions.known_losses import mistakes

from polc.backends.nft import losses
from polc.backends.nft.losses import LOSSES, MEASURED
from polc.kernel.netns import Namespace

PAGE = Path(__file__).parents[3] / "docs" / "targets.md"


def version(scratch: Namespace) -> str:
    return scratch.run(["nft", "--version"]).stdout.split()[1].removeprefix("v")


@pytest.mark.kernel("nft")
def test_this_nft_loses_what_the_table_says(scratch: Namespace, tmp_path: Path) -> None:
    assert list(mistakes(Inside(scratch, None, tmp_path), version(scratch))) == []


@pytest.mark.kernel("nft")
@pytest.mark.parametrize("loss", [one for one in LOSSES if len(one.of) < len(MEASURED)], ids=lambda one: one.name)
def test_a_wrong_table_is_told(
    loss: losses.Loss, scratch: Namespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = losses.measured(version(scratch))
    other = next(one for one in MEASURED if (one in loss.of) != (here in loss.of))
    monkeypatch.setattr("versions.known_losses.LOSSES", (loss,))
    assert list(mistakes(Inside(scratch, None, tmp_path), other)) != []


def test_versions_between_are_taken_for_older_ones() -> None:
    assert [losses.measured(one) for one in ("0.9.0", "0.9.8", "1.0.2", "1.0.10", "1.1.5", "1.2")] == [
        *("0.9.8", "0.9.8", "0.9.8", "1.0.6", "1.1.3", "1.1.7")
    ]


def test_the_page_has_the_table() -> None:
    marks = {True: "lost", False: "listed"}
    rows = [f"| {one.what} | {' | '.join(marks[nft in one.of] for nft in MEASURED)} |" for one in LOSSES]
    head = f"| what `nft -j list` leaves out | {' | '.join(MEASURED)} |"
    assert "\n".join([head, f"| --- {'| --- ' * len(MEASURED)}|", *rows]) in PAGE.read_text()
