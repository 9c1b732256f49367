"""Imports go one way: a module may import its own layer's package and what is below, never a sibling."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "polc"

LAYERS: tuple[tuple[str, ...], ...] = (
    ("source", "resources", "concepts"),
    ("parsing",),
    ("diagnostics",),
    ("ir",),
    ("policy", "importers", "passes", "simulate", "symbolic", "backends"),
    ("compiler", "emitted"),
    ("report", "fleet"),
    ("analysis", "kernel", "lift", "mutations", "proving"),
    ("diffing", "probing"),
    ("querying",),
    ("testing", "explaining"),
    ("firewalls",),
    ("sides", "translation", "live", "fuzzing"),
    ("cli",),
)
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
MODULES = sorted(ROOT.rglob("*.py"))


def part_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported_parts(path: Path) -> set[str]:
    """The first-level parts of polc that a module imports, lazily or not."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("polc.")}
    return found & RANK.keys()


def allowed(importer: str, imported: str) -> bool:
    return importer == imported or RANK[imported] < RANK[importer]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down(path: Path) -> None:
    part = part_of(path)
    if part in ("__init__", "__main__"):
        assert imported_parts(path) <= {"cli"}
        return
    assert part in RANK, f"{part} has no layer: give it one in LAYERS and in the architecture page"
    upward = {imported for imported in imported_parts(path) if not allowed(part, imported)}
    assert not upward, f"{path.relative_to(ROOT)} imports {sorted(upward)}"


def test_the_rule_itself() -> None:
    assert allowed("ir", "source")
    assert not allowed("ir", "policy")
    assert not allowed("policy", "backends")
    assert not allowed("simulate", "symbolic")
    assert imported_parts(ROOT / "compiler.py") >= {"policy", "backends", "passes"}
