"""Every policy and every rule in the documentation does what its page says of it, on every target."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import BLOCKS, PRELUDE, ROOT, ROWS, Block, Row, wrapped, write_files

from polc.backends.registry import BACKENDS
from polc.compiler import ANY_APPROXIMATION, compile_policy
from polc.diagnostics import Failure
from polc.policy.parser import keywords

POLICIES = [block for block in BLOCKS if block.language == "yaml" and block.kind in ("policy", "rules")]
SOUND = [block for block in POLICIES if "error" not in block.options]
WRONG = [block for block in POLICIES if "error" in block.options]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_files(PRELUDE.page, tmp_path)
    return tmp_path


def texts(block: Block, *, apart: bool) -> Iterator[str]:
    """The policies of a block: of a list one for all rules, or (``apart``) one for each."""
    if block.kind == "policy":
        yield block.text
    else:
        yield from (wrapped(one, block.options["section"]) for one in (block.rules() if apart else [block.text]))


def check(
    text: str, target: str, folder: Path, code: str = "", allow: frozenset[str] = frozenset(), format: str | None = None
) -> None:
    """Whether compiling a policy for a target gives errors of this code alone, or without one none."""
    path = folder / "policy.yaml"
    path.write_text(text)
    found = []
    try:
        assert compile_policy(str(path), target, format, allow=allow).files
    except Failure as failure:
        found = [f"{one.code}: {one.message}" for one in failure.diagnostics]
    assert {one[:6] for one in found} == ({code} if code else set()), (text.removeprefix(PRELUDE.text), found)


def test_every_block_says_what_it_is() -> None:
    kinds = {"policy", "rules", "prelude", "file"}
    unclear = [block.place for block in BLOCKS if block.language == "yaml" and block.kind not in kinds]
    assert not unclear, "a fence line lacks its kind, see tests/pages.py"
    assert not [block.place for block in BLOCKS if (block.kind == "rules") != ("section" in block.options)]
    assert not [block.place for block in BLOCKS if block.kind == "rules" and not block.rules()]


def test_the_pages_have_examples() -> None:
    assert {block.page for block in SOUND if block.kind == "policy"} >= {ROOT / "README.md", PRELUDE.page}
    assert len(WRONG) > 0


@pytest.mark.parametrize("target", BACKENDS)
def test_the_prelude_is_a_policy(target: str, folder: Path) -> None:
    check(PRELUDE.text, target, folder)


@pytest.mark.parametrize("target", BACKENDS)
@pytest.mark.parametrize("block", SOUND, ids=lambda block: block.place)
def test_it_compiles_or_is_refused_as_its_page_says(block: Block, target: str, tmp_path: Path) -> None:
    write_files(block.page, tmp_path)
    of, _, name = block.options.get("approximate", "").partition(":")
    if target in block.options.get("refused", "").split(","):
        for text in texts(block, apart=True):
            check(text, target, tmp_path, "POL402")
    elif target == of:
        for text in texts(block, apart=True):
            check(text, target, tmp_path, "POL401")
            check(text, target, tmp_path, allow=frozenset({name}))
    elif target == "nft" and "format" in block.options:
        for text in texts(block, apart=True):
            check(text, target, tmp_path, "POL402")
            check(text, target, tmp_path, format=block.options["format"])
    else:
        for text in texts(block, apart=False):
            check(text, target, tmp_path)


@pytest.mark.parametrize("block", WRONG, ids=lambda block: block.place)
def test_it_is_the_error_that_its_page_says(block: Block, tmp_path: Path) -> None:
    write_files(block.page, tmp_path)
    for text in texts(block, apart=True):
        check(text, "nft", tmp_path, block.options["error"])


SAID: dict[str, dict[str, str]] = {
    "": {},
    "nft only": {"iptables": "POL402"},
    "iptables only": {"nft": "POL402"},
    "on no target": {"nft": "POL402", "iptables": "POL402"},
    "approximate on nft": {"nft": "POL401"},
    "approximate on iptables": {"iptables": "POL401"},
}
"""What stands behind a section -> target -> code."""


@pytest.mark.parametrize("target", BACKENDS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.place)
def test_the_rules_of_a_table_are_rules(row: Row, target: str, folder: Path) -> None:
    assert row.rules
    code = SAID[row.said].get(target, "")
    if row.section == "names":
        for text in row.rules:
            check(f"polc: 1\n{text}\n", target, folder)
        return
    quoted = [f"- {json.dumps(one)}\n" for one in row.rules]
    for text in [wrapped(one, row.section) for one in (quoted if code == "POL402" else ["".join(quoted)])]:
        check(text, target, folder, code)
        if code == "POL401":
            check(text, target, folder, allow=frozenset({ANY_APPROXIMATION}))


def test_the_files_that_pages_name_are_there() -> None:
    known = {
        str(path.relative_to(ROOT))
        for part in ("polc", "tests", "grammar", "schemas", "benchmarks")
        for path in (ROOT / part).rglob("*.*")
    }
    named = {
        name
        for page in (ROOT / "docs").glob("*.md")
        for name in re.findall(r"`([a-z_/]+\.(?:py|lark|schema\.json))`", page.read_text())
    }
    assert len(named) > 40
    assert not {name for name in named if not any(one == name or one.endswith(f"/{name}") for one in known)}


def test_the_language_page_shows_every_word_and_key() -> None:
    page = "\n".join(block.text for block in BLOCKS if block.page == PRELUDE.page and "error" not in block.options)
    schema = json.loads((ROOT / "schemas" / "policy.schema.json").read_text())
    keys = {key for node in objects(schema) for key in node.get("properties", {})}
    assert len(keys) > 80
    assert not {key for key in keys if not re.search(rf"\b{key}:", page)}
    assert not {word for word in keywords() if not re.search(rf"\b{word}\b(?!:)", page)}


def objects(node: object) -> Iterator[dict[str, object]]:
    """The schema's nodes, itself first."""
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from objects(inner)
