"""docs/profiles.md is what the table of features says, and `polc explain profiles` names the same profiles."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from polc.backends.features import Feature
from polc.backends.profile import HOST, PROFILES
from polc.backends.profiles_page import page
from polc.cli.main import main
from polc.concepts import read_concept

PAGE = Path(__file__).parent.parent / "docs" / "profiles.md"


def test_it_is_fresh() -> None:
    """If not: ``python -m polc.backends.profiles_page > docs/profiles.md``."""
    assert PAGE.read_text() == page()


def test_it_has_every_profile_and_every_feature_once() -> None:
    text = page()
    for name in PROFILES:
        assert len(re.findall(rf"^\| `{name}` \|", text, re.MULTILINE)) == 1
    tables, _, lists = text.partition("## What a kernel may have been built without")
    for one in Feature:
        kind, _, name = one.value.partition(" ")
        in_table = len(re.findall(rf"^\| `{one.value}` \|", tables, re.MULTILINE))
        in_lists = len(re.findall(rf"`{re.escape(name or kind)}`[,.]", lists))
        # Some matches and targets share a name with each other, or with a feature of nft.
        assert in_table + min(in_lists, 1) == 1 or (in_lists > 1 and name) or one.target == "nft", one


def test_names_stand_in_the_concept_too(capsys: pytest.CaptureFixture[str]) -> None:
    concept = read_concept("profiles")
    assert {name for name in (*PROFILES, HOST) if f"`{name}`" not in concept} == set()
    assert main(["explain", "profiles"]) == 0
    assert capsys.readouterr().out == concept
