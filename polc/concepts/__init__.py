"""The concepts behind rules, in plain words: one page a concept, its first line the title."""

from __future__ import annotations

import os

_PAGES = os.path.dirname(__file__)
_ORDER = ("state", "helpers", "limits", "hooks", "profiles")


def concepts() -> dict[str, str]:
    """Name -> title, in the order in which to read them."""
    return {name: read_concept(name).partition("\n")[0].removeprefix("# ") for name in _ORDER}


def read_concept(name: str) -> str:
    """The page of a concept, one of ``concepts()``."""
    with open(os.path.join(_PAGES, f"{name}.md"), encoding="utf-8") as page:
        return page.read()
