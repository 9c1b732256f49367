"""What a rule became on each target: the lines that carry its label, and how faithful they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from polc.backends.model import Deviation, Fidelity, Options
from polc.backends.registry import BACKENDS
from polc.ir.origin import Origin
from polc.ir.ruleset import Ruleset
from polc.source import Span

_FORMATS = {"nft": "text"}
"""The format that people read, where it is not the first."""


def lines_of(ruleset: Ruleset, span: Span, name: str, target: str) -> Iterator[tuple[str, list[str]]]:
    """By file, the lines that name the rule in their comments, as in the file but for the space in front."""
    backend = BACKENDS[target]
    label = re.escape(Origin(span, name).label(120))
    # Behind it stand a comment of the author's or the end of the text.
    found = re.compile(rf'"{label}(:[^"]*)?"|comment {label}( |$)')
    for file in backend.emit(ruleset, Options(_FORMATS.get(target, backend.formats[0]))).files:
        lines = [line.strip() for line in file.text.splitlines() if found.search(line)]
        if lines:
            yield file.name, lines


def deviations_of(ruleset: Ruleset, span: Span, target: str) -> list[Deviation]:
    backend = BACKENDS[target]
    output = backend.emit(ruleset, Options(_FORMATS.get(target, backend.formats[0])))
    return [one for one in output.deviations if one.origin.span == span and one.fidelity is not Fidelity.EXACT]
