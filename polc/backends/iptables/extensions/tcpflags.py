"""``-m tcp``: flags under a mask, and options (iptables-extensions(8), tcp)."""

from __future__ import annotations

from polc.backends.cascade import Alternatives
from polc.backends.iptables.extensions import service
from polc.backends.iptables.extensions.words import Piece, Rank, Refused, Words, module
from polc.ir.matches import FlagsMatch, TcpOptionMatch
from polc.ir.protocols import TCP

_FLAGS = (("FIN", 1), ("SYN", 2), ("RST", 4), ("PSH", 8), ("ACK", 16), ("URG", 32))
_ALL = 63
_PREFIX = "-m tcp "


def split(match: FlagsMatch) -> Alternatives:
    if match.mask & ~_ALL:
        raise Refused("tcp-flags", "iptables knows no `ecn` and `cwr` among the TCP flags", "leave them out")
    if not match.mask:
        raise Refused("tcp-flags", "a mask without any flag asks nothing")
    return Alternatives((match,), slot="--tcp-flags")


def words(match: FlagsMatch) -> Words:
    negation = "! " if match.negated else ""
    text = f"tcp {negation}--tcp-flags {_names(match.mask)} {_names(match.value)}"
    return Words((service.protocol(TCP), *module(text).pieces))


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
