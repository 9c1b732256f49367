"""Names that a policy can have, near to those that things had."""

from __future__ import annotations

import re
from collections.abc import Iterable

from polc.policy.parser import reserved

_LONGEST = 63
"""schemas/policy.schema.json, name."""


class Names:
    """Gives names of one kind, no two alike; ``taken`` are those that nothing can have."""

    def __init__(self, taken: Iterable[str] = (), suffix: str = "") -> None:
        self.taken = {*taken, *reserved()}
        self.suffix = suffix

    def near(self, name: str) -> str:
        """The name itself where it can be one, else one that is like it."""
        clean = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "unnamed"
        if not re.match(r"[A-Za-z_]", clean):
            clean = f"n-{clean}"
        clean = clean[:_LONGEST]
        if clean in reserved():
            clean = f"{clean}-{self.suffix}"
        found, number = clean, 1
        while found in self.taken:
            number += 1
            found = f"{clean[: _LONGEST - 6]}-{number}"
        self.taken.add(found)
        return found
