"""What was emitted and what is held, both read as rulesets and compared: a check that shares nothing with the other.

``Loader.differences`` evens out the spellings of a tool. Here both sides are imported, and what they mean is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from polc.backends.model import OutputFile
from polc.diagnostics import Collector, Failure

Files = Sequence[OutputFile]


def differences(target: str, emitted: Files, listed: Files) -> tuple[tuple[str, str], ...]:
    """File and sentence for each difference in meaning; ``listed`` is under the names of ``emitted``."""
    compare = _COMPARISONS.get(target)
    return () if compare is None else tuple(compare(emitted, listed))


def _nft(emitted: Files, listed: Files) -> Iterator[tuple[str, str]]:
    for one, seen in zip(emitted, listed, strict=True):
        for sentence in _nft_file(one.text, seen.text):
            yield one.name, sentence


def _nft_file(emitted: str, listed: str) -> Iterator[str]:
    # Imported here, so that nothing else waits for it.
    from polc.importers.nft_json import read_nft_json
    from polc.ir.canonical import differences as differ
    from polc.kernel.listed import as_listed
    from polc.source import SourceFile

    try:
        wanted, seen = (
            read_nft_json(SourceFile(name, text), Collector())
            for name, text in zip(("what was emitted", "what is listed"), as_listed(emitted, listed), strict=True)
        )
    except Failure as failure:
        yield f"polc cannot read it as a ruleset: {failure}"
        return
    if len(wanted) != len(seen):
        yield f"{len(seen)} tables, wanted {len(wanted)}"
    for one, other in zip(wanted, seen, strict=False):
        yield from differ(one, other)


_COMPARISONS: dict[str, Callable[[Files, Files], Iterator[tuple[str, str]]]] = {"nft": _nft}
"""Targets whose files polc can read."""
