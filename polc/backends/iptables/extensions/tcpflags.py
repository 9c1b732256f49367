"""``-m tcp``: flags under a mask, and options; ``-m ecn`` for two of the flags (iptables-extensions(8), tcp, ecn)."""

from __future__ import annotations

from polc.backends.cascade import Alternatives
from polc.backends.iptables.extensions import service
from polc.backends.iptables.extensions.words import Piece, Rank, Refused, Words, module
from polc.ir.matches import FlagsMatch, TcpOptionMatch
from polc.ir.protocols import TCP

_FLAGS = (("FIN", 1), ("SYN", 2), ("RST", 4), ("PSH", 8), ("ACK", 16), ("URG", 32))
_ALL = 63
_ECN = {64: "--ecn-tcp-ece", 128: "--ecn-tcp-cwr"}
"""Flags that have an extension of their own, in its order (libxt_ecn.c)."""
_PREFIX = "-m tcp "


def split(match: FlagsMatch) -> Alternatives:
    ecn = match.mask & ~_ALL
    if ecn and match.negated:
        if match.mask in _ECN:
            # Not so is the other way round.
            return Alternatives((FlagsMatch(match.field, ecn, ~match.value & ecn),))
        raise Refused(
            "tcp-flags", "iptables asks for `ecn` and `cwr` apart from other TCP flags, so not for other than these"
        )
    if not match.mask:
        raise Refused("tcp-flags", "a mask without any flag asks nothing")
    return Alternatives((match,), slot="--tcp-flags" if match.mask & _ALL else "")


def words(match: FlagsMatch) -> Words:
    negation = "! " if match.negated else ""
    own = match.mask & _ALL
    text = f"tcp {negation}--tcp-flags {_names(own)} {_names(match.value & own)}"
    pieces = [one for bit in _ECN if match.mask & bit for one in module(_ecn(bit, match.value & bit)).pieces]
    return Words((service.protocol(TCP), *(module(text).pieces if own else ()), *pieces))


def _ecn(bit: int, wanted: int) -> str:
    return f"ecn {'' if wanted else '! '}{_ECN[bit]}"


def option(match: TcpOptionMatch) -> Words:
    negation = "! " if match.negated else ""
    return Words((service.protocol(TCP), *module(f"tcp {negation}--tcp-option {match.kind}").pieces))


def _names(bits: int) -> str:
    return ",".join(name for name, bit in _FLAGS if bits & bit) or "NONE"


def asks_flags(pieces: list[Piece]) -> bool:
    return any("--tcp-flags" in piece.text for piece in pieces)


def joined(pieces: list[Piece]) -> list[Piece]:
    """Ports, option and flags in one ``-m tcp``, in the order in which iptables-save prints them."""
    own = [piece for piece in pieces if piece.text.startswith(_PREFIX)]
    if len(own) < 2:
        return pieces
    options = sorted(
        (piece.text.removeprefix(_PREFIX) for piece in own),
        key=lambda text: ("--tcp-flags" in text, "--tcp-option" in text),
    )
    one = Piece(Rank.MODULE, _PREFIX + " ".join(options))
    return [one if piece is own[0] else piece for piece in pieces if piece is own[0] or piece not in own]
