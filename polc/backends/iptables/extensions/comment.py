"""Comments: ``-m comment``; the kernel holds 256 bytes, the last a zero (XT_MAX_COMMENT_LEN)."""

from __future__ import annotations

from polc.backends.iptables.extensions.words import Piece, Rank, quote
from polc.ir.origin import Origin

_LONGEST = 255


def pieces(origin: Origin) -> tuple[Piece, ...]:
    label = origin.label(_LONGEST)
    return (Piece(Rank.MODULE, f"-m comment --comment {quote(label)}"),) if label else ()
