"""What a packet has or has not: ``-f``, ``-m policy`` and ``-m socket`` (iptables(8), iptables-extensions(8))."""

from __future__ import annotations

from typing import assert_never

from polc.backends.cascade import Alternatives
from polc.backends.iptables.extensions.words import Piece, Rank, Refused, Words, module
from polc.ir.family import Family
from polc.ir.matches import Trait, TraitMatch


def split(match: TraitMatch) -> Alternatives:
    if match.trait is Trait.SOCKET:
        # `-m socket` has no negation.
        return Alternatives((TraitMatch(Trait.SOCKET),), excluded=match.negated)
    return Alternatives((match,), slot=match.trait.value)


def words(match: TraitMatch, family: Family) -> Words:
    match match.trait:
        case Trait.FRAGMENT if family is Family.IP6:
            raise Refused(
                "ip6-fragment",
                "iptables can ask IPv6 packets for a first fragment, but not for a later one",
                "make the rule one of IPv4; with conntrack the kernel joins IPv6 fragments before any rule",
            )
        case Trait.FRAGMENT:
            return Words((Piece(Rank.FRAGMENT, "! -f" if match.negated else "-f"),))
        case Trait.IPSEC:
            return module(f"policy --dir in --pol {'none' if match.negated else 'ipsec'}")
        case Trait.SOCKET:
            # nft knows no other: without `--nowildcard` a socket bound to any address is passed over (xt_socket.c).
            return module("socket --transparent --nowildcard")
        case _:
            assert_never(match.trait)
