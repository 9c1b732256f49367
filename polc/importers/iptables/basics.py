"""The options of iptables itself that a rule asks with: addresses, interfaces, protocol, fragments (iptables(8))."""

from __future__ import annotations

from polc.importers.iptables import in_nft
from polc.importers.iptables.problem import APART, WRONG_VALUE, Problem, Word
from polc.importers.iptables.protocols import read_protocol
from polc.importers.iptables.values import interface, masked_address, masked_ranges
from polc.ir.addresses import AddressSet
from polc.ir.family import Family
from polc.ir.intervals import Intervals
from polc.ir.matches import (
    AddressMatch,
    ElementMatch,
    InterfaceMatch,
    Match,
    OpaqueMatch,
    PortTerm,
    ServiceMatch,
    Side,
    Syntax,
)
from polc.ir.protocols import ICMP_FAMILY
from polc.ir.selectors import Direction, Transport

_MOST_RANGES = 256
_OFFSETS = {
    (Family.IP, Side.SADDR): 12,
    (Family.IP, Side.DADDR): 16,
    (Family.IP6, Side.SADDR): 8,
    (Family.IP6, Side.DADDR): 24,
}
"""Where in the header an address begins (RFC 791, 3.1; RFC 8200, 3)."""

NEVER = None
"""Instead of a match: no packet meets it."""


def addresses(word: Word, side: Side, family: Family, *, negated: bool) -> list[tuple[Match, ...] | None]:
    """What each address of a list asks: nothing where it is every address, NEVER where it is none.

    Raises:
        Problem: one is none, or a list is negated.
    """
    parts = word.text.split(",")
    if negated and len(parts) > 1:
        raise Problem(APART, "`!` stands before one address, and this is a list", word.at, help="write a rule for each")
    return [_address(Word(part, word.at), side, family, negated) for part in parts]


def _address(word: Word, side: Side, family: Family, negated: bool) -> tuple[Match, ...] | None:
    value, mask = masked_address(word, family)
    if mask == 0:
        return NEVER if negated else ()
    ranges = masked_ranges(value, mask, family.bits, _MOST_RANGES)
    if ranges is None:
        return (_masked(value, mask, side, family, negated),)
    found = AddressSet(ip=ranges) if family is Family.IP else AddressSet(ip6=ranges)
    return (AddressMatch(side, found, negated),)


def _masked(value: int, mask: int, side: Side, family: Family, negated: bool) -> OpaqueMatch:
    """A mask with holes, as words that ``-m u32`` takes: an address in parts of 32 bits."""
    offset = _OFFSETS[family, side]
    tests = []
    for shift in range(family.bits - 32, -1, -32):
        part = mask >> shift & 0xFFFFFFFF
        if part:
            tests.append(f"{offset:#x}&{part:#x}={value >> shift & 0xFFFFFFFF:#x}")
        offset += 4
    words = f'-m u32 {"! " if negated else ""}--u32 "{"&&".join(tests)}"'
    nft = in_nft.masked_address(family, side, value, mask, negated=negated)
    return OpaqueMatch(words, Syntax.IPTABLES, "the mask has holes, so that too many ranges of addresses meet it", nft)


def interfaces(word: Word, direction: Direction, *, negated: bool) -> tuple[Match, ...] | None:
    """As ``addresses``, for a name of an interface.

    Raises:
        Problem: it can be none.
    """
    pattern = interface(word)
    if not pattern.name:
        return NEVER if negated else ()
    return (InterfaceMatch(direction, (pattern,), negated),)


def protocol(word: Word, family: Family, *, negated: bool) -> tuple[int | None, tuple[Match, ...]]:
    """The protocol that a rule is about, None where it is about no single one, and what that asks besides it.

    Raises:
        Problem: there is no such protocol, or none is left.
    """
    number = read_protocol(word)
    if number == 0:
        if negated:
            raise Problem(WRONG_VALUE, "no packet is of no protocol", word.at)
        return None, ()
    if negated:
        return None, (ElementMatch((Transport.PROTOCOL,), ((Intervals.single(number),),), True),)
    if ICMP_FAMILY.get(number, family) is not family:
        # The other family's ICMP is a number like any other here.
        return number, (ElementMatch((Transport.PROTOCOL,), ((Intervals.single(number),),)),)
    return number, (ServiceMatch((PortTerm(number),)),)


def fragment_problem(at: int) -> Problem:
    return Problem(APART, "ip6tables has no `-f`", at, help="`-m frag` asks for the fragment header")
