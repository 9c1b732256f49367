"""A ruleset that is to run, and where it came from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from polc.live.road import Files, Road


@dataclass(frozen=True, slots=True)
class Wanted:
    """``filled`` are the sets that are filled at run time, ``policy`` the file, ``note`` says where else it came from.

    ``asked`` are the options of the compiler, by which the same policy is compiled once more to be compared.
    """

    road: Road
    files: Files
    filled: frozenset[str]
    policy: str
    policy_digest: str
    note: str = ""
    asked: tuple[tuple[str, str], ...] = ()

    @property
    def digest(self) -> str:
        return digest(part for file in self.files for part in (file.name, file.text))


def digest(texts: Iterable[str]) -> str:
    """SHA-256 of texts in their order, each with its length."""
    found = hashlib.sha256()
    for text in texts:
        data = text.encode()
        found.update(b"%d\n" % len(data) + data)
    return found.hexdigest()
