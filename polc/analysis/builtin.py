"""Rules that the built-in macros are made of: nobody wrote them for this policy, and nobody has to test them."""

from __future__ import annotations

import re

from polc.policy.lower.macros import MACROS
from polc.source import Span

_USE = re.compile(rf"\buse\b[\"']?\s*:?\s*[\"']?(?:{'|'.join(map(re.escape, MACROS))})\b")


def is_builtin(span: Span) -> bool:
    """Whether a rule with this place is one of a built-in macro."""
    return _USE.search(span.text) is not None
