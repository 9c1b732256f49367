"""Matches by name: ``-m helper`` and ``-m osf`` (iptables-extensions(8))."""

from __future__ import annotations

from typing import assert_never

from polc.backends.iptables.extensions import service
from polc.backends.iptables.extensions.words import Refused, Words, made_of, module, quote
from polc.ir.family import Family
from polc.ir.matches import NameField, NameMatch
from polc.ir.protocols import TCP

_LONGEST = {NameField.CT_HELPER: 29, NameField.OSF_NAME: 31}  # xt_helper_info.name, xt_osf_info.genre
_MARKS = "-."
"""What names have besides letters and digits: `netbios-ns`, `Q.931`."""


def words(match: NameMatch, family: Family) -> Words:
    name = match.name
    if not (0 < len(name) <= _LONGEST[match.field] and made_of(name, _MARKS)):
        raise Refused("match-name", f"iptables takes no `{name}` as `{match.field.value}`")
    match match.field:
        case NameField.CT_HELPER if match.negated:
            # `!` alone would hold for flows without a helper; the empty name stands for any.
            return Words((*module('helper --helper ""').pieces, *module(f"helper ! --helper {quote(name)}").pieces))
        case NameField.CT_HELPER:
            return module(f"helper --helper {quote(name)}")
        case NameField.OSF_NAME:
            if family is Family.IP6:
                raise Refused("osf-family", "iptables knows fingerprints of IPv4 packets only", "name IPv4 addresses")
            negation = "! " if match.negated else ""
            return Words((service.protocol(TCP), *module(f"osf {negation}--genre {quote(name)}").pieces))
        case _:
            assert_never(match.field)
