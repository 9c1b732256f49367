"""What the matches of IPv6 extension headers have in common: the header is there, or something in it is asked about."""

from __future__ import annotations

from polc.importers.iptables.extension import Meaning, Options
from polc.ir.matches import ExtensionHeader, ExtensionHeaderMatch

_INSIDE = "polc knows whether an extension header is there, and not what is in it"


def present_or_opaque(options: Options, header: ExtensionHeader) -> Meaning:
    if not options.given:
        return Meaning((ExtensionHeaderMatch(header),))
    return Meaning((options.opaque(_INSIDE),))
