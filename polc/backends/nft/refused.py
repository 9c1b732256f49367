"""How the steps of this backend say that nft has no words for something."""

from __future__ import annotations


class Refused(Exception):
    """``reason`` and ``help`` are fit for a diagnostic: lowercase, without a full stop."""

    def __init__(self, reason: str, help: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.help = help
