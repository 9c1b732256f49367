"""What a loader gives back, as rulesets, beside what it was given: a second judge, which shares nothing with the first.

The first (``differences`` of a loader) compares the words of a target. Here both sides go through the importers, and
their meanings are compared.
"""

from __future__ import annotations

from collections.abc import Sequence

from polc.backends.model import OutputFile
from polc.diagnostics import Failure
from polc.emitted import read_emitted
from polc.ir import canonical
from polc.kernel.listed import as_listed


def differences(target: str, emitted: Sequence[OutputFile], listed: Sequence[OutputFile]) -> tuple[str, ...]:
    """How what was read back means something else than what was emitted, a sentence each. ``target`` is a key of
    ``BACKENDS``.

    Raises:
        Failure: what was emitted cannot be read: it has words that importers refuse, such as those of native rules.
    """
    if target == "nft":
        emitted, listed = _as_listed(emitted, listed)
    meant = read_emitted(target, emitted)
    try:
        seen = read_emitted(target, listed)
    except Failure as failure:
        return (f"what the kernel lists cannot be read back: {failure.diagnostics[0].message}",)
    if len(meant) != len(seen):
        return (f"{len(meant)} rulesets were meant, and {len(seen)} are listed",)
    return tuple(
        message for one, other in zip(meant, seen, strict=True) for message in canonical.differences(one, other)
    )


def _as_listed(emitted: Sequence[OutputFile], listed: Sequence[OutputFile]) -> tuple[Sequence[OutputFile], ...]:
    """Both without what listings of this nft lose."""
    ((file,), (seen,)) = emitted, listed
    texts = as_listed(file.text, seen.text)
    return tuple((OutputFile(one.name, text),) for one, text in zip((file, seen), texts, strict=True))
