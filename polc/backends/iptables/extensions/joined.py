"""Options of one extension in one ``-m``, as iptables-save prints them, where its options may stand side by side."""

from __future__ import annotations

import re

from polc.backends.iptables.extensions.words import Piece, Rank

_BESIDE = {
    "owner": ("--uid-owner", "--gid-owner"),
    "addrtype": ("--src-type", "--dst-type"),
    "time": ("--timestart", "--datestart"),
    "ecn": ("--ecn-tcp-ece", "--ecn-tcp-cwr", "--ecn-ip-ect"),
}
"""Options that each ask for themselves, in their order (libxt_owner.c, libxt_addrtype.c, libxt_time.c, libxt_ecn.c)."""

_OF_ALL = ("--limit-iface", "--contiguous", "--kerneltz", "days")
"""What is for all that a piece asks, or for one that has more."""

_TOS = re.compile(r"-m tos --tos 0x([0-9a-f]+)/0x([0-9a-f]+)|-m dscp --dscp 0x([0-9a-f]+)|-m ecn --ecn-ip-ect (\d)")


def joined(pieces: list[Piece]) -> list[Piece]:
    pieces = _in_one_byte(pieces)
    for name, options in _BESIDE.items():
        pieces = _beside(pieces, name, options)
    return _any_type(pieces)


def _beside(pieces: list[Piece], name: str, options: tuple[str, ...]) -> list[Piece]:
    prefix = f"-m {name} "
    own = [one for one in pieces if one.text.startswith(prefix)]
    texts = [one.text.removeprefix(prefix) for option in options for one in own if option in one.text]
    named = {option for option in options if any(option in text for text in texts)}
    if (
        len(own) < 2
        or not len(own) == len(texts) == len(named)
        or any(one in text for one in _OF_ALL for text in texts)
    ):
        return pieces
    both = Piece(Rank.MODULE, prefix + " ".join(texts))
    return [both if one is own[0] else one for one in pieces if one is own[0] or one not in own]


def _any_type(pieces: list[Piece]) -> list[Piece]:
    """ICMP that is no later fragment, as iptables-save has it (net/ipv4/netfilter/ip_tables.c, icmp_match)."""
    texts = [one.text for one in pieces]
    if "-p icmp" not in texts or "! -f" not in texts or any(text.startswith("-m icmp") for text in texts):
        return pieces
    return [Piece(Rank.MODULE, "-m icmp --icmp-type any") if one.text == "! -f" else one for one in pieces]


def _in_one_byte(pieces: list[Piece]) -> list[Piece]:
    """Code point and congestion bits, which are one byte (net/netfilter/xt_dscp.c, tos_mt)."""
    own = [(one, found) for one in pieces if (found := _TOS.fullmatch(one.text))]
    if len(own) != 2:
        return pieces
    parts = [_bits(found) for _, found in own]
    if parts[0][1] & parts[1][1]:
        return pieces
    value, mask = parts[0][0] | parts[1][0], parts[0][1] | parts[1][1]
    both = Piece(Rank.MODULE, f"-m tos --tos 0x{value:02x}/0x{mask:02x}")
    first, second = own[0][0], own[1][0]
    return [both if one is first else one for one in pieces if one is not second]


def _bits(found: re.Match[str]) -> tuple[int, int]:
    """Value and mask of the byte."""
    value, mask, code_point, congestion = found.groups()
    if code_point is not None:
        return int(code_point, 16) << 2, 0xFC
    if congestion is not None:
        return int(congestion), 0x03
    return int(value, 16), int(mask, 16)
