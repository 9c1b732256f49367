"""What the matches of IPv6 extension headers have in common: the header is there, or something in it is asked about."""

from __future__ import annotations

from polc.importers.iptables.extension import Given, Meaning, Options
from polc.importers.iptables.in_nft import Ask, asks
from polc.ir.matches import ExtensionHeader, ExtensionHeaderMatch

_INSIDE = "polc knows whether an extension header is there, and not what is in it"
_UNIT = 8
"""Bytes that a length counts, after the first of them (RFC 8200, 4.2)."""


def present_or_opaque(options: Options, header: ExtensionHeader, inside: list[Ask | bool | None]) -> Meaning:
    """``inside`` is what the options ask in nft's words: True of every header, False of none; with None among them nft
    does not have all of them.
    """
    if not options.given:
        return Meaning((ExtensionHeaderMatch(header),))
    name = header.value
    known = [one for each in inside for one in (_in_every_case(name, each) if isinstance(each, bool) else (each,))]
    asked = [one for one in known if one is not None]
    return Meaning((options.opaque(_INSIDE, nft=asks(*asked) if len(asked) == len(known) else None),))


def _in_every_case(header: str, there: bool) -> tuple[Ask, ...]:
    """That there is such a header, or what none can meet."""
    if there:
        return (Ask(header, "", 1, 1),)
    return (Ask(header, "hdrlength", 0, 0), Ask(header, "hdrlength", 1, 1))


def header_length(given: Given, header: str, length: int) -> Ask | bool:
    """That the header has so many bytes."""
    units, rest = divmod(length, _UNIT)
    if rest or not 1 <= units <= 256:
        return given.negated
    return Ask(header, "hdrlength", units - 1, units - 1, given.negated)
