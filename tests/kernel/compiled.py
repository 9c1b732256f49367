"""Example policies, edited and compiled, on each loader."""

from __future__ import annotations

from pathlib import Path

import pytest

from polc.compiler import ANY_APPROXIMATION, compile_policy
from polc.kernel.loaders import LOADERS, Loader
from polc.kernel.netns import Namespace

EXAMPLES = Path(__file__).parents[2] / "examples"


def every_loader(*features: str) -> pytest.MarkDecorator:
    """Run a test once for each loader, as its argument ``loader``, where the kernel has what that needs."""
    return pytest.mark.parametrize(
        "loader",
        [pytest.param(one, marks=pytest.mark.kernel(one.name, *features), id=one.name) for one in LOADERS],
    )


def variant(example: str, *edits: tuple[str, str]) -> str:
    """The text of an example with each ``(old, new)`` edit made; an edit that finds nothing fails the test."""
    text = (EXAMPLES / example).read_text()
    for old, new in edits:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {example}"
        text = text.replace(old, new)
    return text


def load(loader: Loader, namespace: Namespace, policy: str, directory: Path) -> None:
    """Compile a policy for the loader and load it. Approximations are agreed to."""
    path = directory / "policy.yaml"
    path.write_text(policy)
    output = compile_policy(str(path), loader.target, allow=frozenset({ANY_APPROXIMATION}))
    loader.load(namespace, output)
