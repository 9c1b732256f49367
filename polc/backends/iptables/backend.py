"""The iptables target: files for iptables-restore and ip6tables-restore, legacy and nft variants alike."""

from __future__ import annotations

from dataclasses import dataclass

from polc.backends.model import Options, Output
from polc.ir.ruleset import Ruleset


@dataclass(frozen=True, slots=True)
class IptablesBackend:
    """Whole tables for both families, in the words that iptables-save prints back.

    A table that the ruleset does not use is not written, so what stands in it stays; table filter is
    always written.
    """

    @property
    def name(self) -> str:
        return "iptables"

    @property
    def formats(self) -> tuple[str, ...]:
        return ("restore",)

    def emit(self, ruleset: Ruleset, options: Options) -> Output:
        """See ``polc.backends.model.Backend.emit``."""
        # Imported here, so that another target does not wait for this one.
        from polc.backends.iptables.emission import emit

        if options.format not in self.formats:
            raise ValueError(f"iptables has no format {options.format}")
        return emit(ruleset, options)
