"""The nftables target: one private table of the inet family, replaced in one transaction.

Written for nft 0.9.8 and kernel 5.10 or newer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from polc.backends.model import Deviation, Fidelity, Output, OutputFile
from polc.backends.nft.definitions import TableDefinition
from polc.backends.nft.lower import lower
from polc.backends.nft.print_json import print_json
from polc.backends.nft.print_text import print_text
from polc.backends.nft.refused import Refused
from polc.ir.origin import Origin
from polc.ir.ruleset import Ruleset


@dataclass(frozen=True, slots=True)
class _Format:
    file: str
    print: Callable[[TableDefinition], str]


_FORMATS: Final = {
    "json": _Format("ruleset.nft.json", print_json),
    "text": _Format("ruleset.nft", print_text),
}


@dataclass(frozen=True, slots=True)
class NftBackend:
    """``json`` is for libnftables and ``nft -j -f``, ``text`` for ``nft -f``; both mean the same."""

    @property
    def name(self) -> str:
        return "nft"

    @property
    def formats(self) -> tuple[str, ...]:
        return tuple(_FORMATS)

    def emit(self, ruleset: Ruleset, format: str) -> Output:
        """See ``polc.backends.model.Backend.emit``."""
        try:
            table, deviations = lower(ruleset, json=format == "json")
        except Refused as refused:
            return Output((), (Deviation(Fidelity.REFUSED, "refused", Origin(), refused.reason, refused.help),))
        return Output((OutputFile(_FORMATS[format].file, _FORMATS[format].print(table)),), deviations)
