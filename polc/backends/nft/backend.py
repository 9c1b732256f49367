"""The nftables target: one private table, replaced in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from polc.backends.model import Deviation, Fidelity, Options, Output, OutputFile
from polc.ir.ruleset import Ruleset

FILES: Final = {"json": "ruleset.nft.json", "text": "ruleset.nft"}


@dataclass(frozen=True, slots=True)
class NftBackend:
    """``json`` is for libnftables and ``nft -j -f``, ``text`` for ``nft -f``; both mean the same."""

    @property
    def name(self) -> str:
        return "nft"

    @property
    def formats(self) -> tuple[str, ...]:
        return tuple(FILES)

    def emit(self, ruleset: Ruleset, options: Options) -> Output:
        """See ``polc.backends.model.Backend.emit``."""
        # Imported here, so that another target does not wait for this one.
        from polc.backends.nft.lower import lower
        from polc.backends.nft.refused import Refused

        if options.format == "json":
            from polc.backends.nft.print_json import print_json as print_table
        else:
            from polc.backends.nft.print_text import print_text as print_table
        try:
            table, deviations = lower(ruleset, options.profile, json=options.format == "json")
        except Refused as refused:
            return Output(
                (), (Deviation(Fidelity.REFUSED, "table-name", ruleset.origin, refused.reason, refused.help),)
            )
        return Output((OutputFile(FILES[options.format], print_table(table)),), deviations)
