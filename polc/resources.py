"""The only reader of ``grammar/`` and ``schemas/``: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


@cache
def read_resource(kind: str, name: str) -> str:
    """Return the text of ``<kind>/<name>``; ``kind`` is ``grammar`` or ``schemas``.

    A wheel carries both folders in ``polc/_data/`` (``pyproject.toml`` maps them there), a checkout
    keeps them at its top level.

    Raises:
        FileNotFoundError: the installation is broken.
    """
    for root in (_PACKAGE / "_data", _PACKAGE.parent):
        path = root / kind / name
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise FileNotFoundError(f"{kind}/{name} is missing from this installation of polc")
