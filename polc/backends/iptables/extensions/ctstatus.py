"""Bits of a flow's status: ``--ctstatus``, and for NAT ``--ctstate`` (net/netfilter/xt_conntrack.c).

Either option holds when any bit of its list is set, so a conjunction is one ``-m conntrack`` a bit, and
"not exactly so" one option for the first bit that differs. ``--ctstate DNAT`` stands alone: joined with
states it would be an "or". A packet without a flow has no status; ``! --ctstate`` would hold for it, hence
INVALID and UNTRACKED beside it.
"""

from __future__ import annotations

from polc.backends.cascade import Alternatives
from polc.backends.iptables.extensions.words import Piece, Rank, Refused, Words
from polc.ir.matches import FlagField, FlagsMatch

_STATUS = {1: "EXPECTED", 2: "SEEN_REPLY", 4: "ASSURED", 8: "CONFIRMED"}
_NAT = {0x10: "SNAT", 0x20: "DNAT"}


def split(match: FlagsMatch) -> Alternatives:
    bits = [1 << number for number in range(32) if match.mask >> number & 1]
    if not bits or set(bits) - _STATUS.keys() - _NAT.keys():
        raise Refused("ct-status", "iptables has no word for some of these bits of `ct status`")
    if not match.negated or _any_of(match):
        return Alternatives((match,))
    options = []
    agreed = 0
    for bit in bits:
        value = (match.value & agreed) | (~match.value & bit)
        options.append(FlagsMatch(FlagField.CT_STATUS, agreed | bit, value))
        agreed |= bit
    return Alternatives(tuple(options))


def _any_of(match: FlagsMatch) -> bool:
    """Whether it asks for any of several bits that one option has words for."""
    return match.value == 0 and any(not match.mask & ~sum(words) for words in (_STATUS, _NAT))


def words(match: FlagsMatch) -> Words:
    if match.negated:
        option, names = ("--ctstatus", _STATUS) if match.mask & sum(_STATUS) else ("--ctstate", _NAT)
        listed = ",".join(name for bit, name in names.items() if match.mask & bit)
        return Words((Piece(Rank.MODULE, f"-m conntrack {option} {listed}"),))
    pieces = [_piece(bit, bool(match.value & bit)) for bit in (*_STATUS, *_NAT) if match.mask & bit]
    return Words(tuple(pieces))


def _piece(bit: int, wanted: bool) -> Piece:
    if bit in _STATUS:
        text = f"{'' if wanted else '! '}--ctstatus {_STATUS[bit]}"
    elif wanted:
        text = f"--ctstate {_NAT[bit]}"
    else:
        text = f"! --ctstate INVALID,UNTRACKED,{_NAT[bit]}"
    return Piece(Rank.MODULE, f"-m conntrack {text}")
