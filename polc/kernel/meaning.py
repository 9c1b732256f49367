"""What a loader gives back, as rulesets, beside what it was given: a second judge, which shares nothing with the first.

The first (``differences`` of a loader) compares the words of a target. Here both sides go through the importers, and
their meanings are compared.
"""

from __future__ import annotations

from collections.abc import Sequence

from polc.backends.iptables import ipsets
from polc.backends.model import OutputFile
from polc.diagnostics import Collector, Failure
from polc.importers.iptables.read import Input, Kind
from polc.importers.iptables.read import read as read_iptables
from polc.importers.nft_json import read_nft_json
from polc.ir import canonical
from polc.ir.family import Family
from polc.ir.ruleset import Ruleset
from polc.kernel.listed import as_listed
from polc.source import SourceFile

_FAMILIES = {"rules.v4": Family.IP, "rules.v6": Family.IP6}


def differences(target: str, emitted: Sequence[OutputFile], listed: Sequence[OutputFile]) -> tuple[str, ...]:
    """How what was read back means something else than what was emitted, a sentence each. ``target`` is a key of
    ``BACKENDS``.

    Raises:
        Failure: what was emitted cannot be read: it has words that importers refuse, such as those of native rules.
    """
    if target == "nft":
        emitted, listed = _as_listed(emitted, listed)
    meant = read(target, emitted)
    try:
        seen = read(target, listed)
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


def read(target: str, files: Sequence[OutputFile]) -> tuple[Ruleset, ...]:
    """The rulesets that output files of a target, or listings of what they load, mean.

    Raises:
        Failure: POL5xx, they have words that importers refuse.
    """
    if target == "nft":
        (file,) = files
        return read_nft_json(SourceFile(file.name, file.text), Collector())
    inputs = [
        Input(SourceFile(one.name, one.text), _kind(one.name), _FAMILIES.get(one.name, Family.IP))
        for one in files
        if one.name in (ipsets.FILE, *_FAMILIES)
    ]
    return read_iptables(inputs, Collector())


def _kind(name: str) -> Kind:
    return Kind.IPSET if name == ipsets.FILE else Kind.RESTORE
