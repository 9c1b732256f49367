"""The only reader of ``grammar/`` and ``schemas/``: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

import os
from functools import cache

# os.path and not pathlib, which takes longer to import than the files take to read.
_PACKAGE = os.path.dirname(os.path.realpath(__file__))


@cache
def read_resource(kind: str, name: str) -> str:
    """Return the text of ``<kind>/<name>``; ``kind`` is ``grammar`` or ``schemas``.

    A wheel carries both folders in ``polc/_data/`` (``pyproject.toml`` maps them there), a checkout
    keeps them at its top level.

    Raises:
        FileNotFoundError: the installation is broken.
    """
    for root in (os.path.join(_PACKAGE, "_data"), os.path.dirname(_PACKAGE)):
        path = os.path.join(root, kind, name)
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as file:
                return file.read()
    raise FileNotFoundError(f"{kind}/{name} is missing from this installation of polc")
