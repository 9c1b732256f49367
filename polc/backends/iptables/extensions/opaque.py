"""Words that were iptables' own from the start, of which nothing is known but that they are one match or one target."""

from __future__ import annotations

from polc.backends.iptables.extensions.words import Piece, Rank, Refused, Target, Words
from polc.ir.matches import OpaqueMatch, Syntax
from polc.ir.statements import OpaqueStatement


def words(match: OpaqueMatch) -> Words:
    return Words((Piece(Rank.MODULE, _checked(match, "-m ")),))


def target(one: OpaqueStatement) -> Target:
    return Target(_checked(one, "-j "))


def _checked(one: OpaqueMatch | OpaqueStatement, beginning: str) -> str:
    if one.syntax is not Syntax.IPTABLES:
        because = f": {one.reason}" if one.reason else ""
        raise Refused("opaque", f"it is in nft's own words, which nothing here can put in those of iptables{because}")
    if not (one.words.isprintable() and one.words.startswith(beginning)):
        raise Refused("opaque", f"these are not the words of one line: {one.words!r}")
    return one.words
